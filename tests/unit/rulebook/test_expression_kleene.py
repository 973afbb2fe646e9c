"""Three-valued truth, the trace, and what a wrong type does (rule-language.md, Exact meaning 3)."""

from __future__ import annotations

import json
from itertools import product

import pytest
from tests.unit.facts.small_world import NORD, NOW, SmallWorld, at, client, invoice, message, payment, session

from selftimer.facts.event import Event
from selftimer.facts.records import Kind
from selftimer.facts.types import NUMBER, TEXT, enum_of
from selftimer.primitives.money import Money
from selftimer.rulebook.compiler import CompiledCondition, combine_all, combine_any, compile_condition
from selftimer.rulebook.condition import ConditionError, Truth
from selftimer.rulebook.names import Names

NAMES = Names.of(Kind.CLIENT, Kind.SESSION, Kind.INVOICE, event=Kind.SESSION, studio=NORD)
SAID = {True: "invoice.amount > 1", False: "invoice.amount < 1", None: "invoice.due_date < today"}
NO_DATE = SmallWorld().scope(invoice=invoice(due_date=None))
INVOICES = {("client", "client"), ("client", "invoice"), ("invoice", "payment")}
TRUTHS: list[Truth] = [True, False, None]


def judge(source: str | list[str], **names: object) -> Truth:
    return compile_condition(source, NAMES).judge(SmallWorld().scope(**names))


def kleene(word: str, left: Truth, right: Truth) -> Truth:
    final = word == "or"
    if final in {left, right}:
        return final
    return None if None in {left, right} else not final


@pytest.mark.parametrize(("word", "left", "right"), list(product(["and", "or"], TRUTHS, TRUTHS)))
def test_the_truth_tables_are_kleenes(word: str, left: Truth, right: Truth) -> None:
    source = f"({SAID[left]}) {word} ({SAID[right]})"
    condition = compile_condition(source, NAMES)
    assert condition.judge(NO_DATE) is kleene(word, left, right)
    assert condition.trace(NO_DATE)["is"] is kleene(word, left, right)


@pytest.mark.parametrize(("truth", "opposite"), [(True, False), (False, True), (None, None)])
def test_not_leaves_the_unknown_unknown(truth: Truth, opposite: Truth) -> None:
    assert compile_condition(f"not ({SAID[truth]})", NAMES).judge(NO_DATE) is opposite


@pytest.mark.parametrize(("parts", "joined"), list(product(product(TRUTHS, repeat=3), ["and", "or"])))
def test_a_list_means_all_or_any(parts: tuple[Truth, ...], joined: str) -> None:
    sources = [SAID[part] for part in parts]
    wanted = kleene(joined, kleene(joined, parts[0], parts[1]), parts[2])
    whole = compile_condition(sources, NAMES, join="and" if joined == "and" else "or")
    assert whole.judge(NO_DATE) is wanted
    combine = combine_all if joined == "and" else combine_any
    assert combine([compile_condition(source, NAMES) for source in sources]).judge(NO_DATE) is wanted


def test_null_alone_is_false_and_not_null_is_true() -> None:
    assert judge("client.last_session", client=client()) is False
    assert judge("not client.last_session", client=client()) is True
    assert judge("not invoice.disputed", invoice=invoice()) is True


def test_comparing_null_is_unknown_and_is_none_asks() -> None:
    assert judge("client.email == 'x'", client=client()) is None
    assert judge("client.email != 'x'", client=client()) is None
    assert judge("client.email is none", client=client()) is True
    assert judge("client.email is not none", client=client()) is False


def test_a_record_that_is_not_there_is_null_all_the_way() -> None:
    assert judge("session.start_at > now") is None
    assert judge("session.confirmed") is False
    assert judge("not session.confirmed") is True
    assert judge("session.invoice.balance is none") is True


def test_a_null_start_is_unknown() -> None:
    scope = SmallWorld().scope(client=client(), start=None)
    assert compile_condition("client.created_at < start", NAMES).judge(scope) is None


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("invoice.amount == 500", True),
        ("invoice.amount >= 499.99 and 500.01 > invoice.amount", True),
        ("invoice.amount - 100 == 400 and 100 + invoice.amount == 600", True),
        ("invoice.amount * 1.2 == 600 and invoice.amount / 3 == 166.67", True),
        ("invoice.amount / invoice.balance == 1", True),
        ("-invoice.amount < 0", True),
        ("100 < invoice.amount <= 500", True),
        ("invoice.balance == invoice.amount", True),
        ("client.invoices | count == 2", True),
        ("client.invoices | where(status='canceled') | count == 1", True),
        ("client.invoices | where(status='cancelled', outstanding=false) | count == 1", True),
        ("client.open_invoices | sum('balance') == 500", True),
        ("client.first_name | lower == 'anna'", True),
        ("client.first_name is containing 'NN'", True),
        ("client.type in ['lead', 'client'] and client.type not in ('other',)", True),
        ("client.created_at | days_ago == 151", True),
        ("invoice.due_date | days_until == 9", True),
        ("client.created_at | plus('1 year') | days_until == 214", True),
        ("invoice.due_date | plus('2 weeks') > today", True),
        ("invoice.canceled", False),
        ("session.cancelled", False),
        ("session.kind == 'family'", True),
        ("session == client.next_session", True),
        ("session != client.last_session", None),
    ],
)
def test_what_conditions_mean(source: str, wanted: Truth) -> None:
    anna, bill, booked = client(first_name="Anna"), invoice(), session()
    world = SmallWorld(anna, bill, booked, invoice("i2", status="canceled"))
    condition = compile_condition(source, NAMES)
    scope = world.scope(client=anna, invoice=bill, session=booked)
    assert condition.judge(scope) is wanted
    assert condition.trace(scope)["is"] is wanted


