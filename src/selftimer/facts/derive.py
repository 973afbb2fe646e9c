"""What is worked out from several records: pure functions `(record, world, start) -> value`.

`start` is the moment the run began, None at its trigger (rule-language.md, Exact meaning 2 and 22). Calendar days are
those of the studio's zone, for a session those of its own. What can't be known is None.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, cast

from selftimer.facts.derive_money import outstanding
from selftimer.facts.records import Client, Kind, Message, Session, SessionType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from whenever import Date, Instant

    from selftimer.facts.records import (
        Contract,
        Conversation,
        Gallery,
        Invoice,
        Payment,
        Questionnaire,
        Quote,
        Record,
    )
    from selftimer.facts.types import Derive
    from selftimer.facts.world import StudioFacts, World

INQUIRY_MINUTES = 10
"""A client's first message this close to their creation is the inquiry itself, no reply (22)."""
OPEN_CONTRACT = frozenset({"sent", "viewed", "partially_signed"})


def session_zone(session: Session, world: World) -> str:
    """The zone a session's times are in: its own, else its type's schedule's, else the studio's (15)."""
    if session.timezone:
        return session.timezone
    if session.type_id:
        kind = world.get(Kind.SESSION_TYPE, session.type_id)
        if isinstance(kind, SessionType) and kind.timezone:
            return kind.timezone
    return world.studio.zone


def zone_of(record: object, world: World) -> str:
    """The zone that a record's times are shown and counted in: a session's own, for all else the studio's (15)."""
    return session_zone(record, world) if isinstance(record, Session) else world.studio.zone


def days_between(earlier: Date, later: Date) -> int:
    """Calendar days from one date to the other; negative if it lies before."""
    return later.to_stdlib().toordinal() - earlier.to_stdlib().toordinal()


# --- client -----------------------------------------------------------------------------------------------------------


def full_name(client: Client, _world: World, _start: Instant | None) -> str | None:
    """First and last name, as far as they are there."""
    return " ".join(part for part in (client.first_name, client.last_name) if part and part.strip()) or None


def _messages(client: Client, world: World) -> list[tuple[Instant, Message]]:
    """All dated messages of the client's conversations, oldest first."""
    found = cast("Sequence[Message]", world.of_client(Kind.MESSAGE, client.id))
    return sorted(((m.sent_at, m) for m in found if m.sent_at is not None), key=lambda pair: pair[0])


def _is_inquiry(client: Client, sent_at: Instant) -> bool:
    return client.created_at is not None and abs((sent_at - client.created_at).total("minutes")) <= INQUIRY_MINUTES


def replied(client: Client, world: World, start: Instant | None) -> bool:
    """The client wrote after the run began, in any conversation, the inquiry itself apart; before it: no."""
    if start is None:
        return False
    theirs = [at for at, message in _messages(client, world) if message.sender_type == "client"]
    if theirs and _is_inquiry(client, theirs[0]):
        del theirs[0]
    return bool(theirs) and theirs[-1] > start


def contacted(client: Client, world: World, start: Instant | None) -> bool:
    """A person of the studio wrote since the run began; before it: ever. What Selftimer wrote doesn't count."""
    return any(
        message.sender_type == "photographer" and (start is None or at >= start) and not world.is_ours(message.id)
        for at, message in _messages(client, world)
    )


def last_message(client: Client, world: World, _start: Instant | None) -> Message | None:
    """The latest message between the studio and the client; the product's own don't count."""
    spoken = [message for _, message in _messages(client, world) if message.sender_type != "system"]
    return spoken[-1] if spoken else None


def silent_days(client: Client, world: World, start: Instant | None) -> int | None:
    """Calendar days since the last message, if it was the studio's; else None."""
    last = last_message(client, world, start)
    if last is None or last.sent_at is None or last.sender_type != "photographer":
        return None
    zone = world.studio.zone
    return days_between(last.sent_at.to_tz(zone).date(), world.now.to_tz(zone).date())


def client_sessions(client: Client, world: World, _start: Instant | None) -> Sequence[Session]:
    """All sessions of the client."""
    return cast("Sequence[Session]", world.of_client(Kind.SESSION, client.id))


def last_session(client: Client, world: World, start: Instant | None) -> Session | None:
    """The latest confirmed session that has ended."""
    past = [(s.start_at, s) for s in client_sessions(client, world, start) if s.start_at and ended(s, world, start)]
    return max(past, key=lambda pair: pair[0])[1] if past else None


def next_session(client: Client, world: World, start: Instant | None) -> Session | None:
    """The earliest confirmed session that has not ended."""
    coming = [
        (s.start_at, s)
        for s in client_sessions(client, world, start)
        if s.start_at and s.status == "confirmed" and not ended(s, world, start)
    ]
    return min(coming, key=lambda pair: pair[0])[1] if coming else None


def kinds(client: Client, world: World, start: Instant | None) -> tuple[str, ...]:
    """The kinds of the client's past sessions, each once, sorted."""
    past = (session_kind(s, world, start) for s in client_sessions(client, world, start) if ended(s, world, start))
    return tuple(sorted({kind for kind in past if kind is not None}))


def client_invoices(client: Client, world: World, _start: Instant | None) -> Sequence[Invoice]:
    """All invoices of the client."""
    return cast("Sequence[Invoice]", world.of_client(Kind.INVOICE, client.id))


