"""Checks of what rules come to: that can't happen, that goes on too long, that happens twice or for ever."""

# ruff: noqa: E501 - one fault and its whole sentence to a line

from __future__ import annotations

from dataclasses import replace
from textwrap import dedent, indent

import pytest

from selftimer.facts.world import StudioFacts
from selftimer.rulebook.loader import load_workspace

STUDIO = StudioFacts(
    name="Studio Nord", zone="Europe/Berlin", currency="eur", owner="Kim", kinds={"wedding": ("*wedding*",), "family": ("*family*",)}
)  # fmt: skip
WORDS = {"hello": "Hello.\n", "again": "Hello again.\n", "note": "A note.\n"}


def told(*bodies: str, studio: StudioFacts = STUDIO) -> list[str]:
    """What is said of rules a, b, c with these bodies, without the file's name."""
    text = "rules:\n"
    for name, body in zip("abc", bodies, strict=False):
        text += f"  - id: {name}\n    title: T\n" + indent(dedent(body).strip("\n"), "    ") + "\n"
    files = {f"automations/messages/{name}.md": words for name, words in WORDS.items() if f": {name}" in text}
    problems = load_workspace({**files, "rules/a.yaml": text}, studio).problems
    return [str(problem).removeprefix("rules/a.yaml:") for problem in problems]


SEND = "then:\n  - send: hello"


# --- never -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("when: session.confirmed\nif: session.canceled", "session.confirmed finds session.status as confirmed"),
        ("when: session.ended\nif: session.status in ['inquiry', 'declined']", "session.ended finds session.status as confirmed"),
        ("when: lead.converted\nif: client.type == 'lead'", "lead.converted finds client.type as client"),
        ("when: contract.signed\nif: contract.outstanding", "contract.signed finds contract.status as signed"),
        ("when: invoice.paid\nif: invoice.outstanding", "invoice.paid finds invoice.outstanding as not yes"),
        ("when: session.requested\nif: session.confirmed and client.last_session", "session.requested finds session.status as inquiry"),
        ("when: session.confirmed\nif: [session.kind == 'wedding', session.kind == 'family']", "its conditions want two things of session.kind at once"),
        ("when: manual\nif: client.next_session and not client.next_session", "its conditions want two things of client.next_session at once"),
        ("when: manual\nif: client.email is none or client.email == 'x'", ""),
        ("when: client.archived\nif: client.next_session", "archived clients are left out of every rule"),
        ("when: contract.signed\nuntil: contract.signed or client.replied", "'until: contract.signed or client.replied' holds already when contract.signed happens"),
    ],
)  # fmt: skip
def test_a_rule_that_can_never_happen(body: str, why: str) -> None:
    said = [one for one in told(f"{body}\nthen:\n  - stop: x") if "never" in one]
    assert len(said) == bool(why)
    if why:
        assert said[0].startswith(f"2:5: warning: this never happens: {why}")


@pytest.mark.parametrize(
    "body",
    [
        "when: session.confirmed\nif: session.confirmed and session.start_at > now",
        "when: [session.confirmed, session.canceled]\nif: session.kind == 'wedding' or session.kind == 'family'",
        "when: lead.created\nif: client.type in ['lead', 'other'] and not client.next_session",
        "when: session.confirmed\nif: session.kind != 'wedding' and session.kind != 'family'",
        "when: session.requested\nuntil: session.confirmed or session.canceled",
        "when: client.archived\ninclude: archived",
        "when: contract.sent\nif: contract.outstanding and not contract.viewed\nuntil: contract.signed",
        "when: manual\nif: (client.next_session or client.last_session) and not (client.next_session and client.last_session)",
    ],
)
def test_what_can_happen_is_left_alone(body: str) -> None:
    assert [one for one in told(f"{body}\nthen:\n  - stop: x") if "never" in one] == []


