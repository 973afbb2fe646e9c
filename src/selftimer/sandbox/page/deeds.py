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
from selftimer.sandbox.model import UNSIGNED, Record
from selftimer.sandbox.money_words import formatted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from whenever import Instant

    from selftimer.sandbox.model import Client, Invoice, Session, SessionType
    from selftimer.sandbox.studio import Studio

Actor = Literal["client", "studio"]
OPEN_INVOICES = ("unpaid", "partially_paid", "past_due")
METHODS = ("card", "bank_transfer", "paypal")
_LONGEST = 5_000
R = TypeVar("R", bound=Record)


class DeedError(ValueError):
    """A deed that can't be done; the message is a sentence that says why, and what would be possible."""


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
                raise DeedError(f"{name} is missing; {name} is a text")
            return default
        if not isinstance(value, str):
            raise DeedError(f"{name} must be a text; got {value!r}")
        if len(value) > _LONGEST:
            raise DeedError(f"{name} may have {_LONGEST} characters; this has {len(value)}")
        return value.strip()

    def whole(self, name: str, default: int) -> int:
        """A positive whole number, also as text."""
        value = self.members.get(name)
        if value is None or value == "":
            return default
        if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
            value = int(value.strip()[:15])
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise DeedError(f"{name} must be a whole number of at least 1; got {value!r}")
        return value

    def money(self, name: str, currency: str, default: int) -> int:
        """An amount in the smallest unit; or, as forms write it under `sum`, in the currency: `125.50`."""
        written = self.text("sum", "")
        if not written:
            return self.whole(name, default)
        try:
            minor = Decimal(written).scaleb(exponent(currency))
        except InvalidOperation:
            raise DeedError(f"{written!r} is no amount; write it like 125.50") from None
        if not minor.is_finite() or minor < 1 or minor != int(minor):
            raise DeedError(f"{written!r} is no amount in {currency.upper()}; write it like 125.50")
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
            found = "nobody is" if not fitting else f"{len(fitting)} clients are"
            raise DeedError(f"{found} called {wanted!r}; say a client's id, e-mail address or whole name")
        return fitting[0]

    def one(self, name: str, rows: list[R], what: str) -> R:
        """The record that the order names, or the only one, of those that the deed can be done to."""
        wanted = self.text(name, "")
        fitting = [row for row in rows if wanted in {"", row.id, getattr(row, "number", "")}]
        if len(fitting) == 1:
            return fitting[0]
        if not rows:
            raise DeedError(f"{self.client.name} has no {what}")
        if not fitting:
            raise DeedError(f"{wanted!r} is no {what} of {self.client.name}; these are: {_ids(rows)}")
        raise DeedError(f"{self.client.name} has {len(fitting)} of that kind ({what}); say {name}: {_ids(fitting)}")

    @property
    def session_type(self) -> SessionType:
        """The session type by id, key or name; the order must name one that is offered."""
        wanted = self.text("session_type").lower()
        offered = [kind for kind in self.world.tables.session_types if kind.status == "published"]
        for kind in offered:
            if wanted in {kind.id.lower(), kind.key, kind.name.lower()}:
                return kind
        keys = ", ".join(kind.key for kind in offered)
        raise DeedError(f"there is no session type {wanted!r} on offer; there are: {keys}")

    def start(self) -> Instant:
        """When a session is to begin: `date` and `time` in the studio's zone, which must be to come."""
        date, time = self.text("date"), self.text("time", "10:00")
        try:
            start = local(Date.parse_iso(date), Time.parse_iso(time), self.world.profile.zone).to_instant()
        except ValueError:
            raise DeedError(f"{date!r} at {time!r} is no date and time; write 2026-05-09 and 14:30") from None
        if start <= self.world.now:
            raise DeedError(f"{date} at {time} has gone by: it is {self.world.now} in this studio")
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
    client = order.client if order.text("client", "") else _stranger(world, order)
    world.tell("lead", client.id, f"{{name}} asks about: {kind.name}")
    people.client_says(world, client.id, words, subject=f"Inquiry: {kind.name}")
    if start is not None:
        sessions.add_session(world, client.id, kind, start, "inquiry")
    return f"{client.name} has asked about: {kind.name}."


def _stranger(world: Studio, order: Order) -> Client:
    first, last, email = order.text("first_name"), order.text("last_name", ""), order.text("email")
    if "@" not in email or " " in email:
        raise DeedError(f"{email!r} is no e-mail address")
    if any(client.email.lower() == email.lower() for client in world.tables.clients):
        raise DeedError(f"{email} belongs to a client already; say client instead of a new name")
    return people.add_client(world, first_name=first, last_name=last, email=email, by="client")


def _book(world: Studio, order: Order) -> str:
    client, kind, start = order.client, order.session_type, order.start()
    sessions.add_session(world, client.id, kind, start, "confirmed")
    world.tell("session_confirmed", client.id, f"{{name}} books: {kind.name}")
    return f"{client.name} has booked: {kind.name}."


def _agree(world: Studio, order: Order) -> str:
    session = order.one("session", _sessions(world, order.client, "pending"), "session that waits for a yes")
    sessions.set_status(world, session, "confirmed")
    return f"{order.client.name} has said yes to the date."


