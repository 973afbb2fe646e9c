from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.contract.api.kit import Meeting, empty, meet
from tests.unit.studio.scripted import START, Reply, Script
from whenever import Date

from selftimer.errors import NotFound, NotSignedIn, Refused
from selftimer.primitives.clock import VirtualClock
from selftimer.sandbox import bulk
from selftimer.sandbox.book import galleries
from selftimer.studio import Studio

if TYPE_CHECKING:
    from selftimer.sandbox.model_galleries import Collection

NOTHING = "00000000"


def published(photos: int = 12, visitors: int = 0, **settings: Any) -> tuple[Meeting, Collection]:
    """A collection, and visitors who marked, fetched and passed on one picture each."""
    m = meet(empty(), **settings)
    (client,) = bulk.add_clients(m.world, 1)
    made = galleries.publish(m.world, client.id, "Łucja & 太郎", photos, videos=1, expiry=Date(2030, 1, 1))
    for number in range(visitors):
        visitor = galleries.visit(m.world, made, email=f"guest{number:03}@example.com")
        photo = str(made.galleries[0].first_photo + number % photos)
        galleries.favor(m.world, made, visitor, photo)
        galleries.download(m.world, made, visitor, made.galleries[0], "photo", photo_id=photo)
        galleries.share(m.world, made, visitor, photo)
    return m, made


@pytest.mark.calls("collection.get", "collection.galleries", "collection.clients", "client.collections")
async def test_a_collection_is_read_with_its_galleries_and_clients() -> None:
    m, made = published(500)
    collection = await m.studio.collections.get(made.id)
    assert (collection.id, collection.name, collection.photo_count, collection.video_count) == (
        made.id, "Łucja & 太郎", made.photo_count, made.video_count,
    )  # fmt: skip
    assert collection.expiry_date == Date(2030, 1, 1)
    assert m.last("collection.get").query == {"expand": "video_cover"}
    assert "video_cover" in collection.raw
    found = await m.studio.collections.galleries(made.id)
    assert [(g.id, g.collection_id, g.photo_count) for g in found] == [
        (g.id, made.id, g.photo_count) for g in made.galleries
    ]
    assert len(found) > 1
    (client,) = await m.studio.collections.clients(made.id)
    assert client.id == made.client_id
    (own,) = await m.studio.clients.collections(made.client_id)
    assert (own.id, own.name) == (collection.id, collection.name)


@pytest.mark.calls("collection.update")
async def test_a_collection_is_changed_and_what_can_not_be_is_refused() -> None:
    m, made = published()
    after = await m.studio.collections.update(made.id, {"name": "Neu ✨", "downloadable": False, "expiry_date": None})
    assert (after.name, after.downloadable, after.expiry_date) == ("Neu ✨", False, None)
    with pytest.raises(Refused) as wrong:
        await m.studio.collections.update(made.id, {"expiry_date": "soon"})
    assert wrong.value.details.keys() == {"expiry_date"}
    with pytest.raises(NotFound):
        await m.studio.collections.update(NOTHING, {"name": "x"})
    assert len(m.wrote("collection_update")) == 1


@pytest.mark.calls("collection.edit", "collection.before_show", "collection.before_download_settings", "bootstrap")
async def test_what_the_web_app_reads_is_kept_as_it_comes() -> None:
    m, made = published()
    assert (await m.studio.collections.edit(made.id)).raw["client_id"] == made.client_id
    assert (await m.studio.collections.before_show(made.id)).raw["expired"] is False
    assert (await m.studio.collections.before_download_settings(made.id)).raw["downloadable"] is True
    start = await m.studio.photos.bootstrap()
    assert start.account["id"] == m.world.profile.account_id
    assert start.profile["name"] == m.world.profile.name


LISTS = ("visitor_emails", "photo_downloads", "downloads", "sharing_links", "favorites")