def test_a_step_that_is_never_done() -> None:
    assert told("when: session.confirmed\nif: session.kind == 'wedding'\nthen:\n  - send: hello\n    if: session.kind == 'family'") == [
        "7:9: warning: this is never done: what has to hold for it wants two things of session.kind at once; mend its 'if', or take it out"
    ]  # fmt: skip


# --- goes on ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("begin", "kind", "why"),
    [
        ("when: invoice.sent", "invoice", "it is paid"),
        ("when: contract.sent", "contract", "it is signed"),
        ("when: questionnaire.sent", "questionnaire", "it is filled in"),
        ("when: quote.sent", "quote", "it is answered"),
    ],
)
def test_a_reminder_that_doesnt_ask_whether_it_is_done(begin: str, kind: str, why: str) -> None:
    body = f"{begin}\n{{guard}}\nthen:\n  - wait: 7 days\n  - send: hello"
    assert told(body.format(guard="until: client.replied")) == [
        f"8:9: warning: this goes out even if {why} by then; add 'if: {kind}.outstanding' to the rule"
    ]
    assert told(body.format(guard=f"if: {kind}.outstanding")) == []
    assert told(body.format(guard=f"until: not {kind}.outstanding")) == []


def test_a_moment_after_a_contract_went_out() -> None:
    body = "when: 3 days after contract.sent_at at 10:00\nif: {}\nthen:\n  - send: hello"
    assert told(body.format("client.next_session")) == [
        "7:9: warning: this goes out even if it is signed by then; add 'if: contract.outstanding' to the rule"
    ]
    assert told(body.format("contract.outstanding")) == []


@pytest.mark.parametrize("asked", ["contract.sent", "contract.status == 'sent'"])
def test_35_sent_as_what_has_to_go_on_holding(asked: str) -> None:
    moment = f"when: 3 days after contract.sent_at at 10:00\nif: {asked}\nthen:\n  - send: hello"
    assert told(moment) == [
        f"2:5: warning: {asked!r} is false as soon as the client has looked at it; contract.outstanding is meant"
    ]
    at_once = f"when: contract.sent\nif: {asked}\nthen:\n  - notify: note"
    assert told(at_once) == []


def test_30_a_step_that_changes_what_the_rules_own_if_asks() -> None:
    body = "when: session.confirmed\nif: client.type == 'lead'\nthen:\n  - update: client\n    set: {type: client}\n"
    assert told(body) == []
    (said,) = told(body + "  - send: hello")
    assert said.startswith(
        "7:9: warning: this changes client.type, which the rule's own 'if' asks: the steps after it may not be done"
    )


def test_30_an_invoice_of_ours_opens_what_was_not_open() -> None:
    body = "when: session.confirmed\nif: not client.open_invoices\nthen:\n  - create: invoice\n    items: [{name: Fee, amount: 50}]\n"
    (said,) = told(body + "  - send: hello")
    assert "this changes client.open_invoices" in said
    assert told(body + "    draft: true\n  - send: hello") == []


# --- to many ---------------------------------------------------------------------------------------------------------


def test_15_a_mailing_says_what_it_is() -> None:
    body = "when: every month at 08:00\nfor_each: client\nif: client.type == 'client'\n{}then:\n  - send: hello"
    assert told(body.format("")) == [
        "8:9: warning: this goes to many clients at one time, and counts as service; say 'purpose: marketing' or 'purpose: service'"
    ]
    assert told(body.format("purpose: service\n")) == []


def test_16_what_limits_put_off_needs_time() -> None:
    body = "when: on 2026-04-01 at 10:00\nfor_each: client\nif: client.type == 'client'\npurpose: marketing\nlimits: {{per_day: 30}}\n{}then:\n  - send: hello"
    assert told(body.format("")) == [
        "10:9: warning: what 'limits' puts off is dropped after 24 hours; add 'late: 14 days' to the rule, long enough for all of them"
    ]
    assert told(body.format("late: 14 days\n")) == []


