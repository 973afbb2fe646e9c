"""`simulate`: rules at work for weeks, before they are."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from selftimer.cli.options import HERE, AsJson, Workspace


def simulate(
    *,
    days: Annotated[int, Parameter(help="How many days (30).", validator=Number(gte=1, lte=730))] = 30,
    seed: Annotated[int, Parameter(help="Which made-up studio: the same seed is the same story (7).")] = 7,
    start: Annotated[
        str | None, Parameter(help="The day on which the made-up studio opens (2026-03-02, a Monday).")
    ] = None,
    my_studio: Annotated[
        bool, Parameter(help="On a copy of what Selftimer knows of your studio instead, where nobody does anything.")
    ] = False,
    since: Annotated[
        str | None, Parameter(help="Over your studio's past from this day on instead, beside what was really sent.")
    ] = None,
    against: Annotated[
        Path | None,
        Parameter(help="Compare with the rules and automations of this folder; exits with 1 if they differ."),
    ] = None,
    client: Annotated[str | None, Parameter(help="One client's whole story: what they did and what they got.")] = None,
    rule: Annotated[str | None, Parameter(help="Only of this rule.")] = None,
    words: Annotated[bool, Parameter(help="Show what the messages say.")] = False,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> int:
    """Live through weeks with the rule files as they are: a calendar of what would go out. Nothing is sent.

    In a made-up studio people write, book, pay and answer, in this process and in seconds; with --my-studio it is a
    copy of yours as it stands, with --since your past as the service saw it.
    """
    from selftimer.cli.simulating import Wish, run_simulation

    wish = Wish(
        days=days,
        seed=seed,
        start=start,
        my_studio=my_studio,
        since=since,
        against=against,
        client=client,
        rule=rule,
        words=words,
    )
    return run_simulation(workspace, wish, as_json=as_json)
