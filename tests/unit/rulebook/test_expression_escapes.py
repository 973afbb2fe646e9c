"""Nothing leads out of the language: attempts to escape, as conditions, as texts and as values that clients typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.facts.small_world import NORD, SmallWorld, client

from selftimer.facts.records import Kind
from selftimer.rulebook.compiler import compile_condition
from selftimer.rulebook.expression import ExpressionError, Fault
from selftimer.rulebook.loader import load_workspace
from selftimer.rulebook.names import Names
from selftimer.rulebook.printing import print_rules
from selftimer.rulebook.textcompile import compile_text

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = Names.of(Kind.CLIENT, Kind.SESSION, Kind.INVOICE, event=Kind.CLIENT, studio=NORD)
ATTEMPTS = [
    "client.__class__",
    "client.__class__.__mro__[1].__subclasses__()",
    "client.__init__.__globals__",
    "client.__slots__",
    "client._hidden",
    "client.email.__class__",
    "''.__class__.__mro__",
    "().__class__.__bases__[0]",
    "[].__class__",
    "{}.__class__",
    "client['__class__']",
    "client['email']",
    "client.email[0]",
    "client.email[:3]",
    "client.invoices[0].amount",
    "client.email.format(client)",
    "client.email.upper()",
    "'%s' % client",
    "'{0.__class__}'.format(client)",
    "client | attr('__class__')",
    "client | attr('email')",
    "client.invoices | map(attribute='amount')",
    "client.invoices | first",
    "client.email | list",
    "client | string",
    "client | pprint",
    "client | tojson",
    "lipsum(n=100000)",
    "range(10**9)",
    "cycler('a')",
    "joiner()",
    "namespace(a=1)",
    "self",
    "self._TemplateReference__context",
    "config",
    "request.application.__globals__",
    "get_flashed_messages.__globals__",
    "url_for.__globals__",
    "dict(a=1)",
    "'x' * 1000000000",
    "2 ** 100000",
    "10 // 3 == 3",
    "10 % 3 == 1",
    "client.email ~ client.phone == 'x'",
    "__import__('os').system('id')",
    "open('/etc/passwd').read()",
    "eval('1')",
    "exec('1')",
    "globals()",
    "s.world",
    "slow",
    "k0",
    "scope.world",
    "world.get('client', 'c1')",
    "studio.kinds",
    "studio.fallbacks",
    "client.invoices | where(__class__='x')",
    "client.invoices | where(**client)",
    "client.invoices | where(*client)",
    "client.invoices | sum('__class__')",
    "client.invoices | sum(attribute='amount')",
    "client.email is callable",
    "client is sameas client",
    "client.email is defined",
    "client.sample if client.active else client.archived",
    "lambda: 1",
    "client.email == 'a' 'b' and None.__class__",
    "(client.email, client.phone)",
    "{'a': 1}",
    "client.type == 'lead'; import os",
    "client.type == 'lead'\nimport os",
    "event.before.__class__",
    "event.after",
    "event.record_id",
    "client.replied()",
    "now.to_tz('UTC')",
    "client.created_at.timestamp",
    "invoice.amount.minor > 5",
    "client.notes is containing client",
    "client.email.__class__ == 'x' or client.sample",
    "client.first_name.encode",
    "client.session.invoice.client.__dict__",
    "event.before.email.__len__",
    "inputs.__class__",
    "steps.__class__",
    "start.__class__",
    "now.__reduce__",
    "unpaid.__len__",
    "unique",
    "loop",
    "caller",
    "varargs",
    "kwargs",
    "environment",
    "resolve('x')",
    "client['email'] | lower == 'x'",
    "client.email | replace('a', 'b') == 'x'",
    "client.email | format(client) == 'x'",
    "client.email | safe == 'x'",
    "client.email | escape == 'x'",
    "client.email | forceescape == 'x'",
    "client.email | xmlattr == 'x'",
    "client.email | lower() == client.email.__class__",
    "client.created_at | plus(client.email)",
    "client.created_at | plus('3 days' ~ client.email)",
    "client.invoices | groupby('status')",
    "client.invoices | selectattr('amount')",
    "client.invoices | sort(attribute='amount')",
    "client.invoices | batch(2)",
    "client.invoices | random",
    "client.invoices | count(client)",
    "client.\uff45\uff4d\uff41\uff49\uff4c.x",
    "client.\u005f\u005fclass\u005f\u005f",
    "client . __class__",
    "client.__class__ is none",
    "not client.__class__",
    "client.email in client.__class__",
    "client.email in ['x', client.__class__]",
    "(client).__class__",
    "(client.email).__class__",
    "(client.email | lower).__class__",
    "('a' | lower).__class__",
    "1.0.__class__",
    "true.__class__",
    "none.__class__",
    "client.email if true",
    'client.email == "\\x5f\\x5fclass\\x5f\\x5f".__class__',
    "%} {% set x = 1 %} {% if client.sample",
    "client.sample }}{{ client.__class__",
    "client.sample #} {{ client.__class__ }} {#",
]


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_no_condition_leads_out(attempt: str) -> None:
    with pytest.raises(ExpressionError):
        compile_condition(attempt, NAMES)


BROKEN = {"client.email == 'a' 'b' and None.__class__", "client.sample #} {{ client.__class__ }} {#"}
"""What is no single expression in a text."""


@pytest.mark.parametrize("attempt", [one for one in ATTEMPTS if one not in BROKEN])
def test_no_text_leads_out(attempt: str) -> None:
    with pytest.raises(ExpressionError):
        compile_text("{{ " + attempt + " }}", NAMES)


@pytest.mark.parametrize(
    "source",
    [
        "{% set x = client %}",
        "{% set x %}{{ client.email }}{% endset %}",
        "{% import 'x' as y %}",
        "{% from 'x' import y %}",
        "{% include '/etc/passwd' %}",
        "{% extends 'x' %}",
        "{% block a %}{% endblock %}",
        "{% macro a() %}{% endmacro %}",
        "{% call a() %}{% endcall %}",
        "{% filter upper %}x{% endfilter %}",
        "{% with a = 1 %}{% endwith %}",
        "{% for a, b in client.invoices %}{% endfor %}",
        "{% for client in client.invoices %}{% endfor %}",
        "{% for _ in client.invoices %}{% endfor %}",
        "{% for i in client.invoices recursive %}{{ loop(i) }}{% endfor %}",
        "{% for i in client.invoices if i.draft %}{% endfor %}",
        "{% for i in client.invoices %}{{ loop.index }}{% endfor %}",
        "{% for i in range(9) %}{% endfor %}",
        "{% for i in client.email %}{% endfor %}",
        "{% do client %}",
        "{% autoescape false %}{% endautoescape %}",
        "{% for i in client.invoices %}{% break %}{% endfor %}",
        "{{ client.email", "{% if client.sample %}", "{% endif %}", "{{ }}",
        "{% if client.sample %}" * 400 + "{% endif %}" * 400,
        "x" * 20_001,
    ],
)  # fmt: skip
def test_no_statement_but_if_and_for(source: str) -> None:
    with pytest.raises(ExpressionError):
        compile_text(source, NAMES)


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_what_a_client_typed_is_printed_or_dropped_but_never_read(attempt: str) -> None:
    hello = compile_text("Hi {{ client.first_name }}{% if client.notes %} ({{ client.notes }}){% endif %}", NAMES)
    typed = f"{{{{ {attempt} }}}}{{% if 1 %}}"
    text = hello.render(SmallWorld().scope(client=client(first_name=typed, notes=typed)))
    assert text == f"Hi there ({' '.join(typed.split())})"


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_no_rule_with_it_is_accepted_wherever_it_stands(attempt: str) -> None:
    """As each condition that a rule has, in a value of a step, in a sentence, and in a message."""
    for rule, words in _rules_with(attempt):
        text = print_rules([{"id": "r", "title": "T", "when": "session.confirmed", "then": [{"stop": "x"}], **rule}])
        files = {"rules/a.yaml": text, "automations/messages/hello.md": words}
        assert load_workspace(files, NORD).rulebook is None, text


def test_with_what_may_be_said_each_of_these_places_is_accepted() -> None:
    """So that what is refused above is refused for the attempt alone."""
    wanted = {"sort": "client.created_at", "repeat": "client.email", "set": "client.email", "send": "client.email"}
    for number, (rule, _) in enumerate(_rules_with("client.sample")):
        said = next((good for key, good in wanted.items() if f"'{key}'" in repr(rule)), "client.sample")
        mine, words = _rules_with(said)[number]
        text = print_rules([{"id": "r", "title": "T", "when": "session.confirmed", "then": [{"stop": "x"}], **mine}])
        loaded = load_workspace({"rules/a.yaml": text, "automations/messages/hello.md": words}, NORD)
        assert loaded.rulebook is not None, (text, [str(problem) for problem in loaded.errors])


def _rules_with(attempt: str) -> list[tuple[dict[str, Any], str]]:
    printed = "Hi " + "{{ " + attempt + " }}"
    found: list[tuple[dict[str, Any], str]] = [
        ({key: attempt}, "Hello.") for key in ("if", "until", "approve", "ignore_quiet_hours")
    ]
    found += [
        ({"then": [{"wait": "2 days", "or_until": attempt}]}, "Hello."),
        ({"then": [{"if": attempt, "then": [{"stop": "x"}]}]}, "Hello."),
        ({"when": f"becomes {attempt}"}, "Hello."),
        ({"lists": {"some": {"each": "client", "if": attempt}}}, "Hello."),
        ({"lists": {"some": {"each": "client", "sort": attempt}}}, "Hello."),
        ({"repeat": f"after 3 days per {attempt}"}, "Hello."),
    ]
    if attempt not in BROKEN:
        found += [
            ({"then": [{"update": "client", "set": {"notes": printed}}]}, "Hello."),
            ({"then": [{"send": "hello"}]}, printed),
        ]
    return found


SIGNS = "client.invoice()[]{}|~'\"%#*+-/<>=!_:, \n0123456789abctrue\\"
TAGS = ["{{", "}}", "{%", "%}", "if ", "for i in ", "endif", "client", ".first_name", " ", "\n", "x", "{#", "#}", "-"]


def complaints(compile_it: Callable[[], object]) -> tuple[Fault, ...]:
    try:
        compile_it()
    except ExpressionError as error:
        return error.faults
    return ()


@settings(max_examples=300, deadline=None)
@given(st.text(SIGNS, max_size=60) | st.text(max_size=40))
def test_any_line_is_compiled_or_refused_with_a_reason(source: str) -> None:
    for fault in complaints(lambda: compile_condition(source, NAMES)):
        assert fault.message
        assert 0 <= fault.offset <= len(source)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(TAGS)))
def test_any_text_is_compiled_or_refused_with_a_reason(pieces: list[str]) -> None:
    source = "".join(pieces)
    for fault in complaints(lambda: compile_text(source, NAMES)):
        assert fault.message
        assert 0 <= fault.offset <= len(source)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_no_value_breaks_its_line(typed: str) -> None:
    template = compile_text("a{{ client.first_name }}b{{ client.notes or '' }}c", NAMES)
    text = template.render(SmallWorld().scope(client=client(first_name=typed, notes=typed)))
    assert len(text.splitlines()) == 1
    assert text.startswith("a")
    assert text.endswith("c")
