"""The studio of one test: who is called what in it, and what the shelves have to hold for the rules that run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from selftimer.primitives.ids import SessionTypeId, id_type_of
from selftimer.rulebook.model import BranchStep, CreateStep, RunStep, SendStep

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from selftimer.rulebook.model import Rule, Step
    from selftimer.sandbox.model import Client, Record, SessionType, Template
    from selftimer.sandbox.tables import Table
    from selftimer.sandbox.world import World

TABLES = {
    "client": "clients",
    "session": "sessions",
    "invoice": "invoices",
    "payment": "payments",
    "contract": "contracts",
    "questionnaire": "questionnaires",
    "quote": "quotes",
}
"""Kind to the sandbox's table."""
_OPEN = frozenset({"draft", "inquiry", "pending", "confirmed", "unpaid", "past_due", "sent", "viewed", "completed"})


class NotThere(LookupError):  # noqa: N818 - a state of the studio, told to the test's author
    """The diary speaks of a record that isn't in the studio: a document that no rule has made, for example."""


class Books:
    """The world of a test, and its names for records."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._ids: dict[tuple[str, str], str] = {}

    def call(self, kind: str, name: str | None, row: Record) -> None:
        """From now on the test means this record by that name."""
        if name is not None:
            self._ids[kind, name] = row.id

    def name_of(self, kind: str, record_id: str | None) -> str | None:
        """What the test calls a record; its id where it has no name for it."""
        found = (name for (of, name), ident in self._ids.items() if ident == record_id and of == kind)
        return next(found, record_id)

    def named(self, text: str) -> str:
        """A text with the test's names in place of the studio's ids."""
        for (_, name), ident in self._ids.items():
            text = text.replace(ident, name)
        return text

    def table(self, kind: str) -> Table[Any]:
        """The records of a kind."""
        table: Table[Any] = getattr(self.world.tables, TABLES[kind])
        return table

    def find(self, kind: str, name: str | None) -> Any | None:
        """The record of that name, if there is one yet."""
        ident = self._ids.get((kind, name)) if name is not None else None
        return self.table(kind).get(ident) if ident else None

    def meant(self, kind: str, values: Mapping[str, Any]) -> Any:
        """The record that a diary's line is about: by its name, else the client's latest that is still open.

        `NotThere` where there is none.
        """
        found = self.find(kind, values.get("id"))
        if found is None and "id" not in values and "client" in values:
            theirs = self.table(kind).of_client(self.client(values).id)
            found = next((row for row in reversed(theirs) if row.status in _OPEN), None)
        if found is None:
            whose = f" of {values['client']}" if "client" in values else ""
            raise NotThere(f"there is no {kind}{whose} in the studio at that time")
        return found

    def client(self, values: Mapping[str, Any]) -> Client:
        """Whose record it is."""
        row: Client | None = self.find("client", values["client"])
        if row is None:
            raise NotThere(f"there is no client {values['client']} in the studio at that time")
        return row

    def session_type(self, name: str | None) -> SessionType:
        """What can be booked under that name, made where the studio hasn't got it; without a name a portrait."""
        types = self.world.tables.session_types
        model = next(one for one in types if one.key == "portrait")
        if name is None:
            return model
        for one in types:
            if one.name.casefold() == name.casefold():
                return one
        made = replace(model, id=self.world.new_id(SessionTypeId, name), key=name, name=name, status="published")
        return types.add(made)

    def template(self, kind: str, name: str | None) -> Template:
        """The template of that name, made where the studio hasn't got it; without a name the first of its kind."""
        ours = [one for one in self.world.tables.templates if one.kind == kind]
        if name is None:
            return ours[0]
        for one in ours:
            if one.name.casefold() == name.casefold():
                return one
        number = f"{kind}/{name}"
        ident = self.world.new_id(type_of_id(ours[0].id), number)
        return self.world.tables.templates.add(replace(ours[0], id=ident, name=name))

    def stock(self, rules: Iterable[Rule]) -> None:
        """Put on the shelves what the rules name: their documents' templates, the studio's own email templates."""
        for step in (step for rule in rules for entry in rule.entries for step in _steps(entry.steps, ())):
            kind, name = step
            if kind == "email":
                self._email(name)
            elif any(one.kind == kind for one in self.world.tables.templates):
                self.template(kind, name)

    def _email(self, ident: str) -> None:
        templates = self.world.tables.templates
        if templates.get(ident) is None:
            model = next(one for one in templates if one.kind == "email")
            templates.add(replace(model, id=ident, name=ident))


def type_of_id(ident: str) -> Any:
    """The type of an id of the sandbox's own."""
    found = id_type_of(ident)
    assert found is not None, ident
    return found


def _steps(steps: Iterable[Step], inputs: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Kind and name of each template that the steps may ask for; inputs of automations may be any of them."""
    for step in steps:
        match step:
            case BranchStep(then=then, otherwise=otherwise):
                yield from _steps((*then, *otherwise), inputs)
            case RunStep(steps=inner, inputs=given):
                fixed = tuple(text.source for text in given.values() if "{{" not in text.source)
                yield from _steps(inner, (*inputs, *fixed))
            case SendStep(template_id=str(ident)):
                yield "email", ident
            case CreateStep(kind=kind, template=text) if text is not None:
                names = inputs if "{{" in text.source else (text.source,)
                yield from ((kind.value, name) for name in names)
            case _:
                pass
