"""Running one test: live through its diary, and compare what was done with what it expects."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from selftimer.errors import SelftimerError
from selftimer.plan.state import DeliveryState, Hold
from selftimer.ruletests.books import NotThere
from selftimer.ruletests.compare import Difference, actions, compare
from selftimer.ruletests.deeds import carry_out, put
from selftimer.ruletests.model import Answers, Given, Happens
from selftimer.ruletests.reached import Reached, reached
from selftimer.ruletests.shape import BORN
from selftimer.ruletests.stage import Stage, for_test
from selftimer.ruletests.why import Explainer
from selftimer.simulation import oracles

if TYPE_CHECKING:
    from whenever import Instant

    from selftimer.plan.state import Delivery
    from selftimer.rulebook.model import Rulebook
    from selftimer.ruletests.compare import Action
    from selftimer.ruletests.model import RuleTest
    from selftimer.ruletests.stage import Ground
    from selftimer.settings import Settings

BEFORE = 24
"""Hours before the first line that a record of `given` came to be, if it doesn't say."""
LEAD_IN = 60
"""Seconds before the first line that the service takes the studio over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a test: passed if there is no difference and no trouble."""

    test: RuleTest
    differences: tuple[Difference, ...]
    troubles: tuple[str, ...]
    """What kept the test from being lived through, or what must never happen in a studio."""
    done: tuple[Action, ...]
    seconds: float
    reached: Reached = field(repr=False)

    @property
    def passed(self) -> bool:
        """All was as the diary has it."""
        return not self.differences and not self.troubles


async def run_test(test: RuleTest, book: Rulebook, settings: Settings, ground: Ground) -> Outcome:
    """Live through a test. Faults of the diary's own (a record that isn't there) are troubles, never raised."""
    begun = time.perf_counter()
    start = _start(test)
    past = _past(test.given, start)
    plan = for_test(test, book, settings, min(past.values(), default=start))
    async with Stage(plan, ground) as stage:
        play = _Play(test, stage, settings.studio.time_zone)
        try:
            play.past(past)
            stage.world.advance_to(start)
            stage.world.ledger.forget_past()
            await stage.start()
            await play.live()
        except NotThere as nothing:
            play.troubles.append(str(nothing))
        except SelftimerError as error:
            play.troubles.append(f"the test couldn't go on: {error}")
        return play.outcome(plan.book, time.perf_counter() - begun)


def _start(test: RuleTest) -> Instant:
    """A minute before the first line, or before what the diary says came to be in the day before it was seen."""
    first = test.diary[0].at
    born = [
        line.values["created_at"] for line in test.diary if isinstance(line, Happens) and "created_at" in line.values
    ]
    near = [at for at in born if first.subtract(hours=24) <= at < first]
    return min(first, *near).subtract(seconds=LEAD_IN) if near else first.subtract(seconds=LEAD_IN)


def _past(given: tuple[Given, ...], start: Instant) -> dict[int, Instant]:
    """When each record of `given` came to be; nobody later than what is theirs."""
    usual = start.subtract(hours=BEFORE)
    said = {n: next((one.values[name] for name in BORN if name in one.values), None) for n, one in enumerate(given)}
    times = {n: at or usual for n, at in said.items()}
    place = {one.values.get("id"): n for n, one in enumerate(given)}
    for number in reversed(range(len(given))):
        for name in given[number].values.values():
            owner = place.get(name) if isinstance(name, str) else None
            if owner is not None and owner < number and said[owner] is None:
                times[owner] = min(times[owner], times[number])
    return times


class _Play:
    def __init__(self, test: RuleTest, stage: Stage, zone: str) -> None:
        self.test, self.stage, self.zone = test, stage, zone
        self.troubles: list[str] = []
        self.unanswered: list[Difference] = []

    def past(self, times: dict[int, Instant]) -> None:
        """Let what was there before come to be, each at its time."""
        for number in sorted(times, key=lambda n: (times[n], n)):
            one = self.test.given[number]
            self.stage.world.advance_to(times[number])
            put(self.stage.books, one.kind, one.values)

    async def live(self) -> None:
        """What happens in one minute is seen together; what the rules have to do needs no stop."""
        await self.stage.until(self.stage.now)
        deeds = [line for line in self.test.diary if isinstance(line, Happens | Answers)]
        for at, lines in groupby(deeds, key=attrgetter("at")):
            await self.stage.until(at)
            for line in lines:
                if isinstance(line, Happens):
                    carry_out(self.stage.books, line.event, line.values)
                    if line.event.endswith(".removed"):
                        self.stage.look_twice()
                else:
                    await self.stage.until(at)  # what is asked at this very time is there by then
                    await self._answer(line)
        await self.stage.until(self.test.diary[-1].at)

    async def _answer(self, line: Answers) -> None:
        held = [
            d for d in self.stage.witness.waiting() if d.hold in {Hold.APPROVAL, Hold.FLOOD} and self._meant(line, d)
        ]
        if not held:
            self.unanswered.append(Difference(what="refused", at=line.at, why=(f"nothing called {line.name} waits",)))
        for delivery in held[:1] if line.to is None else held:
            if line.yes:
                await self.stage.order("approve", id=delivery.id, seen=delivery.text)
            else:
                await self.stage.order("skip", id=delivery.id)

    def _meant(self, line: Answers, delivery: Delivery) -> bool:
        named = line.name in {delivery.words, delivery.step_id, delivery.verb.value}
        return named and line.to in {None, self.stage.books.name_of("client", delivery.client_id)}

    # --- afterwards --------------------------------------------------------------------------------------------------

    def outcome(self, book: Rulebook, seconds: float) -> Outcome:
        started = self.stage.started
        sights = self.stage.witness.seen if started else []
        names = {
            row.id: self.stage.books.name_of("client", row.id) or row.id for row in self.stage.world.tables.clients
        }
        done = actions(sights, self._texts() if started else {}, names)
        differences = compare(self.test.expected, done, self.zone) if started and not self.troubles else []
        explain = Explainer(self.stage, book, self.zone, done) if started else None
        told = [replace(one, why=tuple(explain.why(one))) for one in differences] if explain else []
        told += self.unanswered
        if started:
            self.troubles += self._books_agree()
        return Outcome(
            test=self.test,
            differences=tuple(sorted(told, key=lambda one: one.at)),
            troubles=tuple(self.troubles),
            done=tuple(done),
            seconds=seconds,
            reached=reached(self.stage.reader, sights, book) if started else Reached(),
        )

    def _texts(self) -> dict[str, str]:
        """What the studio's books have of each message: that, and not what we believe, reached the client."""
        ledger: dict[str, Any] = {row.id: row for row in self.stage.world.ledger.writes if row.kind == "message"}
        found = {}
        for delivery in self.stage.deliveries():
            if delivery.state is DeliveryState.SENT and delivery.result_id in ledger:
                found[delivery.id] = str(ledger[delivery.result_id].content.get("content", ""))
        return found

    def _books_agree(self) -> list[str]:
        """Whether the studio's books and the service's rows tell the same; and nothing doubled, nothing misdirected."""
        ledger, deliveries = self.stage.world.ledger.to_json(), self.stage.deliveries()
        match = oracles.match(ledger, deliveries)
        made = {delivery.result_id for delivery in deliveries if delivery.result_id}
        ours = {row["seq"] for row in ledger["writes"] if row["id"] in made}
        unowned = [one for one in match.unowned if one.seq not in ours]
        found = [*unowned, *match.unsent, *oracles.judge(ledger).misdirected]
        return [f"in the studio's books: {self.stage.books.named(one.why)} ({one.what})" for one in found]
