"""What the owner decides: approvals, pauses, starting a rule by hand."""

from typing import Annotated, Literal

from cyclopts import Parameter

from selftimer.cli.options import HERE, AsJson, Workspace

Ids = Annotated[tuple[str, ...], Parameter(help="Deliveries, by the beginning of their ids.")]


def approve(
    ids: Ids,
    /,
    *,
    edit: Annotated[bool, Parameter(help="Change the words in $EDITOR first; one delivery only.")] = False,
    text: Annotated[str | None, Parameter(help="Send these words instead; one delivery only.")] = None,
    was_sent: Annotated[bool, Parameter(help="I looked: it was sent. For one that can't be settled.")] = False,
    send_again: Annotated[bool, Parameter(help="I looked: it was not sent, send it.")] = False,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> int:
    """Say yes to deliveries that wait for you (`selftimer deliveries --state held`)."""
    from selftimer.cli.deciding import give_approvals

    return give_approvals(
        workspace, ids, edit=edit, text=text, was_sent=was_sent, send_again=send_again, as_json=as_json
    )


def skip(ids: Ids, /, *, workspace: Workspace = HERE, as_json: AsJson = False) -> int:
    """Say no to deliveries that wait: they are not sent, and their runs go on without them."""
    from selftimer.cli.deciding import give_skips

    return give_skips(workspace, ids, as_json=as_json)


Scope = Annotated[Literal["all", "rule", "client"], Parameter(help="What: everything, one rule, or one client.")]
Who = Annotated[str | None, Parameter(help="The rule's id; the client's id, e-mail address or name.")]


def pause(
    scope: Scope = "all",
    who: Who = None,
    /,
    *,
    why: Annotated[str, Parameter(help="A reason, for later.")] = "",
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> int:
    """Send nothing more: at all, by one rule, or to one client. What falls due waits, and may become too late."""
    from selftimer.cli.deciding import give_pause

    return give_pause(workspace, "pause", scope, who, why=why, as_json=as_json)


def resume(scope: Scope = "all", who: Who = None, /, *, workspace: Workspace = HERE, as_json: AsJson = False) -> int:
    """End a pause."""
    from selftimer.cli.deciding import give_pause

    return give_pause(workspace, "resume", scope, who, as_json=as_json)


def start(
    rule: Annotated[str, Parameter(help="The rule's id.")],
    record: Annotated[str, Parameter(help="The record's id in the studio, like ses_… or cl_….")],
    /,
    *,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> int:
    """Begin a rule for one record by hand: for bookings from before the rule was there."""
    from selftimer.cli.deciding import give

    return give(workspace, [("start", {"rule": rule, "record": record}, rule)], as_json=as_json)
