"""`status`: is the service there, is the studio read, what waits, what comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whenever import Instant

from selftimer.cli.lists import print_deliveries, print_runs
from selftimer.cli.output import clean, console, local, plain, print_json, print_table, say
from selftimer.cli.workspace import load_settings, open_reader, running
from selftimer.plan.policy import too_little
from selftimer.plan.state import DeliveryState, Hold

if TYPE_CHECKING:
    from pathlib import Path

    from selftimer.ports.reader import NoticeView, StatusView
    from selftimer.settings import Settings

_MOST_FIELDS = 5
_SLACK = 900
"""Seconds that a poll may be overdue before a monitor is told: a first sync and a back-off take their time."""


def show_status(workspace: Path, *, check: bool, as_json: bool) -> int:
    """Print it; 1 with `check` where something is wrong."""
    settings = load_settings(workspace)
    pid = running(settings)
    with open_reader(settings) as reader:
        view = reader.status(upcoming=8)
        notices = reader.notices(limit=5)
        clients = {one.client_id for one in view.next_deliveries} | {one.client_id for one in view.next_timers}
        clients |= {run.client_id for run in view.held_runs}
        names = reader.client_names(client for client in clients if client)
    troubles = find_troubles(settings, view, pid)
    if as_json:
        print_json(
            {
                "workspace": str(settings.workspace),
                "running": pid is not None,
                "pid": pid,
                "healthy": not troubles,
                "troubles": troubles,
                "stop_file": settings.stop_file.exists(),
                "status": plain(view),
                "notices": plain(notices),
            }
        )
    else:
        _print(settings, view, names, pid, troubles)
        _notices(notices, settings.studio.time_zone)
    return 1 if check and troubles else 0


def find_troubles(settings: Settings, view: StatusView, pid: int | None) -> list[str]:
    """What a monitor should call somebody for."""
    troubles = [] if pid is not None else ["no service works on this workspace: start it with 'selftimer run'"]
    poll = view.last_poll
    if pid is not None and poll is not None and not settings.sandboxed:
        age = (Instant.now() - (poll.ended_at or poll.begun_at)).total("seconds")
        if age > settings.polling.page_one * 2 + _SLACK:
            troubles.append(f"the last poll was {round(age / 60)} minutes ago")
    for kind in view.failing:
        resource = kind.resource
        since = local(resource.failing_since, settings.studio.time_zone)
        troubles.append(f"{resource.kind.value} can't be read since {since}: {resource.error or 'no reason is known'}")
    for pause in view.pauses:
        if pause.scope == "breaker":
            since = local(pause.since, settings.studio.time_zone)
            troubles.append(
                f"the breaker is open since {since}: {pause.why}; nothing is sent before 'selftimer resume breaker'"
            )
    low = low_space(settings)
    if low is not None:
        troubles.append(f"{low}; sending goes on by itself when there is space again")
    troubles += [f"not in force, the last good version is: {problem}" for problem in view.degraded]
    return troubles


def low_space(settings: Settings) -> str | None:
    """That the disk is too full to send, as the service would find it."""
    from selftimer.wiring import free_bytes

    free, needed = free_bytes(settings.state_folder), settings.limits.free_megabytes
    return None if free is None else too_little(free, needed)


def _print(settings: Settings, view: StatusView, names: dict[str, str], pid: int | None, troubles: list[str]) -> None:
    zone = settings.studio.time_zone
    say(
        f"{settings.studio.name}: "
        + ("running" + (f" (process {pid})" if pid else "") if pid is not None else "not running")
    )
    if view.last_poll is not None:
        poll = view.last_poll
        what = f"{poll.changed or 0} changed" if poll.ended_at else "under way or cut off"
        say(
            f"Last poll {local(poll.ended_at or poll.begun_at, zone)}, {what}"
            + (f": {clean(poll.error)}" if poll.error else "")
        )
    if not view.baseline_done:
        say("The first look at the studio isn't complete: nothing causes anything until it is")
    screen = console()
    for trouble in troubles:
        screen.print(f"! {clean(trouble)}", style="bold red", soft_wrap=True)
    if settings.stop_file.exists():
        screen.print(f"! {settings.stop_file.name} lies in the workspace: nothing is sent", style="bold red")
    if view.doubt is not None:
        screen.print(
            f"! what the next look yields is held for you: {clean(view.doubt)}", style="yellow", soft_wrap=True
        )
    for pause in view.pauses:
        if pause.scope == "breaker":
            continue  # it is among the troubles
        what = f"{pause.scope} {pause.id}".strip()
        why = f" ({clean(pause.why)})" if pause.why else ""
        screen.print(f"! paused since {local(pause.since, zone)}: {clean(what)}{why}", style="yellow", soft_wrap=True)
    if view.orders:
        say(f"{view.orders} orders wait for the service")
    _drift(view, zone)
    _counts(view)
    _lists(view, zone)
    _ahead(view, names, zone)


def _drift(view: StatusView, zone: str) -> None:
    """What the studio's answers have that Selftimer doesn't know, a line each; nothing where there is nothing."""
    aside = [f"{one.records} {one.kind.value} ({clean(one.reason)})" for one in view.set_aside]
    if aside:
        say(f"Set aside, as they can't be understood: {'; '.join(aside)}")
    new = [
        f"{one.kind.value}.{clean(one.name)} (since {local(one.first_seen_at, zone)}, {one.records} records)"
        for one in view.new_fields
    ]
    if new:
        more = f" and {len(new) - _MOST_FIELDS} more" if len(new) > _MOST_FIELDS else ""
        say(f"New fields, which no rule sees: {', '.join(new[:_MOST_FIELDS])}{more}")


def _counts(view: StatusView) -> None:
    for what, counts in (("Deliveries", view.deliveries), ("Runs", view.runs), ("Moments", view.timers)):
        said = ", ".join(f"{count} {state.value.replace('_', ' ')}" for state, count in counts.items() if count)
        say(f"{what}: {said or 'none'}")


def _lists(view: StatusView, zone: str) -> None:
    say("")
    rows = [
        (
            kind.value,
            one.count,
            local(one.resource.complete_as_of, zone) or "not yet",
            "; ".join(
                part
                for part in (
                    f"{one.quarantined} unreadable" if one.quarantined else "",
                    f"removals suspended: {one.resource.frozen} (selftimer resume list)" if one.resource.frozen else "",
                    one.resource.error if one.failing else "",
                )
                if part
            ),
        )
        for kind, one in view.kinds.items()
    ]
    print_table(("list", "records", "complete as of", ""), rows, empty="No list has been read yet.")


def _ahead(view: StatusView, names: dict[str, str], zone: str) -> None:
    waiting = [one for one in view.next_deliveries if one.state is DeliveryState.HELD and _asks(one.hold)]
    coming = [one for one in view.next_deliveries if one not in waiting]
    if waiting:
        say("\nWaiting for you (selftimer approve ID, or skip ID):")
        print_deliveries(waiting, names, zone)
    if view.held_runs:
        say("\nHeld, since a condition can't be decided (selftimer explain CLIENT):")
        print_runs(view.held_runs, names, zone)
    if coming:
        say("\nNext to go out:")
        print_deliveries(coming, names, zone)
    if view.next_timers:
        say("\nNext moments:")
        rows = [
            (local(one.due_at, zone), one.rule_id, names.get(one.client_id or "", one.client_id), one.subject_id)
            for one in view.next_timers
        ]
        print_table(("when", "rule", "client", "about"), rows, empty="")


def _asks(hold: Hold | None) -> bool:
    return hold in {Hold.APPROVAL, Hold.EVIDENCE, Hold.FLOOD, Hold.FAULT}


def _notices(notices: list[NoticeView], zone: str) -> None:
    if notices:
        say("\nYou were told:")
        print_table(
            ("when", "about", ""),
            [(local(one.at, zone), one.subject, one.text) for one in notices],
            empty="",
        )
