"""Whether an effect is still wanted, with three truths (rule-language.md 3 to 7)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.unit.facts.small_world import SmallWorld, at, client, invoice, message, session
from tests.unit.plan.studio import berlin, rule_of
from tests.unit.store.builders import delivery, run

from selftimer.plan.repeats import turn_of
from selftimer.plan.state import Hold
from selftimer.plan.verdict import (
    Doubt,
    RunOver,
    StepOver,
    Verdict,
    Wanted,
    doubt_of,
    holds,
    ignores_night,
    in_audience,
    needs_yes,
    standing,
    still_became,
    still_wanted,
)

if TYPE_CHECKING:
    from whenever import Instant

    from selftimer.facts.records import Client, Record
    from selftimer.rulebook.model import BecomesTrigger, EffectStep, Rule
    from selftimer.rulebook.scope import Scope

NOW = berlin("2026-06-01 12:00")
START = berlin("2026-05-30 12:00")


def scope(*records: Record) -> Scope:
    names = {type(r).__name__.lower(): r for r in records if type(r).__name__ != "Message"}
    return SmallWorld(*records, now=NOW).scope(start=START, **names)


def asked(body: str, *records: Record, late_until: Instant | None = None) -> Verdict:
    rule = rule_of(body)
    step: EffectStep = rule.entries[0].steps[0]  # type: ignore[assignment]  # an effect, as the test says
    row = delivery("d1", late_until=late_until or NOW.add(hours=1))
    return still_wanted(rule, rule.entries[0], step, row, scope(*records))


RULE = """
when: invoice.sent
if: invoice.outstanding
until: client.replied
then:
  - notify: note
    if: invoice.last_payment_at > invoice.created_at
