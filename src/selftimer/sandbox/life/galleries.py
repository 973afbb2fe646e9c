"""Galleries: the studio publishes them after a session; clients and their guests look, like and download."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.sandbox.book import galleries
from selftimer.sandbox.book.deeds import DeedError
from selftimer.sandbox.life.person import after_hours, some_time
from selftimer.sandbox.script import Script

if TYPE_CHECKING:
    from random import Random

    from selftimer.sandbox.life.living import LivingStudio
    from selftimer.sandbox.model_galleries import Collection, Visitor

PART = Script()
EXPIRES_AFTER = 90
"""Days that a gallery stays."""


@PART.on("gallery")
def gallery(world: LivingStudio, key: str, session_id: str) -> None:
    """The pictures are ready; one gallery in four has a password, one in eight is only for looking."""
    session = world.tables.sessions.rows[session_id]
    kind = world.tables.session_types.rows[session.type_id]
    person = world.people.get(key)
    random = person.dice(world, "gallery") if person else world.random("gallery", session_id)
    photos = random.randint(20, 600)
    galleries.publish(
        world,
        session.client_id,
        kind.name,
        photos,
        videos=random.randint(1, 3) if kind.key == "wedding" else 0,
        expiry=world.now.to_tz(world.profile.zone).date().add(days=EXPIRES_AFTER),
        password=f"{random.randrange(10_000):04}" if random.random() < 0.25 else "",
        downloadable=random.random() < 0.875,
    )


@PART.hears("gallery")
def published(world: LivingStudio, collection: Collection) -> None:
    """Its client comes soon and often; guests may follow."""
    person = world.person_of(collection.client_id)
    if person is None:
        return
    random = person.dice(world, "gallery_visits")
    if random.random() < 0.92:
        world.at(some_time(world, person, random, 0.5, 50), person.key, "looks_at_pictures", collection.id)
    if random.random() < 0.4:
        world.at(some_time(world, person, random, 60, 80 * 24), person.key, "looks_at_pictures", collection.id)
    for number in range(random.choice((0, 0, 1, 2))):
        world.at(after_hours(world, random, 30, 20 * 24), person.key, "guest_looks", collection.id, number)


@PART.on("looks_at_pictures")
def looks_at_pictures(world: LivingStudio, key: str, collection_id: str) -> None:
    """The client looks, marks some, and fetches what may be fetched."""
    collection = world.tables.collections.rows[collection_id]
    client = world.tables.clients.rows[collection.client_id]
    random = world.people[key].dice(world, "looks")
    try:
        visitor = galleries.visit_as(world, collection, client)
    except DeedError:
        world.tell("gallery_closed", client.id, "{name} stands before a closed gallery")
        return
    _mark(world, collection, visitor, random, random.randint(0, 15))
    if random.random() < 0.5:
        _fetch(world, collection, visitor, random)
    if random.random() < 0.15:
        galleries.share(world, collection, visitor, _photo(collection, random))


@PART.on("guest_looks")
def guest_looks(world: LivingStudio, key: str, collection_id: str, number: int) -> None:
    """A guest follows the link; half of them were told the password, where there is one."""
    collection = world.tables.collections.rows[collection_id]
    person = world.people[key]
    random = person.dice(world, "guest")
    email = f"guest-{collection.id}-{number + 1}@example.org"
    password = collection.password if random.random() < 0.5 else ""
    try:
        visitor = galleries.visit(world, collection, email=email, password=password)
    except DeedError:
        return
    _mark(world, collection, visitor, random, random.randint(0, 4))
    if random.random() < 0.3:
        _fetch(world, collection, visitor, random)


@PART.on("gallery_ends")
def gallery_ends(world: LivingStudio, _key: str, collection_id: str) -> None:
    """The last day is over, unless the studio has given it more."""
    collection = world.tables.collections.rows[collection_id]
    if galleries.expired(world, collection) and galleries.end_of(world, collection) == world.now:
        world.changed()
        world.tell("gallery_ends", collection.client_id, "{name}: the gallery has run out")


def _mark(world: LivingStudio, collection: Collection, visitor: Visitor, random: Random, count: int) -> None:
    for _ in range(count):
        galleries.favor(world, collection, visitor, _photo(collection, random))


def _fetch(world: LivingStudio, collection: Collection, visitor: Visitor, random: Random) -> None:
    """A few pictures, a video, or all at once; nothing where the studio doesn't allow it."""
    place = random.randrange(len(collection.galleries))
    chosen = collection.galleries[place]
    try:
        if random.random() < 0.4:
            galleries.download(world, collection, visitor, chosen, "gallery")
        elif chosen.video_count and random.random() < 0.5:
            galleries.download(world, collection, visitor, chosen, "video")
        else:
            for _ in range(random.randint(1, 5)):
                photo = str(random.choice(chosen.photos()))
                galleries.download(world, collection, visitor, chosen, "photo", photo_id=photo)
    except DeedError:
        world.tell("download_refused", collection.client_id, "{name}: a visitor may not download here")


def _photo(collection: Collection, random: Random) -> str:
    chosen = random.choice(collection.galleries)
    return str(random.choice(chosen.photos()))
