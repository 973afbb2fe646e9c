"""Checks of rules that can be read and yet do what nobody means; one test for each check, in the order of the table."""

# ruff: noqa: E501 - one fault and its whole sentence to a line

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from selftimer.facts.world import StudioFacts
from selftimer.rulebook.build_steps import StepBuilder
from selftimer.rulebook.build_text import Checker, Ground
from selftimer.rulebook.loader import LoadResult, load_workspace
from selftimer.rulebook.models import StepSource
from selftimer.rulebook.names import Names
from selftimer.rulebook.source import Place
from selftimer.rulebook.yaml12 import Document

STUDIO = StudioFacts(
    name="Studio Nord", zone="Europe/Berlin", currency="eur", owner="Kim", kinds={"wedding": ("*wedding*",)}
)
HELLO = "Hello, a few words from the studio.\n"


def load(rules: str, **messages: str) -> LoadResult:
    words = {"hello": HELLO, "again": "Hello again.\n", "note": "A note.\n"} | messages
    used = {name: text for name, text in words.items() if name in rules}
    files = {f"automations/messages/{name}.md": text for name, text in used.items()}
    return load_workspace({**files, "rules/a.yaml": rules}, STUDIO)


def rule(body: str) -> str:
    return "rules:\n  - id: r\n    title: R\n" + indent(dedent(body).strip("\n"), "    ") + "\n"


def told(body: str, **messages: str) -> list[str]:
    """What is said of a rule whose body begins on line 4, column 5."""
    return [str(problem) for problem in load(rule(body), **messages).problems]


def test_1_a_step_without_an_action() -> None:
    assert told("when: session.confirmed\nthen:\n  - send: hello\n  - approve: true") == [
        "rules/a.yaml:7:9: this step does nothing (approve); does it belong to the step above? Then take the dash away"
    ]


def test_2_a_text_that_yaml_takes_for_something_else() -> None:
    assert told("when: session.confirmed\nthen:\n  - stop: Attention: nothing to do") == [
        ("rules/a.yaml:6:15: a text that holds ': ' must stand in double quotes; "
        'write "Attention: nothing to do"')
    ]  # fmt: skip


def test_3_text_or_comment() -> None:
    assert told("when: session.confirmed\nthen:\n  - stop: customer #1") == [
        (
            "rules/a.yaml:6:24: text or comment? YAML drops everything from ' #' on; if it is text, put all of it in "
            "double quotes; if a comment, two blanks before # and one after"
        )
    ]


@pytest.mark.parametrize(
    ("condition", "column"),
    [
        ('"{{ session.confirmed }}"', 10),
        ("session.status = 'confirmed'", 24),
        ("session.confirmed && client.active", 27),
        ('"!session.confirmed"', 10),
        ("session.status <> 'confirmed'", 24),
        ("session.status == \u2018confirmed\u2019", 27),
        ("client.notes contains 'VIP'", 22),
    ],
)
def test_4_signs_of_other_languages(condition: str, column: int) -> None:
    (problem,) = load(rule(f"when: session.confirmed\nif: {condition}\nthen: [{{send: hello}}]")).errors

    assert (problem.line, problem.column) == (5, column)
    assert problem.hint


@pytest.mark.parametrize(
    ("condition", "column", "message"),
    [
        ("session.status == 'Confirmed'", 27, "session.status is never 'Confirmed'"),
        ("session.status == 'completed'", 27, "session.status is never 'completed'"),
        ("client.type in ['lead', 'prospect']", 33, "client.type is never 'prospect'"),
        ("session.kind == 'weding'", 25, "session.kind is never 'weding'"),
    ],
)
def test_5_a_word_that_a_status_never_has(condition: str, column: int, message: str) -> None:
    (problem,) = load(rule(f"when: session.confirmed\nif: {condition}\nthen: [{{send: hello}}]")).errors

    assert (problem.line, problem.column) == (5, column)
    assert problem.message.startswith(message)


@pytest.mark.parametrize("condition", ["client.type == 'lead' or 'other'", "\"'a' in 'abc'\"", "1 == 1", "not 5"])
def test_6_a_text_or_number_that_stands_alone(condition: str) -> None:
    assert load(rule(f"when: session.confirmed\nif: {condition}\nthen: [{{send: hello}}]")).errors


