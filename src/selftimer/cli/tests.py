"""`test`: the tests that stand in `rules/tests/`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from selftimer.cli.options import HERE, AsJson, Workspace


def test(
    what: Annotated[
        tuple[str, ...], Parameter(name="WHAT", help="Files of tests, or names of tests; all if left out.")
    ] = (),
    /,
    *,
    text: Annotated[
        str | None, Parameter(name=["--text", "-k"], help="Only those with this text in their name.")
    ] = None,
    rule: Annotated[str | None, Parameter(help="Only those of this rule.")] = None,
    first: Annotated[bool, Parameter(name=["--first", "-x"], help="Stop at the first that fails.")] = False,
    coverage: Annotated[bool, Parameter(help="Say what of the rules no test reached.")] = False,
    junit: Annotated[Path | None, Parameter(help="Write the outcome to this file as JUnit's XML.")] = None,
    record: Annotated[
        str | None, Parameter(name="--record", help="Write a test from this real run instead, by its id.")
    ] = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> int:
    """Run the tests in rules/tests: each a diary of what happens and what the rules must do.

    Each has a made-up studio of its own in this process and passes weeks in a second; nothing leaves this machine.
    Exits with 1 if one fails or can't be read.
    """
    from selftimer.cli.testing import Choice, run_tests

    if record is not None:
        from selftimer.cli.recording import record_run

        return record_run(workspace, record)
    choice = Choice(what=what, text=text, rule=rule, first=first)
    return run_tests(workspace, choice, coverage=coverage, junit=junit, as_json=as_json)
