"""Two stories side by side: what only one of them has, what came at another time, in other words, or to another end.

Pure. A delivery's key says that it is the same effect for the same reason; what has none like it is paired with the
same words to the same client, since rules are renamed and steps moved.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from selftimer.plan.state import DeliveryState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from whenever import Instant

    from selftimer.rulebook.model import Rulebook
    from selftimer.simulation.story import Deed, Effect, Story

_COUNTS = frozenset({DeliveryState.SENT, DeliveryState.HELD})
"""What people notice: what got out, and what the owner is asked about. The rest is as good as nothing."""


_NUMBER = re.compile(r"\d{4,}")


class What(StrEnum):
    """How an effect differs between two stories; one that moved may say something else too."""

    ONLY_OLD = "only_old"
    ONLY_NEW = "only_new"
    MOVED = "moved"
    WORDS = "words"
    STATE = "state"
    """Sent in one, and held, skipped or failed in the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One effect that isn't the same in both stories."""

    what: tuple[What, ...]
    old: Effect | None
    new: Effect | None
    follows: bool = False
    """Whether it can only be a consequence: the rule and its words are the same in both."""
    because: Parting | None = None
    """What this client did in one story alone, before it."""

    @property
    def at(self) -> Instant:
        """The earlier of the two."""
        return min(one.at for one in (self.old, self.new) if one is not None)

    @property
    def any(self) -> Effect:
        """The new one, else the old one."""
        found = self.new or self.old
        assert found is not None
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Parting:
    """Where two stories of one client part: the first thing that they did in one of them only."""

    at: Instant
    deed: Deed
    in_old: bool


def differences(
    old: Story, new: Story, *, books: tuple[Rulebook, Rulebook] | None = None, within: float = 1.0
) -> list[Difference]:
    """What differs, in the order of time. `within` are seconds that two times may be apart and count as one.

    With the rules of both it is said which differences can only be consequences.
    """
    partings = _partings(old, new)
    found = []
    for one, other in _pairs(old.effects, new.effects):
        what = tuple(_how(one, other, within))
        if not what:
            continue
        first = min(effect.at for effect in (one, other) if effect is not None)
        clients = {effect.delivery.client_id for effect in (one, other) if effect is not None}
        parting = partings.get(clients.pop() or "")
        found.append(
            Difference(
                what=what,
                old=one,
                new=other,
                follows=books is not None and _same_rule(one, other, *books),
                because=parting if parting is not None and parting.at <= first else None,
            )
        )
    return sorted(found, key=lambda one: (one.at, one.any.delivery.client_id or "", one.any.delivery.key))


def _pairs(old: Sequence[Effect], new: Sequence[Effect]) -> Iterator[tuple[Effect | None, Effect | None]]:
    keyed = {effect.delivery.key: effect for effect in new}
    left: list[Effect] = []
    for effect in old:
        other = keyed.pop(effect.delivery.key, None)
        if other is None:
            left.append(effect)
        else:
            yield effect, other
    waiting: dict[tuple[object, ...], list[Effect]] = defaultdict(list)
    for effect in keyed.values():
        waiting[_alike(effect)].append(effect)
    for effect in left:
        yield effect, waiting[_alike(effect)].pop(0) if waiting[_alike(effect)] else None
    for some in waiting.values():
        yield from ((None, effect) for effect in some)


def _alike(effect: Effect) -> tuple[object, ...]:
    """What makes two effects of different keys the same to a client."""
    delivery = effect.delivery
    return (delivery.client_id, delivery.verb, delivery.words, effect.delivery.state in _COUNTS)


def _how(old: Effect | None, new: Effect | None, within: float) -> Iterator[What]:
    counts = [effect is not None and effect.delivery.state in _COUNTS for effect in (old, new)]
    if old is None or new is None or not all(counts):
        if old is not None and new is not None and any(counts):
            yield What.STATE
        elif any(counts):
            yield What.ONLY_OLD if counts[0] else What.ONLY_NEW
        return
    if old.delivery.state is not new.delivery.state:
        yield What.STATE
    if abs((new.at - old.at).total("seconds")) > within:
        yield What.MOVED
    if old.delivery.text != new.delivery.text:
        yield What.WORDS


def _same_rule(old: Effect | None, new: Effect | None, before: Rulebook, after: Rulebook) -> bool:
    """Whether rule and words are the same in both sets, so that the difference came from elsewhere."""
    rules = {effect.delivery.rule_id for effect in (old, new) if effect is not None}
    words = {effect.delivery.words for effect in (old, new) if effect is not None}
    return all(_ways(before, rule) == _ways(after, rule) for rule in rules) and all(
        _said(before, name) == _said(after, name) for name in words
    )


def _ways(book: Rulebook, rule_id: str) -> object:
    rule = book.rules.get(rule_id)
    return None if rule is None else (rule.version, rule.mode, dict(rule.limits), book.all_rules)


def _said(book: Rulebook, name: str | None) -> object:
    words = book.words.get(name or "")
    return None if words is None else (words.subject and words.subject.source, words.attach, words.body.source)


def _partings(old: Story, new: Story) -> dict[str, Parting]:
    """For each client the first deed that only one story has."""
    deeds: dict[str, tuple[list[Deed], list[Deed]]] = defaultdict(lambda: ([], []))
    for place, story in enumerate((old, new)):
        for deed in story.deeds:
            deeds[deed.client_id][place].append(deed)
    found = {}
    for client, (before, after) in deeds.items():
        same = 0
        while same < min(len(before), len(after)) and _deed(before[same]) == _deed(after[same]):
            same += 1
        rest = [(some[same], in_old) for some, in_old in ((before, True), (after, False)) if same < len(some)]
        if rest:
            deed, in_old = min(rest, key=lambda one: one[0].at)
            found[client] = Parting(at=deed.at, deed=deed, in_old=in_old)
    return found


def _deed(deed: Deed) -> tuple[object, str]:
    """When and what; running numbers of invoices and contracts shift with every one that is made."""
    return deed.at, _NUMBER.sub("#", deed.text)