def test_7_times_and_texts_are_not_compared() -> None:
    (problem,) = load(
        rule("when: session.confirmed\nif: session.start_at > '2026-01-01'\nthen: [{send: hello}]")
    ).errors

    assert (problem.line, problem.column) == (5, 9)


def test_8_a_field_that_can_be_missing_is_doubted() -> None:
    (problem,) = load(rule("when: session.confirmed\nif: session.duration > 60\nthen: [{send: hello}]")).problems

    assert problem.severity == "warning"
    assert (problem.line, problem.column) == (5, 9)
    assert "is none or" in problem.hint


def test_10_an_unknown_name_and_what_was_probably_meant() -> None:
    assert told("when: session.confirmed\nif: session.confrmed\nthen:\n  - send: helo\n  - send: hello") == [
        "rules/a.yaml:5:17: session has no field 'confrmed'; did you mean 'confirmed'?",
        "rules/a.yaml:7:15: there is no message 'helo'; did you mean 'hello'?",
    ]


def test_11_a_time_with_one_digit() -> None:
    assert told("when: on invoice.due_date at 9:00\nif: invoice.outstanding\nthen: [{send: hello}]") == [
        "rules/a.yaml:4:11: '9:00' is not a time; write it with two digits, like 09:00"
    ]


def test_12_an_invoice_moment_goes_out_for_paid_invoices() -> None:
    assert told("when: 3 days after invoice.due_date at 10:00\nthen:\n  - send: hello") == [
        "rules/a.yaml:6:9: this goes out for paid and draft invoices too; add 'if: invoice.outstanding'"
    ]
    assert told("when: 3 days after invoice.due_date at 10:00\nthen:\n  - notify: note") == []
    assert told("when: 3 days after invoice.due_date at 10:00\nthen:\n  - send: hello\n    if: invoice.overdue") == []


def test_12_a_session_moment_goes_out_for_canceled_sessions() -> None:
    assert told("when: 3 days before session.start_at at 10:00\nthen:\n  - send: hello") == [
        "rules/a.yaml:6:9: warning: this goes out for declined and canceled sessions too; add 'if: session.confirmed'"
    ]


def test_13_a_message_after_a_wait_whatever_happened() -> None:
    body = "when: session.confirmed\nthen:\n  - wait: 2 days\n  - send: hello"
    assert told(body) == [
        (
            "rules/a.yaml:7:9: this goes out after a wait, whatever happened meanwhile; "
            "add 'until: client.replied' or an 'if' to the rule or the step"
        )
    ]
    assert told(body + "\nuntil: client.replied") == []
    assert told(body + "\n    if: session.confirmed") == []


def test_17_a_message_that_says_tomorrow_on_the_day_after() -> None:
    body = "when: 1 day before session.start_at at 09:00\nif: session.confirmed\nthen:\n  - send: tomorrow"
    words = {"tomorrow": "See you tomorrow.\n"}

    assert told(body, **words) == [
        (
            "rules/a.yaml:7:9: message tomorrow says 'tomorrow', but may go out as much as 24 hours late; "
            "give the step 'late: 15 hours', or say the date with | date"
        )
    ]
    assert told(body + "\n    late: 15 hours", **words) == []
    assert told(body + "\nlate: 4 hours", **words) == []


def test_17_a_message_that_says_today_after_an_event() -> None:
    (problem,) = told("when: session.confirmed\nthen:\n  - send: today", today="Booked today.\n")

    assert problem.startswith(
        "rules/a.yaml:6:9: message today says 'today', but what it waits for can come at any hour"
    )


def test_17_what_stands_in_braces_is_no_word_of_the_message() -> None:
    text = "{% if session.start_at > now %}As of {{ today | date }}.{% endif %} Bye.\n"

    assert told("when: session.confirmed\nthen:\n  - send: comes", comes=text) == []


def test_18_the_same_action_twice_in_a_rule() -> None:
    assert told("when: session.confirmed\nif: session.confirmed\nthen: [{send: hello}, {send: hello}]") == [
        (
            "rules/a.yaml:6:27: 'send:hello' stands twice in this rule (first on line 6 of rules/a.yaml); "
            "give one of them an id of its own: its history hangs on it"
        )
    ]