"""
PLAIN = RULE.replace("    if: invoice.last_payment_at > invoice.created_at\n", "")


def test_all_hold_so_it_is_wanted() -> None:
    assert asked(PLAIN, client(), invoice()) == Wanted()


def test_if_no_longer_holds_so_the_run_is_over() -> None:
    over = asked(PLAIN, client(), invoice(status="paid"))
    assert isinstance(over, RunOver)
    assert over.reason == "if no longer holds"
    assert over.detail["text"] == "invoice.outstanding"


def test_until_came_true_so_the_run_is_over() -> None:
    over = asked(PLAIN, client(), invoice(), message("m1", "2026-05-31T10:00Z"))
    assert isinstance(over, RunOver)
    assert over.reason == "until came true"


def test_a_step_whose_if_is_false_is_skipped_and_the_run_goes_on() -> None:
    body = PLAIN + "    if: invoice.overdue\n"
    assert isinstance(asked(body, client(), invoice()), StepOver)


def test_unknown_holds_the_step_and_names_what_is_missing() -> None:
    doubt = asked(RULE, client(), invoice())
    assert isinstance(doubt, Doubt)
    assert doubt.hold is Hold.CONDITION
    assert "last_payment_at" in doubt.why or "created_at" in doubt.why


def test_unknown_in_until_holds_the_step() -> None:
    body = PLAIN.replace("client.replied", "invoice.last_payment_at > invoice.created_at")
    assert isinstance(asked(body, client(), invoice()), Doubt)


def test_late_is_late_before_anything_else_is_asked() -> None:
    over = asked(RULE, client(), invoice(), late_until=NOW.subtract(seconds=1))
    assert isinstance(over, StepOver)
    assert over.reason == "late"
    assert asked(PLAIN, client(), invoice(), late_until=NOW) == Wanted()


@pytest.mark.parametrize(
    ("who", "left_out"),
    [
        (client(sample=True), "sample"),
        (client(status="archived"), "archived"),
        (client(type="other"), "other"),
    ],
)
def test_the_audience_leaves_out_sample_archived_and_other_unless_included(who: Client, left_out: str) -> None:
    assert in_audience(who, frozenset())
    assert in_audience(who, frozenset({left_out})) is None
    assert isinstance(asked(PLAIN, who, invoice()), RunOver)
    assert asked(f"include: [{left_out}]\n{PLAIN}", who, invoice()) == Wanted()


def test_a_record_of_nobody_is_in_the_audience() -> None:
    assert in_audience(None, frozenset()) is None


def conditions(*texts: str) -> list[bool | None]:
    rule = rule_of("when: invoice.sent\nif:\n" + "".join(f"  - {t}\n" for t in texts) + "then:\n  - notify: note")
    assert rule.if_ is not None
    return [holds([rule.if_], scope(client(), invoice()))[0]]


UNKNOWN = "invoice.last_payment_at > invoice.created_at"
ERROR = "5 / (invoice.payments | count) > 1"


def test_a_list_of_conditions_is_and_with_three_truths() -> None:
    assert conditions("invoice.outstanding", "client.type == 'client'") == [True]
    assert conditions("invoice.outstanding", UNKNOWN) == [None]
    assert conditions("invoice.paid > 0", UNKNOWN) == [False]


def test_false_beats_unknown_whatever_the_order() -> None:
    first = rule_of(f"when: invoice.sent\nif: {UNKNOWN}\nthen:\n  - notify: note").if_
    second = rule_of("when: invoice.sent\nif: invoice.draft\nthen:\n  - notify: note").if_
    assert first is not None
    assert second is not None
    for order in ([first, second], [second, first]):
        assert holds(order, scope(client(), invoice()))[0] is False
    assert holds([], scope())[0] is True


def test_an_error_is_no_answer_and_false_still_beats_it() -> None:
    wrong = rule_of(f"when: invoice.sent\nif: {ERROR}\nthen:\n  - notify: note").if_
    false = rule_of("when: invoice.sent\nif: invoice.draft\nthen:\n  - notify: note").if_
    assert wrong is not None
    assert false is not None
    here = scope(client(), invoice())
    truth, trace = holds([wrong, wrong], here)
    assert (truth, trace["text"]) == (None, ERROR)
    assert "division by zero" in trace["error"]
    assert "division by zero" in doubt_of(trace)
    assert holds([wrong, false], here)[0] is False


def test_a_standing_condition_that_is_unknown_or_in_error_holds_the_step() -> None:
    for body in (PLAIN.replace("if: invoice.outstanding", f"if: {UNKNOWN}"), PLAIN.replace("client.replied", ERROR)):
        doubt = asked(body, client(), invoice())
        assert isinstance(doubt, Doubt)
        assert doubt.hold is Hold.CONDITION
        assert doubt.why


def test_a_step_whose_if_is_true_is_wanted_and_one_in_error_is_held() -> None:
    assert asked(PLAIN + "    if: invoice.outstanding\n", client(), invoice()) == Wanted()
    assert isinstance(asked(PLAIN + f"    if: {ERROR}\n", client(), invoice()), Doubt)


def test_the_sentence_of_a_doubt_is_the_first_that_says_why() -> None:
    assert doubt_of({"text": "a", "error": "it broke", "is": None, "why": "later"}) == "it broke"
    known = {"text": "a", "is": True, "why": "not this"}
    missing = {"text": "b", "is": None, "why": "b is missing"}
    assert doubt_of({"text": "a and b", "is": None, "why": "all of it", "parts": [known, missing]}) == "b is missing"
    assert doubt_of({"text": "c", "is": None}) == "unknown: c"


def became(condition: str) -> BecomesTrigger:
    (trigger,) = rule_of(f"when: becomes {condition}\nthen:\n  - notify: note").entries[0].triggers
    return trigger  # type: ignore[return-value]  # as the sentence says


def test_what_became_true_must_still_be_so_at_the_first_effect_and_at_no_later_one() -> None:
    here = scope(client(), invoice())
    first, later = run("r1", effects=0), run("r1", effects=1)
    assert still_became(None, first, here) == Wanted()
    assert still_became(became("invoice.outstanding"), first, here) == Wanted()
    over = still_became(became("invoice.draft"), first, here)
    assert isinstance(over, RunOver)
    assert over.reason == "it is no longer so"
    doubt = still_became(became(UNKNOWN), first, here)
    assert isinstance(doubt, Doubt)
    assert (doubt.hold, doubt.why) == (Hold.CONDITION, doubt_of(doubt.detail))
    for gone in ("invoice.draft", UNKNOWN):
        assert still_became(became(gone), later, here) == Wanted()


def rule_with(line: str) -> Rule:
    return rule_of(f"when: invoice.sent\n{line}\nthen:\n  - notify: note")


def test_unknown_asks_and_unknown_keeps_the_night() -> None:
    body = f"approve: {UNKNOWN}\nignore_quiet_hours: {UNKNOWN}"
    rule = rule_with(body)
    papers = rule_of(f"when: invoice.sent\n{body}\nthen:\n  - create: contract\n    from: Agreement")
    assert needs_yes(papers, papers.entries[0].steps[0], scope(client(), invoice()))  # type: ignore[arg-type]  # an effect
    assert not ignores_night(rule, scope(client(), invoice()))
    assert ignores_night(rule_with("ignore_quiet_hours: invoice.outstanding"), scope(client(), invoice()))


def test_an_error_asks_and_an_error_keeps_the_night() -> None:
    body = f"approve: {ERROR}\nignore_quiet_hours: {ERROR}"
    papers = rule_of(f"when: invoice.sent\n{body}\nthen:\n  - create: contract\n    from: Agreement")
    assert needs_yes(papers, papers.entries[0].steps[0], scope(client(), invoice()))  # type: ignore[arg-type]  # an effect
    assert ignores_night(papers, scope(client(), invoice())) is False


@pytest.mark.parametrize("line", ["approve: true", "mode: approve", f"approve: {UNKNOWN}"])
def test_a_note_to_the_owner_waits_for_a_yes_only_where_its_own_step_asks(line: str) -> None:
    rule = rule_with(line)
    note: EffectStep = rule.entries[0].steps[0]  # type: ignore[assignment]  # an effect
    assert not needs_yes(rule, note, scope(client(), invoice()))
    asks = rule_of(f"when: invoice.sent\n{line}\nthen:\n  - notify: note\n    approve: true")
    assert needs_yes(asks, asks.entries[0].steps[0], scope(client(), invoice()))  # type: ignore[arg-type]  # an effect


def test_the_standing_conditions_of_a_series_are_the_rules_and_the_entrys() -> None:
    rule = rule_of(
        """
        if: session.confirmed
        then:
          - when: 1 day before session.start_at at 09:00
            if: session.kind == 'wedding'
            notify: note
        """
    )
    wedding = session(type_name="Elopement")
    assert standing(rule, rule.entries[0], scope(client(), wedding)) == Wanted()
    assert isinstance(standing(rule, rule.entries[0], scope(client(), session())), RunOver)
    assert isinstance(standing(rule, rule.entries[0], scope(client(), replace(wedding, status="canceled"))), RunOver)


# --- repeats --------------------------------------------------------------------------------------


def turn(
    repeat: str, *records: Record, mode: str = "auto", when: str = "invoice.sent"
) -> tuple[str, Instant | None] | None:
    rule = rule_of(f"when: {when}\nmode: {mode}\nrepeat: {repeat}\nthen:\n  - notify: note")
    found = turn_of(rule, names := scope(*records), "i1", "Europe/Berlin", names.now)
    return (found.key, found.since) if found else None


def test_turns_of_once_of_once_per_client_and_of_after_some_days_per_address() -> None:
    anna = client(email=" Anna@Example.com ")
    assert turn("once", anna, invoice()) == ("i1", None)
    assert turn("once per client", anna, invoice()) == ("=c1", None)
    assert turn("after 30 days per client.email", anna, invoice()) == ("=anna@example.com", berlin("2026-05-02 12:00"))
    assert turn_of(rule_with(""), scope(anna, invoice()), "i1", "Europe/Berlin", berlin("2026-06-01 12:00")) is None


def test_an_absent_value_is_nobody_elses_turn() -> None:
    assert turn("after 30 days per client.email", client(email=None), invoice()) == ("i1", berlin("2026-05-02 12:00"))


def test_what_was_only_tried_out_takes_nobodys_turn() -> None:
    assert turn("once per client", client(), invoice(), mode="dry_run") == ("dry|=c1", None)


def test_a_month_back_is_a_month_on_the_calendar() -> None:
    found = turn("after 1 month", client(), invoice())
    assert found == ("i1", at("2026-05-01T10:00Z"))
