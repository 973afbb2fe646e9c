"""A plain situation as the product has it: its records, a world of them, and the scope of a condition."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from whenever import Date, Instant

from chaos.reference.plain import Amount, Length, Plain, Situation, digits
from chaos.reference.situations import INPUTS, KINDS, KINDS_OF_SESSION, LISTS, STEPS, WEBHOOK
from selftimer.facts.coupon import Coupon
from selftimer.facts.event import Event
from selftimer.facts.records import RECORD_TYPES, Kind, Record, client_id_of
from selftimer.facts.types import DATE, DURATION, MONEY, NUMBER, TEXT, YES_NO
from selftimer.facts.world import StudioFacts
from selftimer.primitives.money import Money
from selftimer.primitives.time import Span, Unit, weekday_only
from selftimer.rulebook.names import Names
from selftimer.rulebook.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selftimer.facts.records import Payment

_TYPES = {"text": TEXT, "number": NUMBER, "yes_no": YES_NO, "money": MONEY, "date": DATE, "duration": DURATION}


def names(about: str) -> Names:
    """What a condition can say where everything has a name."""
    known = Names.of(
        *(Kind(kind) for kind in KINDS),
        event=Kind(about),
        inputs={name: _TYPES[kind] for name, kind in INPUTS.items()},
        steps=STEPS,
        studio=StudioFacts(name="Studio Nord", zone="Europe/Berlin", currency="eur", kinds=KINDS_OF_SESSION),
    )
    known = known.plus("coupon", "lead").with_hook(WEBHOOK)
    return known.with_lists({name: Kind(kind) for name, kind in LISTS.items()})


class World:
    """The records of a situation; each is found by looking at all."""

    def __init__(self, at: Situation) -> None:
        self.now = _value(at.now)
        told = {name: value for name, value in at.studio.values.items() if name != "kinds"}
        self.studio = StudioFacts(kinds=at.studio["kinds"], **told)
        self._at = at
        self._records = {Kind(kind): [_record(one) for one in many] for kind, many in at.records.items()}

    def get(self, kind: Kind, record_id: str) -> Record | None:
        """By id."""
        return next((record for record in self._records[kind] if record.id == record_id), None)

    def of_client(self, kind: Kind, client_id: str) -> Sequence[Record]:
        """A client's."""
        return [record for record in self._records[kind] if client_id_of(record) == client_id]

    def of_invoice(self, invoice_id: str) -> Sequence[Record]:
        """An invoice's payments."""
        payments = cast("list[Payment]", self._records[Kind.PAYMENT])
        return [payment for payment in payments if payment.invoice_id == invoice_id]

    def payments_readable(self) -> bool:
        """Whether payments can be read."""
        return self._at.readable

    def is_ours(self, message_id: str) -> bool:
        """Whether Selftimer wrote it."""
        return message_id in self._at.ours

    def is_working_day(self, day: Date) -> bool:
        """There are no public holidays here."""
        return weekday_only(day)

    def one(self, plain: Plain | None) -> Record | None:
        """The record that a plain one stands for."""
        return None if plain is None else self.get(Kind(plain.kind), plain["id"])


def scope(at: Situation) -> Scope:
    """The scope of conditions."""
    world = World(at)
    told = at.names
    return Scope(
        world=world,
        now=world.now,
        today=world.now.to_tz(world.studio.zone).date(),
        studio=world.studio,
        start=_value(at.start),
        coupon=None if told["coupon"] is None else Coupon(**_values(told["coupon"])),
        event=_event(told["event"], world),
        in_quiet_hours=told["event"]["in_quiet_hours"],
        webhook={name: value for name, value in told["webhook"].values.items() if value is not None},
        inputs=_values(told["inputs"]),
        steps={name: made for name, plain in told["steps"].values.items() if (made := world.one(plain)) is not None},
        lists={name: [record for plain in told[name] if (record := world.one(plain))] for name in LISTS},
        **{name: world.one(told[name]) for name in (*KINDS, "lead")},  # type: ignore[arg-type]  # each of its kind
    )


def _event(plain: Plain, world: World) -> Event:
    before = world.one(plain["before"])
    return Event(
        name=plain["name"],
        kind=Kind.CLIENT,
        record_id="client-1",
        subject_kind=Kind.CLIENT,
        subject_id="client-1",
        client_id="client-1",
        occurrence="client.changed:1",
        at=_value(plain["at"]),
        seen_at=_value(plain["at"]),
        changed=tuple(plain["changed"]),
        before=before,
    )


def _record(plain: Plain) -> Record:
    made = RECORD_TYPES[Kind(plain.kind)]
    fields = made.__dataclass_fields__
    return made(**{name: value for name, value in _values(plain).items() if name in fields})


def _values(plain: Plain) -> dict[str, Any]:
    return {name: _value(value) for name, value in plain.values.items()}


def _value(value: Any) -> Any:
    match value:
        case datetime():
            return Instant.from_timestamp(int(value.timestamp()))
        case date():
            return Date(value.year, value.month, value.day)
        case Amount(main=main, currency=currency):
            return Money(int(Decimal(main).scaleb(digits(currency))), currency)
        case Length(count=count, unit=unit):
            return Span(count, cast("Unit", unit))
        case _:
            return value
