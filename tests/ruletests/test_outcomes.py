"""What a test of rules finds: all that is missing, too much, at another time, to somebody else, in other words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from selftimer.channels.dry import DryChannel
from selftimer.ruletests import stage
from selftimer.ruletests.compare import minute
from selftimer.ruletests.report import done, said
from selftimer.sandbox.studio import DEFAULT_START

if TYPE_CHECKING:
    from collections.abc import Callable

    from selftimer.ruletests.runner import Outcome
    from selftimer.ruletests.stage import Ground
    from selftimer.ruletests.workspace import Suite

    Run = Callable[..., Outcome]

LEAD = "- {at: 2026-03-02 15:20, lead.created: {id: anna, first_name: Anna}}"
NUDGE = "- {at: 2026-03-04 10:00, send: nudge, to: anna, contains: Hi Anna}"
REPLY = "- {at: 2026-03-04 11:00, message.received: {client: anna}}"
END = "- {at: 2026-05-01 10:00}"


def diary(*lines: str, rule: str = "nudge", given: str = "") -> str:
    """A test with these lines."""
    text = f"- name: it\n  rule: {rule}\n"
    if given:
        text += "  given:\n" + "".join(f"    {line}\n" for line in given.splitlines())
    return text + "  diary:\n" + "".join(f"    {line}\n" for line in lines)


def found(outcome: Outcome) -> list[str]:
    """`missing 2026-03-04 10:00 send nudge to anna`: the differences."""
    return [
        f"{one.what} {minute(one.at, 'Europe/Berlin')} "
        + (said(one.expected) if one.expected is not None else done(one.action) if one.action is not None else "")
        for one in outcome.differences
    ]


def why(outcome: Outcome) -> str:
    return "\n".join(line for one in outcome.differences for line in one.why)


def test_a_diary_that_tells_it_as_it_is_passes(outcome: Run) -> None:
    result = outcome(diary(LEAD, NUDGE, REPLY, END))

    assert result.passed
    assert [done(action) for action in result.done] == ["send nudge to anna"]


def test_what_is_missing_is_told_with_the_condition_that_kept_it_back(outcome: Run) -> None:
    result = outcome(diary(LEAD, REPLY.replace("03-04 11", "03-03 11"), NUDGE, END))

    assert found(result) == ["missing 2026-03-04 10:00 send nudge to anna"]
    assert "ended at 2026-03-03 11:00: until came true" in why(result)
    assert "client.replied" in why(result)


def test_a_rule_that_never_began_says_which_part_of_its_if_was_false(outcome: Run) -> None:
    lead = "- {at: 2026-03-02 15:20, lead.created: {id: anna, notes: a friend}}"
    test = diary(lead, END.replace("}", ", send: nudge, to: anna}"), END)

    result = outcome(test, rules=RULES_BUT_FOR_CLIENTS)

    assert found(result) == ["missing 2026-05-01 10:00 send nudge to anna"]
    assert "didn't begin at 2026-03-02 15:20 for anna (lead.created): its `if` says no" in why(result)
    assert "client.notes is containing 'VIP'" in why(result)


RULES_BUT_FOR_CLIENTS = """
- id: nudge
  title: Only for some
  when: lead.created
  if: client.type == 'lead' and client.notes is containing 'VIP'
  repeat: after 30 days per client.email
  then:
    - send: nudge