def _pay(world: Studio, order: Order) -> str:
    invoice = order.one("invoice", open_invoices(world, order.client), "invoice with something open")
    amount = order.money("amount", invoice.currency, invoice.balance)
    if amount > invoice.balance:
        still = formatted(invoice.balance, invoice.currency)
        raise DeedError(
            f"{still} is open on invoice {invoice.number}; amount is in the smallest unit, so {amount} is more"
        )
    method = order.text("method", METHODS[0])
    if method not in METHODS:
        raise DeedError(f"{method!r} is no method of payment; there are: {', '.join(METHODS)}")
    money.pay(world, invoice, amount, method=method)
    return f"{order.client.name} has paid {formatted(amount, invoice.currency)} on invoice {invoice.number}."


def _sign(world: Studio, order: Order) -> str:
    waiting = [c for c in world.tables.contracts.of_client(order.client.id) if c.status in UNSIGNED]
    contract = order.one("contract", waiting, "contract to sign")
    several = sum(s.signer_type == "client" for s in contract.signatures) > 1
    half = several and contract.status != "partially_signed"
    papers.set_contract(world, contract, "partially_signed" if half else "signed")
    left = "; another signature is missing" if half else ""
    return f"{order.client.name} has signed contract {contract.number}{left}."


def _answer(world: Studio, order: Order) -> str:
    waiting = [q for q in world.tables.questionnaires.of_client(order.client.id) if q.status == "pending"]
    form = order.one("questionnaire", waiting, "questionnaire to answer")
    questions = world.tables.templates.rows[form.template_id].extra["questions"]
    given = order.members.get("answers")
    if isinstance(given, dict):
        given = [given.get(question["id"], "") for question in questions]
    if not isinstance(given, list) or not all(isinstance(answer, str) for answer in given):
        raise DeedError("answers must be a list of texts, or an object of them by question id")
    missing = [q["question_text"] for q, a in zip(questions, given, strict=False) if q["required"] and not a.strip()]
    if len(given) != len(questions) or missing:
        raise DeedError(f"there are {len(questions)} questions, each wants an answer; without one: {missing or given}")
    papers.set_questionnaire(world, form, "completed", given)
    return f"{order.client.name} has answered the questionnaire."


def _accept(world: Studio, order: Order) -> str:
    return _decide(world, order, "accepted")


def _refuse(world: Studio, order: Order) -> str:
    return _decide(world, order, "declined")


def _decide(world: Studio, order: Order, status: Literal["accepted", "declined"]) -> str:
    waiting = [q for q in world.tables.quotes.of_client(order.client.id) if q.status == "sent"]
    papers.set_quote(world, order.one("quote", waiting, "quote to decide on"), status)
    return f"{order.client.name} has {status} the quote."


# As the studio --------------------------------------------------------------------------------------------------


def _confirm(world: Studio, order: Order) -> str:
    session = order.one("session", _sessions(world, order.client, "inquiry"), "session that was asked for")
    sessions.set_status(world, session, "pending")
    return f"The studio has confirmed; {order.client.name} must say yes."


def _decline(world: Studio, order: Order) -> str:
    session = order.one("session", _sessions(world, order.client, "inquiry", "pending"), "session to decline")
    sessions.set_status(world, session, "declined")
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
        raise DeedError(f"{client.name} is archived already")
    people.update_client(world, client, archived=True)
    world.tell("archived", client.id, "{name} is archived")
    return f"{client.name} is archived."


DEEDS: tuple[Deed, ...] = (
    Deed("client", "write", "Write a message", ("text",), _write),
    Deed("client", "inquire", "Ask for a session", ("session_type", "date", "time", "text"), _inquire),
    Deed("client", "book", "Book a session", ("session_type", "date", "time"), _book),
    Deed("client", "agree", "Say yes to a date", ("session",), _agree),
    Deed("client", "pay", "Pay an invoice, all or a part", ("invoice", "amount", "method"), _pay),
    Deed("client", "sign", "Sign a contract", ("contract",), _sign),
    Deed("client", "answer", "Answer a questionnaire", ("questionnaire", "answers"), _answer),
    Deed("client", "accept", "Accept a quote", ("quote",), _accept),
    Deed("client", "decline", "Decline a quote", ("quote",), _refuse),
    Deed("studio", "write", "Write to a client by hand", ("text",), _say),
    Deed("studio", "confirm", "Confirm a session that was asked for", ("session",), _confirm),
    Deed("studio", "decline", "Decline a session", ("session",), _decline),
    Deed("studio", "archive", "Archive a client", (), _archive),
)
"""All that can be done by hand."""


def act(world: Studio, members: Mapping[str, Any]) -> str:
    """Do what an order asks for; answers with a sentence that says what was done, or raises `DeedError`."""
    actor, name = members.get("as"), members.get("deed")
    of_actor = {deed.name: deed for deed in DEEDS if deed.actor == actor}
    if not of_actor:
        raise DeedError(f"as must be client or studio; got {actor!r}")
    deed = of_actor.get(str(name))
    if deed is None:
        raise DeedError(f"a {actor} can't {name!r}; deeds are: {', '.join(of_actor)}")
    return deed.do(world, Order(world, members))


def open_invoices(world: Studio, client: Client) -> list[Invoice]:
    """What the client can pay, oldest first."""
    return [i for i in world.tables.invoices.of_client(client.id) if i.status in OPEN_INVOICES and i.balance > 0]


def _sessions(world: Studio, client: Client, *statuses: str) -> list[Session]:
    return [s for s in world.tables.sessions.of_client(client.id) if s.status in statuses]
