"""Laws of the loader: what is printed reads as itself, nothing makes it fall over, nothing takes it long.

LANGUAGE_ROUNDS=2000 tries more.
"""

# ruff: noqa: E501 - strategies and inputs, one to a line

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment
from tests.unit.rulebook.test_lint import STUDIO

from selftimer.facts.event import EVENTS
from selftimer.rulebook.expression_parse import SyntaxFault, lexemes
from selftimer.rulebook.files import read_workspace
from selftimer.rulebook.limits import MAX_FOUND, MAX_TOLD, MAX_UNITS, MAX_VALUES
from selftimer.rulebook.loader import compile_source, load_workspace
from selftimer.rulebook.models import RuleSource
from selftimer.rulebook.printing import print_data, print_rules
from selftimer.rulebook.source import Place, read_source
from selftimer.rulebook.yaml12 import KEY, MAX_DEPTH, Document, Most, load

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]
ROUNDS = int(os.environ.get("LANGUAGE_ROUNDS", "0"))
FULL = 256 * 1024
FEW = settings(max_examples=ROUNDS or 60, deadline=None)
STARTER = {name: content.decode() for name, content in read_workspace(ROOT).items()}

# --- what is printed -------------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\x85"), min_size=1, max_size=30)
scalars = texts | st.integers(-(10**13), 10**13) | st.booleans() | st.none() | st.sampled_from(["on", "no", "null", "~", "1", "- x", "a: b", "a #b", "{{ x }}", "*a", "", " x ", "0x1", "1e3", ".5"])  # fmt: skip
data = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=20
)


@FEW
@given(st.dictionaries(texts, data, min_size=1, max_size=5))
def test_any_data_reads_as_it_was_printed(whole: dict[str, Any]) -> None:
    document = load(print_data(whole), "rules/a.yaml")
    assert document.problems == ()
    assert document.data == whole


conditions = st.sampled_from(["client.type == 'lead'", "client.next_session", "not client.open_invoices", "client.notes is containing 'a: b #c'"])  # fmt: skip
spans = st.sampled_from(["30 minutes", "2 days", "3 business days", "1 month"])
steps = st.recursive(
    st.fixed_dictionaries({"notify": st.just("note")}, optional={"if": conditions | st.lists(conditions, min_size=1, max_size=3), "approve": st.just(True) | conditions, "late": spans})
    | st.fixed_dictionaries({"wait": spans}, optional={"or_until": conditions})
    | st.fixed_dictionaries({"stop": texts.filter(str.strip)})
    | st.fixed_dictionaries({"webhook": st.just("books"), "with": st.dictionaries(st.sampled_from("abc"), st.just("{{ client.first_name or 'x: y' }}"), min_size=1)}),
    lambda inner: st.fixed_dictionaries({"if": conditions, "then": st.lists(inner, min_size=1, max_size=3)}, optional={"else": st.lists(inner, min_size=1, max_size=3)}),
    max_leaves=6,
)  # fmt: skip
rules = st.fixed_dictionaries(
    {"id": st.just("r"), "when": st.sampled_from(sorted(EVENTS)) | st.just("manual"), "then": st.lists(steps, min_size=1, max_size=4)},
    optional={"title": texts.filter(str.strip), "if": conditions, "until": st.lists(conditions, min_size=1, max_size=2), "late": spans, "mode": st.sampled_from(["auto", "off", "dry_run"]),
              "limits": st.fixed_dictionaries({"per_day": st.integers(1, 99)}), "include": st.lists(st.sampled_from(["archived", "other"]), min_size=1), "restart": st.booleans()},
)  # fmt: skip


