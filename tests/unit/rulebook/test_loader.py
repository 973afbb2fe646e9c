"""Files to a Rulebook, with every error at once, each with file:line:column and what to do."""

# ruff: noqa: E501 - one fault and its whole sentence to a line

from __future__ import annotations

from textwrap import dedent, indent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whenever import Time

from selftimer.errors import RuleFileError
from selftimer.facts.records import Kind
from selftimer.facts.world import StudioFacts
from selftimer.primitives.time import Span
from selftimer.rulebook.loader import LoadResult, compile_source, load_workspace
from selftimer.rulebook.model import (
    BranchStep,
    CreateStep,
    EventTrigger,
    ManualTrigger,
    MomentTrigger,
    NotifyStep,
    Repeat,
    Rule,
    RunStep,
    SendStep,
    StopStep,
    UpdateStep,
    WaitStep,
)

STUDIO = StudioFacts(
    name="Studio Nord",
    zone="Europe/Berlin",
    currency="eur",
    owner="Kim",
    kinds={"wedding": ("*wedding*",), "portrait": ("*portrait*",)},
    fallbacks={"client.first_name": "there"},
)
WORDS = {f"automations/messages/{name}.md": f"Hello, this is {name}.\n" for name in ("hello", "again", "note")}


def load(rules: str = "", automations: str = "", **more: str) -> LoadResult:
    files = dict(WORDS)
    if rules:
        files["rules/a.yaml"] = dedent(rules)
    if automations:
        files["automations/b.yaml"] = dedent(automations)
    return load_workspace({**files, **more}, STUDIO)


def rule_of(body: str, automations: str = "") -> Rule:
    result = load("rules:\n  - id: r\n    title: R\n" + indent(dedent(body).strip("\n"), "    ") + "\n", automations)
    assert result.errors == ()
    assert result.rulebook is not None
    return result.rulebook.rules["r"]


def faults(body: str, automations: str = "") -> list[str]:
    """The errors of a rule whose body begins on line 4 of rules/a.yaml, column 5."""
    result = load("rules:\n  - id: r\n    title: R\n" + indent(dedent(body).strip("\n"), "    ") + "\n", automations)
    assert result.rulebook is None
    return [str(problem) for problem in result.errors]


# --- what a rule becomes ---------------------------------------------------------------------------------------------


def test_a_rule_on_an_event_is_about_the_events_subject() -> None:
    rule = rule_of(
        """
        when: invoice.paid
        if: invoice.amount > 5
        then:
          - notify: note
        """
    )

    assert rule.subject is Kind.INVOICE
    assert not rule.series
    (entry,) = rule.entries
    assert entry.id == ""
    assert entry.triggers == (EventTrigger(name="invoice.paid"),)
    assert [(type(step), step.id) for step in entry.steps] == [(NotifyStep, "notify:note")]
    assert str(rule.where) == "rules/a.yaml:2:5"
    assert str(entry.steps[0].where) == "rules/a.yaml:7:9"


@pytest.mark.parametrize(
    ("when", "subject"),
    [
        ("lead.created", Kind.CLIENT),
        ("client.archived", Kind.CLIENT),
        ("message.received", Kind.CLIENT),
        ("payment.received", Kind.INVOICE),
        ("session.confirmed", Kind.SESSION),
        ("on contract.signed_at", Kind.CONTRACT),
        ("[session.confirmed, session.pending]", Kind.SESSION),
        ("[session.confirmed, quote.accepted]", None),
        ("manual", None),
    ],
)
def test_the_subject_follows_from_the_trigger(when: str, subject: Kind | None) -> None:
    assert rule_of(f"when: {when}\nthen:\n  - notify: note").subject is subject


def test_a_series_has_an_entry_for_each_moment() -> None:
    rule = rule_of(
        """
        if: invoice.outstanding
        late: 2 days
        then:
          - when: 7 days before invoice.due_date at 10:00
            send: hello
          - when: on invoice.due_date at 10:00
            id: due
            late: 10 hours
            if: not invoice.disputed
            send: again
            approve: true
        """
    )

    assert rule.series
    assert rule.late == Span(2, "days")
    first, second = rule.entries
    assert first.id == "7 days before invoice.due_date at 10:00"
    assert first.triggers == (
        MomentTrigger(kind=Kind.INVOICE, field="due_date", sign=-1, span=Span(7, "days"), at=Time(10, 0)),
    )
    assert (first.late, first.if_) == (Span(2, "days"), None)
    assert (second.id, second.late) == ("due", Span(10, "hours"))
    assert second.if_ is not None
    (step,) = second.steps
    assert isinstance(step, SendStep)
    assert (step.id, step.late, step.approve, step.if_) == ("send:again", Span(10, "hours"), True, None)