@pytest.mark.calls(
    "collection.visitor_emails", "collection.photo_downloads", "collection.downloads", "collection.sharing_links",
    "collection.favorites", "collection.video_downloads",
)  # fmt: skip
@pytest.mark.parametrize("count", [0, 1, 7, 8, 21])
async def test_lists_by_limit_and_offset_are_read_whole(count: int) -> None:
    m, made = published(visitors=count, page_size=7, pages_at_once=2)
    for name in LISTS:
        before = len(m.made)
        found = await getattr(m.studio.collections, name)(made.id)
        addresses = {getattr(one, "email", None) or getattr(one, "created_by", None) for one in found}
        assert len(found) == len(addresses) == count
        asked = [(seen.query["limit"], seen.query["offset"]) for seen in m.made[before:]]
        assert sorted(asked) == sorted(("7", str(7 * page)) for page in range(max(1, -(-count // 7))))
    assert await m.studio.collections.video_downloads(made.id) == ()


@pytest.mark.calls("photo.starred")
async def test_starred_photos_of_all_collections_are_listed() -> None:
    m, made = published(30, page_size=4)
    made.starred = {}
    m.world.tables.collections.touch(made.id)
    assert await m.studio.photos.starred() == ()
    chosen = [str(made.galleries[0].first_photo + number) for number in range(10)]
    made.starred = dict.fromkeys(chosen, m.world.now)
    m.world.tables.collections.touch(made.id)
    found = await m.studio.photos.starred()
    assert [photo.id for photo in found] == chosen
    assert {photo.collection_id for photo in found} == {made.id}


@pytest.mark.calls("collection.get", "collection.favorites", "collection.edit")
async def test_a_collection_that_is_not_there_is_told_by_every_call() -> None:
    m, _ = published()
    for call in (m.studio.collections.get, m.studio.collections.edit, m.studio.collections.before_show):
        with pytest.raises(NotFound):
            await call(NOTHING)
    for name in (*LISTS, "galleries", "clients", "video_downloads"):
        with pytest.raises(NotFound):
            await getattr(m.studio.collections, name)(NOTHING)


# Its own address -----------------------------------------------------------------------------------------------------


class Hosts(httpx.AsyncBaseTransport):
    """A scripted studio and a scripted gallery; notes which host was sent which cookies."""

    def __init__(self) -> None:
        self.studio, self.gallery = Script(), Script()
        self.gallery.valid = self.studio.valid
        self.seen: list[tuple[str, str, str]] = []
        self._inner = {
            "studio.pixieset.com": httpx.ASGITransport(self.studio.app()),
            "galleries.pixieset.com": httpx.ASGITransport(self.gallery.app()),
        }

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.seen.append((request.url.host, request.url.path, request.headers.get("cookie", "")))
        return await self._inner[request.url.host].handle_async_request(request)


async def test_the_real_gallery_api_is_asked_at_its_own_address_with_a_cookie_that_was_handed_over() -> None:
    hosts = Hosts()
    hosts.studio.valid.add("mine")
    hosts.gallery.always["GET /collections/12345678"] = lambda _r: Reply(json={"data": {"id": 12345678}})
    hosts.gallery.always["PUT /collections/12345678"] = lambda _r: Reply(json={"data": {"id": 12345678, "name": "x"}})
    async with Studio(None, VirtualClock(START), cookie="session=mine; XSRF-TOKEN=t", transport=hosts) as studio:
        assert (await studio.collections.get("12345678")).id == "12345678"
        assert (await studio.collections.update("12345678", {"name": "x"})).name == "x"
    paths = [(host, path) for host, path, _ in hosts.seen]
    assert ("galleries.pixieset.com", "/api/v1/collections/12345678") in paths
    assert all("session=mine" in cookies for _, _, cookies in hosts.seen)
    assert hosts.gallery.requests[-1][2]["x-csrf-token"] == "t"


async def test_a_gallery_that_knows_no_session_does_not_cost_the_studios() -> None:
    hosts = Hosts()
    hosts.studio.valid.add("mine")
    hosts.gallery.valid = set()
    async with Studio(None, VirtualClock(START), cookie="session=mine", transport=hosts) as studio:
        for _ in range(5):
            with pytest.raises(NotSignedIn):
                await studio.collections.get("12345678")
            with pytest.raises(NotSignedIn):
                await studio.collections.update("12345678", {"name": "x"})
        hosts.studio.always["GET /clients/"] = lambda _r: Reply(json={"data": [], "meta": {"total": 0}})
        assert await studio.clients.list() == ()
