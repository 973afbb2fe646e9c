from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.contract.sandbox_kit import API, read, signed_in

from selftimer.sandbox import bulk
from selftimer.sandbox.book import galleries
from selftimer.sandbox.book.deeds import DeedError
from selftimer.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from selftimer.sandbox.model_galleries import Collection

LISTS = (
    "visitor_emails",
    "photo_downloads",
    "gallery_video_downloads",
    "downloads/",
    "photo_sharing_links",
    "favorites",
)


@pytest.fixture
def quiet() -> World:
    return World.empty()


@pytest.fixture
def wedding(quiet: World) -> Collection:
    """250 pictures and two videos for one client, until 31 March."""
    [client] = bulk.add_clients(quiet, 1)
    day = quiet.now.to_tz(quiet.profile.zone).date().replace(day=31)
    return galleries.publish(quiet, client.id, "Wedding ❤️", 250, videos=2, expiry=day)


@pytest.fixture
async def http(quiet: World) -> AsyncIterator[httpx.AsyncClient]:
    async with signed_in(quiet) as client:
        yield client


async def put(http: httpx.AsyncClient, row: Collection, **body: Any) -> Any:
    answer = await http.put(f"{API}/collections/{row.id}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_a_collection_shows_its_galleries_and_its_door(http: httpx.AsyncClient, wedding: Collection) -> None:
    at = f"/collections/{wedding.id}"
    shown = (await read(http, at))["data"]
    assert {name: shown[name] for name in ("name", "gallery_count", "photo_count", "video_count", "expiry_date")} == {
        "name": "Wedding ❤️",
        "gallery_count": 3,
        "photo_count": 250,
        "video_count": 2,
        "expiry_date": "2026-03-31",
    }
    assert "video_cover" not in shown
    assert (await read(http, at, expand="video_cover"))["data"]["video_cover"]["url"].startswith(at)
    parts = (await read(http, f"{at}/galleries"))["data"]
    assert sum(part["photo_count"] for part in parts) == 250
    assert all(len(part["id"]) == 9 and part["collection_id"] == wedding.id and part["download"] for part in parts)
    assert (await read(http, f"{at}/edit"))["data"] == {**shown, "password": None, "client_id": wedding.client_id}
    door = (await read(http, f"{at}/before_show"))["data"]
    assert (door["expired"], door["requires_password"]) == (False, False)
    assert (await read(http, f"{at}/before_download_settings"))["data"]["sizes"] == ["web", "original"]
    listed = await read(http, f"/clients/{wedding.client_id}/cgCollections/")
    assert listed["data"] == [shown]
    start = (await read(http, "/data/bootstrap"))["data"]
    assert (start["account"]["collection_count"], start["profile"]["timezone"]) == (1, "Europe/Berlin")


async def test_a_client_looks_likes_and_fetches_and_the_studio_sees_it(
    http: httpx.AsyncClient, quiet: World, wedding: Collection
) -> None:
    at = f"/collections/{wedding.id}"
    client = quiet.tables.clients.rows[wedding.client_id]
    [guest] = (await read(http, f"{at}/clients"))["data"]
    assert (guest["id"], guest["last_accessed"], guest["favorites_count"]) == (client.id, None, 0)
    quiet.advance_to(quiet.now.add(hours=5))
    visitor = galleries.visit_as(quiet, wedding, client)
    chosen = wedding.galleries[0]
    photo = str(chosen.photos()[3])
    for _ in range(2):
        galleries.favor(quiet, wedding, visitor, photo)
    galleries.download(quiet, wedding, visitor, chosen, "photo", photo_id=photo)
    galleries.download(quiet, wedding, visitor, chosen, "video")
    galleries.download(quiet, wedding, visitor, chosen, "gallery")
    galleries.share(quiet, wedding, visitor, photo)
    galleries.visit(quiet, wedding, email="aunt@example.org")
    async with signed_in(quiet) as later:
        [guest] = (await read(later, f"{at}/clients"))["data"]
        assert (guest["last_accessed"], guest["favorites_count"]) == ("2026-03-02T12:00:00.000000Z", 1)
        assert [row["email"] for row in (await read(later, f"{at}/visitor_emails"))["data"]] == [
            client.email,
            "aunt@example.org",
        ]
        assert [row["photo_id"] for row in (await read(later, f"{at}/favorites"))["data"]] == [photo]
        assert [row["photo_id"] for row in (await read(later, f"{at}/photo_downloads"))["data"]] == [photo]
        assert [row["type"] for row in (await read(later, f"{at}/gallery_video_downloads"))["data"]] == ["video"]
        assert [row["type"] for row in (await read(later, f"{at}/downloads/"))["data"]] == ["gallery", "video", "photo"]
        [link] = (await read(later, f"{at}/photo_sharing_links"))["data"]
        assert (link["photo_id"], link["created_by"]) == (photo, client.email)


async def test_a_password_keeps_guests_out_but_not_the_client(
    http: httpx.AsyncClient, quiet: World, wedding: Collection
) -> None:
    assert (await put(http, wedding, password="Süß"))["password_protected"] is True
    client = quiet.tables.clients.rows[wedding.client_id]
    with pytest.raises(DeedError, match="another password"):
        galleries.visit(quiet, wedding, email="guest@example.org")
    galleries.visit(quiet, wedding, email="guest@example.org", password="Süß")
    galleries.visit_as(quiet, wedding, client)
    assert (await read(http, f"/collections/{wedding.id}/before_show"))["data"]["requires_password"] is True
    assert (await read(http, f"/collections/{wedding.id}/edit"))["data"]["password"] == "Süß"
    assert (await put(http, wedding, password_protected=False))["password_protected"] is False
    galleries.visit(quiet, wedding, email="other@example.org")
    assert (await put(http, wedding, password=None))["password_protected"] is False
    refused = await http.put(f"{API}/collections/{wedding.id}", json={"password_protected": True})
    assert set(refused.json()["error"]["details"]) == {"password"}


async def test_what_may_only_be_looked_at_cannot_be_fetched(
    http: httpx.AsyncClient, quiet: World, wedding: Collection
) -> None:
    assert (await put(http, wedding, downloadable=False))["downloadable"] is False
    visitor = galleries.visit_as(quiet, wedding, quiet.tables.clients.rows[wedding.client_id])
    with pytest.raises(DeedError, match="Nothing can be downloaded"):
        galleries.download(quiet, wedding, visitor, wedding.galleries[0], "gallery")
    assert (await read(http, f"/collections/{wedding.id}/before_download_settings"))["data"]["sizes"] == []
    assert not any(row["download"] for row in (await read(http, f"/collections/{wedding.id}/galleries"))["data"])
    assert (await read(http, f"/collections/{wedding.id}/downloads/"))["data"] == []


async def test_a_collection_runs_out_after_its_last_day_and_a_later_one_opens_it_again(
    quiet: World, wedding: Collection
) -> None:
    end = galleries.end_of(quiet, wedding)
    assert end is not None
    assert end.format_iso() == "2026-03-31T22:00:00Z", "midnight in summer time"
    client = quiet.tables.clients.rows[wedding.client_id]
    quiet.advance_to(end.subtract(seconds=1))
    galleries.visit_as(quiet, wedding, client)
    before = quiet.version
    quiet.advance_to(end)
    assert quiet.version > before, "that is news"
    assert [line.kind for line in quiet.ledger.story].count("gallery_ends") == 1
    with pytest.raises(DeedError, match="run out"):
        galleries.visit_as(quiet, wedding, client)
    async with signed_in(quiet) as http:
        assert (await read(http, f"/collections/{wedding.id}/before_show"))["data"]["expired"] is True
        assert (await read(http, f"/collections/{wedding.id}/before_download_settings"))["data"][
            "downloadable"
        ] is False
        assert (await put(http, wedding, expiry_date="2026-04-10"))["expiry_date"] == "2026-04-10"
        galleries.visit_as(quiet, wedding, client)
        assert (await put(http, wedding, expiry_date=None))["expiry_date"] is None
    quiet.advance_to(quiet.now.add(hours=24 * 400))
    galleries.visit_as(quiet, wedding, client)
    assert [line.kind for line in quiet.ledger.story].count("gallery_ends") == 1


async def test_lists_by_limit_and_offset_come_to_both_ends_and_empty_ones_are_empty(
    http: httpx.AsyncClient, quiet: World, wedding: Collection
) -> None:
    at = f"/collections/{wedding.id}"
    for name in LISTS:
        assert await read(http, f"{at}/{name}") == {"data": [], "meta": {"total": 0, "limit": 50, "offset": 0}}
    for number in range(120):
        galleries.visit(quiet, wedding, email=f"guest{number}@example.org")
    whole: list[str] = []
    for offset in (0, 50, 100, 150):
        page = await read(http, f"{at}/visitor_emails", offset=offset)
        assert page["meta"] == {"total": 120, "limit": 50, "offset": offset}
        whole += [row["email"] for row in page["data"]]
    assert len(set(whole)) == len(whole) == 120
    assert len((await read(http, f"{at}/visitor_emails", limit=500))["data"]) == 100
    for wrong in ({"limit": "0"}, {"offset": "-1"}, {"limit": "all"}):
        assert (await http.get(f"{API}{at}/visitor_emails", params=wrong)).status_code == 422


async def test_starred_pictures_are_those_of_all_collections(
    http: httpx.AsyncClient, quiet: World, wedding: Collection
) -> None:
    quiet.advance_to(quiet.now.add(minutes=1))
    small = galleries.publish(quiet, wedding.client_id, "Portraits", 20)
    async with signed_in(quiet) as later:
        rows = await read(later, "/photos/starred", limit=3)
    assert [row["collection_id"] for row in rows["data"]] == [small.id, wedding.id, wedding.id]
    assert rows["meta"]["total"] == 1 + 250 // 50
    assert len(small.galleries) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": None}, "name"),
        ({"description": 7}, "description"),
        ({"expiry_date": "2026-02-30"}, "expiry_date"),
        ({"expiry_date": "20260301"}, "expiry_date"),
        ({"downloadable": "no"}, "downloadable"),
        ({"password": "x" * 101}, "password"),
    ],
)
async def test_settings_that_cannot_be_are_refused_and_nothing_changes(
    http: httpx.AsyncClient, quiet: World, wedding: Collection, body: dict[str, Any], field: str
) -> None:
    before = (await read(http, f"/collections/{wedding.id}/edit"))["data"]
    answer = await http.put(f"{API}/collections/{wedding.id}", json={"description": "New", **body})
    assert (answer.status_code, set(answer.json()["error"]["details"])) == (422, {field})
    assert (await read(http, f"/collections/{wedding.id}/edit"))["data"] == before
    assert quiet.ledger.writes == []


async def test_a_collection_that_there_is_not_is_a_404_everywhere(http: httpx.AsyncClient) -> None:
    for name in ("", "/edit", "/galleries", "/before_show", "/before_download_settings", "/clients", *LISTS):
        path = f"{API}/collections/12345678{name if name.startswith('/') or not name else f'/{name}'}"
        answer = await http.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "resource_not_found")


def test_a_living_studio_publishes_galleries_after_sessions_and_people_come_to_see_them() -> None:
    world = World(population=120)
    world.advance_to(world.now.add(hours=24 * 60))
    rows = list(world.tables.collections)
    with_session = {row.client_id for row in world.tables.sessions if row.status == "confirmed"}
    assert {row.client_id for row in rows} <= with_session
    assert any(row.protected for row in rows)
    assert any(not row.downloadable for row in rows)
    assert any(galleries.expired(world, row) for row in rows)
    assert sum(bool(row.visitors) for row in rows) > len(rows) // 2
    assert sum(bool(row.favorites) for row in rows) > len(rows) // 3
    assert any(row.downloads for row in rows)
    assert not any(row.downloads for row in rows if not row.downloadable)
    assert len({gallery.id for row in rows for gallery in row.galleries}) == sum(len(row.galleries) for row in rows)
