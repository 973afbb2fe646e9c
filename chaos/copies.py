"""Two copies of the bot on one studio, and a second process that takes a database over while the first still works.

Even seeds: two copies, each with a database of its own, take turns of seconds to minutes. Odd seeds: the workspace's
lock is taken away (a shared disk that knows no locks), and a second process starts on the same database in the middle
of whatever the first is doing; both go on at the same time.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from dataclasses import replace
from functools import cache
from random import Random
from typing import TYPE_CHECKING

from chaos.accounts import account_of, violations
from chaos.campaign import Campaign, Result
from chaos.faults import owner_answers
from chaos.kill import calm, ground, tell_calls
from chaos.stage import Stage, alone
from chaos.stories import STORIES, book_of, settings, world
from selftimer.ruletests.stage import Ground

if TYPE_CHECKING:
    from chaos.accounts import Account
    from chaos.stories import Story

CASES = 4
"""Of a seed."""
TURNS = (1, 20, 60, 300, 1_200, 3_600, 3_600)
"""Seconds that one copy works while the other stands."""
_IDLE = ("lead", "coupon")
"""Stories of what two databases can't know of each other: a form comes to one of them, codes are each one's own."""
SHARED = tuple(story for story in STORIES if story.name not in _IDLE)


@cache
def second_ground() -> Ground:
    """The other copy's database."""
    return Ground()


def _stage(story: Story, where: Ground, seed: int) -> Stage:
    return Stage(ground=where, world=world(1), book=book_of(story.rules), settings=settings(), seed=seed)


async def taking_turns(story: Story, random: Random) -> tuple[Stage, list[Account]]:
    """Two databases; each copy sees what the other did as anybody's deed."""
    one, two = _stage(story, ground(), 1), _stage(story, second_ground(), 2)
    two.world = one.world
    async with one:
        await second_ground().clear()
        await two.join(one)
        for stage in (one, two):
            await stage.until(one.world.now.add(minutes=10))
        story.happens(one)
        ends = one.world.now.add(seconds=(story.hours + 1) * 3_600)
        while one.world.now < ends:
            for stage in random.sample((one, two), 2):
                await stage.clock.wait(one.world.now, 300)
                stage.service.observe.poll_at = one.world.now
                await stage.until(one.world.now.add(seconds=random.choice(TURNS)))
        accounts = [account_of(one), account_of(two)]
    return one, accounts


async def taken_over(story: Story, random: Random, boundaries: int) -> tuple[Stage, list[Account]]:
    """One database; the second process starts at some boundary of the first, which doesn't know it."""
    one, two = _stage(story, ground(), 1), _stage(story, ground(), 2)
    two.world = one.world
    at, now_on = random.randrange(boundaries), asyncio.Event()

    def watch() -> bool:
        if len(one.boundaries.passed) > at:
            now_on.set()
        return False

    async with one:
        await one.until(one.world.now.add(minutes=10))
        story.happens(one)
        await tell_calls(one, story)
        one.boundaries.passed.clear()
        one.boundaries.doomed = watch
        ends = one.world.now.add(seconds=story.hours * 3_600)

        async def second() -> None:
            await now_on.wait()
            await two.join(one)
            await two.until(ends)

        async def first() -> None:
            await one.until(ends)
            now_on.set()

        await asyncio.gather(first(), second())
        for _ in range(4):
            await owner_answers(two)  # what a process does that doesn't know it is replaced can open the breaker
            await two.until(two.world.now.add(minutes=30))
        accounts = [account_of(two)]
    return one, accounts


def run(seed: int) -> Result:
    """One seed: a few cases of one kind."""
    random = Random(f"copies {seed}")
    found: list[str] = []
    met: Counter[str] = Counter()
    traces = hashlib.blake2b(digest_size=8)
    for case in range(CASES):
        stories = STORIES if seed % 2 else SHARED
        story = stories[(seed // 2 * CASES + case) % len(stories)]
        measure, boundaries = calm(story)
        course = taken_over(story, random, boundaries) if seed % 2 else taking_turns(story, random)
        told = f"{story.name}, {'taken over' if seed % 2 else 'taking turns'}"
        try:
            stage, accounts = alone(course)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a violation
            found.append(f"{told}: {type(error).__name__}: {error}")
            continue
        whole = _together(accounts)
        found_ones = sum(one.reason == "found" for account in accounts for one in account.deliveries)
        found += [f"{told}: {what}" for what in violations(measure, whole, stage.world.now)]
        met["found as sent by the other"] += found_ones
        met["asked the owner"] += sum(key.startswith("outcome:") for key in whole.told)
        traces.update(stage.trace.encode())
    return Result(seed=seed, count=CASES, violations=tuple(found), trace=traces.hexdigest(), notes=met)


def _together(accounts: list[Account]) -> Account:
    """What both copies know. Each tells the owner for itself; what one found as sent is the other's delivery."""
    own = [one for account in accounts for one in account.deliveries if one.reason != "found" or len(accounts) == 1]
    return replace(accounts[0], deliveries=own, told=frozenset().union(*(account.told for account in accounts)))


CAMPAIGN = Campaign(
    name="copies",
    title="two copies with a database each; one database taken over in the middle of anything",
    unit="stories",
    run=run,
    each=CASES,
    counts={"quick": 200, "night": 5_000, "release": 50_000},
    minutes={"quick": 0.3, "night": 8, "release": 80},
)
