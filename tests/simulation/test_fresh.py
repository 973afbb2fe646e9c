"""Before each effect everything is asked again on fresh data (rule-language.md 4 to 7 and 22; delivery.md §1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.acceptance.support_meddler import Meddler
from tests.simulation.studio_day import StudioDay

from selftimer.plan.state import DeliveryState, Hold

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

FOLLOW = """
- id: follow
  title: Follow up
  when: lead.created
  if: client.type == 'lead'
  until: client.replied or client.contacted
  then:
    - wait: until 2 days after start at 10:00
    - send: first
    - wait: 1 day
    - send: second
"""


async def test_a_reply_ends_it_though_no_poll_has_seen_it(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, FOLLOW) as day:
        await day.until("2026-03-02 09:01")
        anna = day.lead("Anna")
        await day.until("2026-03-04 09:58")
        day.says(anna)
        day.world.changed_at = None  # and none will before ten
        await day.until("2026-03-06 12:00")
        assert day.sent() == []
        assert await day.ends() == ["until came true"]


async def test_what_was_read_too_long_ago_is_read_again_before_anything_is_sent(tmp_path: Path) -> None:
    """A slow studio: the thread takes six seconds to come, and the client answers before it is there."""
    day = StudioDay(tmp_path, FOLLOW)

    async def slowly() -> None:
        if meddler.hits == 1:
            await day.clock.sleep(6)

    def answered(response: httpx.Response) -> httpx.Response:
        if meddler.hits == 1:
            day.says(anna)
        return response

    day.transport = meddler = Meddler(day.transport, before=slowly, spoil=answered)  # type: ignore[assignment] # it counts requests too
    async with day:
        await day.until("2026-03-02 09:01")
        anna = day.lead("Anna")
        await day.until("2026-03-04 09:58")
        meddler.path = r"GET /api/v1/conversations/(conv_|\?.*client_id=)"
        await day.until("2026-03-04 12:00")
        assert day.sent() == []
        assert await day.ends() == ["until came true"]


async def test_a_reply_in_another_thread_ends_it_too(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, FOLLOW) as day:
        await day.until("2026-03-02 09:01")
        anna = day.lead("Anna")
        await day.until("2026-03-04 09:58")
        day.says_elsewhere(anna)
        day.world.changed_at = None
        await day.until("2026-03-06 12:00")
        assert day.sent() == []


async def test_a_booking_ends_it_though_no_poll_has_seen_it(tmp_path: Path) -> None:
    rules = FOLLOW.replace("client.replied or client.contacted", "client.next_session").replace("  if: ", "  # if: ")
    async with StudioDay(tmp_path, rules) as day:
        await day.until("2026-03-02 09:01")
        anna = day.lead("Anna")
        await day.until("2026-03-04 09:58")
        day.session(anna, "2026-04-01 12:00")
        day.world.changed_at = None
        await day.until("2026-03-04 10:02")
        assert day.sent() == []
        assert await day.ends() == ["until came true"]


async def test_the_owners_own_message_ends_it_and_ours_does_not(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, FOLLOW) as day:
        await day.until("2026-03-02 09:01")
        anna, _ben = day.lead("Anna"), day.lead("Ben")
        await day.until("2026-03-04 12:00")
        day.kim_says(anna)
        await day.until("2026-03-06 12:00")
        assert sorted(row[12:] for row in day.sent()) == ["first Anna", "first Ben", "second Ben"]


async def test_the_inquiry_itself_is_no_reply(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, FOLLOW) as day:
        await day.until("2026-03-02 09:01")
        anna = day.lead("Anna", text=None)
        await day.until("2026-03-02 09:06")
        day.says(anna, "Hello, are you free in June?")
        await day.until("2026-03-04 12:00")
        assert [row[12:] for row in day.sent()] == ["first Anna"]


async def test_until_true_at_the_trigger_begins_nothing(tmp_path: Path) -> None:
    rules = FOLLOW.replace("client.replied or client.contacted", "client.next_session or client.contacted")
    async with StudioDay(tmp_path, rules) as day:
        await day.until("2026-03-02 09:01")
        anna = day.lead("Anna")
        day.kim_says(anna)
        await day.until("2026-03-06 12:00")
        assert day.sent() == []
        assert await day.runs() == []
        assert (await day.verdicts("follow"))[0] == "until"


async def test_a_condition_that_no_longer_holds_ends_the_run(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, FOLLOW) as day:
        await day.until("2026-03-02 09:01")
        anna = day.lead("Anna")
        await day.until("2026-03-04 09:58")
        day.change(anna, type="client")
        await day.until("2026-03-06 12:00")
        assert day.sent() == []
        assert await day.ends() == ["if no longer holds"]


async def test_an_archived_client_is_left_out_before_the_effect_too(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, FOLLOW) as day:
        await day.until("2026-03-02 09:01")
        anna = day.lead("Anna")
        await day.until("2026-03-03 12:00")
        day.change(anna, archived=True)
        await day.until("2026-03-06 12:00")
        assert day.sent() == []
        assert await day.ends() == ["left out: archived"]


@pytest.mark.parametrize(("fields", "include"), [({"sample": True}, "sample"), ({"archived": True}, "archived")])
async def test_who_is_left_out_is_included_by_name_only(tmp_path: Path, fields: dict[str, Any], include: str) -> None:
    rules = FOLLOW + FOLLOW.replace("id: follow", f"id: all\n  include: [{include}]").replace("first", "all")
    async with StudioDay(tmp_path, rules) as day:
        await day.until("2026-03-02 09:01")
        day.lead("Anna", **fields)
        await day.until("2026-03-04 12:00")
        assert [row[12:] for row in day.sent()] == ["all Anna"]


async def test_a_client_who_is_gone_gets_nothing(tmp_path: Path) -> None:
    rules = """
