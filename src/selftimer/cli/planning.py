"""The days ahead, for people: what a change of the rules would do, and what will go out."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from selftimer.cli.lists import state_of
from selftimer.cli.output import clean, console, local, print_json, print_table, say
from selftimer.cli.workspace import find_client, load_settings, open_reader
from selftimer.plan.state import DeliveryState, Verb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from whenever import Instant

    from selftimer.settings import Settings
    from selftimer.simulation.planning import Plan
    from selftimer.simulation.story import Effect

_LINES = 12
"""Lines of a message that are shown."""


def show_plan(
    workspace: Path, *, days: float, client: str | None, rule: str | None, words: bool, by: str, as_json: bool
) -> int:
    """Print it; nothing is sent, and the store is left as it is."""
    from selftimer.simulation.planning import plan_ahead

    settings = load_settings(workspace)
    now = present(settings)
    with open_reader(settings) as reader:
        only = find_client(reader, client).id if client is not None else None
    with _quiet():
        plan = asyncio.run(plan_ahead(settings, now, days))
    effects = [
        one for one in plan.effects if only in {None, one.delivery.client_id} and rule in {None, one.delivery.rule_id}
    ]
    with open_reader(settings) as reader:
        names = reader.client_names({one.delivery.client_id for one in effects if one.delivery.client_id})
    if as_json:
        print_json(_data(plan, effects, names))
        return 0
    _print(settings, plan, effects, names, words=words, by=by)
    return 0


def present(settings: Settings) -> Instant:
    """The studio's now: the machine's, or where a sandbox's own clock stood at the last poll.

    `WorkspaceError` where nothing has been recorded yet.
    """
    from whenever import Instant

    with open_reader(settings) as reader:
        poll = reader.status(upcoming=0).last_poll
    if settings.sandboxed and poll is not None:
        return poll.ended_at or poll.begun_at
    return Instant.now()


@contextmanager
def _quiet() -> Iterator[None]:
    """The engine logs what it does; in a plan nothing is done, and the log is the service's."""
    import structlog

    structlog.configure(processors=[_drop])
    try:
        yield
    finally:
        structlog.reset_defaults()


def _drop(_logger: object, _method: str, _event: Any) -> Any:
    from structlog import DropEvent

    raise DropEvent


def _data(plan: Plan, effects: Sequence[Effect], names: dict[str, str]) -> dict[str, Any]:
    return {
        "begins": plan.begins,
        "ends": plan.ends,
        "changes": plan.changes,
        "under_way": plan.under_way,
        "paused": plan.paused,
        "effects": [
            {
                "at": one.at,
                "at_once": one.at_once,
                "state": state_of(one.delivery),
                "reason": one.delivery.reason,
                "rule": one.delivery.rule_id,
                "step": one.delivery.step_id,
                "what": one.delivery.verb.value,
                "words": one.delivery.words,
                "client": one.delivery.client_id,
                "name": names.get(one.delivery.client_id or ""),
                "text": one.delivery.text,
            }
            for one in effects
        ],
    }


def _print(
    settings: Settings, plan: Plan, effects: Sequence[Effect], names: dict[str, str], *, words: bool, by: str
) -> None:
    zone = settings.studio.time_zone
    say(
        f"{local(plan.begins, zone)} to {local(plan.ends, zone)}, by the rule files as they are. Nothing is sent.",
        "bold",
    )
    say("What people will do can't be known: nobody new writes, replies, books or pays in it.")
    for scope in plan.paused:
        console().print(f"! paused: {clean(scope)}; what it keeps back is not shown as sent", style="yellow")
    _changes(plan)
    if by == "client":
        _by_client(effects, names, zone, words=words)
    else:
        _by_time(effects, names, zone, words=words)
    _sums(effects)


def _changes(plan: Plan) -> None:
    if plan.changes:
        say("\nThe files differ from what the service works by:", "bold")
        rows = [(one.rule_id, one.what, one.runs or "", one.moments or "", one.title) for one in plan.changes]
        print_table(("rule", "", "runs under way", "moments to come", ""), rows, empty="")
        if any(one.what in {"new", "counts anew"} for one in plan.changes):
            say("A rule that is new or counts anew causes nothing for what was before; moments to come count.")
    older = {rule: sum(n for version, n in runs.items() if version != "now") for rule, runs in plan.under_way.items()}
    if plan.under_way:
        say("\nRuns under way:", "bold")
        for rule, runs in plan.under_way.items():
            total, old = sum(runs.values()), older[rule]
            say(f"  {rule}: {total}" + (f", {old} of them by an older version" if old else ""))


def _by_time(effects: Sequence[Effect], names: dict[str, str], zone: str, *, words: bool) -> None:
    for title, some in (
        ("At once, when the service runs with these files", [one for one in effects if one.at_once]),
        ("Then", [one for one in effects if not one.at_once]),
    ):
        if some:
            say(f"\n{title}:", "bold")
        for one in some:
            who = names.get(one.delivery.client_id or "", one.delivery.client_id or "you")
            _line(one, f"{local(one.at, zone)}  {clean(who)}", words=words)


def _by_client(effects: Sequence[Effect], names: dict[str, str], zone: str, *, words: bool) -> None:
    clients = sorted({one.delivery.client_id or "" for one in effects}, key=lambda i: (names.get(i, i), i))
    for client in clients:
        say(f"\n{clean(names.get(client, client)) or 'You'}", "bold")
        for one in effects:
            if (one.delivery.client_id or "") == client:
                _line(one, local(one.at, zone), words=words)


def _line(one: Effect, begins: str, *, words: bool) -> None:
    delivery = one.delivery
    what = f"{delivery.verb.value} {delivery.words or ''}".strip()
    state = "" if delivery.state is DeliveryState.SENT else f"  {state_of(delivery)}"
    why = f": {delivery.reason}" if delivery.reason and state else ""
    style = {DeliveryState.HELD: "yellow", DeliveryState.SKIPPED: "dim"}.get(delivery.state)
    say(f"  {begins}  {clean(what)}  [{delivery.rule_id}]{state}{clean(why)}", style)
    if words and delivery.text:
        lines = delivery.text.splitlines()
        for line in lines[:_LINES]:
            say(f"      {clean(line)}", "dim")
        if len(lines) > _LINES:
            say(f"      … and {len(lines) - _LINES} lines more", "dim")


def _sums(effects: Sequence[Effect]) -> None:
    sent = Counter(one.delivery.verb.value for one in effects if one.delivery.state is DeliveryState.SENT)
    held = sum(one.delivery.state is DeliveryState.HELD for one in effects)
    skipped = sum(one.delivery.state is DeliveryState.SKIPPED for one in effects)
    clients = {one.delivery.client_id for one in effects if one.delivery.state is DeliveryState.SENT}
    said = [f"{count} {_many(verb, count)}" for verb, count in sorted(sent.items())]
    said += [f"{held} held for you"] * bool(held) + [f"{skipped} skipped"] * bool(skipped)
    to = f", to {len(clients - {None})} clients" if clients - {None} else ""
    say(f"\n{', '.join(said) if said else 'Nothing'}{to}.")


def _many(verb: str, count: int) -> str:
    one = "note to you" if verb == Verb.NOTIFY else verb
    return one if count == 1 else "notes to you" if verb == Verb.NOTIFY else f"{verb}s"