def named(some: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same with an id for every step, so that equal ones may stand side by side."""
    count = iter(range(1000))

    def step(one: dict[str, Any]) -> dict[str, Any]:
        inner = {key: [step(each) for each in one[key]] for key in ("then", "else") if isinstance(one.get(key), list)}
        return {**one, **inner, "id": f"s{next(count)}"}

    return [step(one) for one in some]


@FEW
@given(rules)
def test_a_rule_that_is_printed_and_read_again_is_the_rule(raw: dict[str, Any]) -> None:
    raw = {**raw, "then": named(raw["then"])}
    printed = load(print_rules([raw]), "rules/a.yaml")
    assert printed.problems == ()
    assert printed.data == {"rules": [raw]}
    place = Place(Document(file="rules/a.yaml", data=raw), ())
    assert read_source(RuleSource, printed.data["rules"][0], place, "a rule") == read_source(RuleSource, raw, place, "a rule")  # fmt: skip


def test_the_starters_rules_are_the_same_after_printing() -> None:
    from tests.unit.rulebook.test_starter import studio

    book = load_workspace(STARTER, studio()).rulebook
    assert book is not None
    sources = [dict(rule.source["rule"]) for rule in book.rules.values()]
    files = {name: text for name, text in STARTER.items() if not name.startswith("rules/")}
    again = load_workspace({**files, "rules/all.yaml": print_rules(sources)}, studio()).rulebook
    assert again is not None
    for name, rule in book.rules.items():
        mine = again.rules[name]
        assert (mine.version, mine.activation) == (rule.version, rule.activation)
        assert [one.id for one in mine.entries] == [one.id for one in rule.entries]
        assert compile_source(mine.source, studio()).version == rule.version


# --- our lexer is Jinja2's -------------------------------------------------------------------------------------------

pieces = st.lists(st.sampled_from(["client", ".", "_x", "1", "1.5", "1_0", "0x1f", "1e3", "'a'", '"b\\""', "'", " ", "\n", "==", "{", "}", "(", ")", "|", "{{", "}}", "{%", "%}", "{#", "#}", "-", "é", "if ", "\\", "-}}", "$", "~"]), max_size=14).map("".join)  # fmt: skip


@settings(max_examples=ROUNDS or 200, deadline=None)
@given(pieces, st.sampled_from([None, "variable"]))
def test_one_pattern_for_words_finds_the_pieces_that_jinja2_finds(source: str, state: str | None) -> None:
    theirs: list[tuple[str, str]] | None
    try:
        lexer = Environment(keep_trailing_newline=True).lexer
        theirs = [(kind, text) for _, kind, text in lexer.tokeniter(source, None, None, state)]
    except Exception:  # noqa: BLE001 - whatever it refuses, ours has to refuse
        theirs = None
    try:
        ours = [(kind, text) for _, kind, text in lexemes(source, state)]
    except SyntaxFault:
        ours = None
    assert ours == theirs


# --- nothing makes it fall over --------------------------------------------------------------------------------------

edits = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 40), st.sampled_from(["", "\n", "  ", "- ", ": ", "{{", "}}", "'", '"', "[", "]", "#", "&a", "*a", "!x", "\t", "\x00", "é", "|", ">", "when", "then:", "if: ", "~", "…", "\ud800"])), min_size=1, max_size=6)  # fmt: skip


@FEW
@given(st.sampled_from(sorted(STARTER)), edits)
def test_no_damage_to_a_file_makes_the_loader_fall_over(name: str, cuts: list[tuple[int, int, str]]) -> None:
    text = STARTER[name]
    for at, length, put in cuts:
        where = at % (len(text) + 1)
        text = text[:where] + put + text[where + length :]
    began = time.process_time()
    result = load_workspace({**STARTER, name: text}, STUDIO)
    assert time.process_time() - began < 2
    assert (result.rulebook is None) == bool(result.errors)


@FEW
@given(data, st.sampled_from(["rules/a.yaml", "automations/a.yaml"]), st.sampled_from(["rules", "automations", "all_rules"]))  # fmt: skip
def test_no_data_makes_the_loader_fall_over(value: Any, name: str, key: str) -> None:
    for whole in ({key: value}, {key: [value]}, {key: [{"id": "r", "when": "manual", "then": value}]}, {key: [{"id": "r", "when": value, "if": value, "then": [value]}]}):  # fmt: skip
        load_workspace({name: print_data(whole)}, STUDIO)


@FEW
@given(st.binary(max_size=300), st.sampled_from(["rules/a.yaml", "automations/a.yaml", "automations/messages/a.md", "rules/a", "x"]))  # fmt: skip
def test_no_bytes_make_the_loader_fall_over(content: bytes, name: str) -> None:
    load_workspace({name: content}, STUDIO)


# --- nothing takes it long -------------------------------------------------------------------------------------------

MOST_SECONDS = 0.1
RULE = "  - id: r{0:06}\n    title: T\n    when: session.confirmed\n    then:\n      - {1}\n"
ONE = "rules:\n  - id: r\n    title: T\n    when: manual\n    then: [{stop: x}]\n"
NOTE = "automations/messages/hello.md"


def filled(head: str, unit: Callable[[int], str]) -> str:
    return head + "".join(unit(number) for number in range((FULL - len(head)) // len(unit(100_000))))


LONG: dict[str, Callable[[], str]] = {
    "rules": lambda: filled("rules:\n", lambda n: RULE.format(n, "stop: x")),
    "messages that don't exist": lambda: filled("rules:\n", lambda n: RULE.format(n, f"notify: m{n:06}")),
    "rules that might exclude each other": lambda: filled("rules:\n", lambda n: RULE.format(n, f"send: hello\n    if: client.city == 'x{n:06}'")),
    "rules that make what begins them": lambda: filled("rules:\n", lambda n: RULE.format(n, "create: contract\n        from: C").replace("session.confirmed", "quote.sent")),
    "fields that don't exist": lambda: filled("rules:\n", lambda n: RULE.format(n, "stop: x\n    if: client.nmae == 'x'")),
    "keys that don't exist": lambda: filled("rules:\n  - id: r\n", lambda n: f"    k{n:06}: x\n"),
    "the same id": lambda: filled("rules:\n", lambda n: RULE.format(1, "stop: x")),
    "the same key": lambda: filled("", lambda n: "a: 1\n"),
    "a list of conditions": lambda: filled(f"{ONE}    if:\n", lambda n: f"      - client.notes is containing 'x{n:06}'\n"),
    "a list of events": lambda: filled("rules:\n  - id: r\n    then: [{stop: x}]\n    when:\n", lambda n: "      - lead.creatd\n"),
    "a series": lambda: filled("rules:\n  - id: r\n    if: session.confirmed\n    then:\n", lambda n: f"      - when: {n % 900 + 100} days before session.start_at at 09:00\n        id: e{n:06}\n        notify: hello\n"),
    "steps": lambda: filled("rules:\n  - id: r\n    when: manual\n    then:\n", lambda n: f"      - notify: hello\n        id: e{n:06}\n"),
    "aliases": lambda: filled("", lambda n: "- *a\n"),
    "braces": lambda: filled("rules:\n", lambda n: "- a: {{ x }}\n"),
    "quotes": lambda: filled("", lambda n: "a: 'x' y\n"),
    "brackets": lambda: "rules: " + "[" * (FULL - 7),
    "brackets of a condition": lambda: f"{ONE}    if: " + "(" * (FULL - 100),
    "blanks": lambda: " " * FULL,
    "dashes": lambda: "- " * (FULL // 2),
    "a long word": lambda: "x" * FULL,
    "comments": lambda: "# a\n" * (FULL // 4),
    "faults to mend, behind many values": lambda: filled(f"{ONE}" + "x:\n" + "  - 1\n" * 900, lambda n: "a: 'x' y\n"),
    "a line of blanks": lambda: "a: {{" + " " * (FULL - 10) + "x",
    "blanks and words": lambda: "a: {{" + "x    " * (FULL // 5 - 10),
    "braces within braces": lambda: "rules:\n  a: " + "{" * (FULL - 20),
    "a long key": lambda: "rules:\n  - " + "k" * (FULL - 50) + ": x\n",
    "long conditions": lambda: filled("rules:\n", lambda n: RULE.format(n, "stop: x").replace("T\n", 'T\n    if: "' + "client.city!='e' and " * 90 + f"client.city!='{n:06}'\"\n", 1)),
    "escaped quotes": lambda: filled("rules:\n", lambda n: RULE.format(n, "stop: x").replace("T\n", "T\n    if: '" + "''\\" * 900 + f"{n:06}'\n", 1)),
}  # fmt: skip


def many(body: Callable[[int], str]) -> str:
    return "rules:\n" + "".join(
        f"  - id: r{n}\n    title: T\n    when: lead.created\n    repeat: once\n{body(n)}" for n in range(MAX_UNITS)
    )


def run_by(head: str, step: Callable[[int], str], count: int) -> str:
    return f"automations:\n  - id: {head}\n    title: T\n    then:\n" + "".join(step(n) for n in range(count))


LEGAL: dict[str, Callable[[], dict[str, str]]] = {
    "rules of the usual size": lambda: {"rules/a.yaml": many(lambda n: f"    if: client.type == 'lead' and not client.contacted\n    until: [client.replied, client.contacted]\n    then:\n      - wait: {n + 1} days\n      - send: hello\n        if: client.type == 'lead'\n        late: 2 days\n")},
    "dense conditions": lambda: {"rules/a.yaml": many(lambda n: '    if: "' + " and ".join(f"client.city!='{n}x{i}'" for i in range(5)) + '"\n    until: client.replied\n    then: [{send: hello}]\n')},
    "many signs": lambda: {"rules/a.yaml": many(lambda n: "    if: client.silent_days > " + "+".join("1" * 20) + f"+{n}\n    until: client.replied\n    then: [{{send: hello}}]\n")},
    "one rule of many steps": lambda: {"rules/a.yaml": "rules:\n  - id: r\n    title: T\n    when: manual\n    then:\n" + "".join(f"      - {{notify: hello, id: e{n}}}\n" for n in range(490))},
    "an automation that all run": lambda: {"rules/a.yaml": many(lambda n: "    then: [{run: big}]\n"), "automations/a.yaml": run_by("big", lambda n: f"      - {{notify: hello, id: w{n}, if: client.city == 'x{n}'}}\n", 3)},
    "a message of many braces": lambda: {"rules/a.yaml": many(lambda n: "    then: [{notify: hello}]\n"), NOTE: "{{client.city or 'x'}}\n" * 390},
    "a message of small braces": lambda: {"rules/a.yaml": many(lambda n: "    then: [{notify: hello}]\n"), NOTE: "{{1}}" * 950},
    "a message of brackets": lambda: {"rules/a.yaml": many(lambda n: "    then: [{notify: hello}]\n"), NOTE: "[" * 10_000},
    "a message of angles": lambda: {"rules/a.yaml": many(lambda n: "    then: [{notify: hello}]\n"), NOTE: "<a " * 3_300},
}  # fmt: skip


def seconds(files: dict[str, str]) -> float:
    """CPU time of a load: the best of three, after one that warms up. Run without coverage, whose tracing costs more."""
    load_workspace(files, STUDIO)
    took = []
    for _ in range(3):
        began = time.process_time()
        load_workspace(files, STUDIO)
        took.append(time.process_time() - began)
    return min(took)


@pytest.mark.parametrize("what", LONG)
def test_a_file_of_many_is_put_down_before_it_takes_a_tenth_of_a_second(what: str) -> None:
    text = LONG[what]()
    files = {"rules/a.yaml": text, NOTE: "Hello.\n"}
    assert len(text) <= FULL
    read = load(text, "rules/a.yaml", Most(MAX_VALUES, MAX_FOUND))
    values = sum(path[-1:] != (KEY,) for path in read.spots)
    assert values <= 3 * MAX_VALUES + MAX_DEPTH, "no more of it is read than a file may have"
    assert len(load_workspace(files, STUDIO).problems) <= 2 * (MAX_TOLD + 1)
    assert seconds(files) < MOST_SECONDS


@pytest.mark.parametrize("what", LEGAL)
def test_a_file_of_all_that_is_allowed_takes_less_than_a_tenth_of_a_second(what: str) -> None:
    files = {NOTE: "Hello.\n", **LEGAL[what]()}
    result = load_workspace(files, STUDIO)
    assert result.rulebook is not None, result.errors[:3]
    assert seconds(files) < MOST_SECONDS


def test_faults_are_told_as_many_as_are_read_and_how_many_more_there_are() -> None:
    result = load_workspace({"rules/a.yaml": LONG["the same key"]()}, STUDIO)
    assert [str(problem) for problem in result.problems[-2:]] == [
        "rules/a.yaml:31:1: the key 'a' stands twice (first on line 1); keep one of them",
        "rules/a.yaml:31:1: and 31 more in this file; mend these first, and check again",
    ]


def test_what_is_too_much_is_told_with_its_place_and_what_to_do() -> None:
    def told(text: str, **more: str) -> list[str]:
        return [str(problem) for problem in load_workspace({"rules/a.yaml": text, **more}, STUDIO).errors]

    rules = "rules:\n" + "".join(RULE.format(n, "stop: x") for n in range(MAX_UNITS + 1))
    assert told(rules) == ["rules/a.yaml:202:5: more than 40 rules in one file; put the rest into another file"]
    values = f"{ONE}    if:\n" + "      - client.city\n" * MAX_VALUES
    assert told(values) == ["rules/a.yaml:1003:9: the file has more than 1,000 values; split it into several files"]
    wordy = many(lambda n: f"    if: client.notes is containing '{'a b ' * 40}{n}'\n    then: [{{stop: x}}]\n")
    assert told(wordy) == [
        "rules/a.yaml:176:5: with what is run, the file has 3,060 words and signs; 3,000 are allowed down to here; put this and what is below it into another file"
    ]
    runs = many(lambda n: "    then: [{run: big}]\n")
    big = run_by("big", lambda n: f"      - {{notify: hello, id: w{n}}}\n", 60)
    (said,) = told(runs, **{"automations/a.yaml": big, NOTE: "Hello.\n"})
    assert said.startswith("rules/a.yaml:37:5: with what is run, the file has 1,016 values; 1,000 are allowed down to")
    chain = "automations:\n" + "".join(
        f"  - id: a{n}\n    title: T\n    then: [{{run: a{n + 1}}}]\n" for n in range(30)
    )
    chain += "  - id: a30\n    title: T\n    then: [{stop: x}]\n"
    said = told("rules:\n" + RULE.format(1, "run: a0"), **{"automations/a.yaml": chain})[0]
    assert "automations that run more than 20 others" in said


def test_a_message_that_is_long_and_said_in_many_ways_is_refused() -> None:
    ways = ("lead.created", "session.confirmed", "invoice.sent", "contract.sent", "quote.sent", "questionnaire.sent")
    rules = "rules:\n" + "".join(f"  - id: r{n}\n    title: T\n    when: {way}\n    then: [{{notify: hello}}]\n" for n, way in enumerate(ways))  # fmt: skip
    said = {"rules/a.yaml": rules, NOTE: "{{ client.city or 'x' }}\n" * 150}
    errors = [str(problem) for problem in load_workspace(said, STUDIO).errors]
    assert errors
    assert errors[0].startswith("automations/messages/hello.md:1:1: this is too much to say: 1,650 words and signs in braces, for 4 different situations")  # fmt: skip
    assert load_workspace({**said, NOTE: "{{ client.city or 'x' }}\n" * 50}, STUDIO).rulebook is not None
