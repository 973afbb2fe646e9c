"""Schedules of faults over a story: first anything may go wrong, then nothing does, and all must settle.

The first part is about safety: whatever the studio, the disk and the clock do, nothing is sent twice, wrong or
unwanted. The second is about liveness: with the faults gone and the owner's yes to what is held, all that had to happen
has happened, or waits with its evidence.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any

from chaos.accounts import account_of, violations
from chaos.campaign import Campaign, Result
from chaos.cases import Played, run_cases, without_one
from chaos.kill import WRITES, a_fault, calm, ground, tell_calls
from chaos.stage import Kill, Stage, alone
from chaos.stories import STORIES, book_of, settings, story_named, world
from selftimer.errors import StoreError
from selftimer.plan.state import DeliveryState, Hold
from selftimer.ports import Pause
from selftimer.sandbox.drift import Drift

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chaos.cases import Case
    from chaos.stories import Story
    from selftimer.plan.state import Delivery
    from selftimer.ports import Tx

SCHEDULES = 4
"""Of a seed."""
MOST = 7
"""Faults of a schedule."""
SETTLES = 8
"""Hours without faults in which all must settle: three sign-ins an hour, a document's window, the owner's answer."""
LASTS = (300, 1_200, 3_600, None)
"""Seconds until a full disk has space again and the studio's records look as they did; None: not before the calm."""
AFTER = (1, 1, 1, 1, 1, 1, 1, 30)
"""Hours that are lived on after all has settled, in which nothing may be done once more."""
PATHS = (".*", "/conversation", "/clients", "/invoices", "/(contracts|questionnaires|quotes)")
STATUSES = (400, 401, 403, 404, 408, 409, 419, 422, 429, 500, 502, 503, 504)
KINDS = ("status", "drop_before", "drop_after", "html200", "half_page", "late_apply", "bad_json", "broken_record")
Deed = tuple[float, str, dict[str, Any]]
"""When, in seconds of the story; what, one of `DEEDS`; and more about it, as JSON."""


def a_wrong_answer(random: Random) -> dict[str, Any]:
    """One of the studio's answers goes wrong, or a few in a row."""
    kind = random.choice(KINDS)
    more: dict[str, Any] = {"kind": kind, "method": random.choice(("*", "GET", "POST")), "path": random.choice(PATHS)}
    more |= {"times": random.choice((1, 1, 2, 5, 40)), "skip": random.choice((0, 0, 1, 3))}
    if kind == "status":
        status = random.choice(STATUSES)
        # A refusal in the studio's own words is one: it says no and doesn't do it all the same.
        commit = random.random() < 0.3 and (status >= 500 or status == 408)
        more |= {"status": status, "commit": commit, "shape": random.choice("1234")}
    elif kind == "html200":
        more |= {"commit": random.random() < 0.5}
    elif kind == "late_apply":
        more |= {"method": "POST", "seconds": random.choice((1.0, 20.0, 90.0))}
    return more


def a_lost_write(random: Random) -> dict[str, Any]:
    """A write of the service meets something from which it can't know whether it was carried out."""
    return {**a_fault(random), "method": "POST", "path": WRITES}


def a_drift(random: Random) -> dict[str, Any]:
    """The studio's records look different from then on."""
    choices: tuple[dict[str, Any], ...] = (
        {"drift": "extra_field", "field": "brand_new", "value": [1, {"a": None}]},
        {"drift": "missing_field", "path": "invoices", "field": "due_date", "every": 2},
        {"drift": "missing_field", "path": "clients", "field": "email", "every": 2},
        {"drift": "new_word", "path": "clients", "field": "type", "value": "prospect", "every": 3},
        {"drift": "order"},
        {"drift": "page_size"},
        {"drift": "no_rate_headers"},
        {"drift": "read_lag", "seconds": random.choice((5, 30, 55))},
        {"drift": "read_lag", "seconds": random.choice((5, 30, 55))},
        {"drift": "clock_skew", "seconds": random.choice((-4000, -200, 90, 300, 90_000))},
    )
    return random.choice(choices)


def signed_out(random: Random) -> dict[str, Any]:
    """Somebody ends the session, or its token changes."""
    return {"action": random.choice(("expire", "rotate_csrf"))}


def a_death(random: Random) -> dict[str, Any]:
    """The process is killed somewhere in what it does next."""
    return {"at": random.randrange(150), "down": random.choice((0.0, 60.0, 1_800.0))}


def a_full_disk(random: Random) -> dict[str, Any]:
    """The database can grow by so many pages and no more, until the end."""
    return {"pages": random.choice((0, 1, 3))}


def a_pause(_random: Random) -> dict[str, Any]:
    """The owner stops everything, and forgets about it."""
    return {}


