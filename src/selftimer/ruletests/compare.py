"""What the diary expects beside what was done: pairs, what is missing, what is too much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from selftimer.plan.state import DeliveryState, Hold
from selftimer.ruletests.spoken import of_delivery

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from whenever import Instant

    from selftimer.plan.state import Delivery
    from selftimer.ruletests.model import Came, Expected
    from selftimer.ruletests.stage import Sight

_CAME: dict[DeliveryState, Came] = {
    DeliveryState.SENT: "done",
    DeliveryState.HELD: "held",
    DeliveryState.SKIPPED: "skipped",
    DeliveryState.FAILED: "failed",
}
_BY_ITSELF = frozenset({"if", "you said no"})
"""Reasons to skip that follow from the rule or from the diary: they may stand in it, and needn't."""
What = Literal["missing", "unexpected", "different", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something that the rules did. `text` is what the client or the owner reads, by the studio's books if it left."""

    at: Instant
    came: Came
    verb: str
    name: str
    to: str | None
    """The client, as the test calls them."""
    text: str
    reason: str | None
    must_stand: bool
    delivery: Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that isn't as the diary has it."""

    what: What
    at: Instant
    expected: Expected | None = None
    action: Action | None = None
    why: tuple[str, ...] = ()


def actions(sights: Iterable[Sight], texts: dict[str, str], name_of: dict[str, str]) -> list[Action]:
    """What was seen of deliveries as actions, in order. `texts`: delivery id to the words in the studio's books."""
    found = []
    for sight in sights:
        delivery, said = sight.delivery, of_delivery(sight.delivery)
        came = _CAME.get(delivery.state)
        if said is None or came is None:
            continue
        verb, name = said
        found.append(
            Action(
                at=sight.at,
                came=came,
                verb=verb,
                name=name,
                to=name_of.get(delivery.client_id or "", delivery.client_id),
                text=texts.get(delivery.id) or delivery.text or "",
                reason=_reason(delivery),
                must_stand=not (came == "skipped" and delivery.reason in _BY_ITSELF),
                delivery=delivery,
            )
        )
    return found


def _reason(delivery: Delivery) -> str | None:
    if delivery.hold is Hold.APPROVAL and not delivery.reason:
        return "waits for your yes"
    return delivery.reason


def compare(expected: Sequence[Expected], done: Sequence[Action], zone: str) -> list[Difference]:
    """All differences, in the order of time; none if the diary tells it as it was."""
    open_ = list(done)
    left = []
    for line in expected:
        match = next((a for a in open_ if _same_minute(line, a, zone) and _fits(line, a)), None)
        if match is None:
            left.append(line)
        else:
            open_.remove(match)
    differences = []
    for line in left:
        near = _nearest(line, open_)
        if near is None:
            differences.append(Difference(what="missing", at=line.at, expected=line))
        else:
            open_.remove(near)
            differences.append(Difference(what="different", at=line.at, expected=line, action=near))
    differences += [Difference(what="unexpected", at=a.at, action=a) for a in open_ if a.must_stand]
    return sorted(differences, key=lambda one: one.at)


def _same_minute(line: Expected, action: Action, zone: str) -> bool:
    return minute(line.at, zone) == minute(action.at, zone)


def minute(at: Instant, zone: str) -> str:
    """`2026-03-04 10:05` on the studio's wall."""
    there = at.to_tz(zone)
    return f"{there.date()} {there.hour:02}:{there.minute:02}"


def about_the_same(line: Expected, action: Action) -> bool:
    """Whether the action is of the kind that the line expects, whenever and to whomever."""
    if line.came != action.came:
        return False
    if line.came == "done" and line.verb != action.verb:
        return False
    return line.name in {action.name, action.delivery.step_id, action.delivery.words}


def _fits(line: Expected, action: Action) -> bool:
    return about_the_same(line, action) and not faults(line, action)


def faults(line: Expected, action: Action) -> list[str]:
    """What of the action isn't as the line has it, but for the time."""
    found = []
    if line.to is not None and line.to != action.to:
        found.append(f"it is for {action.to}, not for {line.to}")
    found += [f"its text doesn't hold {text!r}" for text in line.contains if text not in action.text]
    if line.because is not None and line.because.casefold() not in (action.reason or "").casefold():
        found.append(f"its reason is {action.reason or 'none'!r}, not {line.because!r}")
    return found


def _nearest(line: Expected, open_: Iterable[Action]) -> Action | None:
    """The action that is probably meant: of the same kind, to the same client before others, then the nearest."""
    near = [a for a in open_ if about_the_same(line, a)]
    mine = [a for a in near if line.to in {None, a.to}]
    same_time = [a for a in near if a.at == line.at]
    return min(mine or same_time, key=lambda a: abs((a.at - line.at).total("seconds")), default=None)
