"""Records whose ids come in another form than before are the known ones, not new ones (delivery.md §3).

The studio's ids may change without notice. Taken as new, a studio's whole past would begin its rules once more; taken
as removed, all that is under way would end. So they are adopted in silence, and what that look yields is held.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from selftimer.engine import doubt
from selftimer.facts.records import LISTED, Kind, created_at_of
from selftimer.primitives.ids import same_but_for_length, stem_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from whenever import Instant

    from selftimer.engine.change import Change
    from selftimer.engine.reading import Reading
    from selftimer.facts.stored import Resource
    from selftimer.ports import Tx

log = structlog.get_logger(__name__)
FEWEST, SHARE = 3, 0.02
"""More than so many old records that turn up at once aren't believed to be new: as for those that vanish (§2)."""
_SKEW = 300
"""Seconds by which the studio's clock and ours may differ, and that a list may take to show a record."""


def adopted(tx: Tx, changes: Sequence[Change], readings: Sequence[Reading]) -> list[Change]:
    """The changes, those marked that are known under other ids; each with the id that it had, where that is known."""
    seen: dict[Kind, set[str]] = {reading.kind: set(reading.seen) for reading in readings}
    for change in changes:
        seen.setdefault(change.raw.kind, set()).add(change.raw.id)
    new = [change for change in changes if _unknown(change)]
    if not new:
        return list(changes)
    resources = tx.records.resources()
    by_kind = {kind: [c for c in new if c.raw.kind is kind] for kind in dict.fromkeys(c.raw.kind for c in new)}
    listed = [kind for kind in by_kind if kind in LISTED and kind in resources]
    old_ones = {kind: _too_old(tx, resources[kind], by_kind[kind]) for kind in listed}
    alike = {kind: _alike(tx, kind, some) for kind, some in by_kind.items()}
    marked: dict[int, Change] = {}
    for change in new:
        here = seen[change.raw.kind]
        too_old = change.raw.id in old_ones.get(change.raw.kind, ())
        was = _was(tx, change, here, alike[change.raw.kind], at_all=too_old)
        if was is not None or too_old:
            marked[id(change)] = replace(change, adopted=True, was=was)
            here |= {was} if was is not None else set()
    return [marked.get(id(change), change) for change in changes]


def tell_adopted(tx: Tx, changes: Sequence[Change], now: Instant) -> None:
    """Hold what this look yields, and tell the owner."""
    counts: Mapping[Kind, int] = Counter(change.raw.kind for change in changes if change.adopted)
    if not counts:
        return
    what = ", ".join(f"{counts[kind]} {kind.value}{'s' if counts[kind] > 1 else ''}" for kind in sorted(counts))
    for kind, count in counts.items():
        log.warning("ids.changed", list=kind.value, count=count)
    doubt.begin(tx, f"the studio shows {what} under other ids than before", now)
    tx.control.notice(
        now,
        f"The studio shows {what} under other ids than before",
        "They are taken as the ones that were there: nothing begins for them, and nothing is taken as removed. What is "
        "under way for an old id ends if the studio doesn't know that id any more; look at `selftimer status`.",
        key=f"ids:{now}",
    )


def _unknown(change: Change) -> bool:
    return change.stored is None or change.stored.gone_at is not None


def _too_old(tx: Tx, resource: Resource, new: Sequence[Change]) -> set[str]:
    """The ids of new records that are older than the last whole look at their list, if those are too many."""
    if resource.baseline_at is None or resource.complete_as_of is None:
        return set()
    before = resource.complete_as_of.subtract(seconds=_SKEW)
    found = {c.raw.id for c in new if (created := created_at_of(c.record)) is not None and created < before}
    return found if len(found) > FEWEST and len(found) > tx.records.count(resource.kind) * SHARE else set()


def _alike(tx: Tx, kind: Kind, new: Sequence[Change]) -> Mapping[str, Sequence[str]]:
    """The ids that are known and have their stem in common with new ones, by that stem."""
    alike: dict[str, list[str]] = {stem: [] for change in new if (stem := stem_of(change.raw.id))}
    lengths = {len(stem) for stem in alike}
    for known in tx.records.beginning_with(kind, alike):
        for stem in {known[:length] for length in lengths} & alike.keys():
            alike[stem].append(known)
    return alike


def _was(
    tx: Tx, change: Change, seen: Collection[str], known: Mapping[str, Sequence[str]], *, at_all: bool
) -> str | None:
    """The id under which the record is known, if it isn't seen under that one too.

    That is one which differs in length alone; of those that can't be new, also the only one that came to be then.
    """
    kind, ident = change.raw.kind, change.raw.id
    found = [one for one in known.get(stem_of(ident), ()) if one not in seen and same_but_for_length(one, ident)]
    created = created_at_of(change.record)
    if not found and at_all and created is not None:
        found = [one for one in tx.records.created_at(kind, created) if one not in seen]
    return found[0] if len(found) == 1 else None