def test_no_decimals_are_read_in_the_currencys_own_units() -> None:
    yen = invoice()
    bill = type(yen)(id="i1", client_id="c1", status="unpaid", amount=Money(500, "jpy"))
    assert judge("invoice.amount == 500 and invoice.amount < 500.5", invoice=bill) is True


def test_days_are_counted_in_the_sessions_own_zone() -> None:
    late = session(timezone="Asia/Tokyo", start_at=at("2026-06-01T14:30Z"))  # 23:30 on the 1st there
    assert judge("session.start_at | days_until == 0", session=late) is True
    later = session(timezone="Asia/Tokyo", start_at=at("2026-06-01T15:30Z"))  # 00:30 on the 2nd
    assert judge("session.start_at | days_until == 1", session=later) is True
    assert judge("session.start_at | days_until == 0", session=session(start_at=at("2026-06-01T15:30Z"))) is True


def test_two_currencies_are_an_error_that_names_the_path() -> None:
    bill = invoice()
    world = SmallWorld(bill, payment(), client())
    dollars = type(bill)(id="i2", client_id="c1", status="unpaid", amount=Money(1, "usd"))
    world.records.append(dollars)
    condition = compile_condition("client.invoices | sum('amount') > 5", NAMES)
    scope = world.scope(client=client())
    with pytest.raises(ConditionError, match=r"client\.invoices: USD .* EUR|client\.invoices: EUR .* USD"):
        condition.judge(scope)
    trace = condition.trace(scope)
    assert trace["is"] == "error"
    assert "client.invoices" in trace["why"]


def test_dividing_by_zero_is_an_error() -> None:
    with pytest.raises(ConditionError, match=r"client\.invoices"):
        judge("5 / (client.invoices | count) > 1", client=client())


def test_a_value_of_the_wrong_type_is_an_error_that_names_the_path() -> None:
    with pytest.raises(ConditionError, match=r"client\.notes"):
        judge("client.notes is containing 'VIP'", client=client(notes=5))
    with pytest.raises(ConditionError, match=r"session\.start_at"):
        judge("session.start_at > now", session=session(start_at="tomorrow"))


def test_inputs_are_checked_when_they_are_looked_at() -> None:
    names = NAMES.plus(inputs={"times": NUMBER, "template": TEXT, "tone": enum_of("kind", "firm")})
    condition = compile_condition("inputs.times >= 2 and inputs.tone == 'firm'", names)
    world = SmallWorld()
    assert condition.judge(world.scope(inputs={"times": 2.0, "tone": "firm"})) is True
    assert condition.judge(world.scope(inputs={"tone": "firm"})) is None
    with pytest.raises(ConditionError, match=r"inputs\.times: is str, not a number"):
        condition.judge(world.scope(inputs={"times": "2", "tone": "firm"}))
    with pytest.raises(ConditionError, match=r"inputs\.times: is bool"):
        condition.judge(world.scope(inputs={"times": True, "tone": "firm"}))


def test_what_a_step_made_is_known_by_its_id() -> None:
    names = NAMES.plus(steps={"ask-them": Kind.INVOICE})
    condition = compile_condition("steps.ask_them.outstanding", names)
    assert condition.reads == {(Kind.INVOICE, Kind.INVOICE), (Kind.INVOICE, Kind.PAYMENT)}
    assert condition.judge(SmallWorld().scope(steps={"ask-them": invoice()})) is True
    assert condition.judge(SmallWorld().scope(steps={})) is False


def test_the_event_keeps_its_values() -> None:
    event = Event(
        name="session.rescheduled",
        kind=Kind.SESSION,
        record_id="s1",
        subject_kind=Kind.SESSION,
        subject_id="s1",
        client_id="c1",
        occurrence="x",
        at=at("2026-05-30T10:00Z"),
        seen_at=NOW,
        changed=("start_at",),
        before=session(start_at=at("2026-06-09T12:00Z")),
    )
    scope = SmallWorld().scope(event=event, session=session(), in_quiet_hours=True)
    for source in (
        "event.in_quiet_hours",
        "event.at | days_ago == 2",
        "event.changed is containing 'start_at'",
        "event.before.start_at < session.start_at",
        "event.before.confirmed",
    ):
        assert compile_condition(source, NAMES).judge(scope) is True, source
    assert compile_condition("event.before", NAMES).reads == frozenset()