"""


def test_what_isnt_in_the_diary_fails_it_as_surely(outcome: Run) -> None:
    result = outcome(diary(LEAD, REPLY, END))

    assert found(result) == ["unexpected 2026-03-04 10:00 send nudge to anna"]
    assert "rule nudge, begun at 2026-03-02 15:20 by lead.created of anna" in why(result)


def test_a_silent_week_after_the_last_line_is_not_looked_at(outcome: Run) -> None:
    assert outcome(diary(LEAD, "- {at: 2026-03-04 09:59}")).passed


@pytest.mark.parametrize(
    ("instead", "reason"),
    [
        ("10:01, send: nudge, to: anna", "it came at 2026-03-04 10:00"),
        ("10:00, send: nudge, to: anna, contains: [Hi Anna, Bert]", "its text doesn't hold 'Bert'"),
    ],
)
def test_another_minute_or_other_words_are_shown_beside_what_was_expected(
    outcome: Run, instead: str, reason: str
) -> None:
    result = outcome(diary(LEAD, f"- {{at: 2026-03-04 {instead}}}", REPLY, END))

    assert [one.what for one in result.differences] == ["different"]
    assert reason in why(result)


def test_somebody_else_is_not_good_enough(outcome: Run) -> None:
    lines = [LEAD, NUDGE.replace("to: anna", "to: ben"), REPLY, END]

    result = outcome(diary(*lines, given="- client: {id: ben}"))

    assert not result.passed
    assert "it is for anna, not for ben" in why(result)


def test_quiet_hours_are_told_where_they_put_something_off(outcome: Run) -> None:
    night = "- {at: 2026-03-02 22:00, session.confirmed: {id: s1, client: anna, start_at: 2026-06-10 14:00}}"
    wanted = "- {at: 2026-03-02 22:00, send: welcome, to: anna}"

    result = outcome(diary(night, wanted, END, rule="welcome", given="- client: {id: anna}"))

    assert "it came at 2026-03-03 08:00" in why(result)
    assert "quiet hours" in why(result)


def test_what_repeat_forbids_is_told(outcome: Run) -> None:
    lines = [
        "- {at: 2026-03-02 12:00, session.confirmed: {id: s1, client: anna, start_at: 2026-06-10 14:00}}",
        "- {at: 2026-03-02 12:00, send: welcome, to: anna}",
        "- {at: 2026-03-09 12:00, session.confirmed: {id: s2, client: anna, start_at: 2026-07-10 14:00}}",
        "- {at: 2026-03-09 12:00, send: welcome, to: anna}",
        END,
    ]

    result = outcome(diary(*lines, rule="welcome", given="- client: {id: anna}"))

    assert found(result) == ["missing 2026-03-09 12:00 send welcome to anna"]
    assert "'repeat' says not again" in why(result)


def test_what_was_there_before_the_rule_is_told_as_such(outcome: Run) -> None:
    given = "- client: {id: anna}\n- session: {id: s1, client: anna, start_at: 2026-06-10 14:00}"
    lines = ["- {at: 2026-03-02 12:00, send: welcome, to: anna}", END]

    result = outcome(diary(*lines, rule="welcome", given=given))

    assert found(result) == ["missing 2026-03-02 12:00 send welcome to anna"]
    assert "nothing that begins it happened" in why(result)


def test_a_moment_that_is_still_to_come_is_told_with_its_time(outcome: Run) -> None:
    given = "- client: {id: anna}\n- invoice: {id: i1, client: anna, due_date: 2026-04-10}"
    lines = ["- {at: 2026-03-20 10:00}", "- {at: 2026-04-01 10:00, send: soon, to: anna}", "- {at: 2026-04-02 10:00}"]

    result = outcome(diary(*lines, rule="soon", given=given))

    assert "its moment for i1 is 2026-04-03 10:00 (pending)" in why(result)


def test_a_cap_of_the_test_is_told(outcome: Run) -> None:
    given = "- client: {id: anna}\n- session: {id: s1, client: anna, status: pending, start_at: 2026-06-10 14:00}"
    given += "\n- invoice: {id: i1, client: anna, due_date: 2026-04-10}"
    lines = [
        "- {at: 2026-04-03 09:00, session.confirmed: {id: s1}}",
        "- {at: 2026-04-03 09:00, send: welcome, to: anna}",
        "- {at: 2026-04-03 10:00, send: soon, to: anna}",
        "- {at: 2026-04-05 10:00}",
    ]
    test = diary(*lines, rule="[welcome, soon]", given=given)

    assert outcome(test).passed, "caps are off unless the test sets them"
    capped = outcome(test.replace("  diary:", "  caps: {client_per_day: 1}\n  diary:"))
    assert "it came at 2026-04-04 09:00" in why(capped)
    assert "capped: 1" in why(capped)


def test_a_full_day_is_done_within_its_minute(outcome: Run) -> None:
    names = [f"c{number}" for number in range(30)]
    given = "\n".join(
        f"- client: {{id: {name}}}\n- invoice: {{id: i{name}, client: {name}, due_date: 2026-04-10}}" for name in names
    )
    wanted = [f"- {{at: 2026-04-03 10:00, send: soon, to: {name}}}" for name in names]

    result = outcome(diary("- {at: 2026-04-02 10:00}", *wanted, "- {at: 2026-04-04 10:00}", rule="soon", given=given))

    assert found(result) == []


# --- yes and no -----------------------------------------------------------------------------------------------------

HELD = [LEAD, NUDGE, "- {at: 2026-03-07 10:00, held: last-call, to: anna}"]


def test_what_waits_for_a_yes_must_stand_and_goes_out_with_it(outcome: Run) -> None:
    answered = ["- {at: 2026-03-08 12:00, yes: last-call}", "- {at: 2026-03-08 12:00, send: last-call, to: anna}"]

    assert outcome(diary(*HELD, *answered, END)).passed
    assert found(outcome(diary(*HELD[:2], *answered, END))) == [
        "unexpected 2026-03-07 10:00 held last-call to anna because waits for your yes"
    ]


def test_a_no_needs_no_line_for_what_follows_from_it(outcome: Run) -> None:
    assert outcome(diary(*HELD, "- {at: 2026-03-08 12:00, no: last-call}", END)).passed


def test_an_answer_to_what_doesnt_wait_is_told(outcome: Run) -> None:
    result = outcome(diary(LEAD, "- {at: 2026-03-03 12:00, yes: last-call}", NUDGE, REPLY, END))

    assert not result.passed
    assert "nothing called last-call waits" in why(result)


def test_no_answer_in_time_is_a_skip_that_must_stand_with_its_reason(outcome: Run) -> None:
    late = "- {at: 2026-03-09 10:00, skipped: last-call, to: anna, because: late}"

    assert outcome(diary(*HELD, late, END)).passed
    assert [one.what for one in outcome(diary(*HELD, END)).differences] == ["unexpected"]
    other = outcome(diary(*HELD, late.replace("because: late", "because: capped"), END))
    assert "not 'capped'" in why(other)


def test_notes_to_the_owner_are_done_too(outcome: Run) -> None:
    given = "- client: {id: anna, first_name: Anna}\n- invoice: {id: i1, client: anna, due_date: 2026-04-10}"
    note = "- {at: 2026-04-11 10:00, notify: call-them, contains: Anna hasn't paid}"
    lines = ["- {at: 2026-04-05 10:00}", note, "- {at: 2026-05-05 10:00}"]

    assert outcome(diary(*lines, rule="soon", given=given)).passed
    assert found(outcome(diary(lines[0], lines[2], rule="soon", given=given))) == [
        "unexpected 2026-04-11 10:00 notify call-them about anna"
    ]


# --- what the diary itself can't do ---------------------------------------------------------------------------------


def test_a_document_that_no_rule_made_is_said_to_be_missing(outcome: Run) -> None:
    lines = ["- {at: 2026-03-02 12:00, questionnaire.completed: {client: anna}}", END]

    result = outcome(diary(*lines, given="- client: {id: anna}"))

    assert result.troubles == ("there is no questionnaire of anna in the studio at that time",)
    assert not result.passed


def test_a_rule_that_is_only_tried_out_is_tested_as_if_it_sent(outcome: Run) -> None:
    rules = RULES_BUT_FOR_CLIENTS.replace(" and client.notes is containing 'VIP'", "")
    lines = [LEAD, "- {at: 2026-03-02 15:20, send: nudge, to: anna, contains: Hi Anna}", END]

    assert outcome(diary(*lines), rules=rules.replace("  then:", "  mode: dry_run\n  then:")).passed


def test_a_message_that_cant_be_put_into_words_is_held_and_must_stand(outcome: Run) -> None:
    words = {"nudge": "Hi {{ client.company }}\n"}
    held = "- {at: 2026-03-04 10:00, held: nudge, to: anna, because: client.company}"

    assert outcome(diary(LEAD, held, REPLY, END), words=words).passed
    assert not outcome(diary(LEAD, REPLY, END), words=words).passed


async def test_what_would_leave_this_machine_is_said_to_be_done_and_isnt(
    suite: Callable[..., Suite], ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "INSIDE", stage.INSIDE - {"notify"})  # as a verb would be that isn't the studio's
    found = suite(diary(END))

    async with stage.Stage(stage.for_test(found.tests[0], found.book, found.settings, DEFAULT_START), ground) as one:
        await one.start()
        channels = one.service.context.channels

    outside = {verb.value for verb, channel in channels.items() if isinstance(channel, DryChannel)}
    assert outside == {"notify", "webhook"}
