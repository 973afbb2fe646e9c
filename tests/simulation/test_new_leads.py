"""`create: lead`: whoever has the address is found and not entered twice; a new one is a lead like any other (20)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.simulation.studio_day import StudioDay

from selftimer.plan.state import DeliveryState, Hold

if TYPE_CHECKING:
    from pathlib import Path

RULE = """
- id: friend
  title: A client brings a friend
  when: session.confirmed
  then:
    - create: lead
      set:
        email: "friend-of-{{ client.email }}"
        first_name: Fred
        notes: "brought by {{ client.first_name }}"
    - notify: brought
"""
WORDS = {"brought": "{{ lead.first_name }} ({{ lead.email }}) was brought by {{ client.first_name }}.\n"}
HEARD = """
- id: heard
  title: A new lead
  when: lead.created
  repeat: once
  then:
    - notify: heard
"""


def names(fault: dict[str, Any]) -> str:
    return " ".join(str(value) for value in fault.values())


async def booked(day: StudioDay, name: str = "Anna", **given: Any) -> None:
    client = day.known(name, **given)
    await day.poll()
    day.session(client, "2026-04-01 12:00")
    await day.poll()


def entered(day: StudioDay) -> list[dict[str, Any]]:
    return [row["content"] for row in day.ledger["writes"] if row["kind"] == "client"]


async def test_a_lead_is_entered_and_is_an_event_like_any_other(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, RULE + HEARD, words=WORDS) as day:
        await day.until("2026-03-02 09:01")
        await booked(day)
        await day.until("2026-03-02 10:00")
        (lead,) = entered(day)
        assert lead == {
            "email": "friend-of-anna1@example.com",
            "first_name": "Fred",
            "notes": "brought by Anna",
            "type": "lead",
        }
        assert [run.depth for run in await day.runs() if run.rule_id == "heard"] == [1]
        brought = next(d for d in await day.deliveries() if d.words == "brought")
        assert brought.text == "Fred (friend-of-anna1@example.com) was brought by Anna."


async def test_somebody_with_the_address_who_cannot_be_understood_is_not_entered_again(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, RULE, words=WORDS) as day:
        day.client("Fred", email="friend-of-anna2@example.com")
        await day.until("2026-03-02 09:01")
        drift = {"drift": "new_word", "path": "/clients/search", "field": "type", "value": "partner"}
        (await day.clock._http.post("/_sandbox/drift", json=drift)).raise_for_status()
        await booked(day)
        await day.until("2026-03-02 12:00")
        assert entered(day) == []


async def test_whoever_has_the_address_is_found_whatever_its_case(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, RULE + HEARD, words=WORDS) as day:
        fred = day.client("Frederic", email="Friend-Of-Anna2@Example.com")
        await day.until("2026-03-02 09:01")
        await booked(day)
        await day.until("2026-03-02 10:00")
        assert entered(day) == []
        lead, note = (d for d in await day.deliveries() if d.rule_id == "friend")
        assert (lead.state, lead.reason, lead.result_id) == (DeliveryState.SENT, "found", fred.id)
        assert (note.text or "").startswith("Frederic (Friend-Of-Anna2@Example.com)")
        assert fred.notes != "brought by Anna"
        assert [run.rule_id for run in await day.runs()] == ["friend"]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop_after"},
        {"kind": "status", "status": 500, "commit": True},
        {"kind": "bad_json"},
        {"kind": "late_apply", "seconds": 60.0},
        {"kind": "drop_before"},
        {"kind": "status", "status": 503, "shape": "html"},
    ],
    ids=names,
)
async def test_an_unclear_lead_is_found_by_the_address_or_entered_once_more(
    tmp_path: Path, fault: dict[str, Any]
) -> None:
    async with StudioDay(tmp_path, RULE, words=WORDS) as day:
        await day.until("2026-03-02 09:01")
        day.fault(fault["kind"], method="POST", path="/clients/$", **{k: v for k, v in fault.items() if k != "kind"})
        await booked(day)
        await day.until("2026-03-02 12:00")
        assert len(entered(day)) == 1
        assert [row.email for row in day.world.tables.clients].count("friend-of-anna1@example.com") == 1
        assert [d.state for d in await day.deliveries()] == [DeliveryState.SENT] * 2
        judged = await day.matched()
        assert (judged.unowned, judged.unsent, judged.unsettled) == ((), (), ())


async def test_while_a_lead_of_ours_is_unclear_its_event_waits_and_is_then_known_to_be_ours(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, RULE + HEARD, words=WORDS) as day:
        await day.until("2026-03-02 09:01")
        day.fault("drop_after", method="POST", path="/clients/$")
        await booked(day)
        await day.until("2026-03-02 09:16")
        assert [e.name for e in await day.events("parked")] == ["lead.created"]
        await day.until("2026-03-02 12:00")
        assert [run.depth for run in await day.runs() if run.rule_id == "heard"] == [1]


async def test_a_lead_that_is_lost_twice_is_held_with_what_is_known(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, RULE, words=WORDS) as day:
        await day.until("2026-03-02 09:01")
        day.fault("drop_before", method="POST", path="/clients/$", times=2)
        await booked(day)
        await day.until("2026-03-02 12:00")
        assert [d.hold for d in await day.held()] == [Hold.EVIDENCE]
        assert entered(day) == []


async def test_the_second_attempt_enters_the_address_of_the_first_which_may_yet_turn_up(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, RULE, words=WORDS) as day:
        await day.until("2026-03-02 09:01")
        day.fault("drop_before", method="POST", path="/clients/$")
        anna = day.known("Anna", email="anna@example.com")
        day.session(anna, "2026-04-01 12:00")
        await day.until("2026-03-02 09:11")
        assert entered(day) == []
        day.change(anna, email="new@example.com")
        await day.until("2026-03-02 12:00")
        assert [row["email"] for row in entered(day)] == ["friend-of-anna@example.com"]


async def test_two_runs_that_enter_the_same_person_at_once_make_one_contact(tmp_path: Path) -> None:
    rules = RULE.replace('"friend-of-{{ client.email }}"', "fred@example.com")
    async with StudioDay(tmp_path, rules, words=WORDS) as day:
        anna, ben = day.known("Anna"), day.known("Ben")
        await day.until("2026-03-02 09:01")
        day.session(anna, "2026-04-01 12:00")
        day.session(ben, "2026-04-02 12:00")
        await day.until("2026-03-02 10:00")
        assert len(entered(day)) == 1
        leads = [d for d in await day.deliveries() if d.verb.value == "lead"]
        assert len({d.result_id for d in leads}) == 1
        assert sorted(d.reason or "" for d in leads) == ["", "found"]


async def test_what_is_no_address_is_held_and_nobody_is_entered(tmp_path: Path) -> None:
    rules = RULE.replace('"friend-of-{{ client.email }}"', '"{{ client.notes }}"')
    async with StudioDay(tmp_path, rules, words=WORDS) as day:
        await day.until("2026-03-02 09:01")
        await booked(day, notes="ask later")
        assert [d.reason for d in await day.held()] == ["email: what it is set to is no address"]
        assert entered(day) == []


async def test_a_field_whose_value_is_missing_is_left_out(tmp_path: Path) -> None:
    rules = RULE.replace("first_name: Fred", 'first_name: Fred\n        phone: "{{ client.phone }}"')
    async with StudioDay(tmp_path, rules, words=WORDS) as day:
        await day.until("2026-03-02 09:01")
        await booked(day, phone="")
        (lead,) = entered(day)
        assert "phone" not in lead


async def test_messages_still_go_to_the_runs_own_client(tmp_path: Path) -> None:
    rules = RULE.replace("- notify: brought", "- send: thanks")
    words = {"thanks": "Thank you, {{ client.first_name }}, for {{ lead.first_name }}.\n"}
    async with StudioDay(tmp_path, rules, words=words) as day:
        await day.until("2026-03-02 09:01")
        await booked(day)
        (sent,) = day.messages()
        anna = next(row for row in day.world.tables.clients if row.first_name == "Anna")
        assert sent["client_id"] == anna.id
        assert sent["content"]["content"].startswith("Thank you, Anna, for Fred.")
