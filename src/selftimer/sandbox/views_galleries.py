"""The JSON of the Gallery API (studio-api.md).

Documented are the fields of a collection, of a gallery and of a collection's client; the rest is inferred. Ids are
digits, kept as text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from selftimer.sandbox.book import galleries as book
from selftimer.sandbox.ledger import stamp
from selftimer.sandbox.model_galleries import DownloadKind
from selftimer.sandbox.view_types import Count, Day, Stamp, closed
from selftimer.sandbox.views import optional

if TYPE_CHECKING:
    from selftimer.sandbox import model_galleries as model
    from selftimer.sandbox.studio import Studio

CollectionKey = Annotated[str, Field(pattern=r"^\d{8}$")]
GalleryKey = Annotated[str, Field(pattern=r"^\d{9}$")]
PhotoKey = Annotated[str, Field(pattern=r"^\d+$")]


@closed
class Picture(TypedDict):
    """A picture; `url` is a path on the galleries' own origin."""

    id: PhotoKey
    url: str


@closed
class Collection(TypedDict):
    """A gallery collection; `video_cover` where it was asked for by `expand`."""

    id: CollectionKey
    name: str
    description: str | None
    gallery_count: Count
    client_count: Count
    photo_count: Count
    video_count: Count
    password_protected: bool
    downloadable: bool
    expiry_date: Day | None
    created_at: Stamp
    video_cover: NotRequired[Picture | None]


@closed
class CollectionSettings(Collection):
    """A collection as its owner edits it, the password included."""

    password: str | None
    client_id: str


@closed
class Gallery(TypedDict):
    """A gallery of a collection; `download` says whether its pictures may be fetched."""

    id: GalleryKey
    collection_id: CollectionKey
    name: str
    description: str | None
    photo_count: Count
    video_count: Count
    private: bool
    download: bool
    cover_photo: Picture | None


@closed
class BeforeShow(TypedDict):
    """What a visitor meets before the pictures."""

    id: CollectionKey
    name: str
    expired: bool
    expiry_date: Day | None
    requires_password: bool
    requires_email: bool


@closed
class BeforeDownload(TypedDict):
    """What a visitor meets before a download."""

    id: CollectionKey
    downloadable: bool
    requires_email: bool
    sizes: list[Literal["web", "original"]]


@closed
class CollectionClient(TypedDict):
    """A client of the studio who may see a collection."""

    id: str
    email: str
    name: str
    access_level: Literal["full"]
    last_accessed: Stamp | None
    favorites_count: Count


@closed
class VisitorEmail(TypedDict):
    """An address that somebody gave to see a collection; `name` is null for guests."""

    email: str
    name: str | None
    first_visited_at: Stamp
    last_visited_at: Stamp
    favorites_count: Count


@closed
class Download(TypedDict):
    """What a visitor fetched: a picture, a video or a whole gallery."""

    id: str
    type: DownloadKind
    gallery_id: GalleryKey
    photo_id: PhotoKey | None
    email: str
    downloaded_at: Stamp


@closed
class SharingLink(TypedDict):
    """A link to one picture, to pass on."""

    id: str
    photo_id: PhotoKey
    url: str
    created_by: str
    created_at: Stamp


@closed
class Favorite(TypedDict):
    """A picture that a visitor marked."""

    photo_id: PhotoKey
    gallery_id: GalleryKey
    email: str
    created_at: Stamp


@closed
class StarredPhoto(TypedDict):
    """A picture that the photographer starred."""

    id: PhotoKey
    gallery_id: GalleryKey
    collection_id: CollectionKey
    url: str
    starred_at: Stamp


@closed
class Account(TypedDict):
    """The account behind the galleries."""

    id: str
    email: str
    plan: str
    collection_count: Count


@closed
class Profile(TypedDict):
    """The studio as visitors see it."""

    name: str
    owner_name: str
    website: str
    timezone: str


@closed
class Bootstrap(TypedDict):
    """What the galleries' web app starts with."""

    account: Account
    profile: Profile


def collection(row: model.Collection, *, video_cover: bool = False) -> Collection:
    """A collection."""
    seen: Collection = {
        "id": row.id,
        "name": row.name,
        "description": row.description or None,
        "gallery_count": len(row.galleries),
        "client_count": 1,
        "photo_count": row.photo_count,
        "video_count": row.video_count,
        "password_protected": row.protected,
        "downloadable": row.downloadable,
        "expiry_date": str(row.expiry_date) if row.expiry_date else None,
        "created_at": stamp(row.created_at),
    }
    if video_cover:
        filmed = next((gallery for gallery in row.galleries if gallery.video_count), None)
        seen["video_cover"] = None if filmed is None else _picture(row, filmed.first_photo + filmed.photo_count)
    return seen


