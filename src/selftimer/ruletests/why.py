"""Why something didn't happen, or did: the service's own traces, runs and moments, told in a diary's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.plan.moments import entry_of_timer
from selftimer.plan.state import DeliveryState, RunState, TimerState
from selftimer.ruletests.compare import about_the_same, faults, minute
from selftimer.ruletests.spoken import effects, of_step

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from whenever import Instant

    from selftimer.facts.records import Kind
    from selftimer.facts.stored import TraceRow
    from selftimer.plan.state import Delivery, Run
    from selftimer.rulebook.model import Entry, Rule, Rulebook
    from selftimer.ruletests.compare import Action, Difference
    from selftimer.ruletests.model import Expected
    from selftimer.ruletests.stage import Stage

_ALL = 100_000
_VERDICTS = {
    "no": "its `if` says no",
    "unknown": "its condition is unknown",
    "until": "its `until` is true already",
    "repeat": "it had begun for them before, and 'repeat' says not again",
    "baseline": "it happened before the rule was active",
    "own": "it was a change of our own, and the rule doesn't say 'also: own_changes'",
    "under way": "a run of it was under way already",
    "off": "its mode is off",
    "chain": "it would have been the third run that our own creations began",
    "late": "its window had closed",
}
_OPENING = "waits for a conversation"
"""A matter of seconds: a client's first thread is opened before the message."""
MOST = 8
"""Lines of explanation for one difference, so that the first reason isn't buried."""