def test_a_series_may_be_about_several_kinds() -> None:
    rule = rule_of(
        """
        if: not client.open_invoices
        repeat: once per client
        then:
          - when: questionnaire.completed
            send: hello
          - when: 28 days after session.start_at at 10:00
            if: session.confirmed
            then:
              - wait: 1 day
              - send: again
        """
    )

    assert rule.subject is None
    assert [len(entry.steps) for entry in rule.entries] == [1, 2]
    assert rule.repeat == Repeat(once=True, per=("client",))


def test_every_step_has_a_stable_id() -> None:
    rule = rule_of(
        """
        when: session.confirmed
        until: client.replied
        then:
          - wait: 2 days
          - send: hello
          - id: mine
            send: hello
          - if: session.location is none
            then:
              - wait: until 3 days before session.start_at at 09:00
              - notify: note
            else:
              - stop: all is well
          - create: invoice
            items: [{name: "Extra for {{ client.first_name }}", amount: 50}]
            due: 14 days
            draft: true
          - update: client
            set: {type: client}
        """
    )

    steps = rule.entries[0].steps
    assert [step.id for step in steps] == [
        "wait:1", "send:hello", "mine", "if:1", "create:invoice", "update:client",
    ]  # fmt: skip
    branch, create, update = steps[3], steps[4], steps[5]
    assert isinstance(branch, BranchStep)
    wait, note = branch.then
    assert isinstance(wait, WaitStep)
    assert (wait.id, wait.anchor, wait.sign, wait.at) == ("wait:2", ("session", "start_at"), -1, Time(9, 0))
    assert note.id == "notify:note"
    (stop,) = branch.otherwise
    assert isinstance(stop, StopStep)
    assert (stop.id, stop.why) == ("stop:1", "all is well")
    assert isinstance(create, CreateStep)
    assert (create.kind, create.draft, create.due, len(create.items)) == (Kind.INVOICE, True, Span(14, "days"), 1)
    assert isinstance(update, UpdateStep)
    assert set(update.set) == {"type"}


def test_a_message_template_of_the_studio_can_be_sent_with_variables() -> None:
    template = "et_" + "a" * 30
    rule = rule_of(
        f"""
        when: session.confirmed
        then:
          - send: {template}
            with: {{name: "{{{{ client.first_name }}}}"}}
        """
    )

    (step,) = rule.entries[0].steps
    assert isinstance(step, SendStep)
    assert (step.words, step.template_id, set(step.variables)) == (None, template, {"name"})


AUTOMATION = """
automations:
  - id: ask
    title: Ask and ask again
    subject: session
    inputs:
      template: {type: template}
      days: {type: number, default: 5}
    then:
      - create: questionnaire
        from: "{{ inputs.template }}"
      - wait: 5 days
        or_until: not questionnaire.outstanding
      - send: again
        if: questionnaire.outstanding and inputs.days > 1
"""


def test_an_automation_is_set_in_place_with_its_inputs() -> None:
    rule = rule_of(
        """
        when: 14 days before session.start_at at 10:00
        if: session.confirmed
        then:
          - run: ask
            with: {template: Portrait questionnaire}
          - notify: note
            if: questionnaire.outstanding
        """,
        AUTOMATION,
    )

    run, _ = rule.entries[0].steps
    assert isinstance(run, RunStep)
    assert (run.id, run.automation, set(run.inputs)) == ("run:ask", "ask", {"template", "days"})
    assert [step.id for step in run.steps] == ["ask/create:questionnaire", "ask/wait:1", "ask/send:again"]
    assert str(run.steps[0].where) == "automations/b.yaml:10:9"
    create = run.steps[0]
    assert isinstance(create, CreateStep)
    assert create.template is not None
    assert create.template.source == "{{ inputs.template }}"


def test_an_input_may_be_said_by_its_name_alone() -> None:
    automation = AUTOMATION.replace("{{ inputs.template }}", "{{ template }} for {{ client.first_name }}")
    automation = automation.replace("and inputs.days > 1", "and days > 1")

    rule = rule_of(
        "when: session.confirmed\nthen:\n  - run: ask\n    with: {template: A}", automation
    )  # fmt: skip

    run = rule.entries[0].steps[0]
    assert isinstance(run, RunStep)
    create, _, send = run.steps
    assert isinstance(create, CreateStep)
    assert create.template is not None
    assert create.template.source == "{{ inputs.template }} for {{ client.first_name }}"
    assert send.if_ is not None
    assert "inputs.days" in send.if_.names