def settings(row: model.Collection) -> CollectionSettings:
    """A collection for its owner."""
    return {**collection(row), "password": row.password or None, "client_id": row.client_id}


def gallery(row: model.Collection, one: model.Gallery) -> Gallery:
    """A gallery; its first picture is its cover."""
    return {
        "id": one.id,
        "collection_id": row.id,
        "name": one.name,
        "description": None,
        "photo_count": one.photo_count,
        "video_count": one.video_count,
        "private": one.private,
        "download": row.downloadable,
        "cover_photo": _picture(row, one.first_photo) if one.photo_count else None,
    }


def before_show(world: Studio, row: model.Collection) -> BeforeShow:
    """The door of a collection: everybody gives an address, and the password where there is one."""
    return {
        "id": row.id,
        "name": row.name,
        "expired": book.expired(world, row),
        "expiry_date": str(row.expiry_date) if row.expiry_date else None,
        "requires_password": row.protected,
        "requires_email": True,
    }


def before_download(world: Studio, row: model.Collection) -> BeforeDownload:
    """What may be fetched; nothing of a collection that has run out."""
    possible = row.downloadable and not book.expired(world, row)
    return {
        "id": row.id,
        "downloadable": possible,
        "requires_email": True,
        "sizes": ["web", "original"] if possible else [],
    }


def client(world: Studio, row: model.Collection) -> CollectionClient:
    """The client of a collection; when they looked last, and how many pictures they marked."""
    person = world.tables.clients.rows[row.client_id]
    own = [visitor for visitor in row.visitors.values() if visitor.client_id == person.id]
    addresses = {visitor.email for visitor in own}
    return {
        "id": person.id,
        "email": person.email,
        "name": person.name,
        "access_level": "full",
        "last_accessed": optional(max((visitor.last_at for visitor in own), default=None)),
        "favorites_count": len({photo for address, photo in row.favorites if address in addresses}),
    }


def visitor(row: model.Collection, one: model.Visitor) -> VisitorEmail:
    """Who looked."""
    return {
        "email": one.email,
        "name": one.name or None,
        "first_visited_at": stamp(one.first_at),
        "last_visited_at": stamp(one.last_at),
        "favorites_count": sum(address == one.email for address, _ in row.favorites),
    }


def download(one: model.Download) -> Download:
    """What was fetched."""
    return {
        "id": one.id,
        "type": one.kind,
        "gallery_id": one.gallery_id,
        "photo_id": one.photo_id,
        "email": one.email,
        "downloaded_at": stamp(one.at),
    }


def sharing_link(row: model.Collection, one: model.SharingLink) -> SharingLink:
    """A link to a picture."""
    return {
        "id": one.id,
        "photo_id": one.photo_id,
        "url": f"/collections/{row.id}/shared/{one.photo_id}",
        "created_by": one.email,
        "created_at": stamp(one.at),
    }


def favorite(row: model.Collection, one: model.Favorite) -> Favorite:
    """A marked picture."""
    return {
        "photo_id": one.photo_id,
        "gallery_id": row.gallery_of(one.photo_id).id,
        "email": one.email,
        "created_at": stamp(one.at),
    }


def starred(row: model.Collection, photo_id: str) -> StarredPhoto:
    """A picture that the photographer is proud of."""
    return {
        "id": photo_id,
        "gallery_id": row.gallery_of(photo_id).id,
        "collection_id": row.id,
        "url": _picture(row, int(photo_id))["url"],
        "starred_at": stamp(row.starred[photo_id]),
    }


def bootstrap(world: Studio) -> Bootstrap:
    """The account and its profile."""
    own = world.profile
    return {
        "account": {
            "id": own.account_id,
            "email": own.email,
            "plan": "sandbox",
            "collection_count": len(world.tables.collections),
        },
        "profile": {"name": own.name, "owner_name": own.owner, "website": own.website, "timezone": own.zone},
    }


def _picture(row: model.Collection, number: int) -> Picture:
    return {"id": str(number), "url": f"/collections/{row.id}/media/{number}"}