class Explainer:
    """Explains the differences of one test, after it was lived through."""

    def __init__(self, stage: Stage, book: Rulebook, zone: str, done: Sequence[Action]) -> None:
        self._stage, self._book, self._zone, self._done = stage, book, zone, done
        self._books = stage.books

    def why(self, difference: Difference) -> list[str]:
        """What a photographer needs to know to see which of the two is wrong, rule or test."""
        expected, action = difference.expected, difference.action
        if expected is not None and action is not None:
            return self._other(expected, action)
        if expected is not None:
            return list(dict.fromkeys(self._missing(expected)))[:MOST]
        return self._came(action) if action is not None else []

    def _at(self, instant: Instant) -> str:
        return minute(instant, self._zone)

    def _say(self, text: str) -> str:
        return self._books.named(text)

    def _about(self, kind: Kind | None, record_id: str | None, before: str) -> str:
        """The record that something is about, as the test calls it; nothing for what is about none."""
        if kind is None or not record_id:
            return ""
        name = self._books.name_of(kind.value, record_id)
        return f"{before}{name}" if name != record_id else f"{before}a {kind.value}"

    # --- it was done, but otherwise ----------------------------------------------------------------------------------

    def _other(self, expected: Expected, action: Action) -> list[str]:
        lines = []
        if minute(expected.at, self._zone) != minute(action.at, self._zone):
            lines.append(f"it came at {self._at(action.at)}")
            lines += self._put_off(action.delivery)
        lines += faults(expected, action)
        if expected.contains and any(text not in action.text for text in expected.contains):
            lines += ["it reads:", *(f"    {line}" for line in action.text.splitlines())]
        return lines

    def _put_off(self, delivery: Delivery) -> list[str]:
        """What kept it back: reasons that it had while it waited, and the night."""
        reasons = []
        for sight in self._stage.witness.seen:
            seen = sight.delivery
            waits = seen.state in {DeliveryState.READY, DeliveryState.HELD} and seen.reason not in {None, _OPENING}
            if seen.id == delivery.id and waits:
                reasons.append(f"at {self._at(sight.at)} it was put off: {self._say(seen.reason or '')}")
        if not reasons and delivery.allowed_at > delivery.planned_at:
            night = f"it was wanted at {self._at(delivery.planned_at)}, in the quiet hours"
            reasons.append(f"{night}: they end at {self._at(delivery.allowed_at)}")
        if not reasons:
            reasons += self._begun(delivery)
        return reasons

    # --- it was done, and nobody expected it -------------------------------------------------------------------------

    def _came(self, action: Action) -> list[str]:
        lines = self._begun(action.delivery)
        if action.came in {"held", "skipped", "failed"} and action.reason:
            lines.insert(0, f"{action.came}: {self._say(action.reason)}")
        return lines

    def _begun(self, delivery: Delivery) -> list[str]:
        run = next((one for one in self._runs(delivery.rule_id) if one.id == delivery.run_id), None)
        if run is None:
            return []
        entry = f", entry {run.entry_id}" if run.entry_id else ""
        what = f"by {self._say(run.occurrence)}{self._about(run.subject_kind, run.subject_id, ' of ')}"
        return [f"rule {run.rule_id}{entry}, begun at {self._at(run.begun_at)} {what}"]

    def _runs(self, rule: str) -> list[Run]:
        return list(reversed(self._stage.reader.runs(rule=rule, limit=_ALL)))

    # --- it wasn't done ----------------------------------------------------------------------------------------------

    def _missing(self, expected: Expected) -> Iterator[str]:
        client = self._books.find("client", expected.to)
        client_id = client.id if client is not None else None
        for rule in self._book.rules.values():
            for entry in rule.entries:
                if any(self._does(expected, step.id, of_step(step)) for step in effects(entry.steps)):
                    yield from self._of_rule(rule, entry, expected, client_id)

    def _does(self, expected: Expected, step_id: str, said: tuple[str, str]) -> bool:
        if expected.verb and expected.verb != said[0]:
            return False
        return expected.name in {said[1], step_id}

    def _of_rule(self, rule: Rule, entry: Entry, expected: Expected, client_id: str | None) -> Iterator[str]:
        became = list(self._became(rule, entry, expected, client_id))
        if became:
            yield from became
            return
        told = sorted([*self._begun_runs(rule, entry, client_id), *self._refused(rule, entry, client_id)])
        before = [lines for at, lines in told if at <= expected.at]
        for lines in before[-2:]:
            yield from lines
        if not before:
            moments = list(self._moments(rule, entry, client_id))
            yield from moments
            if not moments:
                yield f"{_who(rule, entry)} never came to be asked: nothing that begins it happened"

    def _begun_runs(self, rule: Rule, entry: Entry, client_id: str | None) -> Iterator[tuple[Instant, list[str]]]:
        for run in self._runs(rule.id):
            if run.entry_id == entry.id and client_id in {None, run.client_id}:
                line = f"{_who(rule, entry)} was begun at {self._at(run.begun_at)} and {self._stood(run)}"
                yield run.begun_at, [line, *self._judged(self._traces(rule, run=run.id))]

    def _refused(self, rule: Rule, entry: Entry, client_id: str | None) -> Iterator[tuple[Instant, list[str]]]:
        """Where the rule was asked and didn't begin; a moment whose window closed is among them."""
        for row in self._traces(rule):
            if row.run_id is not None or row.entry_id != entry.id or client_id not in {None, row.client_id}:
                continue
            what = self._say(row.what).partition(" ")[0]
            whose = self._about(row.subject_kind, row.subject_id, " for ")
            line = f"{_who(rule, entry)} didn't begin at {self._at(row.at)}{whose} ({what}): {_verdict(row)}"
            yield row.at, [line, *_leaves(row.detail)]

    def _became(self, rule: Rule, entry: Entry, expected: Expected, client_id: str | None) -> Iterator[str]:
        """What became of a delivery of that step."""
        for delivery in self._stage.deliveries():
            said = (delivery.rule_id, delivery.entry_id) == (rule.id, entry.id)
            if not said or client_id not in {None, delivery.client_id}:
                continue
            if expected.name not in {delivery.words, delivery.step_id, delivery.verb.value}:
                continue
            state = delivery.state.value
            reason = f": {self._say(delivery.reason)}" if delivery.reason else ""
            when = f", due at {self._at(delivery.due_at)}" if delivery.state is DeliveryState.READY else ""
            standing = any(
                about_the_same(expected, action) for action in self._done if action.delivery.id == delivery.id
            )
            if not standing or delivery.state is not DeliveryState.SENT:
                yield f"rule {rule.id} planned it at {self._at(delivery.planned_at)}; it is {state}{reason}{when}"
                yield from self._judged(self._traces(rule, run=delivery.run_id))

    def _stood(self, run: Run) -> str:
        if run.ended_at is not None:
            return f"ended at {self._at(run.ended_at)}: {self._say(run.reason or 'done')}"
        if run.wake_at is not None and run.state is RunState.WAITING:
            return f"waits until {self._at(run.wake_at)}"
        return f"is {run.state.value}" + (f": {self._say(run.reason)}" if run.reason else "")

    def _moments(self, rule: Rule, entry: Entry, client_id: str | None) -> Iterator[str]:
        for state in (TimerState.PENDING, TimerState.OPEN, TimerState.SKIPPED, TimerState.LAPSED):
            for timer in self._stage.reader.timers(state=state, rule=rule.id, limit=_ALL):
                other = client_id is not None and timer.client_id not in {None, client_id}
                if entry_of_timer(timer.entry_id) != entry.id or other:
                    continue
                reason = f", {self._say(timer.reason)}" if timer.reason else ""
                about = self._about(timer.kind, timer.subject_id, " for ")
                moment = f"its moment{about} is {self._at(timer.due_at)} ({state.value}{reason})"
                yield f"{_who(rule, entry)}: {moment}".replace(",:", ":")

    def _traces(self, rule: Rule, run: str | None = None) -> list[TraceRow]:
        return list(reversed(self._stage.reader.traces(rule=rule.id, run=run, limit=_ALL)))

    def _judged(self, rows: Sequence[TraceRow]) -> Iterator[str]:
        for row in rows:
            if row.verdict != "begun":
                yield from _leaves(row.detail)


def _who(rule: Rule, entry: Entry) -> str:
    return f"rule {rule.id}" + (f", entry {entry.id}," if entry.id else "")


def _verdict(row: TraceRow) -> str:
    if row.verdict == "audience":
        return f"left out: {row.detail.get('why', '')}"
    return _VERDICTS.get(row.verdict, row.verdict)


def _leaves(detail: Mapping[str, Any]) -> Iterator[str]:
    """The parts of a condition that decided, with what they were."""
    if "error" in detail:
        yield f"    {detail['error']}"
    if "text" not in detail:
        return
    parts = [part for part in detail.get("parts") or () if part.get("is") == detail.get("is")]
    if parts and all("text" in part for part in parts) and any("is" in part for part in parts):
        for part in parts:
            yield from _leaves(part)
        return
    word = {True: "yes", False: "no", None: "unknown"}.get(detail.get("is"), str(detail.get("is")))
    why = f" ({detail['why']})" if detail.get("why") else ""
    known = detail.get("value")
    value = "" if known is None or isinstance(known, bool) else f", it is {known!r}"
    yield f"    {detail['text']}: {word}{value}{why}"
