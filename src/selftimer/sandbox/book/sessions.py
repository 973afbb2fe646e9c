"""Sessions: asked for, offered, booked, moved, called off.

`ask`, `book`, `confirm`, `reschedule` and `cancel` are what clients do, `accept` and `decline` what the studio does;
each is a `DeedError` where the product doesn't let them. A new contact who asks is a lead (`people.contact`); who books
becomes a client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.primitives.ids import SessionId
from selftimer.sandbox.book import money, papers
from selftimer.sandbox.book.availability import Calendar
from selftimer.sandbox.book.deeds import DeedError
from selftimer.sandbox.book.people import convert
from selftimer.sandbox.model import UNSIGNED, Session, SessionStatus, SessionType

if TYPE_CHECKING:
    from whenever import Date, Instant

    from selftimer.sandbox.model import Invoice, LineItem
    from selftimer.sandbox.studio import Studio

FIRST_PAYMENT_DAYS = 7
"""How long the first invoice of a booking may stay unpaid."""


# What clients do ------------------------------------------------------------------------------------------------


def ask(world: Studio, client_id: str, kind: SessionType, start_at: Instant) -> Session:
    """A wish for a date, which waits for the studio; any coming one, free or not."""
    if kind.status != "published" or kind.deleted:
        raise DeedError("not_offered", f"{kind.name} isn't offered.")
    if start_at <= world.now:
        raise DeedError("gone_by", f"{_spoken(world, start_at)} has gone by.")
    return add_session(world, client_id, kind, start_at, "inquiry")


def book(
    world: Studio, client_id: str, kind: SessionType, start_at: Instant, *, asked: Session | None = None
) -> Session:
    """A time that is offered, booked at once; `asked` is an inquiry of theirs that becomes the booking.

    The client gets what the type says: an invoice over the deposit (or the price), a contract, a questionnaire. Where
    the contract is required for booking, they signed it on the way.
    """
    _check_free(world, Calendar(world, kind), kind, start_at)
    if asked is None:
        session = add_session(world, client_id, kind, start_at, "confirmed")
        world.tell("session_confirmed", client_id, f"{{name}} books online: {kind.name}")
    else:
        session = asked
        _wait_for(session, "inquiry", "pending")
        _put_at(session, start_at)
        set_status(world, session, "confirmed")
    _documents(world, session, kind, signed=kind.contract_required)
    if session.invoice_id is None:
        first_invoice(world, session)
    return session


def confirm(world: Studio, session: Session) -> None:
    """The client's yes to a session that the studio offered."""
    _wait_for(session, "pending")
    set_status(world, session, "confirmed")


def reschedule(world: Studio, session: Session, start_at: Instant) -> None:
    """Another time that is offered; the session's own isn't in the way."""
    _wait_for(session, "pending", "confirmed")
    kind = world.tables.session_types.rows[session.type_id]
    _check_free(world, Calendar(world, kind, moving=session.id), kind, start_at)
    move(world, session, start_at)


def cancel(world: Studio, session: Session) -> None:
    """The session is off: its time is free again, its contract and unpaid invoices are void.

    What becomes of money that was paid is the studio's decision, who hears of it.
    """
    _wait_for(session, "inquiry", "pending", "confirmed")
    set_status(world, session, "canceled")
    for invoice in world.tables.invoices.of_client(session.client_id):
        if invoice.session_id == session.id and invoice.status != "canceled" and invoice.paid <= 0:
            money.cancel_invoice(world, invoice)
    contract = world.tables.contracts.get(session.contract_id or "")
    if contract and contract.status in UNSIGNED:
        papers.set_contract(world, contract, "cancelled")


# What the studio does -------------------------------------------------------------------------------------------


def accept(world: Studio, session: Session, start_at: Instant | None = None) -> None:
    """The studio says yes to an inquiry, at the time asked for or at another; it waits for the client now."""
    _wait_for(session, "inquiry")
    if start_at is not None:
        _put_at(session, start_at)
    set_status(world, session, "pending")
    _documents(world, session, world.tables.session_types.rows[session.type_id], signed=False)


def decline(world: Studio, session: Session) -> None:
    """The studio says no to an inquiry."""
    _wait_for(session, "inquiry")
    set_status(world, session, "declined")


