"""Schedules of faults over a story: first anything may go wrong, then nothing does, and all must settle.

The first part is about safety: whatever the studio, the disk and the clock do, nothing is sent twice, wrong or
unwanted. The second is about liveness: with the faults gone and the owner's yes to what is held, all that had to happen
has happened, or waits with its evidence.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any

from chaos.accounts import account_of, violations
from chaos.campaign import Campaign, Result
from chaos.kill import WRITES, a_fault, calm, ground, tell_calls
from chaos.stage import Kill, Stage, alone
from chaos.stories import STORIES, book_of, settings, world
from selftimer.errors import StoreError
from selftimer.plan.state import DeliveryState, Hold
from selftimer.ports import Pause
from selftimer.sandbox.drift import Drift
from selftimer.sandbox.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from chaos.stories import Story
    from selftimer.plan.state import Delivery
    from selftimer.ports import Tx

SCHEDULES = 4
"""Of a seed."""
MOST = 7
"""Faults of a schedule."""
SETTLES = 8
"""Hours without faults in which all must settle: three sign-ins an hour, a document's window, the owner's answer."""
PATHS = (".*", "/conversation", "/clients", "/invoices", "/(contracts|questionnaires|quotes)")
STATUSES = (400, 401, 403, 404, 408, 409, 419, 422, 429, 500, 502, 503, 504)
KINDS = ("status", "drop_before", "drop_after", "html200", "half_page", "late_apply", "bad_json", "broken_record")
Deed = tuple[str, "Callable[[Stage], Awaitable[None]]"]


def an_answer(random: Random) -> Deed:
    """One of the studio's answers goes wrong, or a few in a row."""
    kind = random.choice(KINDS)
    more: dict[str, Any] = {"method": random.choice(("*", "GET", "POST", "POST")), "path": random.choice(PATHS)}
    more |= {"times": random.choice((1, 1, 2, 5, 40)), "skip": random.choice((0, 0, 1, 3))}
    if kind == "status":
        more |= {"status": random.choice(STATUSES), "commit": random.random() < 0.3, "shape": random.choice("1234")}
    elif kind == "html200":
        more |= {"commit": random.random() < 0.5}
    elif kind == "late_apply":
        more |= {"method": "POST", "seconds": random.choice((1.0, 20.0, 90.0))}

    async def order(stage: Stage) -> None:
        stage.faults.order(Fault(fault=kind, **more))  # type: ignore[arg-type] # one of the kinds

    return f"{kind} {more}", order


def a_lost_write(random: Random) -> Deed:
    """A write of the service meets something from which it can't know whether it was carried out."""
    fault = a_fault(random)

    async def order(stage: Stage) -> None:
        stage.fault(method="POST", path=WRITES, **fault)

    return f"lost {dict(fault)}", order


def a_drift(random: Random) -> Deed:
    """The studio's records look different for a while."""
    drift = random.choice(
        (
            Drift(drift="extra_field", field="brand_new", value=[1, {"a": None}]),
            Drift(drift="missing_field", path="invoices", field="due_date", every=2),
            Drift(drift="missing_field", path="clients", field="email", every=2),
            Drift(drift="new_word", path="clients", field="type", value="prospect", every=3),
            Drift(drift="order"),
            Drift(drift="read_lag", seconds=random.choice((5, 30, 55))),
            Drift(drift="read_lag", seconds=random.choice((5, 30, 55))),
            Drift(drift="page_size"),
            Drift(drift="no_rate_headers"),
            Drift(drift="clock_skew", seconds=random.choice((-4000, -200, 90, 300, 90_000))),
        )
    )

    async def order(stage: Stage) -> None:
        stage.drifts.orders = [drift]

    return f"drift {drift.drift} {drift.path} {drift.field} {drift.seconds}", order


def signed_out(random: Random) -> Deed:
    """Somebody ends the session, or its token changes."""
    action = random.choice(("expire", "rotate_csrf"))

    async def order(stage: Stage) -> None:
        await stage.control("logins", {"action": action})

    return action, order


def a_death(random: Random) -> Deed:
    """The process is killed somewhere in what it does next."""
    kill = Kill(at=random.randrange(150), down=random.choice((0.0, 60.0, 1_800.0)))

    async def order(stage: Stage) -> None:
        if not stage.kills:
            stage.kills.append(kill)
            stage.arm()

    return f"killed at {kill.at}, down for {kill.down:.0f} s", order


