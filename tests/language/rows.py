"""The rows of the rule language, section by section, with the examples that show each: accepted and refused."""

# ruff: noqa: E501 - a row to a line

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ROWS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "when": {
        "a moment before a date": ("when/before", "when/business-days"),
        "a moment on a date": ("when/on",),
        "a moment after a date": ("when/after-hours",),
        "a list of them": ("when/any-of-a-list",),
        "a day of the calendar": ("when/calendar-date",),
        "every monday, day, weekday, month": ("when/every-monday", "when/every-day", "when/every-weekday", "when/every-month"),
        "cron": ("when/cron",),
        "for_each, or one run about nobody": ("when/for-each", "when/calendar-about-none"),
        "no reply for 3 days": ("when/no-reply",),
        "becomes": ("when/becomes",),
        "webhook contact-form": ("when/webhook",),
        "manual": ("when/manual",),
    },
    "if, until": {
        "if; a list means all": ("rule/if", "conditions/and-or"),
        "until; a list means any": ("rule/until",),
        "is containing, is none": ("conditions/is-containing", "conditions/is-none"),
        "where, count, sum": ("conditions/where-count", "conditions/sum"),
        "days_ago, days_until, plus, lower": ("conditions/days-ago", "conditions/days-until", "conditions/plus", "conditions/lower"),
        "arithmetic, in": ("conditions/arithmetic", "conditions/in"),
        "no calls": ("conditions/no-calls",),
    },
    "steps": {
        "send": ("steps/send", "steps/send-to-nobody", "options/attach"),
        "send: et_…": ("steps/send-template", "options/with"),
        "create: document": ("steps/create-invoice", "steps/create-quote", "steps/create-contract", "steps/create-questionnaire"),
        "draft": ("options/draft",),
        "create: coupon, lead": ("steps/create-coupon", "steps/create-coupon-uses", "steps/create-lead"),
        "update: client": ("steps/update",),
        "notify": ("steps/notify",),
        "webhook": ("steps/webhook",),
        "wait": ("steps/wait", "steps/wait-until-time", "steps/wait-until-moment", "steps/wait-or-until"),
        "if, then, else": ("steps/branch",),
        "run": ("steps/run",),
        "stop": ("steps/stop",),
        "id, if, approve, late": ("options/id", "options/if", "options/approve", "options/approve-if", "options/late"),
        "one action": ("steps/nothing", "steps/two-actions"),
    },
    "on a rule": {
        "mode": ("rule/mode-approve", "rule/mode-dry-run", "rule/mode-off"),
        "repeat": ("rule/repeat-once", "rule/repeat-once-per-client", "rule/repeat-after"),
        "restart, settle, late": ("rule/restart", "rule/settle", "rule/late"),
        "limits, purpose": ("rule/limits", "rule/purpose"),
        "ignore_quiet_hours": ("rule/quiet-hours",),
        "include, also": ("rule/include", "rule/also"),
        "backfill, on_edit": ("rule/backfill", "rule/on-edit"),
        "series, lists, all_rules": ("rule/series", "rule/lists", "rule/all-rules"),
        "id": ("rule/id", "rule/id-twice"),
    },
    "automations": {
        "subject": ("automations/subject",),
        "inputs": ("automations/input-missing", "automations/input-type", "automations/choice"),
        "not themselves": ("automations/runs-itself",),
    },
    "words": {
        "a head": ("words/head",),
        "money, dates": ("words/money", "words/dates"),
        "missing, fallbacks": ("words/missing", "words/fallback"),
        "braces, no program": ("words/filter-binds", "words/program"),
        "words that stay right": ("words/today",),
    },
    "yaml": {
        "words of 1.2": ("yaml/words-of-1-2",),
        "aliases, keys, tabs": ("yaml/alias", "yaml/key-twice", "yaml/tab"),
        "quotes": ("yaml/braces", "yaml/colon", "yaml/comment", "yaml/number"),
    },
}  # fmt: skip
