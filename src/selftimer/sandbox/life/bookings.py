"""Bookings: the studio's own flow from a yes to the pictures, and what may come between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whenever import Time

from selftimer.primitives.time import local
from selftimer.sandbox import texts
from selftimer.sandbox.book import money, papers, people, sessions
from selftimer.sandbox.book.availability import Calendar
from selftimer.sandbox.catalog import template_named
from selftimer.sandbox.life.payers import coupon_in_mind
from selftimer.sandbox.life.person import after_hours, office_time, some_time
from selftimer.sandbox.script import Script

if TYPE_CHECKING:
    from random import Random

    from whenever import Instant

    from selftimer.sandbox.life.living import LivingStudio
    from selftimer.sandbox.life.person import Person
    from selftimer.sandbox.model import Invoice, Quote, Session, SessionType

PART = Script()
FITS_WITHIN = 30
"""Days before and after the wished one on which another time will do."""


def session_type(world: LivingStudio, key: str) -> SessionType:
    """The session type by its key in the catalog."""
    return next(kind for kind in world.tables.session_types if kind.key == key)


def wished_date(world: LivingStudio, random: Random, kind: SessionType) -> Instant:
    """A date as people wish for it: weddings on Fridays and Saturdays, the rest by day."""
    date = world.now.to_tz(world.profile.zone).date().add(days=random.randint(*kind.lead_days))
    if kind.key in {"wedding", "elopement"}:
        date = date.add(days=(random.choice((5, 6)) - date.day_of_week().value) % 7)
    hour = 11 if kind.key == "wedding" else random.choice((9, 10, 11, 13, 14, 15, 16, 17))
    return local(date, Time(hour, random.choice((0, 0, 30))), world.profile.zone).to_instant()


@PART.on("studio_books")
def studio_books(world: LivingStudio, key: str) -> None:
    """The studio answers a yes: a date waits for the client, with a contract and invoices sent by the product."""
    person = world.people[key]
    random = person.dice(world, "book")
    kind = session_type(world, person.wants)
    session = _asked_for(world, person)
    if session is None:
        start = _fitted_in(world, kind, wished_date(world, random, kind))
        session = sessions.add_session(world, person.client_id, kind, start, "pending")
        world.tell("session_pending", person.client_id, f"{{name}}: {kind.name} waits for confirmation")
    else:
        sessions.accept(world, session, _fitted_in(world, kind, session.start_at))
    _paperwork(world, person, session, kind)
    if random.random() < 0.88:
        world.at(some_time(world, person, random, 1, 70), key, "client_confirms", session.id)
    else:
        world.at(office_time(world, random, 9 * 24, 12 * 24), key, "never_confirmed", session.id)


def _fitted_in(world: LivingStudio, kind: SessionType, wish: Instant) -> Instant:
    """The free time nearest to the wish; where the calendar is full for weeks, the owner works overtime."""
    return Calendar(world, kind).nearest(wish, within_days=FITS_WITHIN, by_hand=True) or wish


def _asked_for(world: LivingStudio, person: Person) -> Session | None:
    """The session that they wished for, where its date hasn't gone by."""
    for session in world.tables.sessions.of_client(person.client_id):
        if session.status == "inquiry" and session.start_at > world.now.add(hours=48):
            return session
    return None


def _paperwork(world: LivingStudio, person: Person, session: Session, kind: SessionType) -> None:
    """What the owner sends by hand: the contract, and the invoices over what isn't billed yet."""
    if kind.contract_template_id and kind.key != "mini" and session.contract_id is None:
        template = world.tables.templates.rows[kind.contract_template_id]
        contract = papers.add_contract(world, person.client_id, template, by="studio")
        sessions.link(world, session, contract_id=contract.id)
    if not _billed_by_quote(world, session):
        _bill(world, session, kind)


def _billed_by_quote(world: LivingStudio, session: Session) -> bool:
    """Whether an accepted quote was billed already: that invoice is the session's then."""
    for invoice in world.tables.invoices.of_client(session.client_id):
        if invoice.quote_id and invoice.session_id is None and invoice.status != "canceled":
            invoice.session_id = session.id
            world.tables.invoices.touch(invoice.id)
            sessions.link(world, session, invoice_id=invoice.id)
            return True
    return False


def _bill(world: LivingStudio, session: Session, kind: SessionType) -> None:
    if session.invoice_id is None:
        sessions.first_invoice(world, session)
    if kind.deposit and kind.collect_payment:
        today = world.now.to_tz(world.profile.zone).date()
        session_day = session.start_at.to_tz(world.profile.zone).date()
        due = max(today.add(days=7), session_day.subtract(days=14 if kind.price > 100_000 else 3))
        sessions.bill(world, session, kind.name, kind.price - kind.deposit, due)


