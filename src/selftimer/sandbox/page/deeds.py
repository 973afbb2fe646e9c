"""What a person may do in the studio by hand, as one of its clients or as its owner.

The page's forms and `POST /_sandbox/act` are both made of these. A deed goes through the books like everybody's, so
that the product's rules hold and the API shows it at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from whenever import Date, Time

from selftimer.primitives.money import exponent
from selftimer.primitives.time import local
from selftimer.sandbox.book import money, papers, people, sessions
from selftimer.sandbox.book.availability import Calendar
from selftimer.sandbox.book.deeds import DeedError
from selftimer.sandbox.model import UNSIGNED, PaymentMethod, Record
from selftimer.sandbox.money_words import formatted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from whenever import Instant

    from selftimer.sandbox.model import Client, Invoice, Quote, Session, SessionType
    from selftimer.sandbox.studio import Studio

Actor = Literal["client", "studio"]
OPEN_INVOICES = ("unpaid", "partially_paid", "past_due")
METHODS: tuple[PaymentMethod, ...] = ("card", "bank_transfer", "paypal")
_LONGEST = 5_000
_NEAR_DAYS = 60
R = TypeVar("R", bound=Record)


def _unclear(message: str) -> DeedError:
    """An order that can't be understood; the sentence says what is meant, or what would be possible."""
    return DeedError("order_unclear", message)


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that an actor can do, `about` in words; `needs` are the members of an order besides `client`."""

    actor: Actor
    name: str
    about: str
    needs: tuple[str, ...]
    do: Callable[[Studio, Order], str]


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: `{"as", "client", "deed", …}`. Reads its members; what is wrong is a `DeedError`."""

    world: Studio
    members: Mapping[str, Any]

    def text(self, name: str, default: str | None = None) -> str:
        """A text that isn't empty, or the default."""
        value = self.members.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            if default is None:
                raise _unclear(f"Say {name}, a text.")
            return default
        if not isinstance(value, str):
            raise _unclear(f"{name} must be a text; this is {value!r}.")
        if len(value) > _LONGEST:
            raise _unclear(f"{name} may have {_LONGEST} characters; this has {len(value)}.")
        return value.strip()

    def whole(self, name: str, default: int) -> int:
        """A positive whole number, also as text."""
        value = self.members.get(name)
        if value is None or value == "":
            return default
        if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
            value = int(value.strip()[:15])
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise _unclear(f"{name} must be a whole number of at least 1; this is {value!r}.")
        return value

    def money(self, name: str, currency: str, default: int) -> int:
        """An amount in the smallest unit; or, as forms write it under `sum`, in the currency: `125.50`."""
        written = self.text("sum", "")
        if not written:
            return self.whole(name, default)
        try:
            minor = Decimal(written).scaleb(exponent(currency))
        except InvalidOperation:
            raise _unclear(f"{written!r} is no amount; write it like 125.50.") from None
        if not minor.is_finite() or minor < 1 or minor != int(minor):
            raise _unclear(f"{written!r} is no amount in {currency.upper()}; write it like 125.50.")
        return int(minor)

    @property
    def client(self) -> Client:
        """The client: by id, e-mail address, or a part of the name that fits nobody else."""
        wanted = self.text("client")
        known = self.world.tables.clients.get(wanted)
        if known is not None:
            return known
        word = wanted.lower()
        fitting = [c for c in self.world.tables.clients if word == c.email.lower()] or [
            c for c in self.world.tables.clients if word in c.name.lower()
        ]
        if len(fitting) != 1:
            found = "Nobody is" if not fitting else f"{len(fitting)} clients are"
            raise _unclear(f"{found} called {wanted!r}; say a client's id, e-mail address or whole name.")
        return fitting[0]

    def one(self, name: str, rows: list[R], what: str) -> R:
        """The record that the order names, or the only one, of those that the deed can be done to."""
        wanted = self.text(name, "")
        fitting = [row for row in rows if wanted in {"", row.id, getattr(row, "number", "")}]
        if len(fitting) == 1:
            return fitting[0]
        if not rows:
            raise DeedError("nothing_to_do", f"{self.client.name} has no {what}.")
        if not fitting:
            raise _unclear(f"{wanted!r} is no {what} of {self.client.name}; these are: {_ids(rows)}.")
        raise _unclear(f"{self.client.name} has more than one {what}; say which {name}: {_ids(fitting)}.")

    @property
    def session_type(self) -> SessionType:
        """The session type by id, key or name; the order must name one that is offered."""
        wanted = self.text("session_type").lower()
        offered = [kind for kind in self.world.tables.session_types if kind.status == "published" and not kind.deleted]
        for kind in offered:
            if wanted in {kind.id.lower(), kind.key, kind.name.lower()}:
                return kind
        keys = ", ".join(kind.key or kind.name for kind in offered)
        raise _unclear(f"There is no session type {wanted!r} on offer; there are: {keys}.")

    def start(self) -> Instant:
        """When a session is to begin: `date` and `time` in the studio's zone, which must be to come."""
        date, time = self.text("date"), self.text("time", "10:00")
        try:
            start = local(Date.parse_iso(date), Time.parse_iso(time), self.world.profile.zone).to_instant()
        except ValueError:
            raise _unclear(f"{date!r} at {time!r} is no date and time; write them like 2026-05-09 and 14:30.") from None
        if start <= self.world.now:
            raise DeedError("time_gone", f"{date} at {time} has gone by: it is {self.world.now} in this studio.")
        return start