- id: bill
  title: A bill went out
  when: invoice.sent
  if: invoice.outstanding
  then:
    - wait: 1 day
    - send: words
"""
    async with StudioDay(tmp_path, rules, words={"words": "Hello\n"}) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-03 09:00")
        day.vanish("clients", anna.id)
        await day.until("2026-03-03 09:06")
        held = await day.one()
        assert (held.hold, held.reason) == (Hold.CONDITION, "the studio doesn't find the client just now")
        for hour in (16, 22):
            day.world.changed()
            await day.until(f"2026-03-03 {hour}:06")
        assert day.sent() == []
        assert await day.ends() == ["the client is gone from the studio"]


async def test_one_404_is_no_removal_the_message_waits_and_goes_out(tmp_path: Path) -> None:
    rules = """
- id: greet
  title: Greet
  when: lead.created
  repeat: after 30 days per client.email
  then:
    - send: words
"""
    async with StudioDay(tmp_path, rules, words={"words": "Hello\n"}) as day:
        await day.until("2026-03-02 09:01")
        anna = day.lead()
        day.fault("status", method="GET", path=f"/clients/{anna.id}", status=404, shape="3", times=1)
        await day.until("2026-03-02 09:06")
        held = await day.one()
        assert (held.hold, held.reason) == (Hold.CONDITION, "the studio doesn't find the record just now")
        await day.until("2026-03-02 10:00")
        assert [row[12:] for row in day.sent()] == ["Hello"]


async def test_a_bill_that_went_over_to_another_client_is_not_told_to_the_first(tmp_path: Path) -> None:
    rules = """
- id: bill
  title: A bill went out
  when: invoice.sent
  if: invoice.outstanding
  then:
    - wait: 1 day
    - send: words
"""
    async with StudioDay(tmp_path, rules) as day:
        anna, ben = day.known("Anna"), day.known("Ben")
        await day.until("2026-03-02 09:01")
        bill = day.invoice(anna, "2026-03-20")
        await day.until("2026-03-03 09:03")
        bill.client_id = ben.id
        day.world.tables.invoices.touch(bill.id)
        day.world.changed_at = None  # and no poll sees it before
        await day.until("2026-03-05 12:00")
        assert day.sent() == []
        assert await day.ends() == ["it belongs to another client now"]
        assert await day.verdicts("bill") == ["begun", "ended"]


async def test_what_was_paid_a_minute_ago_is_paid_for_a_rule_about_the_client(tmp_path: Path) -> None:
    rules = """
- id: review
  title: Ask for a review when nothing is open
  if: not client.open_invoices
  then:
    - when: 1 day after session.end_at at 10:00
      send: review
"""
    async with StudioDay(tmp_path, rules) as day:
        anna = day.known()
        day.session(anna, "2026-03-04 12:00")
        bill = day.invoice(anna, "2026-03-20")
        day.pay(bill, 4_000)
        await day.until("2026-03-05 09:59")
        day.pay(bill)
        day.world.changed_at = None
        await day.until("2026-03-05 12:00")
        assert [row[12:] for row in day.sent()] == ["review Anna"]


UNKNOWN = """
- id: bill
  title: A bill went out
  when: invoice.sent
  then:
    - wait: 1 hour
    - send: words
      if: invoice.outstanding and client.city == 'Berlin'