def test_all_keys_of_a_rule_come_to_the_model() -> None:
    rule = rule_of(
        """
        when: lead.created
        until: [client.replied, client.contacted]
        mode: approve
        repeat: after 30 days per client.email
        restart: true
        settle: 30 minutes
        late: 12 hours
        limits: {per_day: 30}
        purpose: marketing
        approve: client.notes is containing 'VIP'
        ignore_quiet_hours: event.in_quiet_hours
        include: [archived, other]
        also: own_changes
        on_edit: cancel
        then:
          - send: hello
        """
    )

    assert (rule.mode, rule.restart, rule.purpose, rule.on_edit) == ("approve", True, "marketing", "cancel")
    assert rule.repeat == Repeat(after=Span(30, "days"), per=("client", "email"))
    assert (rule.settle, rule.late) == (Span(30, "minutes"), Span(12, "hours"))
    assert (rule.limits, rule.include, rule.also_own_changes) == (
        {"per_day": 30},
        frozenset({"archived", "other"}),
        True,
    )
    assert rule.until is not None
    assert not isinstance(rule.approve, bool)
    assert not isinstance(rule.ignore_quiet_hours, bool)


def test_a_rule_started_by_hand_is_about_what_its_automation_is_about() -> None:
    rule = rule_of("when: manual\nthen:\n  - run: ask\n    with: {template: A}", AUTOMATION)

    assert rule.entries[0].triggers == (ManualTrigger(),)
    assert rule.subject is Kind.SESSION


# --- versions --------------------------------------------------------------------------------------------------------

BODY = """
when: session.confirmed
if: session.confirmed
then:
  - run: ask
    with: {template: A}
"""


def test_the_version_is_that_of_the_rule_and_its_automations() -> None:
    version = rule_of(BODY, AUTOMATION).version

    assert rule_of(BODY + "\n# a comment\n", AUTOMATION).version == version
    assert rule_of(BODY + "mode: approve\nlimits: {per_day: 3}", AUTOMATION).version == version
    assert rule_of(BODY + "late: 2 days", AUTOMATION).version != version
    assert rule_of(BODY, AUTOMATION.replace("5 days", "6 days")).version != version


def test_the_activation_changes_with_triggers_conditions_and_dry_run_only() -> None:
    activation = rule_of(BODY, AUTOMATION).activation

    assert rule_of(BODY + "late: 2 days", AUTOMATION.replace("5 days", "6 days")).activation == activation
    assert rule_of(BODY + "mode: approve", AUTOMATION).activation == activation
    assert rule_of(BODY + "mode: dry_run", AUTOMATION).activation != activation
    assert rule_of(BODY.replace("if: session.confirmed", "if: session.pending"), AUTOMATION).activation != activation
    assert (
        rule_of(BODY.replace("when: session.confirmed", "when: session.pending"), AUTOMATION).activation != activation
    )


def test_a_version_is_compiled_again_from_its_source() -> None:
    rule = rule_of(BODY, AUTOMATION)

    again = compile_source(rule.source, STUDIO)

    assert (again.id, again.version, again.activation) == (rule.id, rule.version, rule.activation)
    assert [step.id for step in again.entries[0].steps] == [step.id for step in rule.entries[0].steps]