def _ids(rows: list[R]) -> str:
    return ", ".join(row.id for row in rows[:5])


# As a client ----------------------------------------------------------------------------------------------------


def _write(world: Studio, order: Order) -> str:
    client = order.client
    people.client_tells(world, client.id, order.text("text"), "writes")
    return f"{client.name} has written."


def _inquire(world: Studio, order: Order) -> str:
    """Somebody new asks for a session, or a known client does."""
    kind = order.session_type
    start = order.start() if order.text("date", "") else None
    words = order.text("text", f"Hello, we are looking for a photographer: {kind.name}.")
    client = order.client if order.text("client", "") else _contact(world, order)
    world.tell("lead", client.id, f"{{name}} asks about: {kind.name}")
    people.client_says(world, client.id, words, subject=f"Inquiry: {kind.name}")
    if start is not None:
        sessions.ask(world, client.id, kind, start)
    return f"{client.name} has asked about: {kind.name}."


def _contact(world: Studio, order: Order) -> Client:
    """Whoever fills in the form: the product knows people by their address."""
    first, last, email = order.text("first_name"), order.text("last_name", ""), order.text("email")
    if "@" not in email or " " in email:
        raise _unclear(f"{email!r} is no e-mail address.")
    return people.contact(world, email=email, first_name=first, last_name=last)


def _book(world: Studio, order: Order) -> str:
    client, kind, start = order.client, order.session_type, order.start()
    try:
        sessions.book(world, client.id, kind, start)
    except DeedError as error:
        raise DeedError(error.code, f"{error} {_free_near(world, kind, start)}") from error
    return f"{client.name} has booked: {kind.name}."


def _free_near(world: Studio, kind: SessionType, start: Instant) -> str:
    """Which times there are, for one that isn't."""
    zone, calendar = world.profile.zone, Calendar(world, kind)
    nearest = calendar.nearest(start, within_days=_NEAR_DAYS)
    if nearest is None:
        return f"No time is free within {_NEAR_DAYS} days."
    date = nearest.to_tz(zone).date()
    times = [slot.start_at.to_tz(zone).time().format_iso()[:5] for slot in calendar.day(date, zone)]
    return f"Free on {date}: {', '.join(times)}."


def _agree(world: Studio, order: Order) -> str:
    session = order.one("session", _sessions(world, order.client, "pending"), "session that waits for a yes")
    sessions.confirm(world, session)
    return f"{order.client.name} has said yes to the date."


def _move(world: Studio, order: Order) -> str:
    session = order.one("session", _coming(world, order.client), "coming session to move")
    kind, start = world.tables.session_types.rows[session.type_id], order.start()
    try:
        sessions.reschedule(world, session, start)
    except DeedError as error:
        raise DeedError(error.code, f"{error} {_free_near(world, kind, start)}") from error
    return f"{order.client.name} has moved the session to {order.text('date')}."


def _cancel(world: Studio, order: Order) -> str:
    session = order.one("session", _coming(world, order.client), "coming session to cancel")
    sessions.cancel(world, session)
    return f"{order.client.name} has canceled the session."


def _coming(world: Studio, client: Client) -> list[Session]:
    return [s for s in _sessions(world, client, "pending", "confirmed") if s.start_at > world.now]


def _pay(world: Studio, order: Order) -> str:
    """All that is open, or less; a coupon and a gift card can be used along with it."""
    invoice = order.one("invoice", open_invoices(world, order.client), "invoice with something open")
    before = invoice.paid + invoice.pending
    method = order.text("method", METHODS[0])
    if method not in METHODS:
        raise _unclear(f"{method!r} is no method of payment; there are: {', '.join(METHODS)}.")
    money.pay(
        world,
        invoice,
        order.money("amount", invoice.currency, invoice.balance - invoice.pending),
        method=method,
        coupon_code=order.text("coupon", "") or None,
        gift_card_code=order.text("gift_card", "") or None,
    )
    came = formatted(invoice.paid + invoice.pending - before, invoice.currency)
    left = formatted(invoice.balance - invoice.pending, invoice.currency)
    return f"{order.client.name} has paid {came} on invoice {invoice.number}; {left} is open."


def _sign(world: Studio, order: Order) -> str:
    waiting = [c for c in world.tables.contracts.of_client(order.client.id) if c.status in UNSIGNED]
    contract = papers.sign(world, order.one("contract", waiting, "contract to sign"))
    left = "; another signature is missing" if contract.status == "partially_signed" else ""
    return f"{order.client.name} has signed contract {contract.number}{left}."


