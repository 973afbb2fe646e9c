"""What may or may not have happened is settled by reading, and where that can't be, by a person (delivery.md §1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.simulation.studio_day import StudioDay
from whenever import Date

from selftimer.plan.state import DeliveryState, Hold
from selftimer.sandbox.book import money

if TYPE_CHECKING:
    from pathlib import Path

MESSAGE = """
- id: bill
  title: A bill went out
  when: invoice.sent
  if: invoice.outstanding
  then:
    - send: bill
"""
NOT_APPLIED: list[dict[str, Any]] = [
    {"kind": "drop_before"},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503, "shape": "html"},
    {"kind": "html200"},
    {"kind": "status", "status": 408, "shape": "html"},
]
APPLIED: list[dict[str, Any]] = [
    {"kind": "drop_after"},
    {"kind": "status", "status": 500, "commit": True},
    {"kind": "html200", "commit": True},
    {"kind": "half_page"},
    {"kind": "bad_json"},
    {"kind": "late_apply", "seconds": 30.0},
]


def names(fault: dict[str, Any]) -> str:
    return " ".join(str(value) for value in fault.values())


async def billed(day: StudioDay, fault: dict[str, Any], path: str = "/conversation_messages", times: int = 1) -> None:
    anna = day.known()
    await day.until("2026-03-02 09:01")
    day.fault(fault["kind"], method="POST", path=path, times=times, **{k: v for k, v in fault.items() if k != "kind"})
    day.invoice(anna, "2026-03-20")
    await day.until("2026-03-02 09:45")


@pytest.mark.parametrize("fault", APPLIED, ids=names)
async def test_a_message_that_arrived_is_found_and_not_sent_again(tmp_path: Path, fault: dict[str, Any]) -> None:
    async with StudioDay(tmp_path, MESSAGE) as day:
        await billed(day, fault)
        assert [row[12:] for row in day.sent()] == ["bill Anna"]
        assert await day.states() == ["bill sent: found"]


@pytest.mark.parametrize("fault", NOT_APPLIED, ids=names)
async def test_a_message_that_did_not_arrive_is_sent_once_more(tmp_path: Path, fault: dict[str, Any]) -> None:
    async with StudioDay(tmp_path, MESSAGE) as day:
        await billed(day, fault)
        assert [row[12:] for row in day.sent()] == ["bill Anna"]
        assert (await day.one()).attempt == 2


async def test_an_older_message_with_the_same_words_is_not_taken_for_one_that_never_arrived(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, MESSAGE) as day:
        anna = day.known()
        day.kim_says(anna, "bill Anna\n\nKim, Studio Nord")
        await day.until("2026-03-05 09:01")
        day.fault("drop_before", method="POST", path="/conversation_messages")
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-05 09:45")
        assert [row[12:] for row in day.sent()] == ["bill Anna"]
        assert (await day.one()).attempt == 2


async def test_two_effects_of_the_same_words_are_two_messages(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, MESSAGE + MESSAGE.replace("id: bill", "id: again")) as day:
        await billed(day, {"kind": "status", "status": 429})
        assert [row[12:] for row in day.sent()] == ["bill Anna", "bill Anna"]
        first, second = await day.deliveries()
        assert first.result_id != second.result_id
        assert {first.reason, second.reason} == {None}


async def test_the_second_attempt_has_the_words_of_the_first_which_may_yet_turn_up(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, MESSAGE) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.fault("drop_before", method="POST", path="/conversation_messages")
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 09:06")
        day.change(anna, first_name="Annabel")
        await day.until("2026-03-02 09:45")
        assert [row[12:] for row in day.sent()] == ["bill Anna"]
        assert (await day.one()).attempt == 2


async def test_a_message_of_another_effect_is_not_taken_for_one_that_never_arrived(tmp_path: Path) -> None:
    """The studio's lists lag behind: what the first has sent wasn't there yet when the second was."""
    async with StudioDay(tmp_path, MESSAGE + MESSAGE.replace("id: bill", "id: again")) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        await day.drift(drift="read_lag", seconds=55)
        day.fault("drop_before", method="POST", path="/conversation_messages", skip=1)
        await day.until("2026-03-02 09:03")
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 09:45")
        assert [row[12:] for row in day.sent()] == ["bill Anna", "bill Anna"]
        assert sorted(one.attempt for one in await day.deliveries()) == [1, 2]
        assert await day.states() == ["bill sent", "bill sent"]


async def test_a_message_that_is_lost_twice_is_held_with_what_is_known(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, MESSAGE) as day:
        await billed(day, {"kind": "drop_before"}, times=2)
        held = await day.one()
        assert (held.hold, held.attempt) == (Hold.EVIDENCE, 2)
        assert "not found in the studio in two looks" in (held.reason or "")
        assert "bill: bill needs you" in await day.notices()
        assert day.sent() == []


@pytest.mark.parametrize(("choice", "state", "count"), [("sent", "sent", 0), ("send", "sent", 1)])
async def test_the_owner_settles_what_reading_could_not(tmp_path: Path, choice: str, state: str, count: int) -> None:
    async with StudioDay(tmp_path, MESSAGE) as day:
        await billed(day, {"kind": "drop_before"}, times=2)
        undecided = await day.approve((await day.one()).id)
        await day.until("2026-03-02 10:00")
        assert not (await day.told(undecided))["ok"]
        await day.approve((await day.one()).id, choice=choice)
        await day.until("2026-03-02 11:00")
        assert (await day.one()).state.value == state
        assert len(day.sent()) == count
        await day.restart()
        await day.until("2026-03-02 12:00")
        assert not any("held" in text for text in await day.notices())


async def test_a_refused_message_fails_and_says_why(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, MESSAGE) as day:
        await billed(day, {"kind": "status", "status": 422, "shape": "4"})
        failed = await day.one()
        assert failed.state is DeliveryState.FAILED
        assert (await day.ends())[0].startswith("failed")
        assert "bill: bill needs you" in await day.notices()


async def test_too_many_requests_is_waited_out(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, MESSAGE) as day:
        await billed(day, {"kind": "status", "status": 429, "headers": {"Retry-After": "120"}})
        assert [row[6:] for row in day.sent()] == ["09:07 bill Anna"]


async def test_a_message_that_was_answered_while_it_was_unclear_is_still_found(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, MESSAGE.replace("  then:", "  until: client.replied\n  then:")) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.fault("drop_after", method="POST", path="/conversation_messages")
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 09:06")
        day.says(anna, "Thank you, I paid")
        await day.until("2026-03-02 10:00")
        assert await day.states() == ["bill sent: found"]
        assert len(day.sent()) == 1


async def test_an_unclear_message_is_not_sent_again_once_the_client_has_answered(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, MESSAGE.replace("  then:", "  until: client.replied\n  then:")) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.fault("drop_before", method="POST", path="/conversation_messages")
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 09:06")
        day.says(anna, "Never mind")
        await day.until("2026-03-02 10:00")
        assert day.sent() == []
        assert await day.states() == ["bill cancelled: until came true"]


async def test_while_one_is_unclear_the_client_gets_no_other_and_other_clients_do(tmp_path: Path) -> None:
    other = MESSAGE.replace("id: bill", "id: other").replace("send: bill", "send: other")
    async with StudioDay(tmp_path, MESSAGE + other) as day:
        anna, ben = day.known("Anna"), day.known("Ben")
        await day.until("2026-03-02 09:01")
        day.fault("drop_after", method="POST", path="/conversation_messages")
        day.invoice(anna, "2026-03-20")
        day.invoice(ben, "2026-03-20")
        await day.until("2026-03-02 09:06")
        assert sorted(row[:8] for row in day.sent()) == ["03-02 09"] * 3
        await day.until("2026-03-02 09:30")
        assert len(day.sent()) == 4


async def test_an_unclear_one_that_cannot_be_read_stays_unclear_and_is_held_after_a_day(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, MESSAGE, toml="[breaker]\nunknown_per_hour = 2\n") as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.fault("drop_after", method="POST", path="/conversation_messages")
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 09:05")
        day.fault("status", method="GET", path="/conversations/conv", times=100_000, status=404, shape="html")
        await day.until("2026-03-02 09:30")
        assert (await day.one()).state is DeliveryState.UNKNOWN
        assert await day.notices() == []  # one look after the other is no trouble after the other for the breaker
        day.world.clock.move_to(day.now.add(hours=24))
        await day.until("2026-03-03 10:00")
        assert (await day.one()).hold is Hold.EVIDENCE


# --- documents ---

PAPERS = {
    "contract": ("/contracts/", "      from: Portrait agreement\n"),
    "questionnaire": ("/questionnaires/", "      from: Portrait questionnaire\n"),
    "quote": ("/quotes/", "      from: Business day\n"),
    "invoice": ("/invoices/", '      items: [{name: "Deposit", amount: 100}]\n      due: 14 days\n'),
}


def paper(kind: str) -> str:
    return (
        f"- id: paper\n  title: Paper\n  when: session.confirmed\n  then:\n    - create: {kind}\n{PAPERS[kind][1]}"
        f"    - notify: next\n"
    )


@pytest.mark.parametrize("kind", PAPERS)
@pytest.mark.parametrize("fault", APPLIED[:4], ids=names)
async def test_a_document_that_arrived_is_found(tmp_path: Path, kind: str, fault: dict[str, Any]) -> None:
    async with StudioDay(tmp_path, paper(kind)) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        rest = {k: v for k, v in fault.items() if k != "kind"}
        day.fault(fault["kind"], method="POST", path=PAPERS[kind][0], **rest)
        day.session(anna, "2026-04-01 12:00")
        await day.until("2026-03-02 10:00")
        assert len(day.made(kind)) == 1
        first, second = await day.deliveries()
        assert (first.state, first.reason, second.state) == (DeliveryState.SENT, "found", DeliveryState.SENT)


@pytest.mark.parametrize("kind", PAPERS)
@pytest.mark.parametrize("fault", NOT_APPLIED[:3], ids=names)
async def test_a_document_that_is_not_found_is_held_and_never_posted_twice(
    tmp_path: Path, kind: str, fault: dict[str, Any]
) -> None:
    async with StudioDay(tmp_path, paper(kind)) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        rest = {k: v for k, v in fault.items() if k != "kind"}
        day.fault(fault["kind"], method="POST", path=PAPERS[kind][0], **rest)
        day.session(anna, "2026-04-01 12:00")
        await day.until("2026-03-02 12:00")
        assert day.made(kind) == []
        assert (await day.one()).hold is Hold.EVIDENCE


@pytest.mark.parametrize("kind", ["contract", "invoice"])
async def test_a_document_that_another_client_got_meanwhile_is_not_taken_for_ours(tmp_path: Path, kind: str) -> None:
    async with StudioDay(tmp_path, paper(kind)) as day:
        anna, ben = day.known(), day.known("Ben")
        await day.until("2026-03-02 09:01")
        day.fault("drop_before", method="POST", path=PAPERS[kind][0])
        day.session(anna, "2026-04-01 12:00")
        await day.until("2026-03-02 09:06")
        if kind == "contract":
            day.contract(ben)
        else:
            item = money.line(day.world, ben.id, "Deposit", 10_000)
            money.add_invoice(day.world, ben.id, [item], Date.parse_iso("2026-03-16"), by="studio")
        await day.until("2026-03-02 12:00")
        assert (await day.one()).hold is Hold.EVIDENCE


async def test_two_documents_that_could_be_ours_are_for_the_owner_to_tell_apart(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, paper("contract")) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.fault("drop_after", method="POST", path="/contracts/")
        day.session(anna, "2026-04-01 12:00")
        await day.until("2026-03-02 09:06")
        day.contract(anna)  # Kim makes the same one by hand
        await day.until("2026-03-02 12:00")
        held = await day.one()
        assert held.hold is Hold.EVIDENCE
        assert "2 records could be this one" in (held.reason or "")


async def test_a_template_that_is_not_there_fails_before_anything_is_sent(tmp_path: Path) -> None:
    rules = paper("contract").replace("Portrait agreement", "No such agreement")
    async with StudioDay(tmp_path, rules) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.session(anna, "2026-04-01 12:00")
        await day.until("2026-03-02 10:00")
        failed = (await day.deliveries())[0]
        assert failed.state is DeliveryState.FAILED
        assert "Portrait agreement" in (failed.reason or "")


@pytest.mark.parametrize("fault", [*APPLIED[:3], *NOT_APPLIED[:3]], ids=names)
async def test_an_update_is_made_once_more_until_it_is_as_set(tmp_path: Path, fault: dict[str, Any]) -> None:
    rules = (
        "- id: up\n  title: Up\n  when: session.confirmed\n  then:\n    - update: client\n      set: {notes: booked}\n"
    )
    async with StudioDay(tmp_path, rules) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.fault(fault["kind"], method="PUT", path="/clients/", **{k: v for k, v in fault.items() if k != "kind"})
        day.session(anna, "2026-04-01 12:00")
        await day.until("2026-03-02 10:00")
        assert anna.notes == "booked"
        assert (await day.one()).state is DeliveryState.SENT


# --- a client without a thread ---


@pytest.mark.parametrize(("head", "subject"), [("", "Studio Nord"), ("subject: Your bill\n---\n", "Your bill")])
async def test_a_client_without_a_thread_gets_one_and_then_the_message(tmp_path: Path, head: str, subject: str) -> None:
    async with StudioDay(tmp_path, MESSAGE, words={"bill": head + "bill {{ client.first_name }}\n"}) as day:
        anna = day.client("Anna")
        await day.until("2026-03-02 09:01")
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 10:00")
        assert [row[12:] for row in day.sent()] == ["bill Anna"]
        assert [row["kind"] for row in day.ledger["writes"]] == ["conversation", "message"]
        assert [row.subject for row in day.world.tables.conversations] == [subject]


@pytest.mark.parametrize("fault", APPLIED[:3], ids=names)
async def test_an_unclear_thread_is_found_and_not_opened_twice(tmp_path: Path, fault: dict[str, Any]) -> None:
    async with StudioDay(tmp_path, MESSAGE) as day:
        anna = day.client("Anna")
        await day.until("2026-03-02 09:01")
        day.fault(
            fault["kind"], method="POST", path="/conversations/", **{k: v for k, v in fault.items() if k != "kind"}
        )
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 10:00")
        assert [row["kind"] for row in day.ledger["writes"]] == ["conversation", "message"]
        assert await day.notices() == []  # nobody is asked: the message waits for its thread


async def test_where_no_thread_can_be_opened_the_message_is_held_and_goes_when_the_owner_opens_one(
    tmp_path: Path,
) -> None:
    async with StudioDay(tmp_path, MESSAGE) as day:
        anna = day.client("Anna")
        await day.until("2026-03-02 09:01")
        day.fault("status", method="POST", path="/conversations/", times=100, status=403)
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 10:00")
        assert [d.hold for d in await day.held()] == [Hold.CONVERSATION]
        day.says(anna, "Hello, it is me")
        await day.until("2026-03-02 11:00")
        assert [row[12:] for row in day.sent()] == ["bill Anna"]


async def test_a_thread_that_was_lost_is_held_as_evidence_and_the_message_waits_without_hurry(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, MESSAGE) as day:
        anna = day.client("Anna")
        await day.until("2026-03-02 09:01")
        day.fault("drop_before", method="POST", path="/conversations/")
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 10:00")
        assert {d.hold for d in await day.held()} == {Hold.EVIDENCE, Hold.CONVERSATION}
        before = day.transport.requests
        await day.until("2026-03-02 11:00")
        assert day.transport.requests - before < 150


async def test_a_thread_that_the_list_does_not_show_yet_is_written_to_all_the_same(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, MESSAGE) as day:
        anna = day.client("Anna")
        await day.until("2026-03-02 09:01")
        empty = {"id": "conv_other", "client_id": "cl_000000000000000000000000000000"}
        day.fault("broken_record", method="GET", path=r"/conversations/\?.*client_id", skip=2, times=50, record=empty)
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 09:06")
        assert [row[12:] for row in day.sent()] == ["bill Anna"]
