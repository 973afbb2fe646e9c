"""The Gallery API, which has an address of its own (studio-api.md, Gallery API: documented, but thinly).

Which of its lists take `limit` and `offset` is inferred.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selftimer.studio.calls import Group, call
from selftimer.studio.models.galleries import (
    Bootstrap,
    Collection,
    CollectionClient,
    Download,
    Favorite,
    Gallery,
    Photo,
    Settings,
    SharingLink,
    Visitor,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selftimer.studio.stream import Stream


class Collections(Group):
    """Requests on `/collections/{id}`. Where a client's collections are listed, see `Clients.collections`."""

    @call("collection.get")
    async def get(self, collection_id: str) -> Collection:
        """`GET /collections/{id}` (documented)."""
        return await self._get("collection.get", Collection, id=collection_id)

    @call("collection.update")
    async def update(self, collection_id: str, fields: Mapping[str, Any]) -> Collection:
        """`PUT /collections/{id}` (documented), once, with those fields."""
        return await self._put("collection.update", Collection, fields, id=collection_id)

    @call("collection.edit")
    async def edit(self, collection_id: str) -> Settings:
        """`GET /collections/{id}/edit` (documented): what the web app's form shows, in `raw`."""
        return await self._told("collection.edit", Settings, id=collection_id)

    @call("collection.before_show")
    async def before_show(self, collection_id: str) -> Settings:
        """`GET /collections/{id}/before_show` (documented): what is read before it is shown, in `raw`."""
        return await self._told("collection.before_show", Settings, id=collection_id)

    @call("collection.before_download_settings")
    async def before_download_settings(self, collection_id: str) -> Settings:
        """`GET /collections/{id}/before_download_settings` (documented), in `raw`."""
        return await self._told("collection.before_download_settings", Settings, id=collection_id)

    @call("collection.galleries")
    def galleries(self, collection_id: str) -> Stream[Gallery]:
        """`GET /collections/{id}/galleries` (documented)."""
        return self._list("collection.galleries", Gallery, id=collection_id)

    @call("collection.clients")
    def clients(self, collection_id: str) -> Stream[CollectionClient]:
        """`GET /collections/{id}/clients` (documented): who may see it."""
        return self._list("collection.clients", CollectionClient, id=collection_id)

    @call("collection.visitor_emails")
    def visitor_emails(self, collection_id: str) -> Stream[Visitor]:
        """`GET /collections/{id}/visitor_emails` (documented): the addresses that visitors left."""
        return self._list("collection.visitor_emails", Visitor, id=collection_id)

    @call("collection.photo_downloads")
    def photo_downloads(self, collection_id: str) -> Stream[Download]:
        """`GET /collections/{id}/photo_downloads` (documented)."""
        return self._list("collection.photo_downloads", Download, id=collection_id)

    @call("collection.video_downloads")
    def video_downloads(self, collection_id: str) -> Stream[Download]:
        """`GET /collections/{id}/gallery_video_downloads` (documented)."""
        return self._list("collection.video_downloads", Download, id=collection_id)

    @call("collection.downloads")
    def downloads(self, collection_id: str) -> Stream[Download]:
        """`GET /collections/{id}/downloads/` (documented)."""
        return self._list("collection.downloads", Download, id=collection_id)

    @call("collection.sharing_links")
    def sharing_links(self, collection_id: str) -> Stream[SharingLink]:
        """`GET /collections/{id}/photo_sharing_links` (documented)."""
        return self._list("collection.sharing_links", SharingLink, id=collection_id)

    @call("collection.favorites")
    def favorites(self, collection_id: str) -> Stream[Favorite]:
        """`GET /collections/{id}/favorites` (documented)."""
        return self._list("collection.favorites", Favorite, id=collection_id)


class Photos(Group):
    """Requests on photos and on what the Gallery API tells at its start."""

    @call("photo.starred")
    def starred(self) -> Stream[Photo]:
        """`GET /photos/starred` (documented)."""
        return self._list("photo.starred", Photo)

    @call("bootstrap")
    async def bootstrap(self) -> Bootstrap:
        """`GET /data/bootstrap` (documented): account and profile."""
        return await self._told("bootstrap", Bootstrap)