def _answer(world: Studio, order: Order) -> str:
    waiting = [q for q in world.tables.questionnaires.of_client(order.client.id) if q.status == "pending"]
    form = order.one("questionnaire", waiting, "questionnaire to answer")
    given = order.members.get("answers")
    if isinstance(given, list):
        given = dict(zip((question["id"] for question in form.questions), given, strict=False))
    if not isinstance(given, dict) or not all(isinstance(answer, str) for answer in given.values()):
        raise _unclear("answers must be a list of texts, or an object of them by question id.")
    try:
        papers.answer(world, form, given)
    except DeedError as error:
        asked = {question["id"]: question["question_text"] for question in form.questions}
        said = [f"{asked.get(name, name)} {fault}" for name, fault in error.details.items()]
        raise DeedError(error.code, " ".join([str(error), *said])) from error
    return f"{order.client.name} has answered the questionnaire."


def _accept(world: Studio, order: Order) -> str:
    invoice = papers.accept_quote(world, _open_quote(world, order))
    return f"{order.client.name} has accepted the quote; invoice {invoice.number} bills it."


def _refuse(world: Studio, order: Order) -> str:
    papers.decline_quote(world, _open_quote(world, order))
    return f"{order.client.name} has declined the quote."


def _open_quote(world: Studio, order: Order) -> Quote:
    waiting = [q for q in world.tables.quotes.of_client(order.client.id) if q.status == "sent"]
    return order.one("quote", waiting, "quote to decide on")


# As the studio --------------------------------------------------------------------------------------------------


def _confirm(world: Studio, order: Order) -> str:
    session = order.one("session", _sessions(world, order.client, "inquiry"), "session that was asked for")
    sessions.accept(world, session)
    return f"The studio has confirmed; {order.client.name} must say yes."


def _decline(world: Studio, order: Order) -> str:
    session = order.one("session", _sessions(world, order.client, "inquiry"), "session that was asked for")
    sessions.decline(world, session)
    return f"The studio has declined the session of {order.client.name}."


def _say(world: Studio, order: Order) -> str:
    client, text = order.client, order.text("text")
    thread = people.conversation_of(world, client.id)
    thread = thread or people.open_conversation(world, client.id, "Your session", by="studio")
    people.studio_says(world, thread, text, by="studio")
    world.tell("owner_message", client.id, f"The owner writes to {{name}}: {text}")
    return f"The owner has written to {client.name}."


def _archive(world: Studio, order: Order) -> str:
    client = order.client
    if client.archived:
        raise DeedError("archived", f"{client.name} is archived already.")
    people.update_client(world, client, archived=True)
    world.tell("archived", client.id, "{name} is archived")
    return f"{client.name} is archived."


_WHO = ("first_name", "last_name", "email")
_WHEN = ("session_type", "date", "time")
_PAYMENT = ("invoice", "amount", "method", "coupon", "gift_card")
DEEDS: tuple[Deed, ...] = (
    Deed("client", "write", "write a message", ("text",), _write),
    Deed("client", "inquire", "ask for a session, as somebody new or known", (*_WHO, *_WHEN, "text"), _inquire),
    Deed("client", "book", "book a time that is free", _WHEN, _book),
    Deed("client", "agree", "say yes to a session that the studio confirmed", ("session",), _agree),
    Deed("client", "move", "move a session to a time that is free", ("session", "date", "time"), _move),
    Deed("client", "cancel", "cancel a session", ("session",), _cancel),
    Deed("client", "pay", "pay an invoice, all or a part", _PAYMENT, _pay),
    Deed("client", "sign", "sign a contract", ("contract",), _sign),
    Deed("client", "answer", "answer a questionnaire", ("questionnaire", "answers"), _answer),
    Deed("client", "accept", "accept a quote", ("quote",), _accept),
    Deed("client", "decline", "decline a quote", ("quote",), _refuse),
    Deed("studio", "write", "write to a client by hand", ("text",), _say),
    Deed("studio", "confirm", "confirm a session that was asked for", ("session",), _confirm),
    Deed("studio", "decline", "decline a session that was asked for", ("session",), _decline),
    Deed("studio", "archive", "archive a client", (), _archive),
)
"""All that can be done by hand."""


def act(world: Studio, members: Mapping[str, Any]) -> str:
    """Do what an order asks for; answers with a sentence that says what was done, or raises `DeedError`."""
    actor, name = members.get("as"), members.get("deed")
    of_actor = {deed.name: deed for deed in DEEDS if deed.actor == actor}
    if not of_actor:
        raise _unclear(f"`as` must be client or studio; this is {actor!r}.")
    deed = of_actor.get(str(name))
    if deed is None:
        raise _unclear(f"As {actor} there is no deed {name!r}; there are: {', '.join(of_actor)}.")
    return deed.do(world, Order(world, members))


def open_invoices(world: Studio, client: Client) -> list[Invoice]:
    """What the client can pay, oldest first."""
    return [
        i for i in world.tables.invoices.of_client(client.id) if i.status in OPEN_INVOICES and i.balance > i.pending
    ]


def _sessions(world: Studio, client: Client, *statuses: str) -> list[Session]:
    return [s for s in world.tables.sessions.of_client(client.id) if s.status in statuses]
