"""From a step to its delivery: times, approvals, keys, words (rule-language.md 16 to 19; delivery.md §1)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.facts.small_world import NORD, SmallWorld, client, euros, invoice, session
from tests.unit.plan.studio import berlin, book, zones_of
from tests.unit.store.builders import run
from whenever import Time

from selftimer.facts.records import Kind
from selftimer.plan.effects import plan_delivery, render_step, verb_of, words_of
from selftimer.plan.policy import Policy, QuietHours
from selftimer.plan.program import AtEffect, Position, advance, flatten
from selftimer.plan.state import Delivery, DeliveryState, Hold, Verb
from selftimer.primitives.money import Money
from selftimer.rulebook.condition import ConditionError
from selftimer.rulebook.template import MissingWord

if TYPE_CHECKING:
    from selftimer.facts.records import Record
    from selftimer.rulebook.model import CreateStep, EffectStep

POLICY = Policy(zone="Europe/Berlin", quiet_hours=QuietHours(Time(21), Time(8)))
SIGNED = replace(NORD, signature="Kim, Studio Nord")


def planned(
    body: str,
    now: str = "2026-03-03 10:00",
    *records: Record,
    window_end: str | None = None,
    start: str | None = None,
    mode: str | None = None,
    **words: str,
) -> Delivery:
    rule, known = book(body, words=words)
    here = records or (client(first_name="Anna"),)
    instant = berlin(now)
    world = SmallWorld(*here, now=instant)
    scope = world.scope(**{type(r).__name__.lower(): r for r in here})
    entry = rule.entries[0]
    place = advance(flatten(entry.steps), Position(pc=0, reached_at=instant, inputs={}), scope, zones_of(world))
    assert isinstance(place, AtEffect)
    today = replace(rule, mode=mode) if mode else rule  # type: ignore[arg-type]  # as the test says
    return plan_delivery(
        "d1",
        "studio",
        run("r1", rule_id="r", client_id="c1", start_at=berlin(start or now), entry_id="", dry=today.mode == "dry_run"),
        today,
        entry,
        place,
        scope,
        policy=POLICY,
        words=known,
        now=instant,
        window_end=berlin(window_end) if window_end else None,
    )


HELLO = "when: lead.created\nrepeat: after 30 days per client.email\nthen:\n  - send: hello\n"


def test_by_day_it_is_due_at_once_and_late_after_a_day() -> None:
    found = planned(HELLO)
    assert (found.state, found.due_at, found.late_until) == (
        DeliveryState.READY,
        berlin("2026-03-03 10:00"),
        berlin("2026-03-04 10:00"),
    )


def test_at_night_it_waits_for_the_morning_and_the_night_does_not_make_it_late() -> None:
    found = planned(HELLO + "    late: 2 hours\n", "2026-03-03 22:00")
    assert (found.due_at, found.allowed_at, found.late_until) == (
        berlin("2026-03-04 08:00"),
        berlin("2026-03-04 08:00"),
        berlin("2026-03-04 10:00"),
    )


def test_a_note_to_the_owner_knows_no_night() -> None:
    assert planned("when: lead.created\nthen:\n  - notify: note", "2026-03-03 22:00").due_at == berlin(
        "2026-03-03 22:00"
    )


def test_a_rule_may_ignore_the_night() -> None:
    found = planned(HELLO.replace("then:", "ignore_quiet_hours: true\nthen:"), "2026-03-03 22:00")
    assert found.due_at == berlin("2026-03-03 22:00")


BEFORE = "when: 1 day before session.start_at at 09:00\nlate: 11 hours\nthen:\n  - send: hello\n"
WEDDING = session(start_at=berlin("2026-03-06 14:00"))


def test_what_begins_inside_a_window_is_late_when_the_window_closes() -> None:
    found = planned(
        BEFORE, "2026-03-05 19:00", client(), WEDDING, window_end="2026-03-05 20:00", start="2026-03-05 09:00"
    )
    assert found.late_until == berlin("2026-03-05 20:00")


def test_a_window_that_closes_with_its_date_closes_for_good_whatever_the_night() -> None:
    early = session(start_at=berlin("2026-03-06 07:00"))
    body = "when: 12 hours before session.start_at\nthen:\n  - send: hello"
    found = planned(body, "2026-03-05 22:00", client(), early, window_end="2026-03-06 07:00", start="2026-03-05 19:00")
    assert found.due_at == berlin("2026-03-06 08:00")
    assert found.late_until == berlin("2026-03-06 07:00")  # so it is skipped, and said so


def test_of_any_other_window_the_night_takes_nothing_away() -> None:
    body = "when: 2 hours after session.end_at\nlate: 3 hours\nthen:\n  - send: hello"
    found = planned(
        body, "2026-03-05 22:00", client(), WEDDING, window_end="2026-03-06 01:00", start="2026-03-05 22:00"
    )
    assert (found.due_at, found.late_until) == (berlin("2026-03-06 08:00"), berlin("2026-03-06 11:00"))


def test_an_approval_is_held_for_a_week() -> None:
    found = planned(HELLO + "    approve: true\n")
    assert (found.state, found.hold, found.due_at) == (
        DeliveryState.HELD,
        Hold.APPROVAL,
        berlin("2026-03-03 10:00").add(hours=24 * 7),
    )
    assert found.text == "hello for Anna."


def test_an_approval_waits_no_longer_than_the_step_or_its_window_allows() -> None:
    late = planned(HELLO + "    approve: true\n    late: 3 days\n")
    assert late.due_at == berlin("2026-03-06 10:00")
    body = "when: 3 days before session.start_at at 09:00\nlate: 7 days\nthen:\n  - send: hello\n    approve: true"
    window = planned(
        body, "2026-03-03 10:00", client(), WEDDING, window_end="2026-03-06 14:00", start="2026-03-03 09:00"
    )
    assert window.due_at == berlin("2026-03-06 14:00")


@pytest.mark.parametrize(
    ("line", "held"),
    [
        ("approve: client.notes is containing 'VIP'", True),
        ("approve: client.notes is containing 'quiet'", False),
        ("approve: client.city == 'Berlin'", True),  # unknown counts as yes
        ("mode: approve", True),
    ],
)
def test_who_is_to_be_asked_about(line: str, held: bool) -> None:
    vip = client(first_name="Anna", notes="a VIP", city=None)
    found = planned(HELLO.replace("then:", f"{line}\nthen:"), "2026-03-03 10:00", vip)
    assert (found.state is DeliveryState.HELD) is held


def test_the_key_is_made_of_content_and_a_dry_run_has_keys_of_its_own() -> None:
    wet, dry = planned(HELLO), planned(HELLO, mode="dry_run")
    assert wet.key == "studio|r|r1|2026-03-01|send:hello"
    assert dry.key == "dry|" + wet.key
    assert dry.dry


# --- words ----------------------------------------------------------------------------------------


def rendered(body: str, *records: Record, studio: Any = SIGNED, **words: str) -> Any:
    rule, known = book(body, studio=studio, words=words)
    world = SmallWorld(*records, now=berlin("2026-03-03 10:00"), studio=studio)
    step: EffectStep = rule.entries[0].steps[0]  # type: ignore[assignment]  # an effect, as the test says
    return render_step(step, known, world.scope(**{type(r).__name__.lower(): r for r in records}))


def test_a_message_is_signed_once() -> None:
    anna = client(first_name="Anna")
    assert rendered(HELLO, anna).text == "hello for Anna.\n\nKim, Studio Nord"
    signed = rendered(HELLO, anna, hello="Hi {{ client.first_name }}\nKim, Studio Nord\n")
    assert signed.text.count("Kim, Studio Nord") == 1


def test_a_missing_word_is_never_a_blank() -> None:
    with pytest.raises(MissingWord):
        rendered(HELLO, client(), hello="Hi {{ client.company }}\n")


def test_an_invoice_has_its_lines_in_the_smallest_unit_and_its_due_date_as_a_day() -> None:
    body = """
    when: session.confirmed
    then:
      - create: invoice
        items: [{name: "Deposit", amount: 120.50, quantity: 2}]
        due: 14 days
    """
    made = rendered(body, client(), session())
    assert made.body == {
        "client_id": "c1",
        "send_email": True,
        "items": [{"name": "Deposit", "amount": 12050, "quantity": 2}],
        "due_date": "2026-03-17",
        "currency": "eur",
    }


def test_a_draft_is_not_mailed() -> None:
    body = "when: session.confirmed\nthen:\n  - create: contract\n    from: Agreement\n    draft: true"
    made = rendered(body, client(), session())
    assert (made.body["send_email"], made.body["template"]) == (False, "Agreement")


def test_an_update_says_what_it_sets() -> None:
    made = rendered("when: session.confirmed\nthen:\n  - update: client\n    set: {type: client}", client(), session())
    assert made.body == {"client_id": "c1", "set": {"type": "client"}}
    assert made.text == "type = client"


def test_verbs_and_names_for_people() -> None:
    body = """
    when: session.confirmed
    then:
      - send: hello
      - notify: note
      - update: client
        set: {type: client}
      - create: questionnaire
        from: Portrait questionnaire
    """
    steps: tuple[Any, ...] = book(body)[0].entries[0].steps
    assert [verb_of(step) for step in steps] == [Verb.MESSAGE, Verb.NOTIFY, Verb.UPDATE, Verb.QUESTIONNAIRE]
    assert [words_of(step) for step in steps] == ["hello", "note", None, "Portrait questionnaire"]
    created: CreateStep = steps[3]
    assert created.kind is Kind.QUESTIONNAIRE


def test_amounts_are_main_units_of_the_studios_currency() -> None:
    body = """
    when: invoice.sent
    then:
      - create: invoice
        items: [{name: "Half", amount: "{{ invoice.amount }}"}]
        due: 14 days
    """
    made = rendered(body, client(), invoice(amount="500"))
    assert made.body["items"][0]["amount"] == euros("500").minor


def test_an_amount_that_is_none_is_an_error_and_breaks_nothing() -> None:
    body = """
    when: invoice.sent
    then:
      - create: invoice
        items: [{name: "Half", amount: "{{ invoice.amount }}"}]
        due: 14 days
    """
    dollars = replace(invoice(), amount=Money(100, "usd"))
    with pytest.raises(ConditionError, match="no amount in EUR"):
        rendered(body, client(), dollars)