def open_invoices(client: Client, world: World, start: Instant | None) -> tuple[Invoice, ...]:
    """The client's outstanding invoices."""
    return tuple(invoice for invoice in client_invoices(client, world, start) if outstanding(invoice, world, start))


def client_contracts(client: Client, world: World, _start: Instant | None) -> Sequence[Contract]:
    """All contracts of the client."""
    return cast("Sequence[Contract]", world.of_client(Kind.CONTRACT, client.id))


def client_questionnaires(client: Client, world: World, _start: Instant | None) -> Sequence[Questionnaire]:
    """All questionnaires of the client."""
    return cast("Sequence[Questionnaire]", world.of_client(Kind.QUESTIONNAIRE, client.id))


def client_quotes(client: Client, world: World, _start: Instant | None) -> Sequence[Quote]:
    """All quotes of the client."""
    return cast("Sequence[Quote]", world.of_client(Kind.QUOTE, client.id))


def client_galleries(client: Client, world: World, _start: Instant | None) -> Sequence[Gallery]:
    """The client's galleries, as far as they are looked for."""
    return cast("Sequence[Gallery]", world.of_client(Kind.GALLERY, client.id))


def gallery_expired(gallery: Gallery, world: World, _start: Instant | None) -> bool:
    """Whether its last day is over in the studio's zone."""
    return gallery.expiry_date is not None and gallery.expiry_date < world.now.to_tz(world.studio.zone).date()


# --- session ----------------------------------------------------------------------------------------------------------


def session_end(session: Session) -> Instant | None:
    """When a session ends: its end, else its start and length, else its start."""
    if session.end_at is not None or session.start_at is None:
        return session.end_at
    return session.start_at.add(minutes=session.duration or 0)


def ended(session: Session, world: World, _start: Instant | None) -> bool:
    """A confirmed session whose end has passed; there is no such status."""
    end = session_end(session)
    return session.status == "confirmed" and end is not None and end <= world.now


def session_kind(session: Session, world: World, _start: Instant | None) -> str | None:
    """The first of the studio's `[kinds]` with a pattern that the session type's name fits, in any case."""
    return kind_named(session.type_name, world.studio.kinds) if session.type_name else None


def kind_named(type_name: str, kinds: Mapping[str, Sequence[str]]) -> str | None:
    """The kind of a session type with that name, by `[kinds]`."""
    return next((kind for kind, patterns in kinds.items() if fits(type_name, patterns)), None)


def fits(type_name: str, patterns: Sequence[str]) -> bool:
    """Whether a session type's name fits one of a kind's patterns, in any case."""
    name = type_name.casefold()
    return any(fnmatchcase(name, pattern.casefold()) for pattern in patterns)


def session_type(session: Session, world: World, _start: Instant | None) -> SessionType | None:
    """What was booked, as far as it is known: the name and length come with the session."""
    known = world.get(Kind.SESSION_TYPE, session.type_id) if session.type_id else None
    if isinstance(known, SessionType):
        return known
    if session.type_name is None:
        return None
    return SessionType(id=session.type_id or "", name=session.type_name, duration=session.duration)


def _by_id(world: World, kind: Kind, record_id: str | None) -> Record | None:
    return None if record_id is None else world.get(kind, record_id)


def session_invoice(session: Session, world: World, _start: Instant | None) -> Record | None:
    """The session's invoice."""
    return _by_id(world, Kind.INVOICE, session.invoice_id)


def session_contract(session: Session, world: World, _start: Instant | None) -> Record | None:
    """The session's contract."""
    return _by_id(world, Kind.CONTRACT, session.contract_id)


def session_questionnaire(session: Session, world: World, _start: Instant | None) -> Record | None:
    """The session's questionnaire."""
    return _by_id(world, Kind.QUESTIONNAIRE, session.questionnaire_id)


# --- documents, messages, the studio ----------------------------------------------------------------------------------


def client_of(
    record: Session | Invoice | Payment | Contract | Questionnaire | Quote | Conversation | Message,
    world: World,
    _start: Instant | None,
) -> Record | None:
    """The client that the record belongs to."""
    return _by_id(world, Kind.CLIENT, record.client_id)


def contract_outstanding(contract: Contract, _world: World, _start: Instant | None) -> bool:
    """Sent, viewed or partially signed: somebody still has to sign."""
    return contract.status in OPEN_CONTRACT


def questionnaire_outstanding(questionnaire: Questionnaire, _world: World, _start: Instant | None) -> bool:
    """Waits for the client's answers."""
    return questionnaire.status == "pending"


def quote_outstanding(quote: Quote, _world: World, _start: Instant | None) -> bool:
    """Waits for the client's yes or no."""
    return quote.status == "sent"


def message_conversation(message: Message, world: World, _start: Instant | None) -> Record | None:
    """The conversation that the message stands in."""
    return world.get(Kind.CONVERSATION, message.conversation_id)


def studio_word(name: str) -> Derive:
    """A function for one word of the studio's; left empty in selftimer.toml it is missing."""

    def derive(studio: StudioFacts, _world: World, _start: Instant | None) -> str | None:
        value: str = getattr(studio, name)
        return value or None

    return derive
