"""`status`, `runs`, `deliveries`, `show`: what is known, planned and done."""

from typing import Annotated, Literal

from cyclopts import Parameter

from selftimer.cli.options import HERE, AsJson, Limit, Workspace

Rule = Annotated[str | None, Parameter(help="Only of this rule.")]
Client = Annotated[str | None, Parameter(help="Only of this client: id, e-mail address or name.")]
RunStates = Literal["active", "waiting", "held", "ended"]
DeliveryStates = Literal["held", "ready", "in_flight", "unknown", "sent", "skipped", "cancelled", "failed"]


def status(
    *,
    workspace: Workspace = HERE,
    check: Annotated[
        bool, Parameter(help="Exit with 1 unless the service runs and reads the studio; for monitors.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Everything at a glance: the service, the studio's lists, what waits for you, what comes next."""
    from selftimer.cli.glance import show_status

    return show_status(workspace, check=check, as_json=as_json)


def runs(
    *,
    state: Annotated[RunStates | None, Parameter(help="Only in this state.")] = None,
    rule: Rule = None,
    client: Client = None,
    limit: Limit = 50,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> int:
    """Rules at work, the latest first."""
    from selftimer.cli.lists import show_runs

    return show_runs(workspace, state=state, rule=rule, client=client, limit=limit, as_json=as_json)


def deliveries(
    *,
    state: Annotated[DeliveryStates | None, Parameter(help="Only in this state; 'held' waits for you.")] = None,
    rule: Rule = None,
    client: Client = None,
    limit: Limit = 50,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> int:
    """Messages and documents: planned, waiting, sent, skipped, the latest first."""
    from selftimer.cli.lists import show_deliveries

    return show_deliveries(workspace, state=state, rule=rule, client=client, limit=limit, as_json=as_json)


def show(
    ident: Annotated[str, Parameter(name="ID", help="A run or delivery, by the beginning of its id.")],
    /,
    *,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> int:
    """A run or a delivery in full: its words, its steps, and why each decision was made."""
    from selftimer.cli.detail import show_one

    return show_one(workspace, ident, as_json=as_json)


def explain(
    client: Annotated[str, Parameter(help="Id, e-mail address or a part of the name.")],
    rule: Annotated[str | None, Parameter(help="Only this rule.")] = None,
    /,
    *,
    limit: Limit = 200,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> int:
    """Why a client did or didn't hear from a rule: each decision, its conditions, what waits, and what would be now.

    "Now" is judged on what Selftimer knows of the studio, by the rule files as they are; nothing is sent or changed.
    """
    from selftimer.cli.explaining import explain_client

    return explain_client(workspace, client, rule, limit=limit, as_json=as_json)


def plan(
    *,
    days: Annotated[float, Parameter(help="How far ahead to look (7).")] = 7,
    client: Client = None,
    rule: Rule = None,
    words: Annotated[bool, Parameter(help="Show what the messages say.")] = False,
    by: Annotated[Literal["time", "client"], Parameter(help="In the order of time, or client by client.")] = "time",
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> int:
    """What the rule files, as they are now, would do in the days ahead; nothing is sent or changed.

    Made on a copy of what Selftimer knows, by the same code that carries it out: which rules are new or count anew,
    runs under way, what would go out at once, and what will, with its words.
    """
    from selftimer.cli.planning import show_plan

    return show_plan(workspace, days=days, client=client, rule=rule, words=words, by=by, as_json=as_json)
