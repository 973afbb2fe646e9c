"""The names that a condition or a text may say at one place of a rule file, with their types.

The loader makes them from a rule's subject, its event, inputs and steps; the expression compiler checks against them.
At run time each root is the attribute of `rulebook.scope.Scope` with that name.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from selftimer.facts.schema import SCHEMA, SPELLINGS
from selftimer.facts.types import DATE, INSTANT, TEXT, Field, Type, enum_of, list_of, record_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from selftimer.facts.records import Kind
    from selftimer.facts.world import StudioFacts

ALWAYS: Mapping[str, Type] = {"now": INSTANT, "today": DATE, "studio": record_of("studio")}
"""Names that are known everywhere."""
_TABLES = {"lead": "client"}
"""What a step made, by the name that later steps call it, where that isn't its table's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A first name: its type, whether its value may be missing, whether it is a loop's variable."""

    type: Type
    nullable: bool = False
    local: bool = False
    listed: bool = False
    """Whether it is one of the rule's `lists`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Which first names there are, and the fields of every table that can be reached from them. Immutable."""

    roots: Mapping[str, Root]
    tables: Mapping[str, Mapping[str, Field]] = field(default_factory=lambda: SCHEMA)
    studio: StudioFacts | None = None
    """The studio's own words, where they are known: what is missing there is known to be missing."""

    @classmethod
    def of(
        cls,
        *kinds: Kind,
        event: Kind | None = None,
        start: bool = True,
        inputs: Mapping[str, Type] | None = None,
        steps: Mapping[str, str] | None = None,
        studio: StudioFacts | None = None,
    ) -> Names:
        """The records of these kinds by their kind's name, `now`, `today`, `studio`, and what else is given.

        `event`: the kind of the record that the event is about (`payment` for payment.received): `event.*` is known and
        `event.before` is of that kind. `start`: the start of the run. `inputs`: of an automation, by name. `steps`:
        what earlier steps made, by step id; an id is said with _ for -, one that is no name can't be said. `studio`,
        where it is known: which of its own words are missing, and the words of `[kinds]`, then checked like statuses.
        """
        roots = {name: Root(type=kind) for name, kind in ALWAYS.items()}
        if start:
            roots["start"] = Root(type=INSTANT, nullable=True)
        tables = SCHEMA if studio is None else _tables(_said(studio), tuple(studio.kinds))
        names = cls(roots=roots, tables=tables, studio=studio).plus(*kinds, inputs=inputs, steps=steps)
        return names if event is None else names.with_event(event)

    def plus(
        self,
        *kinds: str,
        inputs: Mapping[str, Type] | None = None,
        steps: Mapping[str, str] | None = None,
    ) -> Names:
        """These and more, as in `of`: what a step made is named by its kind in later steps (21).

        Besides the kinds of record there are `coupon`, and `lead`, which is a client.
        """
        roots, tables = dict(self.roots), dict(self.tables)
        roots.update({str(kind): Root(type=record_of(_TABLES.get(kind, kind))) for kind in kinds})
        if inputs is not None:
            roots["inputs"] = Root(type=record_of("inputs"))
            tables["inputs"] = {
                **tables.get("inputs", {}),
                **{name: _input(name, kind) for name, kind in inputs.items()},
            }
        if steps is not None:
            roots["steps"] = Root(type=record_of("steps"))
            made = dict(tables.get("steps", {}))
            for step_id, kind in steps.items():
                said = step_id.replace("-", "_")
                if said.isidentifier():
                    made[said] = _made_by(said, step_id, kind)
            tables["steps"] = made
        return replace(self, roots=roots, tables=tables)

    def with_event(self, about: Kind) -> Names:
        """These and `event`, which is about a record of that kind."""
        event = dict(self.tables["event"])
        event["before"] = replace(event["before"], type=record_of(about))
        roots = {**self.roots, "event": Root(type=record_of("event"))}
        return replace(self, roots=roots, tables={**self.tables, "event": event})

    def with_hook(self, names: Iterable[str]) -> Names:
        """These and `webhook`, with the fields that a call brings: texts of strangers, each of which may be missing.

        Without a field there is none.
        """
        fields = {
            name: Field(name=name, type=TEXT, doc="a field of the call", nullable=True, key=name) for name in names
        }
        if not fields:
            return self
        roots = {**self.roots, "webhook": Root(type=record_of("webhook"))}
        return replace(self, roots=roots, tables={**self.tables, "webhook": fields})

    def with_local(self, name: str, kind: Type) -> Names:
        """These and a loop's variable."""
        return replace(self, roots={**self.roots, name: Root(type=kind, local=True)})

    def with_text(self, name: str) -> Names:
        """These and a text of that name."""
        return replace(self, roots={**self.roots, name: Root(type=TEXT)})

    def with_lists(self, lists: Mapping[str, Kind]) -> Names:
        """These and a rule's `lists` of records by name."""
        more = {name: Root(type=list_of(record_of(kind)), listed=True) for name, kind in lists.items()}
        return replace(self, roots={**self.roots, **more})

    def field(self, table: str, name: str) -> Field | None:
        """The field of a table, or None; `cancelled` is read as `canceled`."""
        fields = self.tables.get(table, {})
        return fields.get(name) or fields.get(SPELLINGS.get(name, ""))

    def fields(self, table: str) -> Iterable[str]:
        """The names of a table's fields."""
        return self.tables.get(table, {}).keys()


def _input(name: str, kind: Type) -> Field:
    return Field(name=name, type=kind, doc="an input", nullable=True, expected=True, key=name)


def _made_by(said: str, step_id: str, kind: str) -> Field:
    doc = "what that step made"
    return Field(name=said, type=record_of(_TABLES.get(kind, kind)), doc=doc, nullable=True, expected=True, key=step_id)


def _said(studio: StudioFacts) -> frozenset[str]:
    """The words of the studio's own that there are."""
    return frozenset(name for name, known in SCHEMA["studio"].items() if known.nullable and getattr(studio, name))


@lru_cache(maxsize=4)
def _tables(said: frozenset[str], kinds: tuple[str, ...]) -> Mapping[str, Mapping[str, Field]]:
    """Every table for a studio that has these words and these kinds of session: the same for each of its rules."""
    own = {name: replace(known, nullable=False) if name in said else known for name, known in SCHEMA["studio"].items()}
    sessions = dict(SCHEMA["session"])
    if kinds:
        sessions["kind"] = replace(sessions["kind"], type=enum_of(*kinds))
    return {**SCHEMA, "studio": own, "session": sessions}
