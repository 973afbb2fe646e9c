"""A rule as the program knows it: checked, compiled, immutable (rule-language.md).

Loading turns files into these; nothing else makes them. Places (`Where`) are kept for messages to people.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whenever import Instant, Time

    from selftimer.facts.records import Kind
    from selftimer.primitives.time import Span
    from selftimer.rulebook.calendar import Schedule
    from selftimer.rulebook.condition import Condition
    from selftimer.rulebook.template import TextTemplate

Mode = Literal["auto", "approve", "dry_run", "off"]
Purpose = Literal["service", "marketing"]
OnEdit = Literal["finish_old", "migrate", "cancel"]


@dataclass(frozen=True, slots=True)
class Where:
    """A place in a file that people edit; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


# --- when ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTrigger:
    """`when: lead.created`."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentTrigger:
    """`when: 7 days before invoice.due_date at 10:00`: `sign` is -1 before, 1 after, 0 on; `field` a date of `kind`."""

    kind: Kind
    field: str
    sign: Literal[-1, 0, 1]
    span: Span | None
    at: Time | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualTrigger:
    """`when: manual`: `selftimer start RULE RECORD` only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarTrigger:
    """`when: every monday at 08:00`: at the ticks of a schedule, in the studio's zone."""

    schedule: Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class NoReplyTrigger:
    """`when: no reply for 3 days`: a person of the studio wrote last in the client's conversation, that long ago."""

    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class BecomesTrigger:
    """`when: becomes invoice.balance == 0`: false before, true now, of a record of that kind (14)."""

    kind: Kind
    source: str
    condition: Condition = field(compare=False, repr=False)


Trigger = EventTrigger | MomentTrigger | ManualTrigger | CalendarTrigger | NoReplyTrigger | BecomesTrigger
ClockTrigger = MomentTrigger | CalendarTrigger | NoReplyTrigger
"""What makes a rule fall due: it has timers."""


# --- then ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCommon:
    """What any step may carry. `id` is given, else verb and template, with the automation's id before it (18)."""

    id: str
    where: Where
    if_: Condition | None = None
    approve: Condition | bool = False
    late: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendStep(StepCommon):
    """A message in the client's conversation: `words` of automations/messages, or `template_id` kept in the studio."""

    words: str | None = None
    template_id: str | None = None
    variables: Mapping[str, TextTemplate] = field(default_factory=dict)
    attach: tuple[str, ...] = ()
    """Names of files of automations/files, besides those that the words' own head names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemTemplate:
    """One line of `items:`; amounts in main units of the studio's currency."""

    name: TextTemplate
    amount: TextTemplate
    quantity: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateStep(StepCommon):
    """An invoice, quote, contract or questionnaire; sent by the studio's own mail unless `draft`."""

    kind: Kind
    template: TextTemplate | None = None
    items: tuple[ItemTemplate, ...] = ()
    due: Span | None = None
    variables: Mapping[str, TextTemplate] = field(default_factory=dict)
    draft: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponStep(StepCommon):
    """A coupon. `unique` in its code is the same whenever this effect is tried; `discount` is `10%` or an amount.

    It can be used `uses` times, until the end of the day that is `expires` from the day it is made.
    """

    code: TextTemplate
    discount: TextTemplate
    uses: int
    expires: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadStep(StepCommon):
    """A contact with these fields, found by its address where there is one already."""

    set: Mapping[str, TextTemplate]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookStep(StepCommon):
    """A signed call of the address that `[webhooks]` has under that name; `values` are told with it."""

    name: str
    values: Mapping[str, TextTemplate] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateStep(StepCommon):
    """Fields of the client to set."""

    kind: Kind
    set: Mapping[str, TextTemplate]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyStep(StepCommon):
    """A note to the owner, in the words named."""

    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitStep(StepCommon):
    """A pause: `span` from now; or until `anchor` (`start` or `kind.field`) moved by `sign` * `span`, at `at`.

    `wait: 2 days` has only a span; `wait: until 09:00` only `at` (the next 09:00);
    `wait: until 3 days before session.start_at at 09:00` has all. `or_until` ends it early.
    """

    span: Span | None = None
    anchor: tuple[str, ...] | None = None
    sign: Literal[-1, 0, 1] = 1
    at: Time | None = None
    or_until: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchStep(StepCommon):
    """`if:` with `then:` and `else:`; the condition is `test` (a branch has no `if_` of its own)."""

    test: Condition
    then: tuple[Step, ...]
    otherwise: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStep(StepCommon):
    """A named sequence, its steps in place with `inputs` bound (evaluated when the run reaches it)."""

    automation: str
    inputs: Mapping[str, TextTemplate]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StopStep(StepCommon):
    """The run ends, and why."""

    why: str


EffectStep = SendStep | CreateStep | CouponStep | LeadStep | UpdateStep | NotifyStep | WebhookStep
Step = EffectStep | WaitStep | BranchStep | RunStep | StopStep


# --- the rule --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One moment or event with its steps. A plain rule has one, with id ''; in a series each is a run of its own.

    In a series `id` is the entry's given `id:`, else the sentence of its `when`. `late` of the entry bounds its moment.
    """

    id: str
    triggers: tuple[Trigger, ...]
    if_: Condition | None
    late: Span | None
    steps: tuple[Step, ...]
    where: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRule:
    """One of a rule's `lists`: the known records of a kind for which `if_` is true, by `sort` (what has none, last)."""

    name: str
    kind: Kind
    if_: Condition | None
    sort: TextTemplate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """`repeat:`. `once`: once per subject; `once per client`; `after 30 days per client.email` (`per` is a path).

    `after` None with `per` None means each occurrence once (the default).
    """

    once: bool = False
    after: Span | None = None
    per: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule, whole.

    `version` is the digest of its source and of the automations it runs (19); `activation` the digest of what makes
    old records count anew: its triggers, its `if` and whether it runs dry (9, 19).
    """

    id: str
    title: str
    where: Where
    entries: tuple[Entry, ...]
    if_: Condition | None
    until: Condition | None
    version: str
    activation: str
    source: Mapping[str, Any]
    """The rule and its automations as plain data, so that a run can be pinned to this version and compiled again."""
    series: bool = False
    mode: Mode = "auto"
    repeat: Repeat = field(default_factory=Repeat)
    restart: bool = False
    settle: Span | None = None
    late: Span | None = None
    purpose: Purpose = "service"
    approve: Condition | bool = False
    ignore_quiet_hours: Condition | bool = False
    include: frozenset[str] = frozenset()
    also_own_changes: bool = False
    limits: Mapping[str, int] = field(default_factory=dict)
    on_edit: OnEdit = "finish_old"
    lists: Mapping[str, ListRule] = field(default_factory=dict)
    subject: Kind | None = None
    """The kind of record that a run is about; None for a manual rule that takes any, and for the calendar alone."""
    for_each: Kind | None = None
    """Of which records the calendar begins a run each; None for one run that is about none."""
    backfill: Span | None = None
    """How far back from its activation the rule looks for what would have begun it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """All rules of a workspace, with the words they use."""

    rules: Mapping[str, Rule]
    words: Mapping[str, Words]
    all_rules: Mapping[str, Any] | None = None
    """`all_rules` as plain data: always today's, for a rule of an older version too."""
    loaded_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A message: optional subject and attachments of its head, and the text (automations/messages/NAME.md)."""

    name: str
    subject: TextTemplate | None
    attach: tuple[str, ...]
    body: TextTemplate
    where: Where
    text: str = ""
    """The whole file, kept so that an older version of a rule can still say it when the file is gone (19)."""
