"""A rule's steps in order: branches, waits, stops, automations and their inputs (rule-language.md, Steps; 15, 17)."""

# ruff: noqa: E501 - a rule of a few words to a line

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.facts.small_world import NORD, SmallWorld, at, client, euros, invoice, message, session
from tests.unit.plan.studio import berlin, rule_of, zones_of
from whenever import Date, Instant

from selftimer.plan.inputs import pack, unpack
from selftimer.plan.program import (
    AtDoubt,
    AtEffect,
    AtEnd,
    AtWait,
    Place,
    Position,
    Program,
    advance,
    flatten,
    reads_ahead,
)
from selftimer.primitives.time import Span
from selftimer.rulebook.condition import ConditionError
from selftimer.store.columns import dump_json, load_json

if TYPE_CHECKING:
    from selftimer.facts.records import Record

START = berlin("2026-03-02 15:20")


def program(body: str, automations: str = "") -> Program:
    return flatten(rule_of(body, automations).entries[0].steps)


def go(
    steps: Program,
    now: str | Instant,
    *records: Record,
    pc: int = 0,
    reached: Instant = START,
    inputs: dict[str, Any] | None = None,
    start: Instant = START,
    zone: str = "Europe/Berlin",
) -> Place:
    instant = berlin(now) if isinstance(now, str) else now
    world = SmallWorld(*records, now=instant, studio=replace(NORD, zone=zone))
    names = {type(record).__name__.lower(): record for record in records}
    names.pop("message", None)
    scope = world.scope(start=start, **names)
    return advance(steps, Position(pc=pc, reached_at=reached, inputs=inputs or {}), scope, zones_of(world))


def wait(place: Place) -> AtWait:
    assert isinstance(place, AtWait)
    return place


def wakes(
    body: str, *records: Record, reached: str = "2026-03-02 15:20", zone: str = "Europe/Berlin"
) -> Instant | None:
    at_that = berlin(reached, zone)
    steps = program(f"when: {_trigger(*records)}\nthen:\n  - {body}\n  - notify: note")
    return wait(go(steps, at_that, *records, reached=at_that, start=at_that, zone=zone)).wake_at


def _trigger(*records: Record) -> str:
    kinds = {type(record).__name__ for record in records}
    if "Session" in kinds:
        return "session.confirmed"
    return "invoice.sent" if "Invoice" in kinds else "lead.created"


# --- waits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "reached", "until"),
    [
        ("wait: 30 minutes", "2026-03-02 15:20", "2026-03-02 15:50"),
        ("wait: 2 days", "2026-03-02 15:20", "2026-03-04 15:20"),
        ("wait: 1 week", "2026-03-02 15:20", "2026-03-09 15:20"),
        ("wait: 3 business days", "2026-03-05 15:20", "2026-03-10 15:20"),
        ("wait: 1 month", "2026-01-31 15:20", "2026-02-28 15:20"),
        ("wait: 1 year", "2024-02-29 15:20", "2025-02-28 15:20"),
        ("wait: until 09:00", "2026-03-02 08:59", "2026-03-02 09:00"),
        ("wait: until 09:00", "2026-03-02 09:01", "2026-03-03 09:00"),
        ("wait: until 2 days after start at 10:00", "2026-03-02 15:20", "2026-03-04 10:00"),
    ],
)
def test_a_wait_ends_when_its_sentence_says(sentence: str, reached: str, until: str) -> None:
    assert wakes(sentence, reached=reached) == berlin(until)


def test_waiting_until_a_time_reached_on_the_minute_is_no_wait() -> None:
    steps = program("when: lead.created\nthen:\n  - wait: until 09:00\n  - notify: note")
    assert isinstance(go(steps, "2026-03-02 09:00", reached=berlin("2026-03-02 09:00")), AtEffect)


