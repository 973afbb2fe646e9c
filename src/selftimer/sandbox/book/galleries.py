"""Galleries: published by the studio, looked at, liked and downloaded by its clients and their guests.

A collection that has run out lets nobody in. A protected one lets in its client and whoever knows the password.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selftimer.primitives.time import start_of_day
from selftimer.sandbox.book.deeds import DeedError
from selftimer.sandbox.model_galleries import (
    Collection,
    Download,
    DownloadKind,
    Favorite,
    Gallery,
    SharingLink,
    Visitor,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from whenever import Date, Instant

    from selftimer.sandbox.model import Client
    from selftimer.sandbox.studio import Studio

_PARTS = ("Highlights", "Ceremony", "Celebration")
_SPLIT = 200
"""From so many pictures on a collection has several galleries."""


def publish(
    world: Studio,
    client_id: str,
    name: str,
    photos: int,
    *,
    videos: int = 0,
    expiry: Date | None = None,
    password: str = "",
    downloadable: bool = True,
) -> Collection:
    """The pictures are ready: a collection for the client, protected where there is a password."""
    random = world.random("collection", client_id, world.now)
    taken = world.tables.collections.rows
    collection = Collection(
        id=_digits(random, 8, taken.__contains__),
        created_at=world.now,
        client_id=client_id,
        name=name,
        galleries=_galleries(world, random, name, photos, videos),
        expiry_date=expiry,
        password=password,
        protected=bool(password),
        downloadable=downloadable,
    )
    for photo in collection.galleries[0].photos()[: max(1, photos // 50)]:
        collection.starred[str(photo)] = world.now
    world.tables.collections.add(collection)
    world.changed()
    world.tell("gallery", client_id, f"{{name}}: gallery with {photos} pictures published")
    _watch_expiry(world, collection)
    world.noticed("gallery", collection)
    return collection


def change(world: Studio, collection: Collection, **fields: Any) -> None:
    """Other settings; a new last day counts from now on."""
    for name, value in fields.items():
        setattr(collection, name, value)
    _touch(world, collection)
    if "expiry_date" in fields:
        _watch_expiry(world, collection)


def end_of(world: Studio, collection: Collection) -> Instant | None:
    """When it runs out: at the end of its last day in the studio's zone; None for never."""
    date = collection.expiry_date
    return None if date is None else start_of_day(date.add(days=1), world.profile.zone)


def expired(world: Studio, collection: Collection) -> bool:
    """Whether it has run out."""
    end = end_of(world, collection)
    return end is not None and end <= world.now


def visit(
    world: Studio, collection: Collection, *, email: str, name: str = "", client_id: str = "", password: str = ""
) -> Visitor:
    """Somebody looks at the pictures; `DeedError` where they aren't let in. Its own client needs no password."""
    if expired(world, collection):
        raise DeedError("gallery_expired", "This gallery has run out.")
    own = bool(client_id) and client_id == collection.client_id
    if collection.protected and not own and password != collection.password:
        raise DeedError("gallery_password", "This gallery has another password.")
    visitor = collection.visitors.get(email)
    if visitor is None:
        visitor = Visitor(email=email, name=name, first_at=world.now, last_at=world.now, client_id=client_id)
        collection.visitors[email] = visitor
    visitor.last_at = world.now
    _touch(world, collection)
    return visitor


def favor(world: Studio, collection: Collection, visitor: Visitor, photo_id: str) -> None:
    """A visitor marks a picture; marked twice is marked once."""
    key = (visitor.email, photo_id)
    collection.favorites.setdefault(key, Favorite(photo_id=photo_id, email=visitor.email, at=world.now))
    _touch(world, collection)


def download(
    world: Studio,
    collection: Collection,
    visitor: Visitor,
    gallery: Gallery,
    kind: DownloadKind,
    *,
    photo_id: str | None = None,
) -> Download:
    """A visitor fetches a picture, a video or a gallery; `DeedError` where the studio doesn't allow it."""
    if not collection.downloadable or expired(world, collection):
        raise DeedError("not_downloadable", "Nothing can be downloaded from this gallery.")
    number = world.next_number("download")
    row = Download(
        id=str(number), kind=kind, gallery_id=gallery.id, email=visitor.email, at=world.now, photo_id=photo_id
    )
    collection.downloads.append(row)
    visitor.last_at = world.now
    _touch(world, collection)
    return row


def share(world: Studio, collection: Collection, visitor: Visitor, photo_id: str) -> SharingLink:
    """A visitor makes a link to one picture."""
    row = SharingLink(id=str(world.next_number("sharing_link")), photo_id=photo_id, email=visitor.email, at=world.now)
    collection.links.append(row)
    _touch(world, collection)
    return row


def visit_as(world: Studio, collection: Collection, client: Client) -> Visitor:
    """The client's own visit."""
    return visit(world, collection, email=client.email, name=client.name, client_id=client.id)


def _galleries(world: Studio, random: Random, name: str, photos: int, videos: int) -> list[Gallery]:
    parts = _PARTS if photos >= _SPLIT else (name,)
    share_of = photos // len(parts)
    taken = {gallery.id for collection in world.tables.collections for gallery in collection.galleries}
    made: list[Gallery] = []
    for place, part in enumerate(parts):
        count = share_of if place else photos - share_of * (len(parts) - 1)
        made.append(
            Gallery(
                id=_digits(random, 9, taken.__contains__),
                name=part,
                first_photo=random.randrange(10**10, 10**11),
                photo_count=count,
                video_count=0 if place else videos,
            )
        )
        taken.add(made[-1].id)
    return made


def _digits(random: Random, length: int, taken: Callable[[str], bool]) -> str:
    """A number of that many digits that isn't taken yet."""
    low = 10 ** (length - 1)
    number = random.randrange(low, 10 * low)
    while taken(str(number)):
        number = low if number + 1 == 10 * low else number + 1
    return str(number)


def _watch_expiry(world: Studio, collection: Collection) -> None:
    end = end_of(world, collection)
    if end is not None and end > world.now:
        world.at(end, collection.id, "gallery_ends", collection.id)


def _touch(world: Studio, collection: Collection) -> None:
    world.tables.collections.touch(collection.id)
    world.changed()
