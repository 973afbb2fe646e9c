"""What the rules made of one client, and how they stand towards them now."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selftimer.cli.detail import print_judgement
from selftimer.cli.lists import stands, state_of
from selftimer.cli.output import clean, local, note, print_json, say
from selftimer.cli.workspace import find_client, load_settings, open_reader
from selftimer.errors import ConfigError, RuleFileError
from selftimer.plan.state import DeliveryState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from whenever import Instant

    from selftimer.engine.beginning import Standing
    from selftimer.facts.stored import TraceRow
    from selftimer.plan.state import Delivery, Run
    from selftimer.ports.reader import ClientView
    from selftimer.settings import Settings

_SAID = {
    "begun": "began",
    "no": "did not begin: 'if' did not hold",
    "unknown": "did not begin: 'if' or 'until' could not be decided",
    "until": "did not begin: 'until' was true",
    "repeat": "did not begin: 'repeat' says that it is too soon",
    "under way": "did not begin: a run of it was under way",
    "baseline": "did not begin: it was there before the rule",
    "audience": "did not begin: this client is left out",
    "own": "did not begin: Selftimer made this change itself",
    "off": "did not begin: the rule is off",
    "late": "did not begin: too late",
    "ended": "ended",
    "chain": "stopped: it would have set itself off",
    "duplicate": "did not begin again: this was dealt with before",
}
"""Verdicts in words."""
_RUN_SAID = {"until": "ended: 'until' was true", "late": "skipped: too late", "if": "skipped: its 'if' did not hold"}
"""Those on a run that had begun."""
_NOW = {
    "no": "would not begin: 'if' doesn't hold",
    "unknown": "can't be decided",
    "until": "would not begin: 'until' is true",
    "repeat": "would not begin: 'repeat' says that it is too soon",
    "under way": "is under way",
    "audience": "leaves this client out",
    "off": "is off",
}
_FEW = 2
_OVER = {DeliveryState.SENT, DeliveryState.SKIPPED, DeliveryState.CANCELLED, DeliveryState.FAILED}


@dataclass(frozen=True, slots=True)
class _History:
    """Of one client: what the store holds, newest first."""

    client: ClientView
    traces: list[TraceRow]
    runs: list[Run]
    deliveries: list[Delivery]
    rules: dict[str, str]


def explain_client(workspace: Path, client: str, rule: str | None, *, limit: int, as_json: bool) -> int:
    """Print it: rule by rule, the oldest first, then what waits and what would happen now."""
    settings = load_settings(workspace)
    with open_reader(settings) as reader:
        found = find_client(reader, client)
        history = _History(
            client=found,
            traces=reader.traces(client=found.id, rule=rule, limit=limit),
            runs=reader.runs(client=found.id, rule=rule, limit=limit),
            deliveries=reader.deliveries(client=found.id, rule=rule, limit=limit),
            rules={row.rule_id: row.title for row in reader.rules()},
        )
    now, problems = _standings(settings, found.id, rule)
    if rule is not None and rule not in history.rules and not now:
        raise ConfigError(f"there is no rule {rule!r}; rules are: {', '.join(sorted(history.rules)) or 'none yet'}")
    if as_json:
        print_json(
            {
                "client": history.client,
                "traces": history.traces[::-1],
                "runs": history.runs[::-1],
                "deliveries": history.deliveries[::-1],
                "now": now,
                "problems": problems,
            }
        )
        return 0
    _print(settings, history, now, rule, limit)
    for problem in problems:
        note(f"How the rules stand now can't be said: {problem}")
    return 0


def _standings(settings: Settings, client_id: str, rule: str | None) -> tuple[list[Standing], list[str]]:
    from selftimer import wiring

    try:
        return asyncio.run(wiring.explain(settings, client_id, rule)), []
    except RuleFileError as error:
        return [], str(error).splitlines()


def _print(settings: Settings, history: _History, now: Sequence[Standing], rule: str | None, limit: int) -> None:
    client, zone = history.client, settings.studio.time_zone
    kind = " ".join(part for part in (client.status, client.type) if part)
    say(f"{clean(client.name)} <{clean(client.email or 'no e-mail')}> {client.id}: {kind or 'unknown'}", "bold")
    if client.gone_at is not None:
        say(f"Gone from the studio since {local(client.gone_at, zone)}")
    looked = {row.rule_id for row in history.traces} | {run.rule_id for run in history.runs}
    looked |= {one.rule_id for one in history.deliveries}
    titles = history.rules | {one.rule_id: one.title for one in now}
    names = sorted((looked | {one.rule_id for one in now}) if rule is None else {rule})
    silent = []
    for name in names:
        standing = [one for one in now if one.rule_id == name]
        if rule is None and name not in looked and all(_of_no_concern(one) for one in standing):
            silent.append(name)
            continue
        say("")
        say(f"{name}  {clean(titles.get(name, 'not in the workspace any more'))}", "bold")
        _past(history, name, zone)
        _present(standing, zone)
    if silent:
        say("")
        say(f"Never looked at this client, and would not begin now: {', '.join(silent)}")
    if len(history.traces) == limit:
        say(f"\nThe latest {limit} decisions are shown; more with --limit. Older ones than store.keep_traces_days go.")


def _of_no_concern(one: Standing) -> bool:
    return one.refusal is not None and one.refusal.word in {"no", "off", "audience"} and not one.moments


def _past(history: _History, rule: str, zone: str) -> None:
    """Decisions, and what became of what they planned, in the order of time; the same one again is counted."""
    lines: list[tuple[Instant, int, Any]] = []
    lines += [(row.at, 0, row) for row in history.traces if row.rule_id == rule]
    lines += [(one.sent_at or one.planned_at, 1, one) for one in history.deliveries if one.rule_id == rule]
    told: dict[tuple[str, str, str], TraceRow] = {}
    again: Counter[tuple[str, str, str]] = Counter()
    for at, order, what in sorted(lines, key=lambda line: line[:2]):
        if order:
            _delivery(what, at, zone)
            continue
        key = (what.entry_id, what.verdict, repr(what.detail))
        if key in told:
            again[key] += 1
            continue
        if what.verdict != "begun":
            told[key] = what
        say(f"  {local(at, zone)}  {_decision(what)}")
        print_judgement(what.detail, "      ")
    for key, times in again.items():
        first = told[key]
        what = clean(first.entry_id or first.what)
        say(
            f"  and {times} times more after {local(first.at, zone)}  {what}: {_SAID.get(first.verdict, first.verdict)}"
        )
    for run in sorted((run for run in history.runs if run.rule_id == rule), key=lambda one: one.begun_at):
        if run.ended_at is None:
            waits = stands(run, zone)
            say(f"  run {run.id[:10]} is {run.state.value}{': ' if waits else ''}{clean(waits)}")


def _decision(row: TraceRow) -> str:
    said = _SAID | _RUN_SAID if row.run_id else _SAID
    return f"{clean(row.entry_id or row.what)}: {said.get(row.verdict, row.verdict)}"


def _delivery(one: Delivery, at: Instant, zone: str) -> None:
    what = f"{one.verb.value} {one.words or ''}".strip()
    why = f": {one.reason}" if one.reason else ""
    when = "until" if one.state is DeliveryState.HELD else "due"
    due = "" if one.state in _OVER else f", {when} {local(one.due_at, zone)}"
    say(f"  {local(at, zone)}  {clean(what)} {state_of(one)}{clean(why)}{due}  ({one.id[:10]})")


def _present(standing: Iterable[Standing], zone: str) -> None:
    """How it stands now; entries of a series that stand alike are told together."""
    alike: dict[tuple[str, str], list[Standing]] = {}
    for one in standing:
        alike.setdefault((one.subject_id, repr(one.refusal)), []).append(one)
    for some in alike.values():
        first = some[0]
        about = "" if first.subject_kind == "client" else f" for {first.subject_kind.value} {first.subject_id}"
        named = [clean(one.entry_id) for one in some if one.entry_id]
        entries = ", ".join(named) if len(named) <= _FEW else f"{len(named)} of its moments"
        coming = sorted((timer.due_at, timer) for one in some for timer in one.moments)
        say(f"  now{about}{f' ({entries})' if entries else ''}: {_stands(first, coming=bool(coming))}")
        if first.refusal is not None:
            print_judgement(first.refusal.detail, "      ")
        if coming:
            say(f"      moments to come: {', '.join(local(at, zone) for at, _ in coming)}")


def _stands(one: Standing, *, coming: bool) -> str:
    if one.refusal is not None:
        return _NOW[one.refusal.word]
    if not one.timed:
        return "would begin, if what it waits for happened"
    return "nothing keeps it from beginning then" if coming else "nothing is in its way, but no moment of it is to come"