@pytest.mark.parametrize(
    ("sentence", "until"),
    [
        ("wait: until 3 days before session.start_at at 09:00", "2026-06-07 09:00"),
        ("wait: until 2 hours before session.start_at", "2026-06-10 12:00"),
        ("wait: until on session.start_at at 08:00", "2026-06-10 08:00"),
        ("wait: until 1 day after session.end_at at 10:00", "2026-06-11 10:00"),
    ],
)
def test_a_wait_counts_from_a_date_of_a_record(sentence: str, until: str) -> None:
    wedding = session(start_at=berlin("2026-06-10 14:00"), end_at=berlin("2026-06-10 16:00"))
    assert wakes(sentence, client(), wedding) == berlin(until)


def test_a_wait_counts_from_a_bare_day() -> None:
    assert wakes("wait: until 2 days before invoice.due_date at 10:00", client(), invoice()) == berlin(
        "2026-06-08 10:00"
    )


def test_a_wait_for_a_session_counts_in_the_sessions_zone() -> None:
    abroad = session(start_at=at("2026-06-10T18:00Z"), timezone="America/New_York")
    found = wakes("wait: until 1 day before session.start_at at 09:00", client(), abroad)
    assert found == berlin("2026-06-09 09:00", "America/New_York")


def test_a_wait_for_a_date_that_is_not_there_waits_for_the_date() -> None:
    steps = program(
        "when: session.requested\nthen:\n  - wait: until 1 day before session.start_at at 09:00\n  - notify: note"
    )
    assert wait(go(steps, "2026-06-01 10:00", client(), session(start_at=None))).wake_at is None


def test_a_moved_date_moves_the_wait() -> None:
    steps = program(
        "when: session.confirmed\nthen:\n  - wait: until 1 day before session.start_at at 09:00\n  - notify: note"
    )
    first = wait(go(steps, "2026-06-01 10:00", client(), session(start_at=berlin("2026-06-10 14:00"))))
    again = wait(
        go(
            steps,
            "2026-06-02 10:00",
            client(),
            session(start_at=berlin("2026-06-20 14:00")),
            pc=first.pc,
            reached=first.reached_at,
        )
    )
    assert (first.wake_at, again.wake_at) == (berlin("2026-06-09 09:00"), berlin("2026-06-19 09:00"))


@pytest.mark.parametrize(
    ("reached", "sentence", "until"),
    [
        ("2026-03-28 02:30", "wait: 1 day", "2026-03-29T03:00:00+02:00"),  # 02:30 isn't there: the next instant that is
        ("2026-03-28 15:20", "wait: 24 hours", "2026-03-29T16:20:00+02:00"),  # hours are exact
        ("2026-03-28 15:20", "wait: 1 day", "2026-03-29T15:20:00+02:00"),
        ("2026-10-24 02:30", "wait: 1 day", "2026-10-25T02:30:00+02:00"),  # 02:30 is there twice: the first
        ("2026-10-24 15:20", "wait: 24 hours", "2026-10-25T14:20:00+01:00"),
    ],
)
def test_days_keep_the_clock_on_the_wall_and_hours_do_not(reached: str, sentence: str, until: str) -> None:
    assert wakes(sentence, reached=reached) == Instant.parse_iso(until)


def test_late_counts_from_the_end_of_the_wait_not_from_when_it_was_noticed() -> None:
    steps = program("when: lead.created\nthen:\n  - wait: 2 days\n  - notify: note")
    place = go(steps, "2026-03-10 12:00")
    assert isinstance(place, AtEffect)
    assert place.allowed_at == berlin("2026-03-04 15:20")


def test_waits_add_up_from_their_ends_and_not_from_when_they_were_noticed() -> None:
    steps = program("when: lead.created\nthen:\n  - wait: 2 days\n  - wait: 1 day\n  - notify: note")
    place = go(steps, "2026-03-05 16:00")
    assert isinstance(place, AtEffect)
    assert place.allowed_at == berlin("2026-03-05 15:20")


