"""The law: the generated function, its trace and a slow second reading of the language agree on everything."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.facts.small_world import NOW, SmallWorld
from tests.unit.rulebook import reference
from tests.unit.rulebook.reference import Expr, Failed
from whenever import Date

from selftimer.facts.records import Client, Invoice, Kind, Message, Payment, Record, Session
from selftimer.primitives.money import Money
from selftimer.rulebook.compiler import combine_all, combine_any, compile_condition
from selftimer.rulebook.condition import ConditionError
from selftimer.rulebook.expression_eval import Run
from selftimer.rulebook.names import Names
from selftimer.rulebook.scope import Scope  # noqa: TC001 - hypothesis looks at it

SIGNS = st.sampled_from(["+", "-", "*", "/"])
NAMES = Names.of(Kind.CLIENT, Kind.SESSION, Kind.INVOICE)
TODAY = NOW.to_tz("Europe/Berlin").date()

# --- records ----------------------------------------------------------------------------------------------------------

instants = st.integers(-3000, 3000).map(lambda hours: NOW.add(hours=hours))
dates = st.integers(-60, 60).map(lambda days: TODAY.add(days=days))
texts = st.sampled_from(["", "VIP", "a vip friend", "Anna", "anna", "Berlin"])
amounts = st.builds(Money, st.sampled_from([0, 5000, 5001, 12345]), st.sampled_from(["eur", "eur", "eur", "usd"]))


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


clients = st.builds(
    Client,
    id=st.just("c1"),
    type=st.sampled_from(["client", "lead", "other"]),
    status=st.sampled_from(["active", "archived"]),
    first_name=maybe(texts),
    notes=maybe(texts),
    city=maybe(texts),
    created_at=maybe(instants),
    sample=st.booleans(),
)
sessions = st.builds(
    Session,
    id=st.sampled_from(["s1", "s2", "s3"]),
    client_id=st.just("c1"),
    status=st.sampled_from(["inquiry", "pending", "confirmed", "canceled"]),
    start_at=maybe(instants),
    end_at=maybe(instants),
    timezone=st.sampled_from([None, "Asia/Tokyo", "America/New_York"]),
    duration=maybe(st.sampled_from([30, 60, 90])),
    type_name=maybe(st.sampled_from(["Family x", "Big wedding", "Headshot"])),
    invoice_id=st.sampled_from([None, "i1", "i2"]),
)
invoices = st.builds(
    Invoice,
    id=st.sampled_from(["i1", "i2"]),
    client_id=st.just("c1"),
    status=st.sampled_from(["draft", "unpaid", "partially_paid", "paid", "canceled"]),
    amount=amounts,
    invoice_number=maybe(st.just("7")),
    due_date=maybe(dates),
)
payments = st.builds(
    Payment,
    id=st.sampled_from(["p1", "p2"]),
    invoice_id=st.sampled_from(["i1", "i2"]),
    client_id=st.just("c1"),
    status=st.sampled_from(["completed", "disputed", "partially_refunded"]),
    amount=amounts,
    payment_date=maybe(instants),
)
messages = st.builds(
    Message,
    id=st.sampled_from(["m1", "m2"]),
    conversation_id=st.just("t1"),
    client_id=st.just("c1"),
    content=st.just("Hello"),
    sent_at=maybe(instants),
    sender_type=st.sampled_from(["client", "photographer"]),
)


@st.composite
def scopes(draw: st.DrawFn) -> Scope:
    records: list[Record] = []
    seen: set[tuple[type, str]] = set()
    for record in draw(st.lists(sessions | invoices | payments | messages, max_size=6)):
        if (type(record), record.id) not in seen:
            seen.add((type(record), record.id))
            records.append(record)
    client = draw(maybe(clients))
    world = SmallWorld(*records, *([client] if client else []), readable=draw(st.booleans()))
    first = {kind: next((r for r in records if isinstance(r, kind)), None) for kind in (Session, Invoice)}
    return world.scope(client=client, session=first[Session], invoice=first[Invoice], start=draw(maybe(instants)))


# --- expressions ------------------------------------------------------------------------------------------------------


def paths(*names: str) -> st.SearchStrategy[Expr]:
    return st.sampled_from([("path", name) for name in names])


def consts(*values: object) -> st.SearchStrategy[Expr]:
    return st.sampled_from([("const", value) for value in values])


DAYS = st.sampled_from(["days_ago", "days_until"])
ORDER = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
NEEDLES = st.sampled_from(["VIP", "family"])
WORD = st.sampled_from(["and", "or"])
EQUAL = st.sampled_from(["==", "!="])
text_paths = paths("client.first_name", "client.notes", "client.city", "session.kind", "client.last_session.kind")
instant_paths = paths(
    "now", "start", "client.created_at", "session.start_at", "invoice.last_payment_at", "client.last_session.end_at"
)
date_paths = paths("today", "invoice.due_date", "client.last_session.invoice.due_date", "session.invoice.due_date")
record_paths = paths("session", "client.last_session", "client.next_session")
list_paths = paths("client.invoices", "client.open_invoices")
flags = paths(
    "client.sample", "client.active", "client.replied", "client.contacted", "session.confirmed", "invoice.unpaid",
    "invoice.outstanding", "invoice.disputed", "session.invoice.outstanding", "session.ended",
)  # fmt: skip
counted = st.builds(
    lambda item: ("count", item),
    list_paths
    | st.builds(lambda item, word: ("where", item, "status", word), list_paths, st.sampled_from(["paid", "unpaid"])),
)
numbers = (
    paths("session.duration", "client.silent_days")
    | counted
    | st.builds(lambda name, item: (name, item), DAYS, instant_paths | date_paths)
)
money_paths = paths(
    "invoice.amount", "invoice.balance", "session.invoice.balance", "client.last_session.invoice.amount"
)
plain_numbers = consts(0, 1, 30, 50, 50.01, 60.5)
amounts_said = (
    money_paths
    | st.builds(
        lambda op, left, right: ("arith", op, left, right),
        st.sampled_from(["+", "-", "*", "/"]),
        money_paths,
        consts(2, 0.5, 0),
    )
    | st.builds(lambda item: ("sum", item, "balance"), list_paths)
)
numbers_said = numbers | st.builds(
    lambda op, left, right: ("arith", op, left, right),
    st.sampled_from(["+", "-", "*", "/"]),
    numbers,
    numbers | consts(2, 0, 1.5),
)


def compared(op: st.SearchStrategy[str], left: Any, right: Any) -> st.SearchStrategy[Expr]:
    return st.builds(lambda sign, one, other: ("cmp", sign, one, other), op, left, right)


atoms = st.one_of(
    st.builds(lambda item: ("alone", item), flags | record_paths | list_paths | instant_paths),
    st.builds(lambda item: ("none", item), text_paths | instant_paths | date_paths | money_paths | record_paths),
    compared(EQUAL, text_paths, text_paths | consts("Anna", "family")),
    compared(EQUAL, st.builds(lambda item: ("lower", item), text_paths), consts("anna")),
    compared(EQUAL, paths("client.type"), consts("lead", "client")),
    compared(EQUAL, record_paths, record_paths),
    compared(EQUAL, flags, consts(True, False)),
    compared(ORDER, instant_paths, instant_paths),
    compared(ORDER, date_paths, date_paths),
    compared(ORDER, numbers_said, numbers | plain_numbers),
    compared(ORDER, amounts_said, amounts_said | plain_numbers),
    compared(ORDER, plain_numbers, money_paths),
    st.builds(lambda item: ("in", item, ("Anna", "family")), text_paths),
    st.builds(lambda item: ("in", item, ("lead", "other")), paths("client.type")),
    st.builds(
        lambda item, text: ("contains", item, text),
        text_paths | paths("client.kinds"),
        st.sampled_from(["VIP", "family"]),
    ),
)
expressions = st.recursive(
    atoms,
    lambda inner: (
        st.builds(lambda item: ("not", item), inner)
        | st.builds(lambda word, parts: (word, *parts), WORD, st.lists(inner, min_size=2, max_size=4))
    ),
    max_leaves=8,
)


def outcome(judge: Any) -> bool | str | None:
    try:
        found: bool | None = judge()
    except (ConditionError, Failed):
        return "error"
    assert found in {True, False, None}
    return found


@settings(max_examples=400, deadline=None)
@given(expressions, st.lists(scopes(), min_size=1, max_size=3))
def test_code_trace_and_reference_agree(expr: Expr, worlds: list[Scope]) -> None:
    condition = compile_condition(reference.source(expr), NAMES)
    for scope in worlds:
        wanted = outcome(lambda scope=scope: reference.judge(expr, scope))
        assert outcome(lambda scope=scope: condition.judge(scope)) == wanted
        assert outcome(lambda scope=scope: Run(scope).judge(condition.tree)) == wanted
        assert condition.trace(scope)["is"] == wanted


@settings(max_examples=60, deadline=None)
@given(st.lists(expressions, min_size=1, max_size=4), scopes())
def test_several_conditions_in_one_function_are_their_kleene_and_or_or(exprs: list[Expr], scope: Scope) -> None:
    compiled = [compile_condition(reference.source(expr), NAMES) for expr in exprs]
    every, any_ = ("and", *exprs), ("or", *exprs)
    assert outcome(lambda: combine_all(compiled).judge(scope)) == outcome(lambda: reference.judge(every, scope))
    assert outcome(lambda: combine_any(compiled).judge(scope)) == outcome(lambda: reference.judge(any_, scope))


@settings(max_examples=60, deadline=None)
@given(expressions, scopes())
def test_what_a_condition_says_is_present_is_present_when_it_holds(expr: Expr, scope: Scope) -> None:
    condition = compile_condition(reference.source(expr), NAMES)
    if outcome(lambda: condition.judge(scope)) is True:
        for path in condition.present:
            assert reference.evaluate(("path", path), scope)[0] is not None


@settings(max_examples=60, deadline=None)
@given(expressions)
def test_a_condition_written_out_from_its_tree_means_the_same(expr: Expr) -> None:
    condition = compile_condition(reference.source(expr), NAMES)
    again = compile_condition(condition.tree.text, NAMES)
    assert again.tree.text == condition.tree.text
    assert again.reads == condition.reads


def test_dates_are_dates() -> None:
    assert Date(2026, 6, 1) == TODAY
