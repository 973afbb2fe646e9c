"""The Gallery API (studio-api.md, Gallery API: documented, but thinly; what isn't is in `raw`)."""

from __future__ import annotations

from typing import Any

from pydantic import AliasChoices, Field, model_validator

from selftimer.studio import wire as w
from selftimer.studio.models.base import Entry


class Collection(Entry):
    """A collection of galleries; its id is 8 digits."""

    id: w.Name
    name: w.Text = None
    description: w.Text = None
    gallery_count: w.Count = 0
    client_count: w.Count = 0
    photo_count: w.Count = 0
    video_count: w.Count = 0
    password_protected: w.Flag = False
    downloadable: w.Flag = False
    expiry_date: w.Day = None
    created_at: w.Stamp = None
    video_cover: object = None


class Gallery(Entry):
    """A gallery of a collection; its id is 9 digits."""

    id: w.Name
    collection_id: w.Name | None = None
    name: w.Text = None
    description: w.Text = None
    photo_count: w.Count = 0
    video_count: w.Count = 0
    private: w.Flag = False
    download: object = None
    cover_photo: object = None


class CollectionClient(Entry):
    """Who may see a collection."""

    id: w.Name
    email: w.Text = None
    name: w.Text = None
    access_level: w.Text = None
    last_accessed: w.Stamp = None
    favorites_count: w.Count = 0


class Visitor(Entry):
    """The address that somebody left to see a collection (inferred; a bare text is one too)."""

    email: w.Text = None
    name: w.Text = None
    first_visited_at: w.Stamp = None
    last_visited_at: w.Stamp = None
    favorites_count: w.Count = 0

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {"email": value} if isinstance(value, str) else value


class Download(Entry):
    """What a visitor fetched: a photo, a video or a whole gallery (inferred)."""

    id: w.Name | None = None
    type: w.Text = None
    gallery_id: w.Name | None = None
    photo_id: w.Name | None = None
    email: w.Text = None
    downloaded_at: w.Stamp = None


class SharingLink(Entry):
    """A link to one photo, to pass on (inferred)."""

    id: w.Name | None = None
    photo_id: w.Name | None = None
    url: w.Text = None
    created_by: w.Text = None
    created_at: w.Stamp = None


class Favorite(Entry):
    """A photo that a visitor marked (inferred)."""

    photo_id: w.Name | None = None
    gallery_id: w.Name | None = None
    email: w.Text = None
    created_at: w.Stamp = None


class Photo(Entry):
    """A photo; its id is digits of any length."""

    id: w.Name
    collection_id: w.Name | None = None
    gallery_id: w.Name | None = None
    url: w.Text = None
    starred_at: w.Stamp = None


class Settings(Entry):
    """What the web app reads before it shows something: nothing of it is documented, all of it is in `raw`."""


class Bootstrap(Entry):
    """Account and profile, as the web app reads them at its start."""

    account: dict[str, Any] = Field(default_factory=dict)
    profile: dict[str, Any] = Field(default_factory=dict)


class Notifications(Entry):
    """The cheap request that tells whether a session is alive. The account's id in it is inferred."""

    account_id: w.Name | None = None
    account_name: w.Text = None
    notifications: object = Field(default=None, validation_alias=AliasChoices("notifications", "items"))