def test_or_until_ends_a_wait_at_the_instant_it_comes_true() -> None:
    steps = program("when: lead.created\nthen:\n  - wait: 5 days\n    or_until: client.replied\n  - notify: note")
    assert isinstance(go(steps, "2026-03-03 12:00", client(created_at=START)), AtWait)
    place = go(steps, "2026-03-03 12:00", client(created_at=START), message("m1", "2026-03-03T10:00Z"))
    assert isinstance(place, AtEffect)
    assert place.allowed_at == berlin("2026-03-03 12:00")


def test_or_until_that_is_unknown_or_in_error_waits_on() -> None:
    steps = program(
        "when: invoice.sent\nthen:\n  - wait: 5 days\n    or_until: invoice.last_payment_at > invoice.created_at\n  - notify: note"
    )
    assert isinstance(go(steps, "2026-03-03 12:00", client(), invoice()), AtWait)


# --- branches, stops ------------------------------------------------------------------------------

BRANCH = """
when: lead.created
then:
  - if: client.company is none
    then:
      - notify: hello
    else:
      - wait: 1 day
      - notify: again
  - notify: note
"""


def test_a_branch_goes_one_way_and_comes_back() -> None:
    steps = program(BRANCH)
    private = go(steps, START, client())
    assert isinstance(private, AtEffect)
    assert private.step.id == "notify:hello"
    after = go(steps, START, client(), pc=private.pc + 1)
    assert isinstance(after, AtEffect)
    assert after.step.id == "notify:note"
    company = wait(go(steps, START, client(company="Nord AG")))
    later = go(steps, START.add(hours=24), client(company="Nord AG"), pc=company.pc)
    assert isinstance(later, AtEffect)
    assert later.step.id == "notify:again"
    assert isinstance(go(steps, START, client(), pc=after.pc + 1), AtEnd)


def test_a_branch_without_else_is_passed_over() -> None:
    steps = program(
        "when: lead.created\nthen:\n  - if: client.company is not none\n    then:\n      - notify: hello\n  - notify: note"
    )
    place = go(steps, START, client(company=None))
    assert isinstance(place, AtEffect)
    assert place.step.id == "notify:note"


def test_a_stop_ends_the_run_and_says_why_if_its_condition_holds() -> None:
    steps = program(
        "when: lead.created\nthen:\n  - {stop: not a first client, if: client.last_session}\n  - notify: note"
    )
    old = session(start_at=at("2025-06-10T12:00Z"), end_at=at("2025-06-10T14:00Z"))
    ended = go(steps, START, client(), old)
    assert isinstance(ended, AtEnd)
    assert ended.reason == "not a first client"
    assert isinstance(go(steps, START, client()), AtEffect)


def test_an_unknown_branch_holds_the_run_there() -> None:
    steps = program(
        "when: invoice.sent\nthen:\n  - if: invoice.last_payment_at > invoice.created_at\n    then:\n      - notify: hello\n  - notify: note"
    )
    place = go(steps, START, client(), invoice())
    assert isinstance(place, AtDoubt)
    assert "unknown" in place.why


def test_a_doubt_after_a_wait_keeps_when_the_wait_was_over() -> None:
    steps = program(
        "when: invoice.sent\nthen:\n  - wait: 2 days\n  - if: invoice.last_payment_at > invoice.created_at\n    then:\n      - notify: hello\n  - notify: note"
    )
    place = go(steps, "2026-03-06 12:00", client(), invoice())
    assert isinstance(place, AtDoubt)
    assert place.reached_at == berlin("2026-03-04 15:20")


# --- automations and their inputs -----------------------------------------------------------------

INNER = """
- id: inner
  title: Inner
  inputs: {word: {type: text}}
  then:
    - {stop: inner says good, if: inputs.word == 'good'}
    - notify: again
- id: outer
  title: Outer
  inputs: {word: {type: text}}
  then:
    - run: inner
      with: {word: other}
    - {stop: outer says good, if: inputs.word == 'good'}
    - notify: hello
"""


