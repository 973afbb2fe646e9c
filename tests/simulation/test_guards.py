"""What stops everything, or holds it for the owner, after trouble or something odd (delivery.md §3 to §5)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from tests.simulation.studio_day import StudioDay, berlin
from tests.simulation.test_brakes import BILL, bills
from tests.simulation.test_new_leads import RULE as FRIEND
from tests.simulation.test_new_leads import WORDS as BROUGHT

from selftimer.engine import doubt
from selftimer.engine.breaker import count_outcome
from selftimer.engine.runs import RunDesk
from selftimer.engine.suppression import suppress
from selftimer.plan.state import DeliveryState, Hold, RunState, Verb
from selftimer.ports import Pause

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from whenever import Instant

    from selftimer.ports import Tx

SILENCE = "Nothing is sent any more: the breaker is open"


def words(day: StudioDay) -> list[str]:
    return sorted(row[12:] for row in day.sent())


# --- the breaker ---


async def lose_answers(day: StudioDay, times: int) -> None:
    day.fault("drop_after", method="POST", path="/conversation_messages", times=times)
    await bills(day, *(f"C{n}" for n in range(times)))


async def test_three_unclear_outcomes_in_an_hour_stop_everything_until_a_person_says_so(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        await lose_answers(day, 3)
        await day.until("2026-03-02 09:30")
        assert len(day.sent()) == 3  # all were found, and none is sent again
        day.invoice(day.known("Dora"), "2026-03-20")
        await day.until("2026-03-02 10:00")
        await day.restart()
        await day.until("2026-03-02 12:00")
        assert "bill Dora" not in words(day)
        assert (await day.notices()).count(SILENCE) == 1
        (waiting,) = await day.deliveries(DeliveryState.READY)
        assert waiting.reason == "the breaker is open: 3 outcomes within an hour are unclear"
        plain = await day.order("resume", scope="all")
        await day.until("2026-03-02 12:01")
        assert "resume breaker" in (await day.told(plain))["message"]
        await day.order("resume", scope="breaker")
        await day.until("2026-03-02 13:00")
        assert "bill Dora" in words(day)


async def test_two_unclear_outcomes_in_an_hour_stop_nothing(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        await lose_answers(day, 2)
        day.invoice(day.known("Dora"), "2026-03-20")
        await day.until("2026-03-02 10:30")
        assert "bill Dora" in words(day)
        day.fault("drop_after", method="POST", path="/conversation_messages")  # the third, but an hour later
        day.invoice(day.known("Emil"), "2026-03-20")
        await day.until("2026-03-02 11:30")
        assert SILENCE not in await day.notices()


class Hours(StudioDay):
    """A day that a test goes through hour by hour."""

    hours = 0


async def refuse(day: Hours, *names: str) -> None:
    """Every message to these is refused for good."""
    for name in names:
        day.fault("status", method="POST", path="/conversation_messages", status=422)
        day.invoice(day.known(name), "2026-03-20")
        await day.until(f"2026-03-02 {9 + day.hours:02}:10")
        day.hours += 1


async def test_what_was_under_way_when_the_breaker_opened_is_not_told_again(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL, toml="[breaker]\nunknown_per_hour = 1\n") as day:
        await lose_answers(day, 1)
        (pause,) = await day.write(lambda tx: tx.control.pauses())
        unclear = replace(await day.one(), state=DeliveryState.UNKNOWN)
        await day.until("2026-03-02 09:30")
        await day.write(lambda tx: count_outcome(tx, day.service.context, unclear, day.now))
        assert await day.write(lambda tx: tx.control.pauses()) == [pause]
        assert (await day.notices()).count(SILENCE) == 1


async def test_trouble_with_what_reaches_no_client_opens_no_breaker(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL, toml="[breaker]\nunknown_per_hour = 1\n") as day:
        await bills(day, "Anna")
        unclear = replace(await day.one(), state=DeliveryState.UNKNOWN)
        for harmless in (replace(unclear, verb=Verb.NOTIFY), replace(unclear, dry=True)):
            await day.write(partial(count_outcome, context=day.service.context, delivery=harmless, now=day.now))
        assert await day.write(lambda tx: tx.control.pauses()) == []
        await day.write(partial(count_outcome, context=day.service.context, delivery=unclear, now=day.now))
        assert len(await day.write(lambda tx: tx.control.pauses())) == 1


@pytest.mark.parametrize(("between", "stops"), [(False, True), (True, False)])
async def test_five_failures_in_a_row_stop_everything_and_one_that_arrives_begins_the_count_anew(
    tmp_path: Path, between: bool, stops: bool
) -> None:
    async with Hours(tmp_path, BILL) as day:
        await day.until("2026-03-02 09:01")
        await refuse(day, "A", "B", "C")
        if between:
            day.invoice(day.known("Good"), "2026-03-20")
            await day.until(f"2026-03-02 {9 + day.hours - 1:02}:40")
        await refuse(day, "D", "E")
        day.invoice(day.known("Last"), "2026-03-20")
        await day.until("2026-03-02 18:00")
        assert ("bill Last" not in words(day)) == stops
        assert (SILENCE in await day.notices()) == stops


async def test_after_a_reset_the_count_begins_anew(tmp_path: Path) -> None:
    async with Hours(tmp_path, BILL, toml="[breaker]\nfailures_in_row = 2\n") as day:
        await day.until("2026-03-02 09:01")
        await refuse(day, "A", "B")
        await day.order("resume", scope="breaker")
        await refuse(day, "C")
        day.invoice(day.known("Last"), "2026-03-20")
        await day.until("2026-03-02 18:00")
        assert "bill Last" in words(day)
        assert (await day.notices()).count(SILENCE) == 1


async def test_what_waits_for_the_breaker_becomes_late_as_in_a_pause(tmp_path: Path) -> None:
    rules = BILL.replace("  then:", "  late: 2 hours\n  then:")
    async with StudioDay(tmp_path, rules, toml="[breaker]\nunknown_per_hour = 1\n") as day:
        await lose_answers(day, 1)
        day.invoice(day.known("Dora"), "2026-03-20")
        await day.until("2026-03-02 13:00")
        await day.order("resume", scope="breaker")
        await day.until("2026-03-02 14:00")
        assert await day.states() == ["bill sent: found", "bill skipped: late"]


async def test_notes_to_the_owner_pass_an_open_breaker(tmp_path: Path) -> None:
    rules = BILL + BILL.replace("id: bill", "id: note").replace("send: bill", "notify: note")
    async with StudioDay(tmp_path, rules, toml="[breaker]\nunknown_per_hour = 1\n") as day:
        await lose_answers(day, 1)
        day.invoice(day.known("Dora"), "2026-03-20")
        await day.until("2026-03-02 10:00")
        assert (await day.states()).count("note sent") == 2


# --- the first look after something odd ---


async def away(day: StudioDay, back: str) -> None:
    """Ben's bill goes out while no service is at work."""
    anna, ben = day.known("Anna"), day.known("Ben")
    await day.start()
    await day.until("2026-03-02 09:01")
    day.invoice(anna, "2026-03-20")
    await day.until("2026-03-02 10:00")
    await day.aclose()
    day.clock_to(back)
    day.invoice(ben, "2026-03-20")
    await day.start()
    await day.until(back[:11] + "12:00")


