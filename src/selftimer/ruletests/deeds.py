"""What a diary's line does in the studio's books: one deed for each event that people cause.

A new event is told by a new function here; whoever reads tests learns from the register what there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from selftimer.ruletests.shape import kind_of
from selftimer.sandbox.book import money, papers, people, sessions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from selftimer.ruletests.books import Books
    from selftimer.sandbox.model import Client, Invoice, Payment, Record

HELLO = "Hello, are you free?"
"""What a new lead writes, where the test doesn't say."""
AMOUNT = 10_000
"""Of an invoice or quote without one, in the smallest unit."""
DUE_DAYS = 14


@dataclass(frozen=True, slots=True)
class Deed:
    """How an event is brought about. `makes`: a record that the test hasn't got yet is made by it."""

    event: str
    act: Callable[[Books, Mapping[str, Any], str], Record | None]
    makes: bool = False

    @property
    def kind(self) -> str:
        """The kind of record that it is told with."""
        return kind_of(self.event)


DEEDS: dict[str, Deed] = {}
"""Event name to its deed; `message.sent`, the owner writing by hand, begins no rule but ends some."""


def _deed(*events: str, makes: bool = False) -> Callable[[Any], Any]:
    def register(act: Any) -> Any:
        for event in events:
            DEEDS[event] = Deed(event, act, makes)
        return act

    return register


def carry_out(books: Books, event: str, values: Mapping[str, Any]) -> None:
    """Do what the line says, now. `NotThere` where what it speaks of isn't there."""
    deed = DEEDS[event]
    row = deed.act(books, values, event)
    if row is not None:
        books.call(deed.kind, values.get("id"), row)


def _word(event: str) -> Any:
    """An event's second half, which for many is the status; checked by whoever reads it."""
    return event.partition(".")[2]


def _backdate(books: Books, table: str, row: Any, values: Mapping[str, Any]) -> None:
    """A record that came to be earlier than it can be seen: the studio was slow, or we weren't there."""
    if "created_at" in values:
        row.created_at = values["created_at"]
        books.table(table).touch(row.id)


# --- clients ---------------------------------------------------------------------------------------------------------

_PLAIN = ("first_name", "last_name", "email", "phone", "company", "job_title", "notes", "sample")


def _fields_of(values: Mapping[str, Any]) -> dict[str, Any]:
    fields = {name: values[name] for name in _PLAIN if name in values}
    address = {name: values[name] for name in ("city", "country") if name in values}
    if "status" in values:
        fields["archived"] = values["status"] == "archived"
    if "type" in values:
        fields["type"] = values["type"]
    return {**fields, **({"address": address} if address else {})}


def new_client(books: Books, values: Mapping[str, Any], kind: str) -> Client:
    """Somebody new; without an address the test's name makes one."""
    fields = _fields_of({"type": kind, **values})
    name = values.get("id") or f"somebody{len(books.table('client'))}"
    return people.add_client(
        books.world,
        first_name=fields.pop("first_name", ""),
        last_name=fields.pop("last_name", ""),
        email=fields.pop("email", f"{name}@example.com"),
        client_type=fields.pop("type"),
        person=name,
        **fields,
    )


@_deed("lead.created", "client.created", makes=True)
def _appears(books: Books, values: Mapping[str, Any], event: str) -> Client:
    kind = "lead" if event == "lead.created" else "client"
    known: Client | None = books.find("client", values.get("id"))
    if known is not None:
        people.update_client(books.world, known, **{**_fields_of(values), "type": kind})
    row = known or new_client(books, values, kind)
    _backdate(books, "client", row, values)
    if "content" in values or (kind == "lead" and known is None):
        message = people.client_says(books.world, row.id, values.get("content", HELLO))
        message.sent_at = values.get("created_at", message.sent_at)
    return row


@_deed("lead.converted", "client.changed", "client.archived")
def _changes(books: Books, values: Mapping[str, Any], event: str) -> None:
    row = books.meant("client", values)
    told: dict[str, dict[str, Any]] = {"lead.converted": {"type": "client"}, "client.archived": {"archived": True}}
    people.update_client(books.world, row, **{**_fields_of(values), **told.get(event, {})})


# --- messages --------------------------------------------------------------------------------------------------------


@_deed("message.received", "message.sent", makes=True)
def _writes(books: Books, values: Mapping[str, Any], event: str) -> None:
    world, client = books.world, books.client(values)
    if event == "message.received":
        people.client_says(world, client.id, values.get("content", "Hello"))
        return
    thread = people.conversation_of(world, client.id)
    if thread is None:
        thread = people.open_conversation(world, client.id, "Your session", by="studio")
    people.studio_says(world, thread, values.get("content", f"{world.profile.owner} here, let us talk"), by="studio")