COUPON = "when: 11 months after session.start_at at 10:00\nif: session.confirmed\n{}then:\n  - create: coupon\n    code: 'B-{{{{ unique }}}}'\n    discount: 10%\n    uses: 1\n    expires: 60 days\n  - send: hello"


def test_39_a_coupon_is_in_vain_where_its_message_is_held_too_long() -> None:
    assert told(COUPON.format("purpose: marketing\n")) == [
        "13:9: warning: caps on marketing can hold this for days, and with 'late: 24 hours' the coupon is made in vain; add 'late: 7 days' to the rule, or more"
    ]
    assert told(COUPON.format("purpose: marketing\nlate: 7 days\n")) == []


def test_15_a_coupon_says_what_it_is() -> None:
    assert told(COUPON.format("")) == [
        "7:9: warning: a coupon that counts as service; say 'purpose: marketing' or 'service'"
    ]


# --- together --------------------------------------------------------------------------------------------------------


def test_26_two_moments_of_one_day() -> None:
    one = "when: 2 days before session.start_at at {at}\nif: {if_}\nthen:\n  - send: {words}"
    both = (
        one.format(at="09:00", if_="session.confirmed", words="hello"),
        one.format(at="18:00", if_="session.confirmed and client.last_session", words="again"),
    )
    assert told(*both) == [
        "8:5: warning: rules a and b can both write to one client on the same day, for the same reason; give them conditions that can't both hold, or make one of the two"
    ]
    weddings = one.format(at="09:00", if_="session.confirmed and session.kind == 'wedding'", words="hello")
    others = one.format(at="09:00", if_="session.confirmed and session.kind != 'wedding'", words="again")
    assert told(weddings, others) == []
    assert told(both[0], both[1] + "\nmode: off") == []


def test_31_windows_that_are_open_together() -> None:
    body = """
        if: session.confirmed
        then:
          - when: 7 days before session.start_at at 10:00
            late: {}
            send: hello
          - when: 3 days before session.start_at at 10:00
            send: again
    """
    assert told(body.format("5 days")) == [
        "6:9: warning: 'late: 5 days' reaches beyond the next message: who is booked then gets both at once; make it shorter than the time to '3 days before session.start_at at 10:00'"
    ]
    assert told(body.format("4 days")) == []


def test_37_rules_that_begin_each_other_for_ever() -> None:
    quote = "when: contract.sent\nthen:\n  - create: quote\n    from: Q"
    contract = "when: quote.sent\nthen:\n  - create: contract\n    from: C\n{}"
    (said,) = told(quote, contract.format(""))
    assert (
        said
        == "2:5: warning: these begin each other for ever, each time with a new record; the third time is the last: a → b → a; add a 'repeat' to one of them, like 'repeat: after 30 days per client'"
    )
    assert told(quote, contract.format("repeat: once per client")) == []
    assert told(quote, contract.format("    draft: true")) == []


def test_37_a_rule_that_begins_itself() -> None:
    (said,) = told("when: invoice.created\nthen:\n  - create: invoice\n    items: [{name: Fee, amount: 50}]")
    assert "a → a" in said


def test_38_a_message_beside_the_studios_own_mail() -> None:
    studio = replace(
        STUDIO, mails={"booking confirmation": "session.confirmed", "reminder": "2 days before session.start_at"}
    )
    assert told(f"when: session.confirmed\n{SEND}", studio=studio) == [
        "2:5: warning: the studio mails its own 'booking confirmation' for the same reason ([studio_mails] says so); switch one of the two off: the client gets both"
    ]
    (said,) = told(f"when: 2 days before session.start_at at 09:00\nif: session.confirmed\n{SEND}", studio=studio)
    assert "'reminder'" in said
    assert told(f"when: 3 days before session.start_at at 09:00\nif: session.confirmed\n{SEND}", studio=studio) == []
    assert told("when: session.confirmed\nthen:\n  - notify: note", studio=studio) == []
