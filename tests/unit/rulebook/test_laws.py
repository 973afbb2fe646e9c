"""Laws of the loader: what is printed reads as itself, nothing makes it fall over, nothing takes it long.

LANGUAGE_ROUNDS=2000 tries more, and files of the full size.
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
from selftimer.rulebook.loader import compile_source, load_workspace
from selftimer.rulebook.models import RuleSource
from selftimer.rulebook.printing import print_data, print_rules
from selftimer.rulebook.source import Place, read_source
from selftimer.rulebook.yaml12 import Document, load

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]
ROUNDS = int(os.environ.get("LANGUAGE_ROUNDS", "0"))
FULL = 256 * 1024
SIZE = FULL if ROUNDS else FULL // 4
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

RULE = "  - id: r{0:06}\n    title: T\n    when: session.confirmed\n    then:\n      - {1}\n"
ONE = "rules:\n  - id: r\n    title: T\n    when: manual\n    then: [{stop: x}]\n"


def filled(head: str, unit: Callable[[int], str]) -> str:
    return head + "".join(unit(number) for number in range((SIZE - len(head)) // len(unit(100_000))))


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
    "a series": lambda: filled("rules:\n  - id: r\n    if: session.confirmed\n    then:\n", lambda n: f"      - when: {n % 9999 + 1} days before session.start_at at 09:00\n        id: e{n:06}\n        notify: hello\n"),
    "steps": lambda: filled("rules:\n  - id: r\n    when: manual\n    then:\n", lambda n: f"      - notify: hello\n        id: e{n:06}\n"),
    "aliases": lambda: filled("", lambda n: "- *a\n"),
    "braces": lambda: filled("rules:\n", lambda n: "- a: {{ x }}\n"),
    "quotes": lambda: filled("", lambda n: "a: 'x' y\n"),
    "brackets": lambda: "rules: " + "[" * (SIZE - 7),
    "brackets of a condition": lambda: f"{ONE}    if: " + "(" * (SIZE - 100),
    "blanks": lambda: " " * SIZE,
    "dashes": lambda: "- " * (SIZE // 2),
    "a long word": lambda: "x" * SIZE,
}  # fmt: skip


@pytest.mark.parametrize("what", LONG)
def test_a_file_of_many(what: str) -> None:
    """None of them takes for ever: the bound is one of hanging (run without coverage, whose tracing costs more)."""
    files = {"rules/a.yaml": LONG[what](), "automations/messages/hello.md": "Hello.\n"}
    began = time.process_time()
    load_workspace(files, STUDIO)
    assert time.process_time() - began < 4 * SIZE / FULL