# --- sessions --------------------------------------------------------------------------------------------------------


@_deed("session.requested", "session.pending", "session.confirmed", "session.declined", "session.canceled", makes=True)
def _session(books: Books, values: Mapping[str, Any], event: str) -> Any:
    status: Any = "inquiry" if event == "session.requested" else _word(event)
    row = books.find("session", values.get("id"))
    if row is None:
        kind = books.session_type(values.get("type"))
        owner = books.client(values)
        row = sessions.add_session(books.world, owner.id, kind, values["start_at"], status)
    else:
        _move(books, row, values)
        sessions.set_status(books.world, row, status)
    _details(books, row, values)
    return row


@_deed("session.rescheduled")
def _rescheduled(books: Books, values: Mapping[str, Any], _event: str) -> None:
    row = books.meant("session", values)
    _move(books, row, values)
    _details(books, row, values)


def _move(books: Books, row: Any, values: Mapping[str, Any]) -> None:
    if "start_at" in values and values["start_at"] != row.start_at:
        sessions.move(books.world, row, values["start_at"])


def _details(books: Books, row: Any, values: Mapping[str, Any]) -> None:
    for name in ("end_at", "location"):
        if name in values:
            setattr(row, name, values[name])
    linked = {name: books.meant(name, {"id": values[name]}).id for name in _LINKS if name in values}
    sessions.link(books.world, row, **{f"{name}_id": ident for name, ident in linked.items()})
    _backdate(books, "session", row, values)


_LINKS = ("invoice", "contract", "questionnaire")


# --- money -----------------------------------------------------------------------------------------------------------


@_deed("invoice.created", "invoice.sent", makes=True)
def _invoice(books: Books, values: Mapping[str, Any], event: str) -> Invoice:
    world = books.world
    row: Invoice | None = books.find("invoice", values.get("id"))
    sent = event == "invoice.sent" or values.get("status", "draft") != "draft"
    if row is None:
        owner = books.client(values)
        item = money.line(world, owner.id, "Session", values.get("amount", AMOUNT))
        today = world.now.to_tz(world.profile.zone).date()
        due = values.get("due_date", today.add(days=DUE_DAYS))
        row = money.add_invoice(world, owner.id, [item], due, by="studio", sent=sent)
    else:
        _amend(row, values)
        if sent and row.status == "draft":
            row.sent, row.status = True, "unpaid"
    row.number = values.get("invoice_number", row.number)
    money.refresh_status(world, row)
    books.table("invoice").touch(row.id)
    world.changed()
    if values.get("status") == "canceled":
        money.cancel_invoice(world, row)
    elif values.get("status") == "paid":
        money.pay(world, row, row.balance)
    _backdate(books, "invoice", row, values)
    return row


def _amend(row: Invoice, values: Mapping[str, Any]) -> None:
    row.due_date = values.get("due_date", row.due_date)
    if "amount" in values:
        row.items[:] = row.items[:1]
        row.items[0].amount, row.items[0].quantity = values["amount"], 1