def test_18_the_same_action_in_two_entries_of_a_series() -> None:
    body = """
    if: invoice.outstanding
    then:
      - when: on invoice.due_date at 10:00
        send: hello
      - when: 3 days after invoice.due_date at 10:00
        {}send: hello
    """
    assert told(dedent(body).format("")) == [
        (
            "rules/a.yaml:8:9: 'send:hello' stands twice in this rule (first on line 6); "
            "give one of the entries an id of its own: its history hangs on it"
        )
    ]
    assert told(dedent(body).format("id: late\n    ")) == []


def test_19_a_value_that_can_be_missing_in_a_message() -> None:
    (problem,) = load(rule("when: session.confirmed\nthen:\n  - send: where"), where="At {{ session.location }}.\n").problems  # fmt: skip

    assert problem.severity == "warning"
    assert (problem.file, problem.line) == ("automations/messages/where.md", 1)
    assert "as rules/a.yaml:6:15 says it" in problem.message


def test_19_a_value_that_the_rule_cannot_know() -> None:
    words = "Hello,\nyour {{ invoice.balance | money }}.\n"

    (problem,) = load(rule("when: session.confirmed\nthen:\n  - send: owe"), owe=words).errors

    assert (problem.file, problem.line, problem.column) == ("automations/messages/owe.md", 2, 9)
    assert "as rules/a.yaml:6:15 says it" in problem.message


@pytest.mark.parametrize("said", ["invoice.amount", "invoice.due_date", "invoice", "invoice.created_at"])
def test_20_amounts_dates_and_records_are_not_printed_as_they_are(said: str) -> None:
    result = load(rule("when: invoice.sent\nthen:\n  - send: sum"), sum=f"It is {{{{ {said} }}}}.\n")

    (problem,) = result.errors
    assert (problem.file, problem.line, problem.column) == ("automations/messages/sum.md", 1, 10)


def test_21_nobody_to_send_to() -> None:
    place = Place(Document(file="rules/a.yaml"), ())
    builder = StepBuilder(checker=Checker(), automations={}, late=None)

    builder.step(StepSource(send="hello"), place, Ground(names=Names.of()))

    assert [str(problem) for problem in builder.checker.problems] == [
        "rules/a.yaml:1:1: nobody to send to: this rule leads to no client; use notify"
    ]


def test_23_days_counted_from_the_end_of_a_party() -> None:
    assert told("when: 1 day after session.end_at at 10:00\nif: session.confirmed\nthen: [{send: hello}]") == [
        (
            "rules/a.yaml:2:5: warning: 1 day from session.end_at: a party that ends after midnight moves this by a day; "
            "count from session.start_at"
        )
    ]
    assert told("when: 6 hours after session.end_at\nif: session.confirmed\nthen: [{send: hello}]") == []


def test_24_an_approval_without_time_to_give_it() -> None:
    body = "when: session.confirmed\nthen:\n  - send: hello\n    approve: true"
    assert told(body) == [
        (
            "rules/a.yaml:6:9: warning: this waits up to 7 days for your yes; "
            "say how long its words stay right: add 'late: 3 days' to the step"
        )
    ]
    assert told(body + "\n    late: 3 days") == []


def test_24_steps_need_no_time_of_their_own_because_all_rules_ask() -> None:
    body = rule("when: session.confirmed\nthen:\n  - send: hello")
    asks = "all_rules:\n  approve: client.company is containing 'Nord'\n"

    assert [str(problem) for problem in load(asks + body, hello="Hello").problems] == []


def test_25_a_change_that_comes_twice_in_a_minute() -> None:
    body = "when: session.rescheduled\nif: session.confirmed\nthen: [{send: hello}]"
    assert told(body) == [
        (
            "rules/a.yaml:2:5: warning: session.rescheduled can come twice in a minute, there and back, and each time a "
            "message goes out; add 'settle: 30 minutes' to the rule"
        )
    ]
    assert told(body + "\nsettle: 30 minutes") == []