def test_a_version_that_is_no_rule_any_more_says_so() -> None:
    rule = rule_of(BODY, AUTOMATION)
    source = {**rule.source, "rule": {**rule.source["rule"], "if": "session.gone"}}

    with pytest.raises(RuleFileError, match="session has no field 'gone'"):
        compile_source(source, STUDIO)


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("when: lead.craeted\nthen: [{notify: note}]", "4:11: there is no event 'lead.craeted'; did you mean 'lead.created'?"),
        ("when: [lead.created, lead.craeted]\nthen: [{notify: note}]", "4:26: there is no event 'lead.craeted'; did you mean 'lead.created'?"),
        ("then: [{notify: note}]", "2:5: this rule never begins: it has no 'when'; add 'when: lead.created' or another moment"),
        ("when: manual\nthen: [{notify: nte}]", "5:21: there is no message 'nte'; did you mean 'note'?"),
        ("when: manual\nthen: [{run: asc}]", "5:18: there is no automation 'asc'; automations live in automations/*.yaml"),
        ("wen: manual\nthen: [{notify: note}]", "4:5: there is no key 'wen'; did you mean 'when'?"),
        ("trigger: manual\nthen: [{notify: note}]", "4:5: there is no key 'trigger'; did you mean 'when'?"),
        ("when: manual", "2:5: a rule needs 'then'; add 'then: …'"),
        ("when: manual\nthen: [{notify: note, aprove: 1}]", "5:27: there is no key 'aprove'; did you mean 'approve'?"),
        ("when: 1d before session.start_at\nthen: [{notify: note}]", "4:11: '1d' is not a length of time; write it like '30 minutes', '2 days' or '3 business days'"),
        ("when: on invoice.due_date\nthen: [{notify: note}]", "4:11: invoice.due_date is a bare day: at what time?; add a time, like 'at 10:00'"),
        ("when: on invoice.status at 10:00\nthen: [{notify: note}]", "4:11: invoice.status is a word, not a date; invoice has these dates: due_date, created_at"),
        ("when: on invoice.due_dat at 10:00\nthen: [{notify: note}]", "4:11: invoice has no field 'due_dat'; did you mean 'due_date'?"),
        ("when: on invoice.last_payment_at at 10:00\nthen: [{notify: note}]", "4:11: invoice.last_payment_at is worked out from other records; a moment needs a date of its own record; invoice has these dates: due_date, created_at"),
        ("when: on gift_card.expires_at at 10:00\nthen: [{notify: note}]", "4:11: this version can't do moments of gift cards yet; take it out, or keep the file aside until a later version"),
        ("when: on shoot.starts at 10:00\nthen: [{notify: note}]", "4:11: 'shoot' is no record with a date; there are: client, session, invoice, payment, contract, questionnaire, quote, conversation, message"),
        ("when: every mondays\nthen: [{notify: note}]", "4:11: 'every mondays' is not understood; did you mean 'every monday'?"),
        ("when: every day at 8\nthen: [{notify: note}]", "4:11: '8' is not a time of day; did you mean 'every day at 08:00'?"),
        ("when: every monday at 8:00\nthen: [{notify: note}]", "4:11: '8:00' is not a time of day; did you mean 'every monday at 08:00'?"),
        ("when: [manual, no reply for 3]\nthen: [{notify: note}]", "4:20: no reply for 3 of what?; did you mean 'no reply for 3 days'?"),
        ("when: no reply for 3 days\nthen: [{notify: note}]", "4:5: 'no reply' needs a 'repeat': each message of yours that nobody answers would begin it again; add 'repeat: after 30 days per client' to the rule"),
        ("when: becomes invoice.balanc == 0\nthen: [{notify: note}]", "4:27: invoice has no field 'balanc'; did you mean 'balance'?"),
        ("when: becomes invoice.due_date < today\nthen: [{notify: note}]", "4:38: today can't be asked in 'becomes'; 'becomes' is judged when a record changes, and nothing changes when time passes"),
        ("when: becomes invoice.overdue\nthen: [{notify: note}]", "4:19: invoice.overdue can't be asked in 'becomes'; that changes with the clock alone: write 'when: invoice.overdue'"),
        ("when: becomes client.created_at | days_ago > 3\nthen: [{notify: note}]", "4:37: '| days_ago' can't be asked in 'becomes'; 'becomes' is judged when a record changes, and nothing changes when time passes"),
        ("when: becomes invoice.outstanding and session.confirmed\nthen: [{notify: note}]", "4:19: 'becomes' is about one record, and this is about session and invoice; put one of them into the rule's 'if'"),
        ("when: becomes client.contacted\nthen: [{notify: note}]", "4:19: messages can't be asked in 'becomes'; threads from before the first look aren't read: write 'when: message.received' or 'no reply for 3 days'"),
        ("when: becomes studio.owner == 'Kim'\nthen: [{notify: note}]", "4:19: this says nothing about a record; write a condition like invoice.balance == 0"),
        ("when: every monday at 08:00\nthen: [{send: hello}]", "5:19: nobody to send to: this rule leads to no client; use notify"),
        ("when: every monday at 08:00\nthen: [{update: client, set: {type: client}}]", "5:12: nobody is there to be written to: this run is about no client; write 'notify', or add 'for_each: client' to the rule"),
        ("when: every monday at 08:00\nif: client.type == 'lead'\nthen: [{notify: note}]", "5:9: 'client' is not known here; the calendar is about no record: add 'for_each: client' to the rule"),
        ("when: every monday at 08:00\nfor_each: leads\nthen: [{notify: note}]", "5:15: 'leads' can't be gone through; write 'for_each: client' and \"if: client.type == 'lead'\""),
        ("when: every monday at 08:00\nfor_each: invoices\nthen: [{notify: note}]", "5:15: 'invoices' can't be gone through; did you mean 'for_each: invoice'?"),
        ("when: manual\nfor_each: client\nthen: [{notify: note}]", "5:5: 'for_each' belongs to the calendar; take it out, or write a 'when' like 'every monday at 08:00'"),
        ("when: every monday at 08:00\nfor_each: client\nthen: [{send: hello}]", "6:12: this goes out for every client of the studio; say for which: add an 'if' to the rule"),
        ("when: every monday at 08:00\nsettle: 1 hour\nthen: [{notify: note}]", "5:13: 'settle' is for events and 'becomes': nothing else goes there and back; take it out"),
        ("when: manual\nbackfill: 7 days\nthen: [{notify: note}]", "5:5: 'backfill' is for rules that begin with an event or a moment; take it out: what begins this rule has no past"),
        ("when: lead.created\nbackfill: 1 year\nthen: [{notify: note}]", "5:15: 1 year are too far back; three months at most"),
        ("then: [{when: every monday at 08:00, notify: note}, {when: no reply for 2 days, notify: hello}]\nrepeat: once", "4:13: the other entries of this series are about a record, and the calendar is about none; add 'for_each: client' (or another record) to the rule, or make it a rule of its own"),
        ("when: manual\nlists: {a: {each: gallery}}\nthen: [{notify: note}]", "5:23: there is no list of 'gallery'; one of client, session, invoice, payment, contract, questionnaire, quote, conversation"),
        ("when: manual\nlists: {client: {each: client}}\nthen: [{notify: note}]", "5:13: 'client' is taken; use another word of small letters, digits and _"),
        ("when: manual\nlists: {A-b: {each: client}}\nthen: [{notify: note}]", "5:13: 'A-b' can't be the name of a list; use another word of small letters, digits and _"),
        ("when: manual\nlists: {a: {each: client, if: client.replied}}\nthen: [{notify: note}]", "5:35: client.replied is about the time since a run began; use client.silent_days"),
        ("when: manual\nlists: {a: {each: client, sort: client.nots}}\nthen: [{notify: note}]", "5:44: client has no field 'nots'; did you mean 'notes'?"),
        ("when: manual\nlists: {a: {each: client, order: x}}\nthen: [{notify: note}]", "5:31: there is no key 'order'; there are: each, if, sort"),
        ("when: manual\nif: a\nlists: {a: {each: client}}\nthen: [{notify: note}]", "5:9: 'a' is not known here; known: client, now, start, studio, today"),
        ("when: manual\nthen: [{create: coupon, code: X, discount: 10%}]", "5:21: this coupon can be used by everybody for ever; add 'uses: 1'"),
        ("when: manual\nthen: [{create: coupon, uses: 1, discount: 10%}]", "5:21: a coupon needs its code; add 'code: \"BACK-{{ unique }}\"'"),
        ("when: manual\nthen: [{create: coupon, uses: 1, code: X}]", "5:21: a coupon takes something off; add 'discount: 10%', or an amount"),
        ("when: manual\nthen: [{create: coupon, code: X, uses: 1, discount: 110%}]", "5:57: '110%' is no discount; a percentage is a whole number from 1% to 100%"),
        ("when: manual\nthen: [{create: coupon, code: X, uses: 1, discount: ten}]", "5:57: 'ten' is no discount; write a percentage like 10%, or an amount in main units like 20"),
        ("when: manual\nthen: [{create: coupon, code: X, uses: 1, discount: 0}]", "5:57: '0' takes nothing off; write how much it takes off"),
        ("when: manual\nthen: [{create: coupon, code: X, uses: 0, discount: 1}]", "5:44: 0 is not a number of 1 or more; write a whole number, like 30"),
        ("when: manual\nthen: [{create: coupon, code: X, uses: 1, discount: 1, expires: soon}]", "5:69: 'soon' is not a length of time; write it like '30 minutes', '2 days' or '3 business days'"),
        ("when: manual\nthen: [{create: coupon, code: X, uses: 1, discount: 1, due: 1 day}]", "5:60: 'due' has no meaning for a coupon; it belongs to contract or invoice or questionnaire"),
        ("when: manual\nthen: [{create: lead, set: {first_name: x}}]", "5:21: a lead needs an address; add 'set: {email: …}': by the address it is found where there is one already"),
        ("when: manual\nthen: [{create: lead, set: {email: x, type: client}}]", "5:43: a lead's 'type' can't be set; one of first_name, last_name, email, phone, company, job_title, notes, city, country"),
        ("when: manual\nthen: [{create: contract, from: x, code: X}]", "5:40: 'code' has no meaning for a contract; it belongs to coupon"),
        ('when: manual\nthen: [{update: client, set: {notes: "{{ unique }}"}}]', "5:46: 'unique' is not known here; known: client, now, start, studio, today"),
        ("when: manual\nthen: [{webhook: x}]", "5:22: selftimer.toml has no webhook 'x'; add [webhooks.x] there"),
        ("when: manual\non_edit: migrate\nthen: [{id: a, wait: 1 day}, {send: hello}]", "6:34: with 'on_edit: migrate' each step needs an id of its own; give it one, like 'id: first-nudge': by its id a run finds its place in the new version"),
        ("when: manual\nthen: [{send: hello, attach: [../x.pdf]}]", "5:35: '../x.pdf' leads out of automations/files/; put the file into automations/files/ and write its name from there"),
        ('when: manual\nthen: [{send: hello, attach: ["{{ x }}"]}]', "5:35: '{{ x }}' is no name of a file; files are named as they are: the check has to find them"),
        ("when: manual\nthen: [{notify: note, attach: [x.pdf]}]", "5:27: 'attach' has no meaning at 'notify'; it belongs to send"),
        ("when: manual\nthen: [{send: hello, due: 3 days}]", "5:26: 'due' has no meaning at 'send'; it belongs to create"),
        ("when: manual\nthen: [{wait: 1 day, approve: true}]", "5:26: 'approve' has no meaning at 'wait'; write it at a step that sends, creates, updates, notifies or calls a webhook"),
        ("when: manual\nthen: [{send: hello, when: manual}]", "4:5: both the rule and its entries have a 'when'; in a series each entry has its own: take the rule's away"),
        ("when: manual\nthen: [{if: client.archived, else: [{stop: x}]}]", "5:12: a branch needs both 'if' and 'then'; add the one that is missing"),
        ("when: manual\nthen: [{send: hello, with: {a: b}}]", "5:26: 'with' is for templates kept in the studio (send: et_…); say it in the words"),
        ("when: manual\nthen: [{send: et_short}]", "5:19: 'et_short' is no id of an email template; copy it from the studio: et_ and 30 signs"),
        ("when: manual\nthen: [{create: invoce}]", "5:21: 'invoce' can't be created; did you mean 'invoice'?"),
        ("when: manual\nthen: [{create: invoice}]", "5:21: an invoice needs its lines; add 'items: [{name: …, amount: …}]'"),
        ("when: manual\nthen: [{create: contract}]", "5:21: a contract is made from a template; add 'from: Name of the template'"),
        ("when: manual\nthen: [{create: contract, from: X, items: [{name: a, amount: 1}]}]", "5:40: 'items' has no meaning for a contract; it belongs to invoice or quote"),
        ("when: manual\nthen: [{update: session, set: {notes: x}}]", "5:21: 'session' can't be updated; only 'update: client' can"),
        ("when: manual\nthen: [{update: client}]", "5:21: nothing is set; add 'set: {type: client}' or another field"),
        ("when: manual\nthen: [{update: client, set: {nots: x}}]", "5:35: a client's 'nots' can't be set; did you mean 'notes'?"),
        ("when: manual\nthen: [{update: client, set: {type: vip}}]", "5:41: client.type is never 'vip'; it is one of client, lead, other"),
        ("when: lead.created\nthen: [{wait: until 3 days before session.start_at at 09:00}]", "5:19: there is no session here, so no session.start_at; known here: start, client"),
        ("when: lead.created\nthen: [{wait: until 3 days before start at 09:00}]", "5:19: that is before the run began; write 'after start'"),
        ("when: lead.created\nthen: [{wait: until on invoice.due_date}]", "5:19: there is no invoice here, so no invoice.due_date; known here: start, client"),
        ("when: invoice.sent\nthen: [{wait: until on invoice.due_date}]", "5:19: invoice.due_date is a bare day: until what time?; add a time, like 'at 10:00'"),
        ("when: lead.created\nrepeat: twice\nthen: [{notify: note}]", "5:13: repeat 'twice' is not understood; write 'once', 'once per client' or 'after 30 days per client.email'"),
        ("when: lead.created\nrepeat: once per client.mail\nthen: [{notify: note}]", "5:13: 'client.mail' is nothing to tell occurrences apart by; write 'client' or 'client.email'"),
        ("when: lead.created\ninclude: [archive]\nthen: [{notify: note}]", "5:15: 'archive' can't be included; did you mean 'archived'?"),
        ("when: lead.created\nlimits: {perday: 3}\nthen: [{notify: note}]", "5:14: there is no limit 'perday'; did you mean 'per_day'?"),
        ("when: lead.created\nmode: on\nthen: [{notify: note}]", "5:11: 'on' is not one of auto, approve, dry_run, off"),
        ("when: lead.created\nlate: 1h\nthen: [{notify: note}]", "5:11: '1h' is not a length of time; write it like '30 minutes', '2 days' or '3 business days'"),
        ("when: lead.created\nif: true\nthen: [{notify: note}]", "5:9: true is always the same; take it out, or write a condition like invoice.outstanding"),
        ("when: lead.created\nif: client.replied\nthen: [{notify: note}]", "5:9: client.replied is about the time since the run began, and here none has begun; put it into 'until', or into the 'if' of a step"),
        ("when: lead.created\nthen: {send: hello}", "5:11: a list of steps is wanted here; begin each step with '- '"),
        ("when: lead.created\nthen: [hello]", "5:12: a step is wanted here; write 'key: value' pairs"),
        ("when: lead.created\nrestart: 1\nthen: [{notify: note}]", "5:14: '1' is neither true nor false; write true or false"),
    ],
)  # fmt: skip
def test_a_fault_of_a_rule_is_told_with_its_place_and_its_cure(body: str, problem: str) -> None:
    assert faults(body) == [f"rules/a.yaml:{problem}"]


