"""The Gallery API, under the sandbox's own origin beside the rest (studio-api.md, Gallery API: documented, thin).

Which lists take `limit` and `offset` isn't known; here those do that grow with visitors (inferred).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict
from whenever import Date

from selftimer.sandbox import views_galleries as views
from selftimer.sandbox.book import galleries
from selftimer.sandbox.http import Answer, Call, Fields, body_of, shape1
from selftimer.sandbox.resources.reading import WINDOW, WindowMeta, window
from selftimer.sandbox.routing import Param, Route, TotalMeta
from selftimer.sandbox.view_types import Day

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from selftimer.sandbox.model_galleries import Collection, DownloadKind

_LONGEST_PASSWORD = 100


class CollectionBody(TypedDict, total=False):
    """What is to be different; null takes a description, a password or the last day away."""

    name: Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
    description: Annotated[str, Field(max_length=2000)] | None
    password: Annotated[str, Field(max_length=_LONGEST_PASSWORD)] | None
    password_protected: bool
    downloadable: bool
    expiry_date: Day | None


def collection(call: Call) -> Answer:
    """One collection; with `expand=video_cover` the cover of its first video, null where it has none."""
    return Answer({"data": _collection(call, _one(call))})


def update(call: Call) -> Answer:
    """Settings of a collection; a password alone protects it, and a later last day opens it again."""
    row = _one(call)
    body = body_of(call)
    values = _read(body, row)
    galleries.change(call.world, row, **values)
    call.world.tell("bot_gallery", row.client_id, "The bot changes the gallery of {name}")
    call.wrote("collection_update", row.id, client_id=row.client_id, content=body)
    return Answer({"data": _collection(call, row)})


def edit(call: Call) -> Answer:
    """A collection as its owner edits it."""
    return Answer({"data": views.settings(_one(call))})


def galleries_of(call: Call) -> Answer:
    """The galleries of a collection, in order."""
    row = _one(call)
    return _whole([views.gallery(row, gallery) for gallery in row.galleries])


def before_show(call: Call) -> Answer:
    """What a visitor meets before the pictures."""
    return Answer({"data": views.before_show(call.world, _one(call))})


def before_download(call: Call) -> Answer:
    """What a visitor meets before a download."""
    return Answer({"data": views.before_download(call.world, _one(call))})


def clients(call: Call) -> Answer:
    """The clients of the studio who may see a collection."""
    return _whole([views.client(call.world, _one(call))])


def visitor_emails(call: Call) -> Answer:
    """Who looked at a collection, the last one first."""
    row = _one(call)
    rows = sorted(row.visitors.values(), key=lambda visitor: visitor.last_at, reverse=True)
    return _windowed(call, rows, lambda visitor: views.visitor(row, visitor))


def photo_downloads(call: Call) -> Answer:
    """Pictures that were fetched one by one, newest first."""
    return _downloads(call, "photo")


def video_downloads(call: Call) -> Answer:
    """Videos that were fetched, newest first."""
    return _downloads(call, "video")


def downloads(call: Call) -> Answer:
    """All that was fetched, newest first: pictures, videos, whole galleries."""
    return _downloads(call, "photo", "video", "gallery")


def sharing_links(call: Call) -> Answer:
    """Links to single pictures, newest first."""
    row = _one(call)
    return _windowed(call, row.links[::-1], lambda link: views.sharing_link(row, link))


def favorites(call: Call) -> Answer:
    """Pictures that visitors marked, newest first."""
    row = _one(call)
    return _windowed(call, list(row.favorites.values())[::-1], lambda marked: views.favorite(row, marked))


def starred(call: Call) -> Answer:
    """Pictures of all collections that the photographer starred, newest first."""
    table = call.world.tables.collections
    rows = table.kept("starred", lambda: [(row, photo) for row in table.newest() for photo in row.starred])
    return _windowed(call, rows, lambda pair: views.starred(*pair))


def bootstrap(call: Call) -> Answer:
    """The account and the profile, with which the galleries' web app starts."""
    return Answer({"data": views.bootstrap(call.world)})