def test_an_early_exit_looks_no_further() -> None:
    broken = client(notes=5, type="lead")
    assert judge("client.type == 'client' and client.notes is containing 'x'", client=broken) is False
    assert judge("client.type == 'lead' or client.notes is containing 'x'", client=broken) is True


def test_the_trace_tells_values_reasons_and_what_was_looked_at() -> None:
    source = "client.type == 'lead' and (client.email is containing 'x' or not client.sample) and client.active"
    condition = compile_condition(source, NAMES)
    trace = condition.trace(SmallWorld().scope(client=client(type="lead", status="archived")))
    assert trace["is"] is False
    kind, either, active = trace["parts"]
    assert (kind["is"], kind["value"]) == (True, "lead")
    assert either["is"] is True
    assert either["parts"][0]["why"] == "client.email is missing"
    assert (active["is"], active["value"]) == (False, False)
    json.dumps(trace)


def test_the_trace_says_which_step_of_a_path_is_missing() -> None:
    condition = compile_condition("client.last_session.invoice.balance > 5", NAMES)
    trace = condition.trace(SmallWorld().scope(client=client()))
    assert (trace["is"], trace["why"]) == (None, "client.last_session is missing")


def test_the_trace_shows_both_sides_of_a_comparison_and_records_by_id() -> None:
    anna, booked = client(), session()
    scope = SmallWorld(anna, booked).scope(client=anna, session=booked, invoice=invoice())
    trace = compile_condition("session == client.next_session", NAMES).trace(scope)
    assert trace["parts"] == [{"text": "session", "value": "s1"}, {"text": "client.next_session", "value": "s1"}]
    assert compile_condition("invoice.amount > 5", NAMES).trace(scope)["value"] == "500.00 EUR"
    assert compile_condition("invoice.due_date > today", NAMES).trace(scope)["parts"][0]["value"] == "2026-06-10"
    assert compile_condition("client.sessions", NAMES).trace(scope)["value"] == ["s1"]


def test_the_trace_of_not_and_of_an_error_inside() -> None:
    scope = SmallWorld().scope(client=client(notes=5))
    condition = compile_condition("not (client.sample or client.notes is containing 'x')", NAMES)
    trace = condition.trace(scope)
    assert trace["is"] == "error"
    assert "client.notes" in trace["why"]
    with pytest.raises(ConditionError):
        condition.judge(scope)


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        ("client.type == 'lead'", {("client", "client")}),
        ("client.replied or client.contacted", {("client", "client"), ("client", "conversation")}),
        (
            "client.last_session.invoice.balance > 5",
            {("client", "client"), ("client", "session"), ("session", "invoice"), ("invoice", "payment")},
        ),
        (
            "client.invoices | where(outstanding=true)",
            {("client", "client"), ("client", "invoice"), ("invoice", "payment")},
        ),
        ("client.invoices | sum('balance') > 5", {("client", "client"), ("client", "invoice"), ("invoice", "payment")}),
        ("event.in_quiet_hours and now > event.at", set()),
    ],
)
def test_a_condition_says_what_it_reads(source: str, reads: set[tuple[str, str]]) -> None:
    assert {(str(a), str(b)) for a, b in compile_condition(source, NAMES).reads} == reads


def test_a_condition_says_its_names_and_its_source() -> None:
    condition: CompiledCondition = compile_condition(["client.replied", " invoice.amount > 5 "], NAMES, join="or")
    assert condition.names == {"client.replied", "invoice.amount"}
    assert condition.source == "(client.replied) or (invoice.amount > 5)"


def test_combining_nothing_is_refused_and_one_is_itself() -> None:
    one = compile_condition("client.sample", NAMES)
    assert combine_all([one]) is one
    with pytest.raises(ValueError, match="nothing"):
        combine_any([])


def test_messages_are_looked_at_from_the_start_of_the_run() -> None:
    anna = client()
    world = SmallWorld(anna, message("m1", "2026-05-20T10:00Z"))
    until = compile_condition("client.replied or client.contacted", NAMES)
    assert until.judge(world.scope(client=anna, start=at("2026-05-19T10:00Z"))) is True
    assert until.judge(world.scope(client=anna, start=at("2026-05-21T10:00Z"))) is False


def test_a_long_condition_is_judged_like_a_short_one() -> None:
    source = " and ".join(f"(client.email != 'x{n}' or client.phone != 'y')" for n in range(12))
    assert judge(source, client=client()) is None
    assert judge(source, client=client(email="a", phone="b")) is True
    assert judge(source, client=client(email="x7", phone="y")) is False