@PART.on("client_confirms")
def client_confirms(world: LivingStudio, key: str, session_id: str) -> None:
    """The client says yes to the date."""
    session = world.tables.sessions.rows[session_id]
    if session.status == "pending" and session.start_at > world.now:
        world.people[key].stage = "booked"
        sessions.confirm(world, session)


@PART.on("never_confirmed")
def never_confirmed(world: LivingStudio, key: str, session_id: str) -> None:
    """The client never said yes: the studio lets the date go."""
    session = world.tables.sessions.rows[session_id]
    if session.status == "pending":
        world.people[key].stage = "lost"
        sessions.cancel(world, session)


@PART.on("books_online")
def books_online(world: LivingStudio, key: str) -> None:
    """They book on the studio's page, without a word: of the times that are offered the one nearest to their wish."""
    person = world.people[key]
    if person.stage != "lead":
        return
    random = person.dice(world, "book")
    kind = session_type(world, person.wants)
    asked = _asked_for(world, person)
    wish = asked.start_at if asked is not None else wished_date(world, random, kind)
    start = Calendar(world, kind).nearest(wish, within_days=FITS_WITHIN)
    if start is None:
        world.tell("booked_out", person.client_id, f"{{name}} finds no free date for: {kind.name}")
        return
    person.stage = "booked"
    session = sessions.book(world, person.client_id, kind, start, asked=asked)
    first = world.tables.invoices.get(session.invoice_id or "")
    _paperwork(world, person, session, kind)
    if first is not None:
        money.pay(world, first, first.balance, coupon_code=coupon_in_mind(world, first))


@PART.hears("session")
def booked(world: LivingStudio, session: Session) -> None:
    """A confirmed session may be called off or moved, and else takes place."""
    person = world.person_of(session.client_id)
    if session.status != "confirmed":
        return
    if person is None:
        if world.living:
            world.at(session.end_at, session.id, "session_over", session.id)
        return
    random = person.dice(world, "fate")
    hours = (session.start_at - world.now).total("hours")
    roll = random.random()
    if roll < 0.05 and hours > 48:
        world.at(some_time(world, person, random, 24, hours - 12), person.key, "cancels", session.id)
    elif roll < 0.13 and hours > 96:
        world.at(some_time(world, person, random, 24, hours - 48), person.key, "reschedules", session.id)
    world.at(session.end_at, person.key, "session_over", session.id)
    _by_hand_before(world, person, session)


def _by_hand_before(world: LivingStudio, person: Person, session: Session) -> None:
    """In the time before the bot the owner sent some questionnaires by hand."""
    at = session.start_at.subtract(hours=24 * 10)
    if world.now < at < world.start and person.dice(world, "by_hand").random() < 0.5:
        world.at(at, person.key, "owner_asks", session.id)


@PART.on("owner_asks")
def owner_asks(world: LivingStudio, _key: str, session_id: str) -> None:
    """A questionnaire sent by the owner."""
    session = world.tables.sessions.rows[session_id]
    if session.status == "confirmed":
        kind = world.tables.session_types.rows[session.type_id]
        template = template_named(world, "questionnaire", kind.key)
        form = papers.add_questionnaire(world, session.client_id, template, by="studio")
        sessions.link(world, session, questionnaire_id=form.id)


@PART.hears("session_moved")
def moved(world: LivingStudio, session: Session) -> None:
    """The new date takes place instead."""
    person = world.person_of(session.client_id)
    if person is not None or world.living:
        world.at(session.end_at, person.key if person else session.id, "session_over", session.id)


@PART.hears("quote_changed")
def quote_taken(world: LivingStudio, quote: Quote) -> None:
    """An accepted quote is a booking."""
    person = world.person_of(quote.client_id)
    if person is not None and quote.status == "accepted" and person.stage == "lead":
        person.stage = "asked"
        world.at(office_time(world, person.dice(world, "quote_taken"), 1, 20), person.key, "studio_books")


@PART.hears("session")
def asked_online(world: LivingStudio, session: Session) -> None:
    """Somebody from outside asks for a date: the owner answers within a day, yes where it is free."""
    if session.status == "inquiry" and world.living and world.person_of(session.client_id) is None:
        random = world.random("answers_inquiry", session.id)
        world.at(office_time(world, random, 1, 20), session.id, "answers_inquiry", session.id)


