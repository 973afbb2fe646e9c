"""A studio small enough to be written down in a test: a `World` over a handful of records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whenever import Date, Instant

from selftimer.facts.records import Client, Invoice, Kind, Message, Payment, Record, Session, client_id_of, kind_of
from selftimer.facts.world import StudioFacts
from selftimer.primitives.money import Money
from selftimer.primitives.time import weekday_only
from selftimer.rulebook.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NOW = Instant.from_utc(2026, 6, 1, 12)
NORD = StudioFacts(
    name="Studio Nord",
    zone="Europe/Berlin",
    currency="eur",
    owner="Kim",
    phone="030 1",
    kinds={"wedding": ("*wedding*", "Elopement*"), "family": ("Family*",)},
    fallbacks={"client.first_name": "there"},
)


class SmallWorld:
    """Records in a list; found by looking at each."""

    def __init__(
        self,
        *records: Record,
        now: Instant = NOW,
        studio: StudioFacts = NORD,
        readable: bool = True,
        ours: Iterable[str] = (),
    ) -> None:
        self.records = list(records)
        self.now = now
        self.studio = studio
        self._readable = readable
        self._ours = set(ours)

    def get(self, kind: Kind, record_id: str) -> Record | None:
        return next((r for r in self.records if kind_of(r) is kind and r.id == record_id), None)

    def of_client(self, kind: Kind, client_id: str) -> Sequence[Record]:
        return [r for r in self.records if kind_of(r) is kind and client_id_of(r) == client_id]

    def of_invoice(self, invoice_id: str) -> Sequence[Record]:
        return [r for r in self.records if isinstance(r, Payment) and r.invoice_id == invoice_id]

    def payments_readable(self) -> bool:
        return self._readable

    def is_ours(self, message_id: str) -> bool:
        return message_id in self._ours

    def is_working_day(self, date: Date) -> bool:
        return weekday_only(date)

    def scope(self, **names: object) -> Scope:
        """A scope at this world's now, with these names."""
        today = self.now.to_tz(self.studio.zone).date()
        return Scope(world=self, now=self.now, today=today, studio=self.studio, **names)  # type: ignore[arg-type]  # what a test says


def client(client_id: str = "c1", **fields: object) -> Client:
    defaults: dict[str, object] = {"type": "client", "status": "active", "created_at": at("2026-01-01T10:00Z")}
    return Client(id=client_id, **{**defaults, **fields})  # type: ignore[arg-type]  # what a test says


def session(session_id: str = "s1", **fields: object) -> Session:
    defaults: dict[str, object] = {
        "client_id": "c1",
        "status": "confirmed",
        "start_at": at("2026-06-10T12:00Z"),
        "end_at": at("2026-06-10T14:00Z"),
        "type_name": "Family outdoors",
    }
    return Session(id=session_id, **{**defaults, **fields})  # type: ignore[arg-type]  # what a test says


def invoice(invoice_id: str = "i1", amount: str = "500", **fields: object) -> Invoice:
    defaults: dict[str, object] = {"client_id": "c1", "status": "unpaid", "due_date": Date(2026, 6, 10)}
    return Invoice(id=invoice_id, amount=euros(amount), **{**defaults, **fields})  # type: ignore[arg-type]  # what a test says


def payment(payment_id: str = "p1", amount: str = "500", **fields: object) -> Payment:
    defaults: dict[str, object] = {"client_id": "c1", "invoice_id": "i1", "status": "completed"}
    return Payment(id=payment_id, amount=euros(amount), **{**defaults, **fields})  # type: ignore[arg-type]  # what a test says


def message(message_id: str, sent_at: str, by: str = "client", client_id: str = "c1", talk: str = "t1") -> Message:
    return Message(
        id=message_id,
        conversation_id=talk,
        client_id=client_id,
        content="Hello",
        sent_at=at(sent_at),
        sender_type=by,  # type: ignore[arg-type]  # one of the three, as the test says
    )


def at(text: str) -> Instant:
    return Instant.parse_iso(text)


def euros(amount: str) -> Money:
    return Money.from_main(amount, "eur")