@pytest.mark.parametrize(
    ("with_", "problem"),
    [
        ("", "rules/a.yaml:6:14: ask needs the input 'template'; add 'with: {template: …}'"),
        (
            "with: {template: A, tmplate: B}",
            "rules/a.yaml:7:29: ask has no input 'tmplate'; did you mean 'template'?",
        ),
        ("with: {template: A, days: many}", "rules/a.yaml:7:35: days is 'many'; write a number, like 3"),
    ],
)
def test_the_inputs_of_an_automation_are_checked(with_: str, problem: str) -> None:
    assert faults(f"when: session.confirmed\nthen:\n  - run: ask\n    {with_}", AUTOMATION) == [problem]


def test_an_automation_about_another_record_is_refused() -> None:
    assert faults("when: invoice.sent\nthen:\n  - run: ask\n    with: {template: A}", AUTOMATION) == [
        "rules/a.yaml:6:14: ask is about a session, and there is none here; run it from a rule about one"
    ]


def test_automations_that_run_each_other_are_refused() -> None:
    automations = """
    automations:
      - id: one
        then: [{run: two}]
      - id: two
        then: [{run: one}]
    """

    assert faults("when: manual\nthen:\n  - run: one", automations) == [
        "automations/b.yaml:6:18: one runs itself (one → two → one); take one of the runs out"
    ]


