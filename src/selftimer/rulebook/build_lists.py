"""A rule's `lists`: records of a kind that its steps and words can speak of (rule-language.md, weekly-digest)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from selftimer.facts.records import Kind
from selftimer.rulebook.build_text import Ground
from selftimer.rulebook.model import ListRule
from selftimer.rulebook.names import Names
from selftimer.rulebook.sentences import similar

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from selftimer.facts.world import StudioFacts
    from selftimer.rulebook.build_text import Checker
    from selftimer.rulebook.models import ListSource
    from selftimer.rulebook.source import Place

MOST = 10
LISTABLE = tuple(kind for kind in Kind if kind not in {Kind.MESSAGE, Kind.SESSION_TYPE})
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
_TAKEN = frozenset({"inputs", "steps", "unique", "event", "lead", "coupon", *(kind.value for kind in Kind)})


def build_lists(
    checker: Checker,
    sources: Mapping[str, ListSource],
    place: Place,
    studio: StudioFacts,
    roots: Collection[str],
) -> dict[str, ListRule]:
    """The lists of a rule by name; `roots` are names that are taken. Those with faults are reported and left out."""
    if len(sources) > MOST:
        checker.add(place, f"more than {MOST} lists in one rule", "make two rules of it", key=True)
    built: dict[str, ListRule] = {}
    for name, source in sources.items():
        at = place / name
        if not _NAME.match(name) or name in _TAKEN or name in roots:
            why = "is taken" if _NAME.match(name) else "can't be the name of a list"
            checker.add(at, f"{name!r} {why}", "use another word of small letters, digits and _", key=True)
            continue
        if source.each not in set(LISTABLE):
            known = [kind.value for kind in LISTABLE]
            hint = similar(source.each, known) or f"one of {', '.join(known)}"
            checker.add(at / "each", f"there is no list of {source.each!r}", hint)
            continue
        built[name] = _list(checker, name, source, at, studio)
    return built


def _list(checker: Checker, name: str, source: ListSource, place: Place, studio: StudioFacts) -> ListRule:
    kind = Kind(source.each)
    ground = Ground(names=Names.of(*sorted({Kind.CLIENT, kind}), start=False, studio=studio))
    condition = checker.condition(place / "if", source.if_, ground)
    if condition is not None and "client.replied" in condition.names:
        checker.add(place / "if", "client.replied is about the time since a run began", "use client.silent_days")
    if source.sort is not None and ("{" in source.sort or " " in source.sort.strip()):
        checker.add(place / "sort", f"{source.sort!r} is no field", f"write the name of one, like {kind}.created_at")
        return ListRule(name=name, kind=kind, if_=condition, sort=None)
    sort = checker.value(place / "sort", source.sort, ground) if source.sort else None
    return ListRule(name=name, kind=kind, if_=condition, sort=sort)