@PART.on("answers_inquiry")
def answers_inquiry(world: LivingStudio, _key: str, session_id: str) -> None:
    """The owner's yes or no."""
    session = world.tables.sessions.rows[session_id]
    kind = world.tables.session_types.rows[session.type_id]
    if session.status != "inquiry":
        return
    if session.start_at > world.now and Calendar(world, kind).free_by_hand(session.start_at):
        sessions.accept(world, session)
    else:
        sessions.decline(world, session)


@PART.on("reschedules")
def reschedules(world: LivingStudio, key: str, session_id: str) -> None:
    """Another date, some days later at about the same time; none, where the calendar is full."""
    session = world.tables.sessions.rows[session_id]
    if session.status != "confirmed" or session.start_at <= world.now:
        return
    random = world.people[key].dice(world, "move")
    here = session.start_at.to_tz(world.profile.zone)
    date = here.date().add(days=random.randint(2, 21))
    kind = world.tables.session_types.rows[session.type_id]
    wish = local(date, here.time(), world.profile.zone).to_instant()
    start = Calendar(world, kind, moving=session.id).nearest(wish, within_days=FITS_WITHIN, by_hand=True)
    if start is not None and start != session.start_at:
        sessions.move(world, session, start)


@PART.on("cancels")
def cancels(world: LivingStudio, key: str, session_id: str) -> None:
    """The client calls it off."""
    session = world.tables.sessions.rows[session_id]
    if session.status == "confirmed" and session.start_at > world.now:
        world.people[key].stage = "lost"
        people.client_tells(world, session.client_id, "We have to cancel, I'm so sorry.", "calls it off", kind="cancel")
        sessions.cancel(world, session)


@PART.hears("session")
def called_off(world: LivingStudio, session: Session) -> None:
    """Half of what was paid for a called-off booking goes back, or all of it."""
    if session.status != "canceled":
        return
    for invoice in world.tables.invoices.of_client(session.client_id):
        if invoice.session_id == session.id and invoice.status != "canceled" and invoice.paid > 0:
            _refund(world, invoice)


def _refund(world: LivingStudio, invoice: Invoice) -> None:
    random = world.random("refund", invoice.id)
    for payment in invoice.payments:
        if payment.status == "completed":
            whole = random.random() < 0.5
            back = payment.amount if whole else payment.amount // 2
            money.change_payment(world, payment, "refunded" if whole else "partially_refunded", refunded=back)
    money.cancel_invoice(world, invoice)


@PART.on("session_over")
def session_over(world: LivingStudio, key: str, session_id: str) -> None:
    """The pictures are taken; a gallery follows, some write, some come back, some are put away."""
    session = world.tables.sessions.rows[session_id]
    if session.status != "confirmed" or session.end_at != world.now:
        return
    kind = world.tables.session_types.rows[session.type_id]
    world.tell("session_over", session.client_id, f"{{name}}: {kind.name} took place")
    person = world.people.get(key)
    random = person.dice(world, "after") if person else world.random("after", session.id)
    if person is not None:
        person.stage = "done"
        if random.random() < 0.25 and not person.stopped:
            world.at(some_time(world, person, random, 3, 60), key, "says_thanks")
    if random.random() < 0.85:
        world.at(office_time(world, random, 5 * 24, 25 * 24), key, "gallery", session_id)
    if person is None:
        return
    if random.random() < 0.2:
        world.at(some_time(world, person, random, 30 * 24, 330 * 24), key, "comes_back")
    if random.random() < 0.1:
        world.at(after_hours(world, random, 60 * 24, 120 * 24), key, "put_away")


@PART.on("says_thanks")
def says_thanks(world: LivingStudio, key: str) -> None:
    """A kind word afterwards."""
    person = world.people[key]
    if not person.stopped:
        people.client_tells(
            world,
            person.client_id,
            texts.said(person.dice(world, "thanks"), texts.AFTERWARDS),
            "writes after the session",
        )


@PART.on("comes_back")
def comes_back(world: LivingStudio, key: str) -> None:
    """A client books again."""
    person = world.people[key]
    client = world.tables.clients.rows[person.client_id]
    if person.stage == "done" and not person.stopped and not client.archived:
        random = person.dice(world, "return")
        person.stage = "asked"
        person.wants = random.choice(("portrait", "family", "mini"))
        people.client_tells(world, person.client_id, texts.said(random, texts.AGAIN), "would like to book again")
        world.at(office_time(world, random, 1, 30), key, "studio_books")


@PART.on("put_away")
def put_away(world: LivingStudio, key: str) -> None:
    """The owner archives a client of the past."""
    person = world.people[key]
    if person.stage == "done":
        people.update_client(world, world.tables.clients.rows[person.client_id], archived=True)
        world.tell("archived", person.client_id, "{name} is archived")