def a_full_disk(random: Random) -> Deed:
    """The database can't grow, until the next deed."""
    pages = random.choice((0, 1, 3))

    async def order(stage: Stage) -> None:
        await stage.fill_disk(pages)

    return f"disk full after {pages} pages", order


def the_switch(_random: Random) -> Deed:
    """The owner stops everything, and forgets about it."""

    async def order(stage: Stage) -> None:
        now = stage.world.now
        await stage.service.store.write(
            lambda tx: tx.control.put_pause(Pause(scope="all", id="", since=now, why="the owner"))
        )

    return "paused", order


DEEDS: tuple[tuple[Callable[[Random], Deed], int], ...] = (
    (an_answer, 6),
    (a_lost_write, 6),
    (a_drift, 3),
    (signed_out, 2),
    (a_death, 2),
    (a_full_disk, 1),
    (the_switch, 1),
)


def schedule(random: Random, hours: float) -> list[tuple[float, Deed]]:
    """What goes wrong and when, in seconds of the story."""
    makers = [maker for maker, weight in DEEDS for _ in range(weight)]
    times = sorted(random.uniform(0, hours * 3_600) for _ in range(random.randint(2, MOST)))
    times[0] = 0.0
    return [(at, random.choice(makers)(random)) for at in times]


async def live(story: Story, deeds: list[tuple[float, Deed]]) -> Stage:
    """The story with that schedule, then the calm in which all must settle."""
    stage = Stage(ground=ground(), world=world(1), book=book_of(story.rules), settings=settings(), seed=1)
    async with stage:
        await stage.until(stage.world.now.add(minutes=10))
        begins = stage.world.now
        story.happens(stage)
        await tell_calls(stage, story)
        for at, (_, deed) in deeds:
            await stage.until(max(stage.world.now, begins.add(seconds=at)))
            with suppress(StoreError):
                await deed(stage)
        await stage.until(max(stage.world.now, begins.add(seconds=story.hours * 3_600)))
        await calm_down(stage)
        await tell_calls(stage, story)
        for _ in range(SETTLES):
            await owner_answers(stage)
            await stage.until(stage.world.now.add(hours=1))
    return stage


async def calm_down(stage: Stage) -> None:
    """Nothing goes wrong from now on."""
    stage.faults.clear()
    stage.drifts.clear()
    stage.kills.clear()
    stage.boundaries.doomed = None
    stage.arm()
    await stage.empty_disk()


async def owner_answers(stage: Stage) -> None:
    """The owner lets all go on that was stopped, and says yes to what was held for being odd."""

    def read(tx: Tx) -> tuple[list[Pause], list[Delivery]]:
        return tx.control.pauses(), tx.deliveries.in_state(DeliveryState.HELD)

    pauses, held = await stage.service.store.read(read)
    for pause in pauses:
        await stage.order("resume", scope=pause.scope, id=pause.id)
    for one in held:
        if one.hold in {Hold.FLOOD, Hold.FAULT}:
            await stage.order("approve", id=one.id)


def run(seed: int) -> Result:
    """One seed: a few schedules, each over one of the stories."""
    random = Random(f"faults {seed}")
    found: list[str] = []
    met: Counter[str] = Counter()
    traces = hashlib.blake2b(digest_size=8)
    for number in range(SCHEDULES):
        story = STORIES[(seed * SCHEDULES + number) % len(STORIES)]
        measure, _ = calm(story)
        deeds = schedule(random, story.hours)
        told = f"{story.name}: " + "; ".join(f"{at:.0f} s {said}" for at, (said, _) in deeds)
        try:
            stage = alone(live(story, deeds))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a violation
            found.append(f"{told}: {type(error).__name__}: {error}")
            continue
        wild = account_of(stage)
        found += [f"{told}: {what}" for what in violations(measure, wild, stage.world.now)]
        met.update(said.split()[0] for _, (said, _) in deeds)
        met["the database refused"] += len(stage.stumbles)
        met["asked the owner"] += sum(key.startswith("outcome:") for key in wild.told)
        traces.update(stage.trace.encode())
    return Result(seed=seed, count=SCHEDULES, violations=tuple(found), trace=traces.hexdigest(), notes=met)


CAMPAIGN = Campaign(
    name="faults",
    title="faults of studio, sign-in, payloads, clock, disk and process by schedule; then calm, and all settles",
    unit="schedules",
    run=run,
    counts={"quick": 120, "night": 10_000, "release": 100_000},
    minutes={"quick": 0.6, "night": 12, "release": 150},
)
