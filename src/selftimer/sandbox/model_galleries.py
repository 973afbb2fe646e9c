"""Gallery collections and what visitors do in them (studio-api.md, Gallery API)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from selftimer.sandbox.model import Record

if TYPE_CHECKING:
    from whenever import Date, Instant

DownloadKind = Literal["photo", "video", "gallery"]


@dataclass(slots=True, kw_only=True)
class Gallery:
    """Pictures of a collection: `photo_count` of them, with ids from `first_photo` on."""

    id: str
    name: str
    first_photo: int
    photo_count: int
    video_count: int = 0
    private: bool = False

    def photos(self) -> range:
        """The ids of its pictures."""
        return range(self.first_photo, self.first_photo + self.photo_count)


@dataclass(slots=True, kw_only=True)
class Visitor:
    """Who looked at a collection, by address; `client_id` is "" for a guest."""

    email: str
    name: str
    first_at: Instant
    last_at: Instant
    client_id: str = ""


@dataclass(slots=True, kw_only=True)
class Favorite:
    """A picture that a visitor marked."""

    photo_id: str
    email: str
    at: Instant


@dataclass(slots=True, kw_only=True)
class Download:
    """What a visitor fetched: a picture, a video, or a whole gallery."""

    id: str
    kind: DownloadKind
    gallery_id: str
    email: str
    at: Instant
    photo_id: str | None = None


@dataclass(slots=True, kw_only=True)
class SharingLink:
    """A link to one picture that somebody made to pass on."""

    id: str
    photo_id: str
    email: str
    at: Instant


@dataclass(slots=True, kw_only=True)
class Collection(Record):
    """A gallery collection that the studio published for a client; what visitors did in it, oldest first."""

    name: str
    galleries: list[Gallery]
    description: str = ""
    expiry_date: Date | None = None
    password: str = ""
    protected: bool = False
    downloadable: bool = True
    starred: dict[str, Instant] = field(default_factory=dict)
    visitors: dict[str, Visitor] = field(default_factory=dict)
    favorites: dict[tuple[str, str], Favorite] = field(default_factory=dict)
    downloads: list[Download] = field(default_factory=list)
    links: list[SharingLink] = field(default_factory=list)

    @property
    def photo_count(self) -> int:
        """Pictures in all its galleries."""
        return sum(gallery.photo_count for gallery in self.galleries)

    @property
    def video_count(self) -> int:
        """Videos in all its galleries."""
        return sum(gallery.video_count for gallery in self.galleries)

    def gallery_of(self, photo_id: str) -> Gallery:
        """The gallery that a picture is in."""
        return next(gallery for gallery in self.galleries if int(photo_id) in gallery.photos())
