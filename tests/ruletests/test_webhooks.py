"""A form that comes in, in a diary: what it brings, what is wrong with a line of it, and the rules that it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from selftimer.ruletests.model import Called
from selftimer.ruletests.report import said

if TYPE_CHECKING:
    from collections.abc import Callable

    from selftimer.ruletests.runner import Outcome
    from selftimer.ruletests.workspace import Suite

RULES = """
- id: website-form
  title: The contact form of the website becomes a lead
  when: webhook contact-form
  if: webhook.trap is none
  then:
    - create: lead
      set:
        email: "{{ webhook.email }}"
        first_name: "{{ webhook.name }}"
        phone: "{{ webhook.phone }}"
        notes: "From the website form: {{ webhook.message or '-' }}"
    - notify: form-arrived
- id: lead-answer
  when: lead.created
  if: client.type == 'lead' and not client.contacted
  repeat: after 30 days per client.email
  ignore_quiet_hours: event.in_quiet_hours
  late: 12 hours
  then:
    - send: lead-answer
"""
WORDS = {
    "form-arrived": "Form from {{ webhook.name or 'somebody' }} <{{ webhook.email }}>: {{ webhook.message or '-' }}\n",
    "lead-answer": "Hi {{ client.first_name }}, thank you for writing.\n",
}
TOML = '[webhooks.contact-form]\nfields = ["name", "email", "phone", "message", "trap"]\n'
TEST = """
- name: the website form makes a lead, which is answered like any other
  rule: [website-form, lead-answer]
  diary:
    - {at: 2026-03-02 12:00, webhook contact-form: {name: Anna, email: anna@example.com, message: "Wedding in June?"}}
    - {at: 2026-03-02 12:00, create: lead}
    - {at: 2026-03-02 12:00, notify: form-arrived}
    - {at: 2026-03-02 12:00, send: lead-answer, contains: Hi Anna}
    - {at: 2026-03-03 12:00, webhook contact-form: {name: Spam, email: spam@example.com, trap: x}}
    - {at: 2026-03-10 12:00}
"""


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFTIMER_WEBHOOKS__CONTACT_FORM__TOKEN", "t" * 24)


def test_the_website_form_makes_a_lead_which_is_answered_like_any_other(outcome: Callable[..., Outcome]) -> None:
    done = outcome(TEST, rules=RULES, words=WORDS, toml=TOML)
    assert (done.differences, done.troubles) == ((), ())
    assert [said(line) for line in done.test.diary if isinstance(line, Called)] == ["webhook contact-form"] * 2


def test_a_form_that_does_less_than_the_diary_says_fails(outcome: Callable[..., Outcome]) -> None:
    trapped = TEST.replace('message: "Wedding in June?"', "trap: y")
    done = outcome(trapped, rules=RULES, words=WORDS, toml=TOML)
    assert not done.passed
    assert {one.what for one in done.differences} == {"missing"}


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("webhook contact-frm: {name: A}", "selftimer.toml has no webhook 'contact-frm' with 'fields'; did you mean"),
        ("webhook contact-form: {nam: A}", "webhook 'contact-form' has no field 'nam'; did you mean 'name'?"),
        ("webhook contact-form: A", "the fields that it brings are wanted here; write them: {name: …}"),
        ("webhook contact-form: {name: [A]}", "a text is wanted here"),
    ],
)
def test_what_is_wrong_with_a_line_is_said_with_what_to_write(
    suite: Callable[..., Suite], line: str, wanted: str
) -> None:
    test = f"- {{name: x, diary: [{{at: 2026-03-02 12:00, {line}}}, {{at: 2026-03-03 12:00}}]}}"
    found = suite(test, rules=RULES, words=WORDS, toml=TOML)
    assert [wanted in str(problem) for problem in found.errors] == [True], [str(p) for p in found.errors]