def first_invoice(world: Studio, session: Session) -> Invoice | None:
    """What has to be paid to book: the deposit, or the price where there is none; None where nothing is collected."""
    kind = world.tables.session_types.rows[session.type_id]
    if not kind.collect_payment or not kind.price:
        return None
    today = world.now.to_tz(world.profile.zone).date()
    name, amount = (f"{kind.name}: deposit", kind.deposit) if kind.deposit else (kind.name, kind.price)
    invoice = bill(world, session, name, amount, today.add(days=FIRST_PAYMENT_DAYS))
    link(world, session, invoice_id=invoice.id)
    return invoice


def bill(world: Studio, session: Session, name: str, amount: int, due: Date) -> Invoice:
    """An invoice for a session, sent; the type's taxes have lines of their own."""
    kind = world.tables.session_types.rows[session.type_id]
    items: list[LineItem] = [money.line(world, session.client_id, name, amount)]
    for tax in kind.taxes:
        text = f"{tax.name} {tax.rate / 100:g} %"
        items.append(money.line(world, session.client_id, text, (amount * tax.rate + 5_000) // 10_000))
    return money.add_invoice(world, session.client_id, items, due, by="studio", session_id=session.id)


# What both are made of ------------------------------------------------------------------------------------------


def add_session(
    world: Studio, client_id: str, kind: SessionType, start_at: Instant, status: SessionStatus, *, location: str = ""
) -> Session:
    """A session of that type, free or not, as the studio can enter it by hand; booked ones make a client of a lead."""
    session = Session(
        id=world.new_id(SessionId, client_id),
        created_at=world.now,
        updated_at=world.now,
        client_id=client_id,
        type_id=kind.id,
        status=status,
        start_at=start_at,
        end_at=start_at.add(minutes=kind.duration),
        location=location or kind.location,
    )
    world.tables.sessions.add(session)
    world.changed()
    if status == "confirmed":
        convert(world, client_id)
    world.noticed("session", session)
    return session


def set_status(world: Studio, session: Session, status: SessionStatus) -> None:
    """The session's new status; a confirmed one makes a client of a lead."""
    session.status = status
    _touch(world, session)
    world.tell(f"session_{status}", session.client_id, f"{{name}}: session {status}")
    if status == "confirmed":
        convert(world, session.client_id)
    world.noticed("session", session)


def move(world: Studio, session: Session, start_at: Instant) -> None:
    """Another date for the session, as long as before, whatever else is on it."""
    _put_at(session, start_at)
    _touch(world, session)
    local = start_at.to_tz(world.profile.zone)
    world.tell("session_moved", session.client_id, f"{{name}}: session moved to {local.date()}")
    world.noticed("session_moved", session)


def link(world: Studio, session: Session, **ids: str) -> None:
    """Note the invoice, contract or questionnaire that belongs to the session."""
    for name, value in ids.items():
        setattr(session, name, value)
    _touch(world, session)


def _documents(world: Studio, session: Session, kind: SessionType, *, signed: bool) -> None:
    """What the product sends by itself when a session of this type is booked or offered."""
    templates = world.tables.templates.rows
    if kind.contract_template_id and session.contract_id is None and (kind.auto_send_contract or signed):
        template = templates[kind.contract_template_id]
        contract = papers.add_contract(world, session.client_id, template, by="studio")
        if signed:
            papers.set_contract(world, contract, "signed")
        link(world, session, contract_id=contract.id)
    if kind.questionnaire_template_id and session.questionnaire_id is None:
        template = templates[kind.questionnaire_template_id]
        form = papers.add_questionnaire(world, session.client_id, template, by="studio")
        link(world, session, questionnaire_id=form.id)


def _wait_for(session: Session, *statuses: SessionStatus) -> None:
    if session.status not in statuses:
        raise DeedError(
            "session_status", f"The session is {session.status}; it would have to be {' or '.join(statuses)}."
        )


def _check_free(world: Studio, calendar: Calendar, kind: SessionType, start_at: Instant) -> None:
    if not calendar.offers(start_at):
        raise DeedError(
            "not_free", f"{kind.name} can't be booked for {_spoken(world, start_at)}: choose a time on offer."
        )


def _spoken(world: Studio, instant: Instant) -> str:
    local = instant.to_tz(world.profile.zone)
    return f"{local.date()} {local.hour:02}:{local.minute:02}"


def _put_at(session: Session, start_at: Instant) -> None:
    length = session.end_at - session.start_at
    session.start_at, session.end_at = start_at, start_at + length


def _touch(world: Studio, session: Session) -> None:
    session.updated_at = world.now
    world.tables.sessions.touch(session.id)
    world.changed()