"""


async def test_an_unknown_condition_holds_the_step_until_it_is_known(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, UNKNOWN) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 12:00")
        (held,) = await day.held()
        assert held.hold is Hold.CONDITION
        assert "city" in (held.reason or "")
        day.change(anna, address={"city": "Berlin"})
        await day.until("2026-03-02 13:00")
        assert [row[12:] for row in day.sent()] == ["words Anna"]


async def test_while_it_is_unknown_late_runs(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, UNKNOWN + "      late: 1 hour\n") as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 12:00")
        assert await day.states() == ["words skipped: late"]
        assert await day.verdicts("bill") == ["begun", "late"]
        assert len([text for text in await day.notices() if "held" in text]) == 1


async def test_unknown_at_the_trigger_begins_nothing_and_leaves_its_path(tmp_path: Path) -> None:
    rules = UNKNOWN.replace("  then:", "  if: client.city == 'Berlin'\n  then:", 1)
    async with StudioDay(tmp_path, rules) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 12:00")
        assert await day.runs() == []
        assert await day.verdicts("bill") == ["unknown"]


async def test_a_missing_word_holds_the_message_until_it_is_there(tmp_path: Path) -> None:
    rules = UNKNOWN.replace(" and client.city == 'Berlin'", "")
    words = {"words": "Hi {{ client.first_name }} of {{ client.company }}\n"}
    async with StudioDay(tmp_path, rules, words=words) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 12:00")
        (held,) = await day.held()
        assert (held.hold, held.reason) == (Hold.WORDS, "client.company is missing and has no fallback")
        day.change(anna, company="Nord")
        await day.until("2026-03-02 13:00")
        assert [row[12:] for row in day.sent()] == ["Hi Anna of Nord"]


async def test_a_twin_of_ours_has_sent_it_already(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, FOLLOW.replace(" or client.contacted", "")) as day:
        await day.until("2026-03-02 09:01")
        anna = day.lead("Anna")
        await day.until("2026-03-04 09:58")
        day.kim_says(anna, "first  Anna\n\n\nKim, Studio Nord")  # a second copy of the bot; white space is as it is
        await day.until("2026-03-04 12:00")
        assert day.sent() == []
        (found,) = await day.deliveries(DeliveryState.SENT)
        assert found.reason == "found"


async def test_the_same_words_in_another_thread_are_no_twin(tmp_path: Path) -> None:
    rules = FOLLOW.replace("client.replied or client.contacted", "client.next_session")
    async with StudioDay(tmp_path, rules) as day:
        await day.until("2026-03-02 09:01")
        anna = day.lead("Anna")
        await day.until("2026-03-04 09:01")
        day.kim_says(anna, "first Anna\n\nKim, Studio Nord")
        await day.until("2026-03-04 09:02")
        day.says_elsewhere(anna)  # where the bot writes from now on
        await day.until("2026-03-04 12:00")
        assert day.sent() == ["03-04 10:00 first Anna"]


async def test_an_older_message_with_the_same_words_is_no_twin(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, FOLLOW.replace(" or client.contacted", "")) as day:
        anna = day.client("Anna", "other")
        day.says(anna)
        day.kim_says(anna, "first Anna\n\nKim, Studio Nord")
        await day.until("2026-03-05 09:01")
        day.change(anna, type="lead")
        await day.until("2026-03-08 12:00")
        assert [row[12:] for row in day.sent()][:1] == ["first Anna"]


@pytest.mark.parametrize(("becomes_a_lead", "is_ours"), [("08:40", True), ("09:20", False)])
async def test_words_of_the_day_before_the_run_began_are_a_twin_and_older_ones_are_not(
    tmp_path: Path, becomes_a_lead: str, *, is_ours: bool
) -> None:
    async with StudioDay(tmp_path, FOLLOW.replace(" or client.contacted", "")) as day:
        anna = day.client("Anna", "other")
        day.says(anna)
        await day.until("2026-03-02 09:01")
        day.kim_says(anna, "first Anna\n\nKim, Studio Nord")
        await day.until(f"2026-03-03 {becomes_a_lead}")
        day.change(anna, type="lead")
        await day.until("2026-03-05 12:00")
        assert [row[12:] for row in day.sent()] == ([] if is_ours else ["first Anna"])


async def test_a_twin_is_found_for_words_kept_in_the_studio_too(tmp_path: Path) -> None:
    day = StudioDay(tmp_path)
    template = next(t for t in day.world.tables.templates if t.name == "Price list")
    day.rules(
        FOLLOW.replace("send: first", f"send: {template.id}\n      with: {{client_name: Anna}}").replace(
            " or client.contacted", ""
        )
    )
    async with day:
        await day.until("2026-03-02 09:01")
        anna = day.lead("Anna")
        await day.until("2026-03-04 09:58")
        day.kim_says(anna, "Hello Anna,\nour prices are on the website.")
        await day.until("2026-03-04 12:00")
        assert day.sent() == []
        assert [d.reason for d in await day.deliveries(DeliveryState.SENT)] == ["found"]


async def test_clients_are_written_to_side_by_side_and_one_client_in_order(tmp_path: Path) -> None:
    rules = """
- id: one
  title: First
  if: invoice.outstanding
  then:
    - when: on invoice.due_date at 10:00
      send: one
- id: two
  title: Second
  if: invoice.outstanding
  then:
    - when: on invoice.due_date at 10:00
      send: two
"""
    async with StudioDay(tmp_path, rules) as day:
        for name in ("Anna", "Ben", "Cleo"):
            day.invoice(day.known(name), "2026-03-05")
        await day.until("2026-03-05 12:00")
        assert sorted(day.sent()) == sorted(
            f"03-05 10:00 {word} {name}" for name in ("Anna", "Ben", "Cleo") for word in ("one", "two")
        )
        by_client: dict[str, list[str]] = {}
        for row in day.sent():
            by_client.setdefault(row[16:], []).append(row[12:15])
        assert all(words in (["one", "two"], ["two", "one"]) for words in by_client.values())
