"""`new` and `diff-pack`: rules with words and tests from the catalogue, or from somebody."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from selftimer.cli.options import HERE, AsJson, Workspace


def new(
    name: Annotated[str | None, Parameter(help="A pack of the catalogue; without one, they are listed.")] = None,
    /,
    *,
    inputs: Annotated[
        tuple[str, ...],
        Parameter(
            name="--input", consume_multiple=True, negative=(), help="An answer, name=value; as many as you like."
        ),
    ] = (),
    source: Annotated[
        Path | None, Parameter(name="--from", help="Take the pack in this folder or ZIP archive.")
    ] = None,
    show: Annotated[bool, Parameter(help="Print the files, and write nothing.")] = False,
    yes: Annotated[bool, Parameter(name=["--yes", "-y"], help="Don't ask: defaults for answers, and write.")] = False,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> int:
    """Write the rules, words and tests of a pack to the workspace; they are yours then. Without a name: list the packs.

    Says first what it would write, and whether the workspace could be used with it. Nothing is overwritten.
    """
    from selftimer.cli.packing import Wish, list_packs, new_pack

    if name is None and source is None:
        return list_packs(workspace, as_json=as_json)
    return new_pack(workspace, Wish(name=name, source=source, inputs=inputs, show=show, yes=yes), as_json=as_json)


def diff_pack(
    name: Annotated[str | None, Parameter(help="A pack of this workspace; all if left out.")] = None,
    /,
    *,
    source: Annotated[Path | None, Parameter(name="--from", help="Its newer version, in a folder or archive.")] = None,
    taken: Annotated[bool, Parameter(help="I have what I want of it: measure from today's version on.")] = False,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> int:
    """Show what changed in a pack since its files were written, beside what you changed. It writes nothing to them."""
    from selftimer.cli.packing import diff_packs

    return diff_packs(workspace, name, source=source, taken=taken, as_json=as_json)
