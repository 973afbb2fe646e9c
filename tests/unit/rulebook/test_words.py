"""Message files: heads in both forms, literal subjects, places, and each rule's own check of a message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selftimer.facts.records import Kind
from selftimer.facts.world import StudioFacts
from selftimer.rulebook.loader import load_workspace
from selftimer.rulebook.names import Names
from selftimer.rulebook.words import WordsSource, compile_words, markup, read_words

FILE = "automations/messages/hello.md"
STUDIO = StudioFacts(name="Studio Nord", zone="Europe/Berlin", currency="eur")


def read(content: str) -> WordsSource:
    source, problems = read_words(content, FILE)
    assert problems == []
    assert source is not None
    return source


def told(content: str | bytes, file: str = FILE) -> list[str]:
    source, problems = read_words(content, file)
    assert source is None
    return [str(problem) for problem in problems]


def test_a_message_may_be_its_text_alone() -> None:
    source = read("Hi,\n\nhow are you?\n\n")

    assert (source.name, source.subject) == ("hello", None)
    assert (source.body.text, source.body.line) == ("Hi,\n\nhow are you?", 1)


@pytest.mark.parametrize(
    "content",
    [
        "subject: News: a date\n---\nHi\n",
        "---\nsubject: News: a date\n---\nHi\n",
        "\n---\nSubject: News: a date\n---\nHi\n",
        "\ufeff---\r\nsubject:   News: a date  \r\n---\r\nHi\r\n",
    ],
)
def test_a_head_may_stand_in_both_forms_and_its_lines_are_literal(content: str) -> None:
    source = read(content)

    assert source.subject is not None
    assert source.subject.text == "News: a date"
    assert source.body.text == "Hi"


def test_a_line_of_dashes_in_a_text_is_no_head() -> None:
    assert read("Hi,\n---\nKim\n").body.text == "Hi,\n---\nKim"


def test_subject_and_body_know_where_they_stand() -> None:
    source = read("---\nsubject:  {{ client.first_name }}\n---\n\nHi {{ client.nme }}\n")

    assert source.subject is not None
    assert (source.subject.line, source.subject.column) == (2, 11)
    assert (source.body.line, source.body.column) == (5, 1)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "1:1: the message has no text; write some below the head"),
        ("subject: a\n---\n\n", "3:1: the message has no text; write some below the head"),
        ("---\nsubjct: a\n---\nHi\n", "2:1: 'subjct: a' is no line of a head; did you mean 'subject'?"),
        ("---\nto: a\n---\nHi\n", "2:1: 'to: a' is no line of a head; a head has 'subject: …' and 'attach: …' only"),
        ("---\nsubject: a\nsubject: b\n---\nHi\n", "3:1: a second subject; the first is on line 2"),
        ("---\nsubject:\n---\nHi\n", "2:9: a subject has 1 to 200 characters; or no line"),
        (
            "---\nattach: ../a.pdf\n---\nHi\n",
            (
                "2:9: '../a.pdf' leads out of automations/files/; put the file into automations/files/ "
                "and write its name from there"
            ),
        ),
        (
            "attach:\n---\nHi\n",
            "1:8: no file is named; write the name of one in automations/files/, or take the line out",
        ),
        (b"Hi \xff\n", "1:4: this is not UTF-8 text; save the file as UTF-8"),
        ("Hi \x07\n", "1:4: an invisible control character (U+0007); delete it"),
        ("x" * 10_001, "1:1: the text has 10,001 characters; 10,000 are allowed"),
    ],
)
def test_a_fault_of_a_file_is_told_with_its_place(content: str | bytes, problem: str) -> None:
    assert told(content) == [f"{FILE}:{problem}"]


def test_a_name_that_no_step_could_say_is_refused() -> None:
    assert told("Hi\n", "automations/messages/Hello you.md") == [
        ("automations/messages/Hello you.md:1:1: 'Hello you' can't be the name of a message; "
        "use small letters, digits, - and _")
    ]  # fmt: skip


def test_faults_of_subject_and_text_are_told_at_once_with_their_places() -> None:
    source = read("subject: Hi {{ client.nme }}\n---\nHi,\nyour {{ client.emial }}\n")

    words, problems = compile_words(source, Names.of(Kind.CLIENT, studio=STUDIO), frozenset())

    assert words is None
    assert [(problem.line, problem.column, problem.message) for problem in problems] == [
        (1, 16 + len("client."), "client has no field 'nme'"),
        (4, 9 + len("client."), "client has no field 'emial'"),
    ]


def test_what_may_be_missing_is_a_warning_unless_the_rule_makes_sure() -> None:
    source = read("At {{ session.location }}.\n")
    names = Names.of(Kind.CLIENT, Kind.SESSION, studio=STUDIO)

    _, problems = compile_words(source, names, frozenset())
    _, sure = compile_words(source, names, frozenset({"session.location"}))

    assert [(problem.severity, problem.line, problem.column) for problem in problems] == [("warning", 1, 7)]
    assert sure == []


def test_a_message_is_checked_for_each_rule_that_says_it() -> None:
    rule = "  - {{id: {0}, title: T, when: {1}, then: [{{notify: hello}}]}}\n"
    rules = "rules:\n" + rule.format("a", "session.confirmed") + rule.format("b", "invoice.sent")

    result = load_workspace({"rules/a.yaml": rules, FILE: "{{ session.start_at | date }}\n"}, STUDIO)

    (problem,) = result.errors
    assert (problem.file, problem.line, problem.column) == (FILE, 1, 4)
    assert "(as rules/a.yaml:3:59 says it)" in problem.message


def test_a_condition_makes_sure_of_what_its_message_says() -> None:
    rules = """
rules:
  - id: a
    title: T
    when: session.confirmed
    if: session.location is not none
    then: [{notify: hello}]
"""
    assert load_workspace({"rules/a.yaml": rules, FILE: "At {{ session.location }}.\n"}, STUDIO).problems == ()


def test_two_files_of_one_name_are_refused() -> None:
    result = load_workspace({FILE: "Hi\n", "automations/messages/hello.txt": "Hi\n"}, STUDIO)

    assert [str(problem) for problem in result.errors] == [
        ("automations/messages/hello.txt:1:1: the message hello is in automations/messages/hello.md as well; "
        "delete one of the two files")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["2 * 3 * 4", "* a point\n* another", "item #4", "[sic]", "a < b > c", "**", "{{ x }}(https://a.example)"]
)
def test_plain_texts_are_no_markup(text: str) -> None:
    assert markup(read(text)) == []


@given(st.one_of(st.text(max_size=80), st.binary(max_size=80), st.text("-\nsubject: {}%#", max_size=60)))
def test_nothing_makes_the_reader_raise(content: str | bytes) -> None:
    source, problems = read_words(content, FILE)

    assert (source is None) == bool(problems)
    if source is not None:
        compile_words(source, Names.of(Kind.CLIENT, studio=STUDIO), frozenset())
