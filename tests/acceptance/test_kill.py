"""The service is killed fifty times in twenty days, and the studio's ledger is as if it had never died.

A real process over loopback, SIGKILLed at named boundaries, in the middle of a POST and anywhere, also while it
recovers; the studio lives on meanwhile. `KILL_SEEDS=1,2,3` chooses the stories; a failure tells the
schedule that it followed.
"""

from __future__ import annotations

import os
from collections import Counter
from contextlib import contextmanager
from random import Random
from typing import TYPE_CHECKING

import pytest
from chaos.due import Book, due_accounted, everything_due, stdlib
from tests.acceptance.support_kill import Campaign, Nursery, Sandbox, schedule

from selftimer.plan.state import DeliveryState, Hold
from selftimer.sandbox.world import World
from selftimer.simulation import oracles

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SEEDS = [int(seed) for seed in os.environ.get("KILL_SEEDS", "1").split(",")]
PAPERS = """
rules:
  - id: papers
    title: All papers for every lead
    when: lead.created
    repeat: after 30 days per client.email
    ignore_quiet_hours: true
    then:
      - create: questionnaire
        from: Portrait questionnaire
      - create: invoice
        items: [{name: Sitting fee, amount: 50}]
        due: 14 days
      - create: contract
        from: Portrait agreement
      - create: quote
        from: Business day
"""


@contextmanager
def campaign(folder: Path, world: World, rules: Mapping[str, str] | None = None) -> Iterator[Campaign]:
    """Everything that is needed; a failure carries the schedule as it went."""
    with Sandbox(world) as sandbox, Nursery(folder / "service.log") as nursery:
        lives = Campaign(sandbox, nursery, folder / "workspace")
        lives.furnish(rules)
        try:
            yield lives
        except BaseException as error:
            error.add_note(f"KILL_SEEDS={world.seed}; the lives were:\n{lives.told()}")
            raise


def world_of(seed: int, days: int, leads_per_day: float) -> World:
    """A busy studio whose owner leaves most leads to the bot."""
    world = World(seed=seed, population=30, leads_per_day=leads_per_day, by_hand=0.1)
    world.end = world.start.add(hours=24 * days)
    return world


@pytest.mark.parametrize("seed", SEEDS)
def test_killed_fifty_times_in_twenty_days_nothing_is_doubled_lost_or_unowned(seed: int, tmp_path: Path) -> None:
    world = world_of(seed, 20, 3)
    with campaign(tmp_path, world) as lives:
        for kill in schedule(Random(seed), 50, sends=5):
            lives.live(kill)
        lives.finish()

        assert len(lives.lives) == 51
        struck = [life.how for life in lives.lives if life.how not in {"any", "end"}]
        assert len(struck) >= 20, "most kills are to strike at a boundary"
        ledger = lives.sandbox.ledger()
        book = Book.read(lives.database, world.now)
        assert oracles.judge(ledger).findings == ()
        match = oracles.match(ledger, book.deliveries)
        assert (match.unowned, match.unsent) == ((), ())
        assert due_accounted(world, book, lives.lives, ledger) == []

        sure = [due for due in everything_due(world, book) if due.sure]
        assert len(sure) > 50, "the oracle had something to say"
        assert len(oracles.bot_rows(ledger)) > 100
        assert _open_at_the_end(book) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_killed_around_every_document_none_is_made_twice(seed: int, tmp_path: Path) -> None:
    world = world_of(seed, 6, 6)
    with campaign(tmp_path, world, {"rules/papers.yaml": PAPERS}) as lives:
        for kill in schedule(Random(f"papers {seed}"), 20, sends=12):
            lives.live(kill)
        lives.finish()

        ledger = lives.sandbox.ledger()
        book = Book.read(lives.database, world.now)
        rows = oracles.bot_rows(ledger)
        made = Counter((row["client_id"], row["kind"]) for row in rows)
        assert {key: count for key, count in made.items() if count > 1} == {}
        assert len([row for row in rows if row["kind"] in oracles.DOCUMENT_KINDS]) > 30
        match = oracles.match(ledger, book.deliveries)
        assert (match.unowned, match.unsent) == ((), ())
        assert _left_out(world, book) == []
        assert _open_at_the_end(book) == []


def _left_out(world: World, book: Book) -> list[str]:
    """Leads whose papers neither all came nor wait, at the first that is missing, for the owner's decision."""
    held = {
        d.client_id for d in book.deliveries if d.state is DeliveryState.HELD and d.hold in {Hold.EVIDENCE, Hold.FLOOD}
    }
    told = {DeliveryState.SENT, DeliveryState.SKIPPED}  # skipped: it was down for longer than a day
    done = Counter(d.client_id for d in book.deliveries if d.state in told)
    unseen = {client_id for client_id, events in book.events.items() if all(e.name != "lead.created" for e in events)}
    horizon = book.now.timestamp() - 7_200
    return [
        f"{client.id} arrived {client.created_at}: {done[client.id]} of 4"
        for client in world.tables.clients
        if book.baseline < stdlib(client.created_at)
        and stdlib(client.created_at).timestamp() < horizon
        and client.id not in held | unseen
        and done[client.id] < 4
        and not _reason(book, client.id)
    ]


def _reason(book: Book, client_id: str) -> bool:
    """Whether the run says why it ended before its last step."""
    return any(run.reason not in {None, "done"} for run in book.runs["papers", client_id])


def _open_at_the_end(book: Book) -> list[str]:
    """Deliveries that should have been settled long ago: the last life had more than a day for them."""
    unsettled = {DeliveryState.IN_FLIGHT, DeliveryState.UNKNOWN, DeliveryState.READY}
    return [
        f"{d.id} {d.state.value} since {d.due_at}: {d.reason}"
        for d in book.deliveries
        if d.state in unsettled and stdlib(d.due_at).timestamp() < book.now.timestamp() - 3_600
    ]
