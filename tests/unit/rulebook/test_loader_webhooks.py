"""Rules that begin with a webhook: what they know is what the settings declare, and what they can't do is said."""

# ruff: noqa: E501 - one fault and its whole sentence to a line

from __future__ import annotations

from dataclasses import replace
from textwrap import dedent, indent

import pytest
from tests.unit.rulebook.test_loader import STUDIO

from selftimer.rulebook.loader import LoadResult, load_workspace
from selftimer.rulebook.model import HookTrigger

HOOKS = {"contact-form": ("name", "email", "trap", "first_name"), "quiz": ("email", "score")}
LEAD = 'then: [{create: lead, set: {email: "{{ webhook.email }}"}}]'


def load(body: str, note: str = "A form.\n") -> LoadResult:
    rule = "rules:\n  - id: r\n    title: R\n" + indent(dedent(body).strip("\n"), "    ") + "\n"
    studio = replace(STUDIO, webhooks=("books",), hooks=HOOKS)
    return load_workspace({"rules/a.yaml": rule, "automations/messages/note.md": note}, studio)


def test_a_rule_knows_the_fields_of_its_webhook_in_conditions_and_words() -> None:
    note = "{{ webhook.first_name or 'somebody' }} <{{ webhook.email or '-' }}>\n"
    loaded = load(
        "when: webhook contact-form\nif: webhook.trap is none and webhook.email\n".replace(" and webhook.email", "")
        + "repeat: after 30 days per webhook.email\n"
        + 'then:\n  - create: lead\n    set: {email: "{{ webhook.email }}"}\n  - notify: note',
        note,
    )
    assert [str(problem) for problem in loaded.problems if problem.severity == "error"] == []
    assert loaded.rulebook is not None
    rule = loaded.rulebook.rules["r"]
    assert rule.entries[0].triggers == (HookTrigger(name="contact-form"),)
    assert rule.subject is None


def test_of_two_webhooks_a_rule_knows_the_fields_that_both_bring() -> None:
    when = "when: [webhook contact-form, webhook quiz]\n"
    assert load(when + LEAD).errors == ()
    (problem,) = load(when + "if: webhook.score == '3'\n" + LEAD).errors
    assert "webhook has no field 'score'" in str(problem)


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("when: webhook\n" + LEAD, "4:11: which webhook?; write its name: 'webhook contact-form'"),
        ("when: webhook contact-from\n" + LEAD, "4:11: selftimer.toml has no webhook 'contact-from' with 'fields'; did you mean 'contact-form'?"),
        ("when: webhook books\n" + LEAD, "4:11: webhook 'books' is an address that rules call: nothing comes from it; give what comes in another name: [webhooks.contact-form] with 'fields' in selftimer.toml"),
        ("when: webhook quiz\nif: webhook.emial is none\n" + LEAD, "5:17: webhook has no field 'emial'; did you mean 'email'?"),
        ("when: webhook quiz\nif: client.archived\n" + LEAD, "5:9: 'client' is not known here; a webhook is about no record: what it brings is webhook.email and so on"),
        ("when: webhook contact-form\nif: webhook.trap == ''\n" + LEAD, "5:9: a field of a form that is empty counts as missing; write `webhook.trap is none`"),
        ("when: webhook contact-form\nif: webhook.trap is none and webhook.name!=''\n" + LEAD, "5:34: a field of a form that is empty counts as missing; write `webhook.name is not none`"),
        ("when: webhook quiz\nthen: [{create: contract, from: x}]", "5:12: nobody is there to be written to: this run is about no client; write 'create: lead': a rule that begins with 'lead.created' can write to them"),
        ("when: webhook quiz\nthen: [{send: note}]", "nobody to send to: this rule leads to no client; use notify"),
        ("when: webhook quiz\nfor_each: client\n" + LEAD, "5:5: 'for_each' belongs to the calendar; take it out, or write a 'when' like 'every monday at 08:00'"),
        ("when: webhook quiz\nbackfill: 3 days\n" + LEAD, "5:5: 'backfill' is for rules that begin with an event or a moment; take it out: what begins this rule has no past"),
        ("when: webhook quiz\nsettle: 1 hour\n" + LEAD, "5:13: 'settle' is for events and 'becomes': nothing else goes there and back; take it out"),
        ("when: webhook quiz\nlists: {webhook: {each: client}}\n" + LEAD, "'webhook'"),
        ("then: [{when: webhook quiz, notify: note}, {when: lead.created, send: note}]", "the other entries of this series are about a record, and a webhook is about none; make it a rule of its own"),
        ("when: lead.created\nif: webhook.email is none\nthen: [{send: note}]", "5:9: 'webhook' is not known here"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_what_to_write(body: str, wanted: str) -> None:
    assert [str(problem) for problem in load(body).errors if wanted in str(problem)], [*map(str, load(body).errors)]


def test_a_condition_for_all_rules_that_speaks_of_a_client_leaves_rules_on_forms_alone() -> None:
    studio = replace(STUDIO, hooks=HOOKS)
    files = {
        "rules/a.yaml": f"all_rules: {{if: not client.archived}}\nrules:\n  - id: r\n    when: webhook quiz\n    {LEAD}\n"
    }
    assert load_workspace(files, studio).errors == ()
