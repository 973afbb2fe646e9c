"""Automations as studios write them: those that this version can do load without an error, the others say so."""

from __future__ import annotations

import pytest

from selftimer.facts.world import StudioFacts
from selftimer.rulebook.loader import load_workspace

STUDIO = StudioFacts(
    name="Studio Nord",
    zone="Europe/Berlin",
    currency="eur",
    owner="Kim",
    kinds={"wedding": ("*wedding*", "Elopement*"), "family": ("Family*", "Newborn*")},
    fallbacks={"client.first_name": "there"},
)
RULES = """
rules:
  - id: lead-answer
    title: Answer a new lead at once, once per address in 30 days
    when: lead.created
    if: client.type == 'lead' and not client.contacted
    repeat: after 30 days per client.email
    ignore_quiet_hours: event.in_quiet_hours      # they wrote at night, so they are awake
    late: 12 hours
    then:
      - send: lead-answer

  - id: lead-follow-up
    title: Follow up a silent lead, three times at most
    when: lead.created
    if: client.type == 'lead' and client.status == 'active'
    until: client.replied
    then:
      - wait: until 2 days after start at 10:00
      - send: lead-nudge
      - wait: until 12 days after start at 10:00
      - send: lead-last-call
        approve: true
        late: 3 days
      - wait: 3 days
      - notify: lead-cold

  - id: booking-moved
    title: Tell the client about a new date
    when: session.rescheduled
    settle: 30 minutes                # dragged by mistake and back again: nothing is sent
    if: session.confirmed and session.start_at > now
    then:
      - send: booking-moved

  - id: questionnaire
    title: Questionnaire 14 days before (weddings 35), one reminder
    if: session.confirmed and session.start_at > now
    then:
      - when: 14 days before session.start_at at 10:00
        id: portrait
        late: 11 days                 # booked at short notice: at once, but not in the last 3 days
        if: session.kind != 'wedding'
        run: questionnaire
        with: {template: Portrait questionnaire}
      - when: 35 days before session.start_at at 10:00
        id: wedding
        late: 28 days
        if: session.kind == 'wedding'
        run: questionnaire
        with: {template: Wedding questionnaire}

  - id: invoice-reminders
    title: Remind of an unpaid invoice; the last one needs my yes
    if:
      - invoice.outstanding and not invoice.disputed
      - invoice.last_payment_at is none or invoice.last_payment_at | days_ago >= 3    # a part just came in
    then:
      - when: 7 days before invoice.due_date at 10:00
        send: invoice-soon
      - when: on invoice.due_date at 10:00
        late: 10 hours
        send: invoice-today
      - when: 14 days after invoice.due_date at 10:00
        send: invoice-final
        approve: true
        late: 5 days

  - id: quote-follow-up
    title: Nudge after 5 days, at 10 ask me whether to extend
    if: quote.outstanding
    then:
      - when: 5 days after quote.created_at at 10:00
        send: quote-nudge
      - when: 10 days after quote.created_at at 10:00
        then:
          - notify: quote-silent
          - send: quote-extended
            approve: true
            late: 4 days

  - id: review
    title: Ask for a review, once ever, when all is paid
    if: not client.open_invoices
    repeat: once per client
    then:
      - when: questionnaire.completed
        then:
          - wait: until 6 days after start at 10:00
          - send: review-request
      - when: 28 days after session.start_at at 10:00
        if: session.confirmed
        send: review-request
        id: review-without-questionnaire

  - id: mini-sessions-spring
    title: Spring mini-sessions for past family clients
    purpose: marketing
    when: on 2026-04-01 at 10:00
    for_each: client
    if:
      - client.type == 'client' and client.kinds is containing 'family'
      - not client.next_session
      - client.last_session and client.last_session.end_at | days_ago > 183
    limits: {per_day: 30}
    late: 14 days
    then:
      - send: mini-sessions-spring

  - id: silent-lead
    title: Ask once more where nobody answers
    when: no reply for 3 business days
    if: client.type == 'lead'
    repeat: after 30 days per client
    then:
      - send: lead-nudge
        id: nudge-in-silence

  - id: thank-for-the-money
    title: Thank when all is paid
    when: becomes invoice.balance == 0
    settle: 30 minutes
    then:
      - notify: paid

  - id: monday
    title: A note on Mondays
    when: every monday at 08:00
    then:
      - notify: monday
"""
AUTOMATIONS = """
automations:
  - id: questionnaire
    title: Send a questionnaire and ask once more
    then:
      - create: questionnaire
        from: "{{ template }}"
      - send: questionnaire
      - wait: 5 days
        or_until: not questionnaire.outstanding
      - send: questionnaire-reminder
        if: questionnaire.outstanding
"""
WORDS = {
    "lead-answer": "I will answer by {{ event.at | next_working_day | day }}.",
    "lead-nudge": "Hi {{ client.first_name }}, do you already have a date in mind?",
    "lead-last-call": "Hi {{ client.first_name }}, shall I release your date?",
    "lead-cold": "{{ client.first_name }} {{ client.last_name or '' }} never answered.",
    "booking-moved": "---\nsubject: New date: {{ session.start_at | date }}\n---\n"
    "From {{ event.before.start_at | date }} to {{ session.start_at | date }} at {{ session.start_at | time }}.",
    "questionnaire": "A few questions for {{ session.start_at | date }}.",
    "questionnaire-reminder": "The questions for {{ session.start_at | date }} are still open.",
    "invoice-soon": "subject: Invoice #{{ invoice.invoice_number }}\n---\n{{ invoice.balance | money }} is due.",
    "invoice-today": "Due today: {{ invoice.balance | money }}"
    "{% if invoice.paid_amount > 0 %}, after your {{ invoice.paid_amount | money }}{% endif %}.",
    "invoice-final": "Overdue since {{ invoice.due_date | date }}.",
    "quote-nudge": "Did my quote reach you?",
    "quote-silent": "No answer to the quote{% if quote.amount is not none %} of {{ quote.amount | money }}{% endif %}.",
    "quote-extended": "Still open{% if quote.valid_until %} until {{ quote.valid_until | date }}{% endif %}.",
    "mini-sessions-spring": "The spring mini-sessions are open.",
    "paid": "{{ invoice.amount | money }} are paid.",
    "monday": "A new week.",
    "review-request": "Two sentences here help me more than any advertisement.",
}


def test_what_studios_write_loads_without_an_error() -> None:
    files = {f"automations/messages/{name}.md": text for name, text in WORDS.items()}

    result = load_workspace({**files, "rules/all.yaml": RULES, "automations/all.yaml": AUTOMATIONS}, STUDIO)

    assert [str(problem) for problem in result.problems] == []
    assert result.rulebook is not None
    assert list(result.rulebook.rules) == [
        "lead-answer", "lead-follow-up", "booking-moved", "questionnaire", "invoice-reminders", "quote-follow-up",
        "review", "mini-sessions-spring", "silent-lead", "thank-for-the-money", "monday",
    ]  # fmt: skip
    assert set(result.rulebook.words) == set(WORDS)


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        ("{when: 30 days before gift_card.expires_at at 10:00, then: [{notify: x}]}", "moments of gift cards"),
    ],
)
def test_what_this_version_cannot_do_is_refused_as_such(rule: str, what: str) -> None:
    content = f"rules:\n  - {rule.replace('{when', '{id: r, title: T, when', 1)}\n"

    (problem,) = load_workspace({"rules/a.yaml": content}, STUDIO).errors

    assert problem.message == f"this version can't do {what} yet"
    assert (problem.line, problem.column) == (2, 29)
