"""Nothing leads out of the language: attempts to escape, as conditions, as texts and as values that clients typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.facts.small_world import NORD, SmallWorld, client

from selftimer.facts.records import Kind
from selftimer.rulebook.compiler import compile_condition
from selftimer.rulebook.expression import ExpressionError, Fault
from selftimer.rulebook.names import Names
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
]


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_no_condition_leads_out(attempt: str) -> None:
    with pytest.raises(ExpressionError):
        compile_condition(attempt, NAMES)


@pytest.mark.parametrize("attempt", [one for one in ATTEMPTS if one != "client.email == 'a' 'b' and None.__class__"])
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