def test_automations_that_multiply_are_bounded() -> None:
    levels = "".join(
        f"  - id: a{n}\n    then: [{{id: x, run: a{n + 1}}}, {{id: y, run: a{n + 1}}}, {{id: z, run: a{n + 1}}}]\n"
        for n in range(12)
    )
    automations = f"automations:\n{levels}  - id: a12\n    then: [{{notify: note}}]\n"

    result = load("rules:\n  - id: r\n    title: R\n    when: manual\n    then: [{run: a0}]\n", automations)

    assert {problem.message for problem in result.errors} == {"more than 500 steps in one rule"}


def test_two_rules_of_one_id_are_told_at_both_places() -> None:
    rule = "rules:\n  - id: same\n    title: T\n    when: manual\n    then: [{notify: note}]\n"

    result = load_workspace({**WORDS, "rules/a.yaml": rule, "rules/b.yaml": rule}, STUDIO)

    assert [str(problem) for problem in result.errors] == [
        "rules/a.yaml:2:9: a rule 'same' is again at rules/b.yaml:2:9; ids are unique: choose another for one of them",
        "rules/b.yaml:2:9: a rule 'same' is already at rules/a.yaml:2:9; ids are unique: choose another",
    ]


def test_every_error_of_a_workspace_is_told_at_once() -> None:
    result = load(
        """
        rules:
          - id: 5
            when: lead.created
            then: [{notify: note}]
          - id: two
            title: Two
            when: lead.craeted
            if: client.tpye == 'lead'
            then:
              - sned: hello
          - id: three
            title: Three
            when: lead.created
            late: 3h
            if: client.tpye == 'lead'
            then:
              - wait: 3d
              - send: helo
              - approve: true
        """,
        **{"rules/c.yaml": "rules:\n  - id: four\n    title: {{ x }}\n    then: x\n"},
    )

    assert [(problem.file, problem.line, problem.column) for problem in result.errors] == [
        ("rules/a.yaml", 3, 9),
        ("rules/a.yaml", 11, 9),
        ("rules/a.yaml", 15, 11),
        ("rules/a.yaml", 16, 16),
        ("rules/a.yaml", 18, 15),
        ("rules/a.yaml", 19, 15),
        ("rules/a.yaml", 20, 9),
        ("rules/c.yaml", 3, 12),
        ("rules/c.yaml", 4, 11),
    ]