DEEDS: dict[str, tuple[int, Callable[[Random], dict[str, Any]]]] = {
    "answer": (6, a_wrong_answer),
    "lost": (6, a_lost_write),
    "drift": (3, a_drift),
    "login": (2, signed_out),
    "death": (2, a_death),
    "disk": (1, a_full_disk),
    "pause": (1, a_pause),
}
ENDS = {"disk": "space", "drift": "even"}
"""What lasts, and the deed that ends it."""
"""How often, and of what kind."""


async def do(stage: Stage, what: str, more: dict[str, Any]) -> None:
    """Let it happen."""
    match what:
        case "answer" | "lost":
            stage.fault(**more)
        case "drift":
            stage.drifts.orders = [Drift(**more)]
        case "login":
            await stage.control("logins", more)
        case "death" if not stage.kills:
            stage.kills.append(Kill(**more))
            stage.arm()
        case "even":
            stage.drifts.clear()
        case "disk":
            await stage.fill_disk(more["pages"])
        case "space":
            await stage.empty_disk()
        case "pause":
            pause = Pause(scope="all", id="", since=stage.world.now, why="the owner")
            await stage.commit(lambda tx: tx.control.put_pause(pause))
        case _:
            pass  # killed once more before the death that was ordered first


def schedule(random: Random, hours: float) -> list[Deed]:
    """What goes wrong and when; the first as soon as anything happens."""
    names = [name for name, (often, _) in DEEDS.items() for _ in range(often)]
    times = sorted(round(random.uniform(0, hours * 3_600)) for _ in range(random.randint(2, MOST)))
    times[0] = 0
    deeds: list[Deed] = []
    for at in times:
        name = random.choice(names)
        deeds.append((at, name, DEEDS[name][1](random)))
        lasts = random.choice(LASTS)
        if name in ENDS and lasts is not None and at + lasts < hours * 3_600:
            deeds.append((at + lasts, ENDS[name], {}))
    return sorted(deeds, key=lambda deed: deed[0])


async def live(story: Story, deeds: list[Deed], *, after: float, settled: Callable[[Stage], bool]) -> Stage:
    """The story with that schedule, then the calm: until all is settled, and so many hours after that."""
    stage = Stage(ground=ground(), world=world(1), book=book_of(story.rules), settings=settings(), seed=1)
    async with stage:
        await stage.until(stage.world.now.add(minutes=10))
        begins = stage.world.now
        story.happens(stage)
        await tell_calls(stage, story)
        for at, what, more in deeds:
            await stage.until(max(stage.world.now, begins.add(seconds=at)))
            with suppress(StoreError):
                await do(stage, what, more)
        await stage.until(max(stage.world.now, begins.add(seconds=story.hours * 3_600)))
        await calm_down(stage)
        await tell_calls(stage, story)
        for _ in range(SETTLES):
            await owner_answers(stage)
            await stage.until(stage.world.now.add(hours=1))
            if settled(stage):
                break
        await owner_answers(stage)
        await stage.until(stage.world.now.add(seconds=after * 3_600))
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
    # Where the clock is stepped, polls that can see nothing new are left out; here what was wrong may be right again.
    stage.service.observe.poll_at = stage.world.now


def cases(seed: int) -> list[Case]:
    """A few schedules, each over one of the stories."""
    random = Random(f"faults {seed}")
    stories = [STORIES[(seed * SCHEDULES + number) % len(STORIES)] for number in range(SCHEDULES)]
    return [
        {"story": story.name, "deeds": schedule(random, story.hours), "after": random.choice(AFTER)}
        for story in stories
    ]


def play(case: Case) -> Played:
    """The story with those deeds, and what it came to."""
    story = story_named(case["story"])
    measure, _ = calm(story)

    def settled(stage: Stage) -> bool:
        return not violations(measure, account_of(stage), stage.world.now)

    stage = alone(live(story, case["deeds"], after=case.get("after", 1), settled=settled))
    wild = account_of(stage)
    met = Counter(more.get("kind") or more.get("drift") or what for _, what, more in case["deeds"])
    met["the database refused"] = len(stage.stumbles)
    met["asked the owner"] = sum(key.startswith("outcome:") for key in wild.told)
    return Played(count=1, violations=violations(measure, wild, stage.world.now), trace=stage.trace, notes=met)


def simpler(case: Case) -> Iterator[Case]:
    """With fewer deeds; the story is the same without any."""
    for deeds in without_one(case["deeds"]):
        yield {**case, "deeds": deeds}


def run(seed: int) -> Result:
    """One seed."""
    return run_cases(seed, cases(seed), play)


CAMPAIGN = Campaign(
    name="faults",
    title="faults of studio, sign-in, payloads, clock, disk and process by schedule; then calm, and all settles",
    unit="schedules",
    run=run,
    each=SCHEDULES,
    counts={"quick": 500, "night": 10_000, "release": 100_000},
    minutes={"quick": 0.6, "night": 9.5, "release": 120},
)
