"""Today's rules, indexed so that a change meets only the rules that can care; and pinned versions of older ones."""

from __future__ import annotations

from collections import ChainMap, defaultdict
from typing import TYPE_CHECKING, TypeVar

from selftimer.errors import RuleFileError
from selftimer.facts.records import Kind
from selftimer.plan.moments import CLOCK_EVENTS, entry_becomes, entry_clocks
from selftimer.plan.program import Program, flatten
from selftimer.rulebook.model import BecomesTrigger, EventTrigger, MomentTrigger, NoReplyTrigger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from selftimer.ports import Tx
    from selftimer.rulebook.loader import Version
    from selftimer.rulebook.model import Entry, Rule, Rulebook, Words

    Kept = Callable[[str], tuple[str, str] | None]
    """The file and the text of words that are gone from the workspace."""

T = TypeVar("T")
Clocked = tuple["Rule", "Entry", str, T]
"""A trigger with its rule, its entry and the id that its timers carry."""


class RuleSet:
    """Immutable once made, but for its cache of compiled versions."""

    def __init__(self, book: Rulebook, compile_version: Callable[[Mapping[str, Any], Kept], Version]) -> None:
        self.book = book
        self._gone: dict[str, Words] = {}
        self.words: Mapping[str, Words] = ChainMap(self._gone, dict(book.words))
        """The words by name: today's, whatever a run's version; the last good ones of those that are gone (19)."""
        self._compile = compile_version
        self._versions: dict[tuple[str, str], Rule] = {(r.id, r.version): r for r in book.rules.values()}
        self._programs: dict[tuple[str, str, str], Program] = {}
        self._events: dict[str, list[tuple[Rule, Entry]]] = defaultdict(list)
        self._moments: dict[Kind, list[Clocked[MomentTrigger]]] = defaultdict(list)
        self.silences: list[Clocked[NoReplyTrigger]] = []
        """The rule entries that begin when nobody replies."""
        self.becoming: dict[Kind, list[Clocked[BecomesTrigger]]] = defaultdict(list)
        """The rule entries that begin when something becomes true of such a record; each with the trigger's name."""
        for rule in book.rules.values():
            for entry in rule.entries:
                self._index(rule, entry)
        self._asks = any(_asks_for_messages(rule) for rule in book.rules.values())

    def _index(self, rule: Rule, entry: Entry) -> None:
        for trigger in entry.triggers:
            if isinstance(trigger, EventTrigger) and trigger.name not in CLOCK_EVENTS:
                self._events[trigger.name].append((rule, entry))
        for timer_entry_id, clock in entry_clocks(entry):
            if isinstance(clock, MomentTrigger):
                self._moments[clock.kind].append((rule, entry, timer_entry_id, clock))
            elif isinstance(clock, NoReplyTrigger):
                self.silences.append((rule, entry, timer_entry_id, clock))
        for name, became in entry_becomes(entry):
            self._events[event_name(became)].append((rule, entry))
            self.becoming[became.kind].append((rule, entry, name, became))

    @property
    def ask_for_messages(self) -> bool:
        """Whether any rule asks who wrote: then messages are read for whoever changes."""
        return self._asks

    def listening(self, event_name: str) -> list[tuple[Rule, Entry]]:
        """The rule entries that an event begins."""
        return self._events.get(event_name, [])

    def moments(self, kind: Kind) -> list[Clocked[MomentTrigger]]:
        """The moments that a record of that kind has: rule, entry, the id of its timers, the trigger."""
        return self._moments.get(kind, [])

    def moment_kinds(self) -> Iterator[Kind]:
        """The kinds of record that any rule has a moment of."""
        return iter(self._moments)

    def today(self, rule_id: str) -> Rule | None:
        """The rule as it is now; None if it was removed."""
        return self.book.rules.get(rule_id)

    def pinned(self, tx: Tx, rule_id: str, version: str) -> Rule | None:
        """The rule as it was in a run's version; None if that version can't be had any more."""
        rule = self._versions.get((rule_id, version))
        if rule is None:
            source = tx.rules.source(rule_id, version)
            if source is None:
                return None
            try:
                found = self._compile(source, lambda name: None if name in self.words else tx.rules.words(name))
            except RuleFileError:
                return None  # an older Selftimer took it, this one doesn't
            rule = self._versions[rule_id, version] = found.rule
            self._gone.update(found.words)
        return rule

    def program(self, rule: Rule, entry_id: str) -> Program:
        """The entry's steps as a program."""
        key = (rule.id, rule.version, entry_id)
        if key not in self._programs:
            self._programs[key] = flatten(entry_by_id(rule, entry_id).steps)
        return self._programs[key]


def entry_by_id(rule: Rule, entry_id: str) -> Entry:
    """The entry of that id; KeyError if the rule has none."""
    for entry in rule.entries:
        if entry.id == entry_id:
            return entry
    raise KeyError(f"rule {rule.id} has no entry {entry_id!r}")


def event_name(became: BecomesTrigger) -> str:
    """The name of the event that something became true: its sentence."""
    return f"becomes {became.source}"


def _asks_for_messages(rule: Rule) -> bool:
    conditions = [rule.if_, rule.until, *(entry.if_ for entry in rule.entries)]
    conditions += [became.condition for entry in rule.entries for _, became in entry_becomes(entry)]
    return any(target is Kind.CONVERSATION for c in conditions if c is not None for _, target in c.reads)
