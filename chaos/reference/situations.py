"""Random studios at a moment: few records, close together, much of them missing, so that conditions meet each case."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from chaos.reference.fields import STATUSES
from chaos.reference.plain import Amount, Length, Plain, Situation, digits

if TYPE_CHECKING:
    import random

KINDS = (
    "client", "session", "invoice", "payment", "contract", "questionnaire", "quote", "conversation", "message",
    "gallery",
)  # fmt: skip
"""What can have a name; types of sessions have none."""
LISTS = {"unpaid": "invoice", "silent": "client"}
"""The rule's `lists`."""
WEBHOOK = ("email", "phone")
INPUTS = {
    "word": "text", "many": "number", "limit": "number", "sure": "yes_no", "price": "money", "day": "date",
    "span": "duration", "pause": "duration",
}  # fmt: skip
STEPS = {"first": "invoice", "second": "contract", "gone": "session"}
"""What steps made, by the step's id."""
KINDS_OF_SESSION = {"wedding": ("*wedding*", "Elopement*"), "family": ("Family*",)}
TEXTS = (
    "", " ", "VIP", "a vip friend", "Anna", "anna", "wedding", "cancelled", "Straße", "STRASSE", "EUR", "10%", "it's",
    "{{ self.__class__ }}", "{{ client.email }}", "{0.__class__}", "%s", "__class__", "{% if 1 %}", "' or true or '",
)  # fmt: skip
"""What people typed, some of it as if it could be read: a value is a value."""
_NOWS = (
    datetime(2026, 6, 1, 12, tzinfo=UTC),
    datetime(2026, 3, 29, 0, 30, tzinfo=UTC),
    datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    datetime(2026, 12, 31, 23, 30, tzinfo=UTC),
)
_ZONES = (None, None, "Asia/Tokyo", "America/New_York", "Australia/Lord_Howe", "Mars/Olympus", "Mars/Olympus")
"""What the studio says of a session's zone; it can be one that nobody knows."""