@pytest.mark.parametrize(
    ("file", "content", "problem"),
    [
        ("rules/x.yaml", "- id: a\n", "1:1: the file begins with 'rules:'; write 'rules:' and indent the rest"),
        ("rules/x.yaml", "rules: a\n", "1:8: a list is wanted here; begin each entry with '- id: …'"),
        ("rules/x.yaml", "rules: [a]\n", "1:9: a rule is wanted here; begin it with '- id: …' and indent its other keys below"),
        ("rules/x.yaml", "ruls: []\n", "1:1: there is no key 'ruls'; did you mean 'rules'?"),
        ("rules/x.yaml", "all_rules: {mode: off}\nrules: []\n", "1:13: there is no key 'mode'; there are: approve, if, limits, until"),
        ("rules/x.yaml", "all_rules:\n  if: clint.sample\n", "2:7: 'clint' is not known here; did you mean 'client'?"),
        ("rules/x.yaml", "all_rules:\n  if: client.replied\n", "2:7: client.replied is about the time since a run began; put it into 'until'"),
        ("rules/x.yaml", "all_rules:\n  limits: {per_week: 3}\n", "2:12: there is no limit 'per_week'; per_day, per_hour"),
        ("rules/x.yml", "rules: []\n", "1:1: this file is not read; rules and automations live in files that end in .yaml"),
        ("automations/messages/x.html", "Hi", "1:1: this file is not read; messages live in files that end in .md or .txt"),
    ],
)  # fmt: skip
def test_a_file_of_another_shape_is_refused(file: str, content: str, problem: str) -> None:
    assert [str(found) for found in load(**{file: content}).errors] == [f"{file}:{problem}"]