def test_26_two_rules_that_send_on_the_same_occasion() -> None:
    one = "  - id: {0}\n    title: T\n    when: session.confirmed\n    if: {2}\n    then: [{{send: {1}}}]\n"
    rules = "rules:\n" + one.format("a", "hello", "session.confirmed") + one.format("b", "again", "session.confirmed")

    assert [str(problem) for problem in load(rules).problems] == [
        (
            "rules/a.yaml:7:5: warning: rules a and b can both write to one client on the same day, for the same "
            "reason; give them conditions that can't both hold, or make one of the two"
        )
    ]
    apart = one.format("a", "hello", "session.kind == 'wedding'") + one.format(
        "b", "again", "session.kind != 'wedding'"
    )
    assert load("rules:\n" + apart).problems == ()


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (
            "then:\n  - when: session.confirmed\n    send: hello\n  - send: again",
            ("7:9: some entries have a 'when' and this one has none; give it one, or put it into the 'then' of the "
            "entry above"),
        ),
        (
            "when: session.confirmed\nthen:\n  - send: hello\n    notify: note",
            "6:9: two actions in one step (send and notify); give each a step of its own, with its own '- '",
        ),
        ("when: session.confirmed\nwhen: manual\nthen: [{send: hello}]", "5:5: the key 'when' stands twice (first on line 4); keep one of them"),
        ("when: session.confirmed\nthen:\n\t- send: hello", "6:5: a tab; YAML wants blanks: two for each level"),
    ],
)  # fmt: skip
def test_27_a_rule_of_another_shape(body: str, problem: str) -> None:
    assert told(body) == [f"rules/a.yaml:{problem}"]


def test_27_an_id_that_is_a_number() -> None:
    rules = rule("when: session.confirmed\nthen: [{send: hello}]").replace("id: r", "id: 7")

    assert [str(problem) for problem in load(rules).errors] == [
        'rules/a.yaml:2:9: 7 is not a text here; put it in double quotes: "7"'
    ]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Hi, **important** news.", "**"),
        ("# Welcome\nHi.", "#"),
        ("See [here](https://example.com).", "[text](link)"),
        ("Hi,<br>there.", "HTML"),
    ],
)
def test_28_markup_in_a_plain_text(text: str, what: str) -> None:
    (problem,) = load(rule("when: session.confirmed\nthen: [{send: mark}]"), mark=text + "\n").problems

    assert problem.severity == "warning"
    assert problem.message == f"{what} looks like markup, and a message is plain text"


def test_28_a_message_that_no_rule_uses() -> None:
    result = load_workspace({"automations/messages/lost.md": HELLO}, STUDIO)

    assert [str(problem) for problem in result.problems] == [
        "automations/messages/lost.md:1:1: warning: no rule uses the message lost; use it, or delete the file"
    ]


def test_28_an_automation_that_no_rule_runs() -> None:
    result = load_workspace({"automations/b.yaml": "automations:\n  - id: lost\n    then: [{stop: x}]\n"}, STUDIO)

    assert [str(problem) for problem in result.problems] == [
        "automations/b.yaml:2:5: warning: no rule runs the automation lost; run it, or delete it"
    ]


def test_28_a_rule_without_a_title() -> None:
    rules = rule("when: session.confirmed\nthen: [{send: hello}]").replace("    title: R\n", "")

    assert [str(problem) for problem in load(rules).problems] == [
        "rules/a.yaml:2:5: warning: rule r has no title; say in a line what it is for"
    ]


def test_29_an_answer_to_every_inquiry_is_a_relay() -> None:
    body = "when: lead.created\nthen: [{send: hello}]"
    assert told(body) == [
        (
            "rules/a.yaml:5:12: this answers every inquiry at once, however often an address writes: a relay for spam; "
            "add 'repeat: after 30 days per client.email' to the rule"
        )
    ]
    assert told(body + "\nrepeat: after 30 days per client.email") == []


@pytest.mark.parametrize(("wait", "refused"), [("1 minutes", True), ("until 09:00", True), ("1 days", False)])
def test_a_short_wait_makes_no_difference_to_a_relay(wait: str, refused: bool) -> None:
    body = f"when: lead.created\nuntil: client.replied\nthen:\n  - wait: {wait}\n  - send: hello"
    said = [text for text in told(body) if "answers every inquiry within a day" in text]
    assert len(said) == refused
    assert told(body + "\nrepeat: after 30 days per client.email") == []