def test_an_automation_gives_back_the_inputs_of_the_one_around_it() -> None:
    steps = program("when: lead.created\nthen:\n  - run: outer\n    with: {word: good}\n  - notify: note", INNER)
    inside = go(steps, START, client())
    assert isinstance(inside, AtEffect)
    assert unpack(inside.inputs) == {"word": "other"}
    after = go(steps, START, client(), pc=inside.pc + 1, inputs=load_json(dump_json(inside.inputs)))
    assert isinstance(after, AtEnd)
    assert after.reason == "outer says good"


def test_an_automation_that_is_not_run_leaves_the_inputs_alone() -> None:
    steps = program(
        "when: lead.created\nthen:\n  - run: inner\n    with: {word: x}\n    if: client.company is not none\n  - notify: note",
        INNER,
    )
    place = go(steps, START, client(company=None))
    assert isinstance(place, AtEffect)
    assert (place.step.id, place.inputs) == ("notify:note", {})


def test_an_input_that_cannot_be_had_holds_the_run_and_does_not_break_the_poll() -> None:
    rule = 'when: lead.created\nthen:\n  - run: inner\n    with: {word: "of {{ client.company }}"}\n  - notify: note'
    place = go(program(rule, INNER), START, client(company=None))
    assert isinstance(place, AtDoubt)
    assert "client.company is missing" in place.why


def test_inputs_of_every_type_are_kept_and_come_back_as_they_were() -> None:
    values = {
        "text": "Wedding",
        "number": 3,
        "yes": True,
        "none": None,
        "date": Date(2026, 6, 10),
        "instant": START,
        "money": euros("12.50"),
        "span": Span(3, "business days"),
        "many": ["a", "b"],
    }
    assert unpack(load_json(dump_json(pack(values)))) == values


def test_an_input_that_is_a_record_is_an_error_and_names_itself() -> None:
    with pytest.raises(ConditionError, match=r"inputs\.who"):
        pack({"who": client()})


# --- what is read afresh --------------------------------------------------------------------------


def test_what_lies_ahead_is_read_afresh_and_what_lies_behind_the_next_wait_is_not() -> None:
    steps = program(
        """
        when: lead.created
        then:
          - wait: 1 day
            or_until: client.replied
          - {stop: booked, if: client.next_session}
          - wait: 1 day
          - {stop: paid, if: client.open_invoices}
          - notify: note
        """
    )
    targets = {target.value for _, target in reads_ahead(steps, 0)}
    assert {"session"} <= targets
    assert "invoice" not in targets


@given(st.lists(st.sampled_from(["wait: 1 day", "notify: note", "stop: enough"]), max_size=6), st.integers(0, 200))
def test_walking_always_comes_to_a_place_inside_the_program(parts: list[str], hours: int) -> None:
    ids = [f"{part}\n    id: s{n}" for n, part in enumerate(parts)]
    steps = program("when: lead.created\nthen:\n" + "\n".join(f"  - {part}" for part in [*ids, "notify: hello"]))
    place = go(steps, START.add(hours=hours), client())
    assert 0 <= place.pc <= len(steps)
    if isinstance(place, AtEffect):
        assert place.allowed_at <= START.add(hours=hours)


def test_a_doubt_names_the_path_that_is_missing_and_tells_an_error_apart() -> None:
    steps = program(
        "when: invoice.sent\nthen:\n  - if: invoice.last_payment_at > invoice.created_at\n    then:\n      - notify: hello\n  - notify: note"
    )
    place = go(steps, START, client(), invoice())
    assert isinstance(place, AtDoubt)
    assert place.why.startswith("invoice.last_payment_at is missing, so that `invoice.last_payment_at > ")
    assert not place.error
    broken = program(
        "when: invoice.sent\nthen:\n  - if: 1 / (client.sessions | count) > 1\n    then:\n      - notify: hello\n  - notify: note"
    )
    place = go(broken, START, client(), invoice())
    assert isinstance(place, AtDoubt)
    assert place.error
    assert place.why.endswith("is in error")
