"""The table of fields agrees with the records it describes."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping

import pytest
import whenever

from selftimer.facts import coupon, event, records, world
from selftimer.facts.schema import SCHEMA
from selftimer.facts.types import DATE, INSTANT, MONEY, NUMBER, TEXT, YES_NO, Field, Type, list_of
from selftimer.primitives import money
from selftimer.rulebook.names import Names

CLASSES: dict[str, type] = {
    **{str(kind): cls for kind, cls in records.RECORD_TYPES.items()},
    "coupon": coupon.Coupon,
    "event": event.Event,
    "studio": world.StudioFacts,
}
NAMESPACE = {
    "Mapping": Mapping,
    **vars(coupon),
    **vars(records),
    **vars(event),
    **vars(world),
    **vars(whenever),
    **vars(money),
}
PYTHON = {
    str: "text",
    int: "number",
    bool: "yes/no",
    money.Money: "money",
    whenever.Date: "date",
    whenever.Instant: "instant",
}
STORED = [(table, field) for table, fields in SCHEMA.items() for field in fields.values() if field.attribute]


def _hint(table: str, field: Field) -> tuple[object, bool]:
    hints = typing.get_type_hints(CLASSES[table], NAMESPACE)
    hint = hints[field.attribute]
    if isinstance(hint, types.UnionType) and type(None) in typing.get_args(hint):
        rest = [arg for arg in typing.get_args(hint) if arg is not type(None)]
        return rest[0], True
    return hint, False


@pytest.mark.parametrize(("table", "field"), STORED, ids=[f"{table}.{field.name}" for table, field in STORED])
def test_a_stored_field_is_an_attribute_of_that_type(table: str, field: Field) -> None:
    hint, optional = _hint(table, field)
    assert field.nullable is optional
    if field.type.name == "enum":
        words = typing.get_args(hint)
        assert not words or words == field.type.values
    elif field.type.name not in {"record", "list"}:
        assert PYTHON[hint] == field.type.name  # type: ignore[index]  # a class, by the branches above


def test_every_status_is_a_yes_or_no_of_its_own_but_paid() -> None:
    for table, fields in SCHEMA.items():
        for word in fields["status"].type.values if "status" in fields else ():
            field = fields[word]
            if (table, word) == ("invoice", "paid"):
                assert field.type == MONEY
            else:
                assert (field.type, field.status) == (YES_NO, word)


def test_every_field_says_what_it_is_and_leads_to_tables_that_exist() -> None:
    for fields in SCHEMA.values():
        for name, field in fields.items():
            assert field.name == name
            assert field.doc
            inner = field.type.of or field.type
            assert inner.name != "record" or inner.table in SCHEMA


def test_no_field_is_private_or_a_method() -> None:
    for table, fields in SCHEMA.items():
        stored = {f.name for f in dataclasses.fields(CLASSES[table])}
        for field in fields.values():
            assert not field.name.startswith("_")
            assert not field.attribute or field.attribute in stored


def test_fields_that_look_further_say_what_they_read() -> None:
    client, invoice = SCHEMA["client"], SCHEMA["invoice"]
    assert client["open_invoices"].reads == {
        (records.Kind.CLIENT, records.Kind.INVOICE),
        (records.Kind.INVOICE, records.Kind.PAYMENT),
    }
    assert invoice["balance"].reads == {(records.Kind.INVOICE, records.Kind.PAYMENT)}
    assert not SCHEMA["contract"]["outstanding"].reads


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (TEXT, "a text"),
        (NUMBER, "a number"),
        (DATE, "a date"),
        (INSTANT, "an instant"),
        (list_of(TEXT), "a list of texts"),
        (list_of(Type("record", table="invoice")), "a list of invoices"),
        (Type("record", table="client"), "a record (client)"),
    ],
)
def test_types_are_said_in_words(kind: Type, said: str) -> None:
    assert str(kind) == said


def test_the_event_before_is_of_the_events_kind_and_words_of_the_studio_are_known() -> None:
    studio = world.StudioFacts(name="N", zone="UTC", owner="Kim", kinds={"wedding": ("w*",)})
    names = Names.of(
        records.Kind.CLIENT, event=records.Kind.SESSION, studio=studio, steps={"ask-them": records.Kind.QUOTE}
    )
    before, kind, owner, phone, step = (
        names.field("event", "before"),
        names.field("session", "kind"),
        names.field("studio", "owner"),
        names.field("studio", "phone"),
        names.field("steps", "ask_them"),
    )
    assert before is not None
    assert before.type.table == "session"
    assert kind is not None
    assert kind.type.values == ("wedding",)
    assert owner is not None
    assert not owner.nullable
    assert phone is not None
    assert phone.nullable
    assert step is not None
    assert step.key == "ask-them"
    canceled = names.field("session", "cancelled")
    assert canceled is not None
    assert canceled.name == "canceled"