def _one(call: Call) -> Collection:
    row = call.world.tables.collections.get(call.params["id"])
    if row is None:
        raise shape1(404, "resource_not_found", "The collection was not found.")
    return row


def _collection(call: Call, row: Collection) -> views.Collection:
    return views.collection(row, video_cover="video_cover" in call.query.get("expand", "").split(","))


def _read(body: dict[str, Any], row: Collection) -> dict[str, Any]:
    fields = Fields(body)
    values: dict[str, Any] = {}
    if "name" in body:
        values["name"] = fields.text("name", required=True, limit=200)
    if "description" in body:
        values["description"] = fields.text("description", limit=2000)
    if "password" in body:
        values["password"] = fields.text("password", limit=_LONGEST_PASSWORD)
        values["protected"] = bool(values["password"])
    if "password_protected" in body:
        values["protected"] = fields.flag("password_protected", default=False)
        if values["protected"] and not values.get("password", row.password):
            fields.fault("password", "A collection needs a password before it can be protected.")
    if "downloadable" in body:
        values["downloadable"] = fields.flag("downloadable", default=False)
    if "expiry_date" in body:
        values["expiry_date"] = _date(fields)
    fields.check()
    return values


def _date(fields: Fields) -> Date | None:
    if fields.body["expiry_date"] is None:
        return None
    text = fields.text("expiry_date")
    try:
        if len(text) == 10:
            return Date.parse_iso(text)
    except ValueError:
        pass
    fields.fault("expiry_date", "The expiry_date field must be a date like 2026-03-31.")
    return None


def _downloads(call: Call, *kinds: DownloadKind) -> Answer:
    rows = [row for row in reversed(_one(call).downloads) if row.kind in kinds]
    return _windowed(call, rows, views.download)


def _whole(data: list[Any]) -> Answer:
    return Answer({"data": data, "meta": {"total": len(data)}})


def _windowed(call: Call, rows: Sequence[Any], view: Callable[[Any], Any]) -> Answer:
    part, meta = window(call, rows)
    return Answer({"data": [view(row) for row in part], "meta": meta})


_AT = "/collections/{id}"
_COVER = (Param("expand", str, "`video_cover`"),)
_GONE = (404,)
ROUTES = (
    Route("GET", _AT, collection, query=_COVER, data=views.Collection, errors=_GONE),
    Route("PUT", _AT, update, query=_COVER, body=CollectionBody, data=views.Collection, errors=(400, 404, 422)),
    Route("GET", f"{_AT}/edit", edit, data=views.CollectionSettings, errors=_GONE),
    Route("GET", f"{_AT}/galleries", galleries_of, data=list[views.Gallery], meta=TotalMeta, errors=_GONE),
    Route("GET", f"{_AT}/before_show", before_show, data=views.BeforeShow, errors=_GONE),
    Route("GET", f"{_AT}/before_download_settings", before_download, data=views.BeforeDownload, errors=_GONE),
    Route("GET", f"{_AT}/clients", clients, data=list[views.CollectionClient], meta=TotalMeta, errors=_GONE),
    *(
        Route("GET", f"{_AT}/{name}", answer, query=WINDOW, data=list[kind], meta=WindowMeta, errors=_GONE)  # type: ignore[valid-type]  # a type as a value
        for name, answer, kind in (
            ("visitor_emails", visitor_emails, views.VisitorEmail),
            ("photo_downloads", photo_downloads, views.Download),
            ("gallery_video_downloads", video_downloads, views.Download),
            ("downloads/", downloads, views.Download),
            ("photo_sharing_links", sharing_links, views.SharingLink),
            ("favorites", favorites, views.Favorite),
        )
    ),
    Route("GET", "/photos/starred", starred, query=WINDOW, data=list[views.StarredPhoto], meta=WindowMeta),
    Route("GET", "/data/bootstrap", bootstrap, data=views.Bootstrap),
)
