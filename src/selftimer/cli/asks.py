"""What the owner decides: approvals, pauses, starting a rule by hand."""

from typing import Annotated, Literal

from cyclopts import Parameter

from selftimer.cli.options import HERE, AsJson, Workspace

Ids = Annotated[tuple[str, ...], Parameter(help="Deliveries, by the beginning of their ids.")]


def approve(
    ids: Ids = (),
    /,
    *,
    all_held: Annotated[
        str | None, Parameter(name="--all-held", help="Instead: all of this rule that wait for you.")
    ] = None,
    edit: Annotated[bool, Parameter(help="Change the words in $EDITOR first; one delivery only.")] = False,
    text: Annotated[str | None, Parameter(help="Send these words instead; one delivery only.")] = None,
    was_sent: Annotated[bool, Parameter(help="I looked: it was sent. For one that can't be settled.")] = False,
    send_again: Annotated[bool, Parameter(help="I looked: it was not sent, send it.")] = False,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> int:
    """Say yes to deliveries that wait for you (`selftimer deliveries --state held`)."""
    from selftimer.cli.deciding import give_all_held, give_approvals

    if all_held is not None:
        alone = not (ids or edit or text is not None or was_sent or send_again)
        return give_all_held(workspace, all_held, alone=alone, as_json=as_json)
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


def resume(
    scope: Annotated[
        Literal["all", "rule", "client", "breaker", "list"],
        Parameter(
            help="What: everything, one rule, one client; the breaker, which stops all after too much trouble; or a "
            "list, like session, from which so many vanished that none was taken for removed."
        ),
    ] = "all",
    who: Who = None,
    /,
    *,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> int:
    """End a pause, reset the breaker, or let those be gone who vanished from a list."""
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


def suppress(
    who: Annotated[str | None, Parameter(help="A client by id, e-mail address or name; or any e-mail address.")] = None,
    /,
    *,
    why: Annotated[str, Parameter(help="A reason, for later.")] = "",
    listed: Annotated[bool, Parameter(name="--list", help="Show who is on the list.")] = False,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> int:
    """No more advertising (`purpose: marketing`) for a client, for good; it outlives even a purge."""
    from selftimer.cli.people import give_suppression, show_suppressions

    if listed:
        return show_suppressions(workspace, who, as_json=as_json)
    return give_suppression(workspace, "suppress", who, why=why, as_json=as_json)


def unsuppress(
    who: Annotated[str, Parameter(help="The client, or the e-mail address, as for suppress.")],
    /,
    *,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> int:
    """Advertising again."""
    from selftimer.cli.people import give_suppression

    return give_suppression(workspace, "unsuppress", who, as_json=as_json)


def purge(
    what: Annotated[Literal["client"], Parameter(help="What to forget.")],
    who: Annotated[str, Parameter(help="The client's id, e-mail address or name.")],
    /,
    *,
    yes: Annotated[bool, Parameter(name="--yes", help="Don't ask.")] = False,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> int:
    """Forget a client: delete what Selftimer keeps about them. It can't be undone.

    Delete them in the studio first, else the next look reads them again. Log lines and older backups aren't changed.
    """
    from selftimer.cli.people import give_purge

    del what  # there is only one thing to forget
    return give_purge(workspace, who, yes=yes, as_json=as_json)