def test_a_file_that_cannot_be_read_does_not_make_others_look_wrong() -> None:
    result = load(
        "rules:\n  - id: r\n    title: R\n    when: manual\n    then: [{run: lost}]\n",
        **{"automations/z.yaml": "automations:\n  - id: lost\n   then: x\n"},
    )

    assert [problem.file for problem in result.errors] == ["automations/z.yaml"]


def test_an_empty_workspace_is_an_empty_rulebook() -> None:
    result = load_workspace({"rules/a.yaml": "", "automations/b.yaml": "# nothing yet\n"}, STUDIO)

    assert result.problems == ()
    assert result.rulebook is not None
    assert result.rulebook.rules == {}


# --- whatever comes --------------------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-5, 5),
        st.sampled_from(
            [
                "lead.created",
                "manual",
                "hello",
                "ask",
                "2days",
                "once",
                "invoice",
                "session",
                "r",
                "client.replied",
                "{{",
                "x",
                "}}",
                "09:00",
            ]
        ),
        st.text(max_size=8),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "title",
                    "when",
                    "if",
                    "until",
                    "then",
                    "else",
                    "send",
                    "create",
                    "update",
                    "notify",
                    "wait",
                    "run",
                    "stop",
                    "with",
                    "set",
                    "from",
                    "items",
                    "due",
                    "late",
                    "approve",
                    "repeat",
                    "or_until",
                    "mode",
                    "limits",
                    "include",
                    "also",
                    "inputs",
                    "subject",
                ]
            ),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=12,
)


@given(st.lists(VALUES, max_size=3), st.lists(VALUES, max_size=2))
def test_no_data_makes_the_loader_raise(rules: list[object], automations: list[object]) -> None:
    import json

    files = {
        "rules/a.yaml": json.dumps({"rules": rules}),
        "automations/b.yaml": json.dumps({"automations": automations}),
        **WORDS,
    }

    result = load_workspace(files, STUDIO)

    assert (result.rulebook is None) == bool(result.errors)


@given(st.one_of(st.binary(max_size=60), st.text(max_size=60)))
def test_no_bytes_make_the_loader_raise(content: bytes | str) -> None:
    files = {"rules/a.yaml": content, "automations/b.yaml": content, "automations/messages/c.md": content}

    result = load_workspace(files, STUDIO)

    assert (result.rulebook is None) == bool(result.errors)
