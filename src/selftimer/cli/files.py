"""`init`, `check`, `schema`, `backup` and `restore`: the files of a workspace."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from selftimer.cli.options import HERE, AsJson, Workspace


def init(directory: Annotated[Path, Parameter(help="The folder to make the workspace in.")], /) -> int:
    """Make a workspace: rules, automations, messages and selftimer.toml to begin with.

    Nothing that is there is overwritten. Read the rules first: most of them write to clients by themselves, and
    'mode: approve' or 'mode: dry_run' on a rule keeps it from that. Then write e-mail and password to .env.
    """
    from selftimer.cli.starter import make_workspace

    return make_workspace(directory)


def check(
    *,
    workspace: Workspace = HERE,
    form: Annotated[
        Literal["text", "json", "github", "sarif"],
        Parameter(name="--format", help="How to say it: text; json; github, for its workflows; sarif, for code hosts."),
    ] = "text",
    as_json: AsJson = False,
) -> int:
    """Check settings, rules, automations and messages; every problem with its file, line and column.

    Exits with 1 where the rules can't be used. Warnings are shown and don't count.
    """
    from selftimer.cli.starter import check_workspace

    return check_workspace(workspace, "json" if as_json else form)


def schema(
    what: Annotated[
        Literal["rules", "automations", "tests"], Parameter(help="Which files: rules, automations or tests.")
    ] = "rules",
    /,
    *,
    write: Annotated[bool, Parameter(help="Write all of them to .schemas/ in the workspace instead.")] = False,
    workspace: Workspace = HERE,
) -> int:
    """Print the JSON Schema of a workspace's files: editors complete keys by it, and mark those that don't exist.

    'selftimer init' writes them to .schemas/, where the first line of each starter file points. After an update of
    Selftimer, --write brings them up to date.
    """
    from selftimer.cli.schemas import print_schema, write_schemas

    return write_schemas(workspace) if write else print_schema(what)


def backup(
    target: Annotated[Path, Parameter(help="A new file, or a folder to put one in.")],
    /,
    *,
    workspace: Workspace = HERE,
) -> int:
    """Copy the database into one file, also while the service runs; the copy is checked.

    The send journal stays where it is: after a restore it still knows what was sent.
    """
    from selftimer.cli.starter import back_up

    return back_up(workspace, target)


def restore(
    source: Annotated[Path, Parameter(help="A file that `backup` made.")],
    /,
    *,
    workspace: Workspace = HERE,
) -> int:
    """Put a backup in the place of the database, while no service runs; the one that was there is kept beside it.

    What was sent since the backup is in the send journal: it is merged at the next start, and nothing is sent then
    before `selftimer resume`.
    """
    from selftimer.cli.restoring import put_back

    return put_back(workspace, source)
