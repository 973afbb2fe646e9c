"""The law over all that conditions can say: compiled, traced, and read a second time from the specification."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from chaos.expressions import EACH, judge, run
from chaos.reference import law, product
from chaos.reference.situations import situation
from tests.unit.facts.small_world import SmallWorld, at, client, invoice, session

from selftimer.facts.records import Kind
from selftimer.facts.types import NUMBER
from selftimer.primitives.money import Money
from selftimer.rulebook.compiler import compile_condition
from selftimer.rulebook.condition import ConditionError
from selftimer.rulebook.names import Names

NAMES = Names.of(Kind.CLIENT, Kind.SESSION, Kind.INVOICE)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_compiled_traced_and_reference_agree_on_whatever_is_accepted_and_nothing_leads_out(seed: int) -> None:
    result = run(seed)
    assert result.violations == ()
    assert result.count == EACH
    for met in ("true", "false", "unknown", "error", "escapes"):
        assert result.notes[met] > 5, f"{met} is hardly met"


def test_a_seed_says_the_same_again() -> None:
    assert judge(11, 30) == judge(11, 30)
    assert judge(11, 30).trace != judge(12, 30).trace


def test_a_condition_that_means_something_else_is_told() -> None:
    here = situation(random.Random(4), "client")
    wrong = compile_condition("not studio.name == 'Studio Nord'", product.names("client"))
    told = law.compared("studio.name == 'Studio Nord'", wrong, here)
    assert told.outcome == "true"
    assert "compiled it is false" in (told.violation or "")
    assert "traced it is false" in (told.violation or "")


def test_an_escape_that_is_accepted_is_told() -> None:
    assert "is accepted as a condition" in (law.escaped("client.sample", "client") or "")


# --- what the law found -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        "client.invoices | where(due_date=today) | sum('amount') > 50",
        "client.invoices | where(disputed=false) | where(due_date=today) | count == 1",
        "client.sessions | where(duration=30) | sum('duration') == 0 or client.sample",
    ],
)
def test_lists_chosen_by_what_may_be_missing_can_be_summed(source: str) -> None:
    """Python refuses an assignment where a comprehension begins, and the loader failed over it."""
    condition = compile_condition(source, NAMES)
    due_today = invoice("i1", "60", due_date=SmallWorld().scope().today)
    world = SmallWorld(client(), due_today, invoice("i2", due_date=None))
    scope = world.scope(client=client())
    assert condition.judge(scope) is condition.trace(scope)["is"] is True


def test_an_error_on_the_left_is_an_error_though_an_amount_on_the_right_is_missing() -> None:
    """The compiled form looked at the amount first, said unknown, and `explain` said error of the same condition."""
    condition = compile_condition("invoice.amount / 0 / invoice.amount < session.invoice.balance", NAMES)
    scope = SmallWorld().scope(invoice=invoice(), session=session(invoice_id=None))
    assert condition.trace(scope)["is"] == "error"
    with pytest.raises(ConditionError):
        condition.judge(scope)
    beside = compile_condition("session.duration < session.invoice.balance", NAMES)
    assert beside.judge(scope) is None


@pytest.mark.parametrize(("left", "right", "wanted"), [(60, "60", False), (59, "60", True), (61, "60", False)])
def test_a_number_stands_before_an_amount_as_it_stands_behind_one(left: int, right: str, wanted: bool) -> None:
    condition = compile_condition("session.duration < invoice.amount", NAMES)
    scope = SmallWorld().scope(session=session(duration=left), invoice=invoice(amount=right))
    assert condition.judge(scope) is wanted


def test_a_choice_in_error_is_an_error_though_what_stands_before_it_is_unknown() -> None:
    """The compiled form left out the record as soon as one thing was unknown, where `explain` went on to the error."""
    names = Names.of(Kind.CLIENT, Kind.INVOICE)
    condition = compile_condition("client.invoices | where(disputed=true, amount=invoice.amount) | count > 0", names)
    dollars = invoice("i2", amount="5")
    world = SmallWorld(client(), replace(dollars, amount=Money(500, "usd")), readable=False)
    scope = world.scope(client=client(), invoice=invoice())
    assert condition.trace(scope)["is"] == "error"
    with pytest.raises(ConditionError):
        condition.judge(scope)


def test_why_a_condition_is_unknown_is_told_though_a_part_that_was_not_looked_at_is_in_error() -> None:
    """The trace read that part for its reason, and broke what asked for it."""
    names = Names.of(Kind.CLIENT, Kind.SESSION, inputs={"many": NUMBER})
    condition = compile_condition("client.sessions | sum('duration') - inputs.many > client.silent_days", names)
    world = SmallWorld(client(), session(duration=None))
    scope = world.scope(client=client(), inputs={"many": "seven"})
    assert condition.judge(scope) is None
    assert condition.trace(scope)["is"] is None
    assert condition.trace(scope)["why"] == "client.silent_days is missing"


def test_a_zone_that_nobody_knows_is_an_error_wherever_it_stands() -> None:
    """The compiled form looked at the cheaper part first and said false, where `explain` said error."""
    source = "session.start_at | days_ago > 3 and client.sample"
    condition = compile_condition(source, NAMES)
    lost = session(timezone="Mars/Olympus", start_at=at("2026-05-01T10:00Z"))
    scope = SmallWorld().scope(client=client(sample=False), session=lost)
    assert condition.trace(scope)["is"] == "error"
    with pytest.raises(ConditionError, match=r"session\.start_at"):
        condition.judge(scope)
