"""The starter workspace: it loads without a word, and says what a photographer would be glad to send."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from selftimer.facts.world import StudioFacts
from selftimer.primitives.time import Span, Time, check_zone
from selftimer.rulebook.files import read_workspace
from selftimer.rulebook.lint_walk import effects_of
from selftimer.rulebook.loader import LoadResult, load_workspace
from selftimer.rulebook.model import NotifyStep, Rule, SendStep, WaitStep

ROOT = Path(__file__).resolve().parents[3]


def studio() -> StudioFacts:
    settings = tomllib.loads((ROOT / "selftimer.toml").read_text(encoding="utf-8"))
    own = settings["studio"]
    return StudioFacts(
        zone=check_zone(own["time_zone"]),
        kinds={name: tuple(patterns) for name, patterns in settings["kinds"].items()},
        fallbacks=settings["fallbacks"],
        **{name: own[name] for name in ("name", "owner", "signature", "country", "currency", "locale")},
        **{name: own[name] for name in ("phone", "email", "website", "review_link")},
    )


@pytest.fixture(scope="module")
def starter() -> LoadResult:
    return load_workspace(read_workspace(ROOT), studio())


def rule(starter: LoadResult, name: str) -> Rule:
    assert starter.rulebook is not None
    return starter.rulebook.rules[name]


def sent(rule: Rule) -> list[str | None]:
    return [e.step.words for entry in rule.entries for e in effects_of(entry) if isinstance(e.step, SendStep)]


def test_it_loads_with_no_error_and_no_warning(starter: LoadResult) -> None:
    assert [str(problem) for problem in starter.problems] == []
    assert starter.rulebook is not None


def test_a_lead_is_answered_once_per_address_in_thirty_days(starter: LoadResult) -> None:
    answer = rule(starter, "lead-answer")

    assert (answer.repeat.after, answer.repeat.per) == (Span(30, "days"), ("client", "email"))
    assert answer.late == Span(12, "hours")
    assert not isinstance(answer.ignore_quiet_hours, bool)


def test_a_silent_lead_is_written_to_on_days_2_5_and_12_and_the_last_needs_a_yes(starter: LoadResult) -> None:
    follow = rule(starter, "lead-follow-up")
    steps = follow.entries[0].steps

    assert [str(step.span) for step in steps if isinstance(step, WaitStep)] == ["2 days", "5 days", "12 days"]
    sends = [step for step in steps if isinstance(step, SendStep)]
    assert [step.approve for step in sends] == [False, False, True]
    assert sends[-1].late == Span(3, "days")
    assert follow.until is not None
    assert {"client.replied", "client.contacted"} <= follow.until.names


def test_invoices_are_reminded_of_six_times_and_the_last_needs_a_yes(starter: LoadResult) -> None:
    reminders = rule(starter, "invoice-reminders")

    assert [entry.id.replace(" invoice.due_date at 10:00", "") for entry in reminders.entries] == [
        "7 days before", "3 days before", "on", "3 days after", "7 days after", "14 days after",
    ]  # fmt: skip
    assert [entry.steps[0].approve for entry in reminders.entries] == [False] * 5 + [True]


def test_sessions_are_reminded_of_at_nine(starter: LoadResult) -> None:
    reminders = rule(starter, "session-reminders")

    assert {getattr(trigger, "at", None) for entry in reminders.entries for trigger in entry.triggers} == {Time(9, 0)}
    assert sent(reminders) == ["session-week", "session-tomorrow"]


def test_marketing_is_only_the_offer_after_eleven_months(starter: LoadResult) -> None:
    assert starter.rulebook is not None
    assert [name for name, one in starter.rulebook.rules.items() if one.purpose == "marketing"] == ["rebook"]
    assert rule(starter, "review").repeat.once
    assert rule(starter, "review").repeat.per == ("client",)


def test_no_two_rules_send_the_same_words(starter: LoadResult) -> None:
    assert starter.rulebook is not None
    names = [name for one in starter.rulebook.rules.values() for name in set(sent(one))]
    texts = [words.body.source for words in starter.rulebook.words.values()]

    assert len(names) == len(set(names))
    assert len(texts) == len(set(texts))


def test_reminders_of_money_name_the_invoice_and_nothing_else_does(starter: LoadResult) -> None:
    assert starter.rulebook is not None
    money = set(sent(rule(starter, "invoice-reminders")))

    for name, words in starter.rulebook.words.items():
        assert ("invoice.invoice_number" in words.body.source) == (name in money), name


def test_messages_greet_by_name_and_are_signed_by_the_studio_only(starter: LoadResult) -> None:
    assert starter.rulebook is not None
    effects = [e.step for one in starter.rulebook.rules.values() for entry in one.entries for e in effects_of(entry)]
    notes = {step.words for step in effects if isinstance(step, NotifyStep)}

    for name, words in starter.rulebook.words.items():
        if name not in notes:
            assert words.body.source.startswith("Hi {{ client.first_name }},\n\n"), name
            assert "studio.owner" not in words.body.source, "the signature stands under every message already"


def test_the_wording_is_clean(starter: LoadResult) -> None:
    assert starter.rulebook is not None
    for name, words in starter.rulebook.words.items():
        text = words.body.source
        assert not re.search(r"[ \t]+\n|\n{3,}|  +|!!|\s[,.;:?!](?!\w)", text), name
        assert "TODO" not in text
        assert len(text) < 1_000, name