@_deed("invoice.partially_paid", "invoice.paid")
def _is_paid(books: Books, values: Mapping[str, Any], event: str) -> None:
    row = books.meant("invoice", values)
    if event == "invoice.paid":  # what is on its way arrives, and the rest with it
        for payment in [one for one in row.payments if one.status == "pending"]:
            money.change_payment(books.world, payment, "completed")
    amount = values.get("amount", row.balance if event == "invoice.paid" else row.balance // 2)
    if amount:
        money.pay(books.world, row, amount)


@_deed("invoice.canceled")
def _canceled(books: Books, values: Mapping[str, Any], _event: str) -> None:
    money.cancel_invoice(books.world, books.meant("invoice", values))


@_deed("payment.received", "payment.failed", makes=True)
def _pays(books: Books, values: Mapping[str, Any], event: str) -> Payment:
    status: Any = "completed" if event == "payment.received" else "failed"
    known: Payment | None = books.find("payment", values.get("id"))
    if known is not None:
        money.change_payment(books.world, known, status)
        return known
    return new_payment(books, {**values, "status": status})


def new_payment(books: Books, values: Mapping[str, Any]) -> Payment:
    """Money for an invoice; all that is open, where the test doesn't say."""
    invoice = books.meant("invoice", {"id": values["invoice"]})
    status = values.get("status", "completed")
    begun: Any = "completed" if status in {"disputed", "refunded", "partially_refunded"} else status
    amount = values.get("amount", invoice.balance)
    method = values.get("payment_method", "card")
    row = money.pay(books.world, invoice, amount, method=method, status=begun)
    if begun != status:
        _turns(books, row, status)
    return row


@_deed("payment.disputed", "payment.refunded")
def _payment_changes(books: Books, values: Mapping[str, Any], event: str) -> None:
    row = books.meant("payment", values)
    part = values.get("amount", row.amount)
    whole = part >= row.amount
    status = "disputed" if event == "payment.disputed" else "refunded" if whole else "partially_refunded"
    _turns(books, row, status, part)


def _turns(books: Books, row: Payment, status: Any, part: int | None = None) -> None:
    back = None if status == "disputed" else part or (row.amount if status == "refunded" else row.amount // 2)
    money.change_payment(books.world, row, status, refunded=back)


# --- documents -------------------------------------------------------------------------------------------------------


def new_paper(books: Books, kind: str, values: Mapping[str, Any], *, sent: bool = True) -> Any:
    """A contract, questionnaire or quote that the owner makes."""
    world, owner = books.world, books.client(values)
    template = books.template(kind, values.get("template"))
    if kind == "quote":
        item = money.line(world, owner.id, template.name, values.get("amount", AMOUNT))
        row: Any = papers.add_quote(world, owner.id, template, [item], by="studio", sent=sent)
        row.valid_until = values.get("valid_until", row.valid_until)
        if "valid_until" in values and sent:
            world.at(row.valid_until, row.id, "quote_due", row.id)
    elif kind == "contract":
        due = values.get("due_date")
        row = papers.add_contract(world, owner.id, template, by="studio", sent=sent, due=due)
        row.number = values.get("contract_number", row.number)
        row.sent_at = values.get("sent_at", row.sent_at)
    else:
        row = papers.add_questionnaire(world, owner.id, template, by="studio", sent=sent, due=values.get("due_date"))
    books.table(kind).touch(row.id)
    _backdate(books, kind, row, values)
    return row


@_deed("contract.sent", "questionnaire.sent", "quote.sent", makes=True)
def _paper_sent(books: Books, values: Mapping[str, Any], event: str) -> Any:
    kind = kind_of(event)
    row = books.find(kind, values.get("id"))
    if row is None:
        return new_paper(books, kind, values)
    if kind == "contract":
        row.sent_at = books.world.now
    set_paper(books, kind, row, "pending" if kind == "questionnaire" else "sent")
    return row


@_deed(
    "contract.viewed", "contract.signed", "contract.expired",
    "questionnaire.completed", "questionnaire.expired",
    "quote.accepted", "quote.declined", "quote.expired",
)  # fmt: skip
def _paper_changes(books: Books, values: Mapping[str, Any], event: str) -> None:
    kind = kind_of(event)
    set_paper(books, kind, books.meant(kind, values), _word(event))


def set_paper(books: Books, kind: str, row: Any, status: str) -> None:
    """A document's next status."""
    world = books.world
    if kind == "contract":
        papers.set_contract(world, row, cast("Any", "cancelled" if status == "canceled" else status))
    elif kind == "questionnaire":
        papers.set_questionnaire(world, row, cast("Any", status), ["An answer"])
    else:
        papers.set_quote(world, row, cast("Any", status))


# --- what is gone ----------------------------------------------------------------------------------------------------


@_deed(*(f"{kind}.removed" for kind in ("client", "session", "invoice", "contract", "questionnaire", "quote")))
def _removed(books: Books, values: Mapping[str, Any], event: str) -> None:
    kind = kind_of(event)
    row, table = books.meant(kind, values), books.table(kind)
    del table.rows[row.id]
    if row.client_id:
        table.of_client(row.client_id).remove(row)
    table.touch(row.id)
    books.world.changed()


# --- what was there before -------------------------------------------------------------------------------------------


def put(books: Books, kind: str, values: Mapping[str, Any]) -> None:
    """A record of `given`, now: it is lived through at the time that it came to be."""
    makers: dict[str, Callable[[], Any]] = {
        "client": lambda: new_client(books, values, "client"),
        "session": lambda: _session(books, values, f"session.{values.get('status', 'confirmed')}"),
        "invoice": lambda: _invoice(books, {"status": "unpaid", **values}, "invoice.created"),
        "payment": lambda: new_payment(books, values),
        "message": lambda: _writes(
            books, values, "message.sent" if values.get("by", "client") == "studio" else "message.received"
        ),
    }
    row = makers[kind]() if kind in makers else _paper_as_it_was(books, kind, values)
    if row is not None:
        books.call(kind, values.get("id"), row)


def _paper_as_it_was(books: Books, kind: str, values: Mapping[str, Any]) -> Any:
    status = values.get("status", "sent")
    row = new_paper(books, kind, values, sent=status != "draft")
    if status not in {"draft", "sent", "pending"}:
        set_paper(books, kind, row, status)
    return row
