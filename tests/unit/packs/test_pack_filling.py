"""Answers and the places that they fill."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whenever import Date

from selftimer.errors import ConfigError, RuleFileError
from selftimer.packs.filling import fill, read_answer, read_answers
from selftimer.packs.model import Input
from selftimer.packs.reading import read_pack

if TYPE_CHECKING:
    from selftimer.packs.model import Value

TODAY = Date(2026, 5, 20)
DAYS = Input(name="days", ask="How many?", type="number", default="5", least=2, most=9)
OPENS = Input(name="opens", ask="When?", type="date", default="next 04-01")
MARK = Input(name="mark", ask="Which word?", type="text")
PAGE = Input(name="page", ask="Where?", type="url", default="https://a.example/x")
AT = Input(name="at", ask="What time?", type="time", default="08:00")
HEAD = "name: hello\ntitle: Hello\nfor: Says hello.\nversion: 1\ninputs:\n  days: {ask: How many?, type: number}\n"


def filled(text: str) -> str:
    answers: dict[str, Value] = {"days": 5, "opens": Date(2027, 4, 1), "mark": "VIP"}
    return fill({"rules/a.yaml": text.encode()}, answers)["rules/a.yaml"].decode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("${days} days", "5 days"),
        ("${days + 2}", "7"),
        ("${opens}", "2027-04-01"),
        ("${opens - 2 days} 10:00", "2027-03-30 10:00"),
        ("${2026-01-31 + 1 month}", "2026-02-28"),
        ("${2026-03-16 - days days - 1 day}", "2026-03-10"),
        ("${2024-02-29 + days years}", "2029-02-28"),
        ("'${mark}' {{ client.first_name }} $5 {x}", "'VIP' {{ client.first_name }} $5 {x}"),
    ],
)
def test_a_place_is_filled_and_all_else_is_left_as_it_is(text: str, said: str) -> None:
    assert filled(text) == said


def test_what_messages_carry_is_never_touched() -> None:
    assert fill({"automations/files/a.txt": b"${days}\xff"}, {"days": 5}) == {"automations/files/a.txt": b"${days}\xff"}


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (DAYS, "1"),
        (DAYS, "10"),
        (DAYS, "five"),
        (DAYS, "-3"),
        (DAYS, "\u0665"),
        (OPENS, "2026-05-20"),
        (OPENS, "1 April"),
        (OPENS, "2026-02-30"),
        (AT, "8:00"),
        (AT, "24:00"),
        (PAGE, "http://a.example"),
        (PAGE, "javascript:alert(1)"),
        (PAGE, "https://a.example/{{ x }}"),
        (MARK, "{{ client.email }}"),
        (MARK, 'a "b"'),
        (MARK, "a\\b"),
        (MARK, "${days}"),
        (MARK, "a\x1bb"),
        (MARK, "x" * 201),
        (MARK, ""),
    ],
)
def test_an_answer_that_doesnt_fit_is_refused(one: Input, text: str) -> None:
    with pytest.raises(ConfigError, match=one.name):
        read_answer(one, text, TODAY)


def test_what_nobody_answers_is_the_default_and_a_date_is_the_next_one() -> None:
    answers = read_answers([DAYS, OPENS, PAGE], {"days": " 7 "}, TODAY)
    assert answers == {"days": 7, "opens": Date(2027, 4, 1), "page": "https://a.example/x"}
    assert read_answers([OPENS], {}, Date(2026, 3, 31)) == {"opens": Date(2026, 4, 1)}
    assert read_answers([OPENS], {}, Date(2026, 4, 1)) == {"opens": Date(2027, 4, 1)}


def test_an_apostrophe_can_end_no_text_of_a_condition() -> None:
    assert read_answer(MARK, "Kim's own", TODAY) == "Kim\u2019s own"


def test_an_answer_that_nobody_asked_for_is_told() -> None:
    with pytest.raises(ConfigError, match="no input 'day'; did you mean 'days'"):
        read_answers([DAYS], {"day": "3"}, TODAY)


@given(st.text(max_size=40))
def test_a_text_that_is_taken_stays_within_its_quotes_and_makes_no_place(text: str) -> None:
    try:
        said = str(read_answer(MARK, text, TODAY))
    except ConfigError:
        return
    assert not set(said) & set("{}\"'\\$\n\r")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("a: ${day}", "rules/a.yaml:1:4: there is no input 'day'; did you mean 'days'?"),
        ("\na: ${days.__class__}", "rules/a.yaml:2:4"),
        ("a: ${mark + days}", "no input 'mark'"),
        ("a: ${2026-13-01 + days}", "is no date"),
        ("a: ${9999-12-31 + days years}", "is no date"),
    ],
)
def test_a_place_that_nothing_can_fill_is_found_when_the_pack_is_read(rule: str, said: str) -> None:
    with pytest.raises(RuleFileError) as error:
        read_pack({"pack.yaml": HEAD.encode(), "rules/a.yaml": rule.encode()})
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (HEAD.replace("version: 1", "version: one"), "pack.yaml:4:10: version"),
        (HEAD.replace("hello", "../hello"), "name"),
        (HEAD + "script: x\n", "script"),
        (HEAD.replace("number", "code"), "inputs.days.type"),
        (HEAD + "starter: [rules/leads.yaml]\n", "the starter has no rules/leads.yaml"),
        ("- a\n", "pack.yaml:1:1"),
        ("a: [\n", "pack.yaml"),
    ],
)
def test_a_head_that_cant_be_read_says_where(head: str, said: str) -> None:
    with pytest.raises(RuleFileError) as error:
        read_pack({"pack.yaml": head.encode(), "rules/a.yaml": b"rules: []\n"})
    assert said in str(error.value)


def test_a_file_that_is_no_text_is_refused() -> None:
    with pytest.raises(RuleFileError, match="no text in UTF-8"):
        read_pack({"pack.yaml": HEAD.encode(), "rules/a.yaml": b"\xff"})
