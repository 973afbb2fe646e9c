from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.sandbox import bulk
from selftimer.sandbox.app import create_app
from selftimer.sandbox.book import people
from selftimer.sandbox.catalog import stock
from selftimer.sandbox.http import dump
from selftimer.sandbox.script import Script
from selftimer.sandbox.studio import Studio
from selftimer.sandbox.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from selftimer.sandbox.model import Message


def test_the_books_work_where_nobody_listens() -> None:
    studio = Studio(Script(), seed=7)
    stock(studio)
    [client] = bulk.add_clients(studio, 1)
    thread = people.conversation_of(studio, client.id)
    assert thread is not None
    people.studio_says(studio, thread, "Hello!", by="studio")
    assert [message.author for message in thread.messages] == ["client", "studio"]


def test_a_part_that_is_joined_twice_is_played_once() -> None:
    part, heard = Script(), []

    @part.hears("inbound")
    def listen(_world: Studio, message: Message) -> None:
        heard.append(message.content)

    studio = Studio(Script(part), seed=7)
    studio.script.join(part)
    [client] = bulk.add_clients(studio, 1, conversations=False)
    people.client_says(studio, client.id, "Is anybody there?")
    assert heard == ["Is anybody there?"]


def test_a_late_request_that_was_saved_with_its_world_is_still_carried_out(tmp_path: Path) -> None:
    world = World.empty()
    create_app(world)
    body = dump({"code": "LATE", "discount_type": "percentage", "discount_value": 5})
    world.at(world.now.add(hours=1), "late", "late_request", "POST", "/coupons", "", body)
    world.save(tmp_path / "world.state")
    again = World.load(tmp_path / "world.state")
    again.advance_to(again.now.add(hours=2))
    assert [write.kind for write in again.ledger.writes] == ["coupon"]