async def test_after_more_than_a_day_without_a_service_the_first_look_is_held_and_the_next_one_is_not(
    tmp_path: Path,
) -> None:
    day = StudioDay(tmp_path, BILL)
    await away(day, "2026-03-03 10:10")
    assert words(day) == ["bill Anna"]
    (held,) = await day.held()
    assert held.hold is Hold.FLOOD
    assert held.reason == "no service was at work for 24 hours: held for you"
    assert "1 message held for you: no service was at work for 24 hours" in await day.notices()
    day.invoice(day.known("Cleo"), "2026-03-20")
    await day.until("2026-03-03 12:30")
    assert words(day) == ["bill Anna", "bill Cleo"]
    await day.approve(held.id)
    await day.until("2026-03-03 13:00")
    assert words(day) == ["bill Anna", "bill Ben", "bill Cleo"]
    await day.aclose()


async def test_a_machine_that_slept_for_days_with_its_service_is_held_as_well(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")
        day.clock_to("2026-03-04 10:00")
        day.invoice(anna, "2026-03-20")
        await day.clock.start()
        day.service.observe.poll_at = berlin("2026-03-02 09:05")  # when a service on real time would have looked
        await day.service.observe.step(day.now)
        await day.until("2026-03-04 12:00")
        assert day.sent() == []
        (held,) = await day.held()
        assert held.reason is not None
        assert held.reason.endswith("no service was at work for 49 hours: held for you")


async def test_a_quiet_studio_is_no_absence(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        anna = day.known("Anna")
        await day.until("2026-03-05 09:01")
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-05 12:00")
        assert words(day) == ["bill Anna"]


async def test_a_service_that_was_away_for_less_than_a_day_goes_on_as_always(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, BILL)
    await away(day, "2026-03-03 09:50")
    assert words(day) == ["bill Anna", "bill Ben"]
    await day.aclose()


async def test_what_waited_before_and_during_that_look_is_held_too(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, BILL.replace("    - send", "    - wait: 1 hour\n    - send"))
    await away(day, "2026-03-03 10:10")  # Anna's wait ended meanwhile, Ben's begins now
    assert words(day) == []
    assert [d.hold for d in await day.held()] == [Hold.FLOOD, Hold.FLOOD]
    await day.aclose()


async def test_a_note_to_the_owner_first_does_not_open_a_way_out_of_that_look(tmp_path: Path) -> None:
    day = StudioDay(
        tmp_path, BILL.replace("    - send: bill", "    - notify: note\n    - send: bill\n    - send: more")
    )
    await away(day, "2026-03-03 10:10")
    assert words(day) == ["bill Anna", "more Anna"]
    (held,) = await day.held()
    await day.approve(held.id)
    await day.until("2026-03-03 13:00")
    assert words(day) == ["bill Anna", "bill Ben", "more Anna", "more Ben"]
    await day.aclose()


async def test_a_restart_in_the_middle_of_that_look_does_not_end_the_doubt(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, BILL)
    day.fault("status", method="GET", path="/invoices", times=0, status=503)
    await day.start()
    await day.until("2026-03-02 09:01")
    ben = day.known("Ben")
    await day.until("2026-03-02 10:00")
    await day.aclose()
    day.clock_to("2026-03-03 10:10")
    day.invoice(ben, "2026-03-20")
    day.fault("status", method="GET", path="/invoices", times=100_000, status=503)
    await day.start()
    await day.until("2026-03-03 10:20")
    await day.restart()
    day.faults.clear()
    await day.until("2026-03-03 11:00")
    assert words(day) == []
    assert len(await day.held()) == 1
    await day.aclose()


async def test_a_pass_that_began_before_the_doubt_does_not_end_it(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        await day.until("2026-03-02 09:01")
        now = day.now
        lanes: tuple[doubt.Lane, ...] = ("observe", "deliver")
        await day.write(lambda tx: doubt.begin(tx, "an odd thing", now))
        for lane in lanes:
            await day.write(partial(doubt.passed, lane=lane, began=now.subtract(seconds=1)))
        assert await day.write(doubt.why_doubted) == "an odd thing"
        for lane in lanes:
            await day.write(partial(doubt.passed, lane=lane, began=now))
        assert await day.write(doubt.why_doubted) is None


async def test_a_second_reason_for_a_doubt_is_told_beside_the_first_and_the_same_one_once(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        await day.until("2026-03-02 09:01")
        for why in ("an odd thing", "an odd thing", "another"):
            await day.write(partial(doubt.begin, why=why, now=day.now))
        assert await day.write(doubt.why_doubted) == "an odd thing; another"


async def test_another_account_than_the_one_the_database_is_about_is_held_at_its_first_look(tmp_path: Path) -> None:
    day = StudioDay(tmp_path, BILL)
    await day.start()
    await day.until("2026-03-02 09:01")
    await day.write(lambda tx: tx.control.put("account", "another"))
    await day.aclose()
    day.invoice(day.known("Anna"), "2026-03-20")
    async with day:
        await day.until("2026-03-02 10:00")
        assert day.sent() == []
        (held,) = await day.held()
        assert held.reason is not None
        assert held.reason.endswith("it was another: held for you")


class SetBack:
    """The simulation's clock, beside which the machine's monotonic one has run for some seconds less."""

    def __init__(self, day: StudioDay, seconds: float) -> None:
        self._clock = day.service.context.clock
        self._seconds = seconds

    def now(self) -> Instant:
        return self._clock.now()

    def monotonic(self) -> float:
        return self._clock.monotonic() - self._seconds

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)


@pytest.mark.parametrize(("seconds", "held"), [(61, 1), (-61, 1), (59, 0)])
async def test_what_is_seen_after_a_jump_of_the_clock_is_held(tmp_path: Path, seconds: int, held: int) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")
        day.service.context.clock = SetBack(day, seconds)
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 10:00")
        assert len(await day.held()) == held
        assert len(day.sent()) == 1 - held
        day.invoice(anna, "2026-03-21")
        await day.until("2026-03-02 11:00")
        assert len(day.sent()) == 2 - held


# --- floods ---


async def test_the_limits_of_a_flood_are_the_owners(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL, toml="[flood]\nby_events = 2\n") as day:
        await bills(day, "Anna", "Ben")
        assert len(day.sent()) == 2
        day.invoice(day.known("Cleo"), "2026-03-20")
        day.invoice(day.known("Dora"), "2026-03-20")
        day.invoice(day.known("Emil"), "2026-03-20")
        await day.until("2026-03-02 10:00")
        assert len(await day.held()) == 3


@pytest.mark.parametrize(("late", "sent"), [("", 3), ("  late: 3 days\n", 0), ("  late: 5 days\n", 3)])
async def test_a_flood_that_is_approved_when_it_is_too_late_by_its_own_late_stays_unsent(
    tmp_path: Path, late: str, sent: int
) -> None:
    rules = BILL.replace("  then:", f"{late}  then:")
    async with StudioDay(tmp_path, rules, toml="[flood]\nby_events = 2\n") as day:
        await bills(day, "Anna", "Ben", "Cleo")
        held = await day.held()
        await day.until("2026-03-06 10:00")
        for delivery in held:
            await day.approve(delivery.id)
        await day.until("2026-03-06 12:00")
        assert len(day.sent()) == sent
        if not sent:
            assert await day.states() == ["bill skipped: late: no answer in the time that the step allows"] * 3


# --- free space ---


async def test_a_disk_that_is_nearly_full_stops_sending_and_nothing_else_until_there_is_space(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        day.service.context.free_space = lambda: 199_999_999
        await bills(day, "Anna")
        await day.until("2026-03-02 11:00")
        assert day.sent() == []
        (waiting,) = await day.deliveries()
        assert waiting.reason == "only 199 MB are free where the database is, and 200 are needed to send"
        assert (await day.notices()).count("Nothing is sent: the disk is nearly full") == 1
        day.service.context.free_space = lambda: 200_000_000
        await day.until("2026-03-02 11:20")
        assert words(day) == ["bill Anna"]
        day.world.changed()
        await day.until("2026-03-02 11:40")
        assert "There is space again, and sending goes on" in await day.notices()


# --- our own faults ---


async def test_a_delivery_that_trips_us_is_told_once_and_held_after_some_tries(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        await day.until("2026-03-02 09:01")
        tripped = 0

        def trip(point: str) -> None:
            nonlocal tripped
            if point == "deliver.asked":
                tripped += 1
                raise ZeroDivisionError

        day.service.context.crash_point = trip
        day.invoice(day.known("Anna"), "2026-03-20")
        await day.until("2026-03-02 12:00")
        assert tripped == 5
        (held,) = await day.held()
        assert held.hold is Hold.FAULT
        assert held.reason == "a fault in Selftimer, 5 times; nothing was sent. The log has all of it"
        told = await day.notices()
        assert told.count(f"A fault in Selftimer with delivery {held.id}") == 1
        assert told.count("bill: bill is held") == 1
        day.service.context.crash_point = lambda _: None
        await day.approve(held.id)
        await day.until("2026-03-02 13:00")
        assert words(day) == ["bill Anna"]


async def test_one_that_may_have_been_sent_and_trips_us_when_it_is_looked_for_is_the_owners_to_settle(
    tmp_path: Path,
) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        await day.until("2026-03-02 09:01")

        def trip(point: str) -> None:
            if point in {"deliver.after_post", "deliver.looked"}:
                raise ZeroDivisionError

        day.service.context.crash_point = trip
        day.invoice(day.known("Anna"), "2026-03-20")
        await day.until("2026-03-02 12:00")
        (held,) = await day.held()
        assert held.hold is Hold.EVIDENCE
        assert len(day.sent()) == 1


# --- suppression ---

OFFER = BILL.replace("id: bill", "id: offer").replace("send: bill", "send: offer")
OFFER = OFFER.replace("  then:", "  purpose: marketing\n  then:")


@pytest.mark.parametrize("by", ["client", "email"])
async def test_a_suppressed_client_gets_no_advertising_and_all_the_rest(tmp_path: Path, by: str) -> None:
    async with StudioDay(tmp_path, BILL + OFFER) as day:
        anna, ben = day.known("Anna", email="Anna@Example.com"), day.known("Ben")
        await day.until("2026-03-02 09:01")
        await day.order("suppress", **{by: anna.id if by == "client" else " anna@EXAMPLE.com"})
        await day.until("2026-03-02 09:02")
        day.invoice(anna, "2026-03-20")
        day.invoice(ben, "2026-03-20")
        await day.until("2026-03-02 10:00")
        assert words(day) == ["bill Anna", "bill Ben", "offer Ben"]
        assert "offer skipped: suppressed" in await day.states()
        assert "suppressed" in await day.verdicts("offer")
        await day.order("unsuppress", client=anna.id)
        await day.until("2026-03-02 10:01")
        day.invoice(anna, "2026-03-21")
        await day.until("2026-03-02 11:00")
        assert words(day).count("offer Anna") == 1


def once_it_is_read(day: StudioDay, deed: Callable[[Tx], None], *, before: int = 1) -> None:
    """Carry something out after the reads of the next delivery, before that many a transaction of it.

    The first one judges; it also sets in flight what needs no template. Else that is the second one's to do.
    """
    store, asked, left = day.service.store, False, before
    written = store.write

    def listen(point: str) -> None:
        nonlocal asked
        asked = asked or point == "deliver.asked"

    async def write(work: Any) -> Any:
        nonlocal left
        left -= asked
        if asked and not left:
            await written(deed)
        return await written(work)

    day.service.context.crash_point = listen
    store.write = write  # type: ignore[method-assign]


async def test_a_wish_that_comes_between_the_reads_and_the_post_still_counts(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, OFFER) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")

        def wish(tx: Tx) -> None:
            suppress(tx, day.service.context, day.now, {"client": anna.id})

        once_it_is_read(day, wish)
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 10:00")
        assert day.sent() == []
        assert await day.states() == ["offer skipped: suppressed"]


PAPER = BILL.replace("send: bill", "create: contract\n      from: Portrait agreement")


@pytest.mark.parametrize("rules", [BILL, PAPER], ids=["message", "contract"])
@pytest.mark.parametrize("switch", ["flag", "file"])
async def test_a_pause_that_comes_between_the_reads_and_the_post_still_counts(
    tmp_path: Path, switch: str, rules: str
) -> None:
    async with StudioDay(tmp_path, rules) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")

        def pull(tx: Tx) -> None:
            if switch == "file":
                day.service.settings.stop_file.touch()
            else:
                tx.control.put_pause(Pause(scope="all", id="", since=day.now, why="a flood in the cellar"))

        once_it_is_read(day, pull)
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 10:00")
        assert day.ledger["writes"] == []
        assert (await day.one()).state is DeliveryState.READY


@pytest.mark.parametrize(("rules", "before"), [(BILL, 1), (PAPER, 1), (PAPER, 2)])
async def test_what_is_called_off_between_the_reads_and_the_post_is_not_sent(
    tmp_path: Path, rules: str, before: int
) -> None:
    async with StudioDay(tmp_path, rules) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")

        def call_off(tx: Tx) -> None:
            (run,) = tx.runs.in_state(RunState.ACTIVE)
            RunDesk(tx, day.service.context, day.now).end(run, "called off")

        once_it_is_read(day, call_off, before=before)
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 10:00")
        assert day.ledger["writes"] == []
        assert await day.ends() == ["called off"]
        assert (await day.one()).state is DeliveryState.CANCELLED


async def test_in_a_pause_what_may_have_been_sent_is_looked_for_all_the_same(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")
        day.fault("drop_after", method="POST", path="/conversation_messages")
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 09:06")
        assert (await day.one()).state is DeliveryState.UNKNOWN
        await day.order("pause", scope="all")
        await day.until("2026-03-02 10:00")
        assert await day.states() == ["bill sent: found"]


async def test_in_a_pause_nothing_is_read_for_what_may_not_be_sent(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        await day.order("pause", scope="all")
        await bills(day, "Anna")
        asked: list[str] = []
        day.service.context.crash_point = asked.append
        await day.until("2026-03-02 10:00")
        assert "deliver.orders" in asked
        assert "deliver.asked" not in asked


async def test_no_thread_is_opened_for_advertising_that_is_not_wanted(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, OFFER) as day:
        anna = day.client("Anna")
        await day.until("2026-03-02 09:01")
        await day.order("suppress", client=anna.id)
        await day.until("2026-03-02 09:02")
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 10:00")
        assert day.ledger["writes"] == []


# --- purge ---


async def test_a_purge_is_refused_while_something_may_have_been_sent(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")
        day.fault("drop_after", method="POST", path="/conversation_messages")
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 09:06")
        order = await day.order("purge", client=anna.id)
        await day.until("2026-03-02 09:07")
        assert not (await day.told(order))["ok"]
        assert (await day.one()).text
        await day.until("2026-03-02 10:00")
        order = await day.order("purge", client=anna.id)
        await day.until("2026-03-02 10:01")
        assert (await day.told(order))["ok"]


async def test_who_is_purged_is_in_no_file_any_more_and_gets_nothing_twice_and_no_advertising(tmp_path: Path) -> None:
    rules = (
        BILL.replace("  then:", "  repeat: once per client.email\n  then:")
        + OFFER
        + """
- id: later
  title: Later
  when: invoice.sent
  mode: approve
  then:
    - send: later
- id: much-later
  title: Much later
  when: invoice.sent
  if: invoice.outstanding
  then:
    - wait: 5 days
    - send: much-later
"""
    )
    async with StudioDay(tmp_path, rules) as day:
        anna = day.known("Wilhelmina", email="wilhelmina@example.com", notes="Likes Quokkas")
        ben = day.known("Ben")
        await day.until("2026-03-02 09:01")
        day.invoice(anna, "2026-03-20")
        day.invoice(ben, "2026-03-20")
        await day.until("2026-03-02 10:00")
        day.change(anna, notes="From Zwiesel")
        day.says(anna, "Ostriches are fine too")
        await day.order("suppress", client=anna.id)
        await day.until("2026-03-02 10:30")
        secrets = [b"Wilhelmina", b"wilhelmina@example.com", b"Quokkas", b"Zwiesel", b"Ostriches"]
        held = [d for d in await day.held() if d.client_id == anna.id]
        await day.approve(held[0].id, seen="not these words, Wilhelmina")
        await day.until("2026-03-02 10:40")
        note = f"For client {anna.id}: the letter to Wilhelmina"
        await day.write(lambda tx: tx.control.notice(day.now, "bill: bill needs you", note, key="outcome"))
        day.vanish("clients", anna.id)
        for row in list(day.world.tables.invoices):
            if row.client_id == anna.id:
                day.vanish("invoices", row.id)
        for thread in list(day.world.tables.conversations):
            if thread.client_id == anna.id:
                day.vanish("conversations", thread.id)
        files = [*day.database.parent.glob("selftimer.db*")]
        assert all(any(secret in file.read_bytes() for file in files) for secret in secrets)
        order = await day.order("purge", client=anna.id)
        await day.until("2026-03-02 10:41")
        assert (await day.told(order))["ok"]
        for file in day.database.parent.iterdir():
            content = file.read_bytes() if file.is_file() else b""
            assert not [secret for secret in secrets if secret in content], file.name
        mine = [d for d in await day.deliveries() if d.client_id == anna.id]
        assert {d.state for d in mine} == {DeliveryState.SENT, DeliveryState.CANCELLED}
        before = len(day.sent())
        await day.until("2026-03-09 12:00")
        assert [row[12:] for row in day.sent()][before:] == ["much-later Ben"]
        again = day.known("Wilhelmina", email="Wilhelmina@example.com")
        day.invoice(again, "2026-03-20")
        await day.until("2026-03-09 13:00")
        states = [(d.rule_id, d.state, d.reason) for d in await day.deliveries() if d.client_id == again.id]
        assert ("offer", DeliveryState.SKIPPED, "suppressed") in states
        assert "bill" not in [rule for rule, _, _ in states]  # once per address, also after a purge


async def test_a_purged_client_who_is_still_in_the_studio_is_read_again_and_nothing_is_sent_again(
    tmp_path: Path,
) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 10:00")
        await day.order("purge", client=anna.id)
        await day.until("2026-03-02 10:01")
        day.world.changed()
        await day.until("2026-03-02 20:00")
        assert anna.id in await day.ids("client")
        assert words(day) == ["bill Anna"]


async def test_what_the_runs_of_others_say_of_a_purged_client_is_gone_too(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, FRIEND, words=BROUGHT) as day:
        anna = day.known("Anna", email="anna@example.com")
        await day.until("2026-03-02 09:01")
        day.session(anna, "2026-04-01 12:00")
        await day.until("2026-03-02 10:00")
        (fred,) = [ident for ident in await day.ids("client") if ident != anna.id]
        secret = b"friend-of-anna"
        assert any(secret in file.read_bytes() for file in day.database.parent.glob("selftimer.db*"))
        day.vanish("clients", fred)
        await day.order("purge", client=fred)
        await day.until("2026-03-02 10:01")
        assert not any(secret in file.read_bytes() for file in day.database.parent.glob("s*"))
        assert {d.state for d in await day.deliveries()} == {DeliveryState.SENT}
        assert (await day.stored("client", anna.id)).id == anna.id


# --- the studio's clock ---


@pytest.mark.parametrize("seconds", [121, -121])
async def test_while_the_studios_clock_and_ours_are_minutes_apart_nothing_is_taken_in_or_sent(
    tmp_path: Path, seconds: int
) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")
        await day.drift(drift="clock_skew", seconds=seconds + (5 if seconds > 0 else -5))
        bill = day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 09:12")
        assert day.sent() == []
        assert bill.id not in await day.ids("invoice")
        assert "Selftimer can't work with the studio" in await day.notices()
        await day.no_drift()
        await day.until("2026-03-02 10:00")
        assert words(day) == ["bill Anna"]


# --- how old a judgement may be ---


class Slow(SetBack):
    """A clock that has gone on by some seconds while the studio took its time to answer."""

    def now(self) -> Instant:
        return self._clock.now().add(seconds=self._seconds)

    def monotonic(self) -> float:
        return self._clock.monotonic() + self._seconds


@pytest.mark.parametrize("rules", [BILL, PAPER], ids=["message", "contract"])
@pytest.mark.parametrize(("seconds", "sent"), [(5, 1), (6, 0)])
async def test_what_was_read_more_than_five_seconds_before_the_call_is_read_again(
    tmp_path: Path, seconds: int, sent: int, rules: str
) -> None:
    async with StudioDay(tmp_path, rules) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")
        bill = day.invoice(anna, "2026-03-20")
        asked: list[Instant] = []

        def wait(point: str) -> None:
            if point == "deliver.asked":
                asked.append(day.now)
                if len(asked) == 1:  # the reads are done: time passes, and she pays
                    day.service.context.clock = Slow(day, seconds)
                    day.pay(bill)

        day.service.context.crash_point = wait
        await day.until("2026-03-02 10:00")
        assert len(asked) == (1 if sent else 2)
        assert asked[-1] <= asked[0].add(minutes=1)
        assert len(day.ledger["writes"]) == sent