ECHO = (
    "this sends what somebody wrote to the address that they gave: a relay for spam; "
    "take 'content' out of its words; in a note to you it may stand"
)


@pytest.mark.parametrize(
    ("when", "field"),
    [
        ("message.received", "message.content"),
        ("message.received", "client.last_message.content | lower"),
        ("lead.created", "client.last_message.content"),
    ],
)
def test_an_inquirys_text_is_never_sent_back(when: str, field: str) -> None:
    body = f"when: {when}\nrepeat: after 30 days per client.email\nthen: [{{send: hello}}]"
    text = f"You wrote: {{{{ {field} or 'nothing' }}}}\n"
    assert f"rules/a.yaml:6:12: {ECHO}" in told(body, hello=text)
    assert ECHO not in "".join(told(body.replace("send: hello", "notify: note"), note=text))
    asked = f"{{% if {field} is containing 'wedding' %}}Yes{{% else %}}No{{% endif %}}\n"
    assert ECHO not in "".join(told(body, hello=asked.replace(" | lower", "")))


def test_an_inquirys_text_is_sent_back_neither_by_an_automations_input_nor_by_an_invoices_line() -> None:
    automations = """
automations:
  - id: answer
    title: Answer
    subject: client
    inputs: {said: {type: text}}
    then:
      - run: words
        with: {text: "{{ inputs.said }}"}
  - id: words
    title: Words
    subject: client
    inputs: {text: {type: text}}
    then: [{send: hello}]
"""
    hello = "You wrote: {{ inputs.text }}\n"
    body = 'when: message.received\nthen:\n  - run: answer\n    with: {said: "%s"}'
    files = {"automations/a.yaml": automations, "automations/messages/hello.md": hello}
    said = [
        str(p) for p in load_workspace({**files, "rules/a.yaml": rule(body % "{{ message.content }}")}, STUDIO).errors
    ]
    assert [text.partition(": ")[2] for text in said] == [ECHO]
    fine = load_workspace({**files, "rules/a.yaml": rule(body % "{{ client.city or 'nothing' }}")}, STUDIO)
    assert fine.errors == ()
    line = 'when: message.received\nthen:\n  - create: invoice\n    items: [{name: "%s", amount: 5}]'
    assert ECHO in "".join(told(line % "{{ message.content }}"))
    assert ECHO not in "".join(told(line % "Print"))


def test_32_late_beyond_the_date_itself() -> None:
    body = (
        "when: 2 days before session.start_at at 09:00\nif: session.confirmed\nlate: {} days\nthen: [{{send: hello}}]"
    )
    assert told(body.format(4)) == [
        (
            "rules/a.yaml:2:5: warning: 'late: 4 days' is longer than the 2 days before session.start_at; "
            "the moment ends at the date itself: make it shorter"
        )
    ]
    assert told(body.format(2)) == []


def test_what_the_calendar_sends_goes_to_those_who_are_meant() -> None:
    every = "when: every monday at 08:00\nfor_each: {kind}\n{more}then:\n  - send: hello\npurpose: service"
    assert told(every.format(kind="client", more="")) == [
        "rules/a.yaml:7:9: this goes out for every client of the studio; say for which: add an 'if' to the rule"
    ]
    assert told(every.format(kind="client", more="if: client.type == 'client'\n")) == []
    assert told(every.format(kind="invoice", more="if: invoice.amount > 100\n")) == [
        "rules/a.yaml:8:9: this goes out for paid and draft invoices too; add 'if: invoice.outstanding'"
    ]


def test_a_tick_at_a_known_time_may_say_today_for_as_long_as_that_day() -> None:
    body = "when: every monday at 08:00\nfor_each: client\nif: client.type == 'client'\nlate: {late}\npurpose: service\nthen:\n  - send: hello"
    assert told(body.format(late="10 hours"), hello="Today only.\n") == []
    (said,) = told(body.format(late="3 days"), hello="Today only.\n")
    assert "message hello says 'today', but may go out as much as 3 days late" in said
