"""Sessions: asked for, booked, moved, called off; and the galleries that follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.primitives.ids import SessionId
from selftimer.sandbox.book.people import convert
from selftimer.sandbox.model import Collection, Session, SessionStatus, SessionType

if TYPE_CHECKING:
    from whenever import Date, Instant

    from selftimer.sandbox.studio import Studio


def add_session(
    world: Studio, client_id: str, kind: SessionType, start_at: Instant, status: SessionStatus, *, location: str = ""
) -> Session:
    """A session of that type; booked ones make a client of a lead."""
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
    """Another date for the session, as long as before."""
    length = session.end_at - session.start_at
    session.start_at, session.end_at = start_at, start_at + length
    _touch(world, session)
    local = start_at.to_tz(world.profile.zone)
    world.tell("session_moved", session.client_id, f"{{name}}: session moved to {local.date()}")
    world.noticed("session_moved", session)


def link(world: Studio, session: Session, **ids: str) -> None:
    """Note the invoice, contract or questionnaire that belongs to the session."""
    for name, value in ids.items():
        setattr(session, name, value)
    _touch(world, session)


def publish_gallery(world: Studio, client_id: str, name: str, photos: int, expiry: Date | None = None) -> Collection:
    """The pictures are ready: a gallery collection of the client."""
    number = 10_000_000 + world.random("collection", client_id, world.now).randrange(90_000_000)
    while str(number) in world.tables.collections.rows:
        number += 1
    collection = Collection(
        id=str(number), created_at=world.now, client_id=client_id, name=name, photo_count=photos, expiry_date=expiry
    )
    world.tables.collections.add(collection)
    world.changed()
    world.tell("gallery", client_id, f"{{name}}: gallery with {photos} pictures published")
    return collection


def _touch(world: Studio, session: Session) -> None:
    session.updated_at = world.now
    world.tables.sessions.touch(session.id)
    world.changed()