class Studio:
    """Draws one studio."""

    def __init__(self, rng: random.Random, about: str) -> None:
        self.rng = rng
        self.about = about
        self.now = rng.choice(_NOWS)
        self.zone = rng.choice(("Europe/Berlin", "Europe/Berlin", "America/St_Johns", "UTC"))

    def maybe(self, value: Any, *, missing: float = 0.3) -> Any:
        """The value, or null."""
        return None if self.rng.random() < missing else value

    def text(self) -> Any:
        """A text that may be missing."""
        return self.maybe(self.rng.choice(TEXTS))

    def when(self) -> Any:
        """A time near now that may be missing."""
        near = timedelta(minutes=self.rng.choice((-600, -11, -10, -5, 0, 1, 10, 600)))
        far = timedelta(hours=self.rng.randint(-3000, 3000))
        return self.maybe(self.now + (near if self.rng.random() < 0.4 else far), missing=0.2)

    def day(self) -> Any:
        """A date near today that may be missing."""
        return self.maybe(self.now.date() + timedelta(days=self.rng.choice((-40, -3, -1, 0, 1, 2, 35))), missing=0.2)

    def amount(self) -> Amount:
        """Some money, mostly in the studio's currency."""
        currency = self.rng.choice(("eur", "eur", "eur", "eur", "usd", "jpy", "kwd"))
        return Amount(Decimal(self.rng.choice((0, 50, 5000, 5001, 12345))).scaleb(-digits(currency)), currency)

    def id_of(self, kind: str) -> Any:
        """An id that may be of no record, or missing."""
        return self.maybe(f"{kind}-{self.rng.randint(1, 3)}", missing=0.2)

    def record(self, kind: str, number: int) -> Plain:
        """One record of a kind."""
        values = {"id": f"{kind}-{number}", "created_at": self.when(), **getattr(self, f"_{kind}")()}
        if kind in STATUSES:
            words = STATUSES[kind].split() + (["paid"] if kind == "invoice" else [])
            values["status"] = self.rng.choice(words)
        if kind != "client":
            values["client_id"] = self.rng.choice(("client-1", "client-1", "client-1", "client-2", None))
        return Plain(kind, values)

    def _client(self) -> dict[str, Any]:
        own = ("email", "first_name", "last_name", "phone", "company", "job_title", "notes", "city", "country")
        return {
            "type": self.rng.choice(("client", "lead", "other")),
            "sample": self.rng.random() < 0.5,
            **{name: self.text() for name in own},
        }

    def _session(self) -> dict[str, Any]:
        return {
            "start_at": self.when(),
            "end_at": self.when(),
            "timezone": self.rng.choice(_ZONES),
            "location": self.text(),
            "duration": self.maybe(self.rng.choice((0, 30, 60, 90))),
            "type_id": self.maybe("session_type-1"),
            "type_name": self.maybe(self.rng.choice(("Family x", "Big WEDDING", "Headshot"))),
            "invoice_id": self.id_of("invoice"),
            "contract_id": self.id_of("contract"),
            "questionnaire_id": self.id_of("questionnaire"),
        }

    def _session_type(self) -> dict[str, Any]:
        duration = self.maybe(self.rng.choice((30, 60)))
        return {"name": "Family x", "duration": duration, "location": self.text(), "timezone": self.rng.choice(_ZONES)}

    def _invoice(self) -> dict[str, Any]:
        return {"invoice_number": self.text(), "amount": self.amount(), "due_date": self.day()}

    def _payment(self) -> dict[str, Any]:
        return {
            "invoice_id": self.id_of("invoice"),
            "amount": self.amount(),
            "payment_date": self.when(),
            "payment_method": self.text(),
        }

    def _contract(self) -> dict[str, Any]:
        times = {name: self.when() for name in ("sent_at", "due_date", "signed_at")}
        return {"contract_number": self.text(), "template_name": self.text(), **times}

    def _questionnaire(self) -> dict[str, Any]:
        return {"completed_at": self.when(), "due_date": self.when(), "template_name": self.text()}

    def _quote(self) -> dict[str, Any]:
        return {"amount": self.maybe(self.amount()), "valid_until": self.when(), "template_name": self.text()}

    def _conversation(self) -> dict[str, Any]:
        return {"subject": self.text(), "unread_count": self.rng.randint(0, 2), "last_message_at": self.when()}

    def _message(self) -> dict[str, Any]:
        return {
            "conversation_id": f"conversation-{self.rng.randint(1, 3)}",
            "content": self.rng.choice(TEXTS),
            "sent_at": self.when(),
            "sender_type": self.rng.choice(("client", "photographer", "photographer", "system")),
        }

    def _gallery(self) -> dict[str, Any]:
        counts = {name: self.rng.randint(0, 3) for name in ("gallery_count", "photo_count", "video_count")}
        yes = {name: self.rng.random() < 0.5 for name in ("password_protected", "downloadable")}
        return {"name": self.text(), "description": self.text(), "expiry_date": self.day(), **counts, **yes}

    def situation(self) -> Situation:
        """The whole of it."""
        records = {
            kind: [self.record(kind, number) for number in range(1, self.rng.choice((0, 1, 2, 3)) + 1)]
            for kind in (*KINDS, "session_type")
        }
        named = {kind: self.maybe(self._one(records, kind), missing=0.1) for kind in KINDS}
        return Situation(
            now=self.now,
            start=self.when(),
            studio=self._studio(),
            records=records,
            names={
                **named,
                **{name: records[kind] for name, kind in LISTS.items()},
                "lead": self.maybe(self._one(records, "client")),
                "coupon": self.maybe(self._coupon()),
                "event": self._event(records),
                "webhook": Plain("webhook", {name: self.text() or None for name in WEBHOOK}),
                "inputs": Plain("inputs", self._inputs()),
                "steps": Plain("steps", {name: self._one(records, kind) for name, kind in STEPS.items()}),
            },
            inputs=INPUTS,
            readable=self.rng.random() < 0.8,
            ours=frozenset(f"message-{number}" for number in (1, 2, 3) if self.rng.random() < 0.2),
        )

    def _one(self, records: dict[str, list[Plain]], kind: str) -> Plain | None:
        return self.rng.choice(records[kind]) if records[kind] else None

    def _studio(self) -> Plain:
        words = ("owner", "phone", "email", "website", "review_link", "signature", "country")
        fixed = {"name": "Studio Nord", "zone": self.zone, "currency": "eur", "kinds": KINDS_OF_SESSION}
        return Plain("studio", {**fixed, **{word: self.rng.choice(("", "VIP", "Anna")) for word in words}})

    def _coupon(self) -> Plain:
        code = {"code": "BACK-VIP", "discount": "10%", "uses": self.rng.randint(1, 3), "expires_at": self.when()}
        return Plain("coupon", code)

    def _event(self, records: dict[str, list[Plain]]) -> Plain:
        changed = self.rng.sample(["status", "start_at", "notes", "VIP"], self.rng.randint(0, 2))
        return Plain(
            "event",
            {
                "name": "client.changed",
                "at": self.now,
                "changed": changed,
                "before": self._one(records, self.about),
                "in_quiet_hours": self.rng.random() < 0.5,
            },
        )

    def _inputs(self) -> dict[str, Any]:
        """Each as it was declared, missing, or of another type."""
        fit: dict[str, Any] = {
            "word": self.rng.choice(TEXTS),
            "many": self.rng.choice((0, 1, 30, Decimal("0.5"), 1.5)),
            "limit": self.rng.choice((50, Decimal("50.01"))),
            "sure": self.rng.random() < 0.5,
            "price": self.amount(),
            "day": date(2026, 6, self.rng.randint(1, 30)),
            "span": Length(self.rng.choice((7, 24)), self.rng.choice(("days", "hours"))),
            "pause": Length(self.rng.choice((7, 24)), self.rng.choice(("days", "hours"))),
        }
        wrong = (True, 7, "seven", Amount(Decimal(7), "eur"), date(2026, 6, 7), Length(7, "days"))
        return {
            name: self.rng.choice(wrong) if self.rng.random() < 0.12 else self.maybe(value, missing=0.1)
            for name, value in fit.items()
        }


def situation(rng: random.Random, about: str) -> Situation:
    """A studio, with an event about a record of the kind `about`."""
    return Studio(rng, about).situation()
