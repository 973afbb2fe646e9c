"""Every key of a rule file with what it means: one table for the editor's schema and for the reference.

`docs/reference/keys.md` is made of it, and the table of a rule's keys in `docs/reference/language.md` is compared with
it; the keys themselves are those of `rulebook.models`, which a test compares too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Key:
    """What a key means, what holds where it is left out, and how it is written."""

    meaning: str
    default: str = ""
    examples: tuple[Any, ...] = ()


RULE: Mapping[str, Key] = {
    "id": Key("small letters, digits, `-`, `_`; history hangs on it, so keep it", "needed", ("lead-follow-up",)),
    "title": Key("a line for people", "the id", ("Follow up a silent lead, three times at most",)),
    "when": Key(
        "a sentence, or a list of them: any begins a run",
        "needed, unless `then` is a series",
        ("lead.created", "2 days before session.start_at at 09:00", "every monday at 08:00", "no reply for 3 days"),
    ),
    "if": Key("what has to hold; a list means all", "always", ("invoice.outstanding and not invoice.disputed",)),
    "until": Key("what ends a run; a list means any", "never", ("client.replied or client.contacted",)),
    "then": Key("the steps, or a series", "needed"),
    "mode": Key(
        "`auto`; `approve`: each effect waits for your yes, but for notes to you; `dry_run`: all is decided and "
        "recorded, nothing is sent; "
        "`off`",
        "`auto`",
    ),
    "approve": Key(
        "`true` or a condition: effects wait for your yes, but for notes to you",
        "`false`",
        (True, "client.notes is containing 'VIP'"),
    ),
    "repeat": Key(
        "`once` per record; `once per client`; `after 30 days per client.email`",
        "each occurrence once",
        ("once", "once per client", "after 30 days per client.email"),
    ),
    "for_each": Key(
        "of the calendar: `client` or another record; one run for each that meets `if`", "one run about no record"
    ),
    "backfill": Key(
        "`7 days`: begin also with what happened in that time before the rule was there, see looking back",
        "not",
        ("7 days",),
    ),
    "restart": Key(
        "`true`: a new trigger ends the run under way and begins anew; else it is recorded and not run", "`false`"
    ),
    "settle": Key(
        "`30 minutes`, for events and `becomes`: judged only when it has stood so long; there and back again is "
        "nothing",
        "at once",
        ("30 minutes",),
    ),
    "late": Key("how late an effect may still happen", "`limits.late`, 24 hours", ("24 hours",)),
    "limits": Key(
        "`{per_hour: 5, per_day: 20}`: at most so many effects of this rule; never more than `[caps]`",
        "the caps",
        ({"per_day": 20},),
    ),
    "purpose": Key("`service` or `marketing`, which has caps of its own", "`service`"),
    "ignore_quiet_hours": Key(
        "`true` or a condition, such as `event.in_quiet_hours`", "`false`", (True, "event.in_quiet_hours")
    ),
    "include": Key("`archived`, `sample`, `other`: clients who are left out otherwise", "none of them"),
    "also": Key("`own_changes`: hear of changes that Selftimer made itself too", "not"),
    "lists": Key(
        "lists of records that steps and messages can speak of",
        "none",
        ({"unpaid": {"each": "invoice", "if": "invoice.outstanding", "sort": "invoice.due_date"}},),
    ),
    "on_edit": Key(
        "what becomes of runs under way when the rule is edited: `finish_old`, `migrate` or `cancel`; see versions",
        "`finish_old`",
    ),
}
"""The keys of a rule; `default` is what holds without the key."""

STEP: Mapping[str, Key] = {
    "send": Key(
        "words to send in the client's conversation, or `et_…`, a template kept in the studio", "", ("lead-nudge",)
    ),
    "create": Key("a document, a coupon or a lead to make"),
    "update": Key("`client`, the only record that can be updated"),
    "notify": Key("words for a note to you", "", ("form-arrived",)),
    "webhook": Key("a name under `[webhooks]`: that address is called, signed", "", ("books",)),
    "wait": Key(
        "how long to wait, or until when",
        "",
        ("2 days", "until 09:00", "until 2 days after start at 10:00", "until 3 days before session.start_at at 09:00"),
    ),
    "run": Key("an automation to go through", "", ("questionnaire",)),
    "stop": Key("why the run ends here", "", ("not a first client",)),
    "when": Key("in a series: when this entry begins", "", ("7 days before invoice.due_date at 10:00",)),
    "id": Key("a name of its own: history hangs on it", "the verb and what it names"),
    "if": Key(
        "do this step only if that holds; with `then`, the condition of a branch", "always", ("not client.notes",)
    ),
    "then": Key("the steps of a branch, or of an entry"),
    "else": Key("the steps of a branch whose condition doesn't hold", "none"),
    "approve": Key("`true` or a condition: this step waits for your yes", "the rule's", (True,)),
    "late": Key("how late this step may still happen", "the rule's", ("3 days",)),
    "or_until": Key("what ends the wait early; a list means any", "nothing", ("contract.signed",)),
    "attach": Key("files below automations/files that go with the message", "none", ("prices.pdf",)),
    "with": Key("values: of the template's variables, of the automation's inputs, or for the webhook", "none"),
    "from": Key("the name of the template in the studio", "", ("Wedding questionnaire",)),
    "items": Key(
        "the lines of an invoice or a quote; amounts in main units", "", ([{"name": "Session fee", "amount": "150"}],)
    ),
    "due": Key("how long the client has for it", "no date", ("14 days",)),
    "draft": Key("`true`: it is left in the studio for you, and not sent", "`false`"),
    "set": Key("fields of the client or lead with their values", "", ({"type": "client"},)),
    "code": Key("what the coupon is called; `{{ unique }}` is eight signs of its own", "", ("BACK-{{ unique }}",)),
    "discount": Key("a whole percentage, or an amount in main units", "", ("10%", "20")),
    "uses": Key("how often the coupon can be used"),
    "expires": Key("how long the coupon can be used", "for ever", ("60 days",)),
}
"""The keys of a step, and of an entry in a series."""

ALL_RULES: Mapping[str, Key] = {
    "if": Key("has to hold beside each rule's own `if`", "always"),
    "until": Key("ends runs beside each rule's own `until`", "never"),
    "approve": Key("`true` or a condition: effects of all rules wait for your yes, but for notes to you", "`false`"),
    "limits": Key("at most so many effects of each rule; the smaller counts", "each rule's own", ({"per_day": 40},)),
}
AUTOMATION: Mapping[str, Key] = {
    "id": Key("small letters, digits, `-`, `_`: what `run:` calls it", "needed", ("questionnaire",)),
    "title": Key("a line for people", "the id"),
    "subject": Key("the kind of record that the steps are about", "any"),
    "inputs": Key("what it needs to be told, by name", "nothing", ({"template": {"type": "template"}},)),
    "then": Key("the steps", "needed"),
}
LIST: Mapping[str, Key] = {
    "each": Key("the kind of record", "needed"),
    "if": Key("what has to hold for each", "always", ("invoice.outstanding",)),
    "sort": Key("a field to sort by; records without it come last", "as they came", ("invoice.due_date",)),
}
INPUT: Mapping[str, Key] = {
    "type": Key("what kind of value it is", "`text`"),
    "default": Key("the value where none is given", "it has to be given"),
    "choices": Key("the words that there are, for `choice`"),
}
ITEM: Mapping[str, Key] = {
    "name": Key("what the line says", "needed"),
    "amount": Key("for one, in main units of the studio's currency", "needed", ("150", "{{ invoice.balance }}")),
    "quantity": Key("how many", "1"),
}
