"""The tables. Every row names its studio: one database may hold dozens, and every query asks for one.

Where an order or a window is asked for that no field says by itself, a column keeps it ready for the index: `sort_at`
(a record's creation, else when it was first seen) and `happened_at` (when an effect reached, or may have reached,
somebody).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from selftimer.facts.records import Kind
from selftimer.plan.state import DeliveryState, Hold, RunState, TimerState, Verb
from selftimer.store.columns import Json, Moment, Pairs, Texts, Word

if TYPE_CHECKING:
    from whenever import Instant

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _studio() -> Column[str]:
    return Column("studio", Text, primary_key=True)


def _owned() -> Column[str]:
    return Column("studio", Text, nullable=False)


def _serial() -> Column[int]:
    return Column("id", Integer, primary_key=True, autoincrement=True)


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def _moment(name: str, *, null: bool = False) -> Column[Instant]:
    return Column(name, Moment, nullable=null)


resources = Table(
    "resources",
    metadata,
    _studio(),
    Column("kind", Word(Kind), primary_key=True),
    _moment("first_seen_at"),
    _moment("baseline_at", null=True),
    _moment("page_one_at", null=True),
    _moment("open_at", null=True),
    _moment("full_at", null=True),
    _moment("complete_as_of", null=True),
    Column("total", Integer),
    Column("ordered", Boolean),
    Column("sweep_digest", LargeBinary),
    _text("frozen", null=True),
    _moment("failing_since", null=True),
    _text("error", null=True),
)

polls = Table(
    "polls",
    metadata,
    _serial(),
    _owned(),
    _text("depth"),
    _moment("begun_at"),
    _moment("ended_at", null=True),
    Column("requests", Integer),
    Column("changed", Integer),
    _text("error", null=True),
    Index(None, "studio", "begun_at"),
    sqlite_autoincrement=True,
)

records = Table(
    "records",
    metadata,
    _studio(),
    Column("kind", Word(Kind), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("raw", Json, nullable=False),
    _text("client_id", null=True),
    _text("parent_id", null=True),
    _moment("created_at", null=True),
    _moment("first_seen_at"),
    _moment("seen_at"),
    Column("poll_id", Integer, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("baseline", Boolean, nullable=False),
    _moment("gone_at", null=True),
    Column("missing", Integer, nullable=False),
    _text("quarantine", null=True),
    _moment("sort_at"),
    Index(None, "studio", "kind", "sort_at", "id"),
    Index(None, "studio", "kind", "client_id", "sort_at", "id"),  # the order too, else SQLite takes the one above
    Index(None, "studio", "kind", "parent_id", "sort_at", "id"),
)

record_versions = Table(
    "record_versions",
    metadata,
    _serial(),
    _owned(),
    Column("kind", Word(Kind), nullable=False),
    _text("record_id"),
    Column("digest", LargeBinary, nullable=False),
    Column("raw", Json, nullable=False),
    Column("poll_id", Integer, nullable=False),
    _moment("seen_at"),
    Index(None, "studio", "kind", "record_id", "id"),
    Index(None, "studio", "seen_at"),
    sqlite_autoincrement=True,
)

quarantines = Table(
    "quarantines",
    metadata,
    _studio(),
    Column("kind", Word(Kind), primary_key=True),
    Column("record_id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    _text("reason"),
    _moment("at"),
)

events = Table(
    "events",
    metadata,
    _serial(),
    _owned(),
    _text("name"),
    Column("kind", Word(Kind), nullable=False),
    _text("record_id"),
    Column("subject_kind", Word(Kind), nullable=False),
    _text("subject_id"),
    _text("client_id", null=True),
    _text("occurrence"),
    _moment("at"),
    _moment("seen_at"),
    Column("poll_id", Integer, nullable=False),
    Column("changed", Texts, nullable=False),
    Column("own", Boolean, nullable=False),
    Column("before", Json),
    _text("state"),
    _text("settle_rule", null=True),
    _moment("settle_until", null=True),
    _text("reason", null=True),
    Index(None, "studio", "state", "settle_until"),
    Index(None, "studio", "record_id", "name"),
    Index(None, "studio", "client_id"),
    sqlite_autoincrement=True,
)

rules = Table(
    "rules",
    metadata,
    _studio(),
    Column("rule_id", Text, primary_key=True),
    _text("version"),
    _text("activation"),
    _moment("active_since"),
    _text("title"),
    _text("mode"),
    _moment("removed_at", null=True),
)

rule_versions = Table(
    "rule_versions",
    metadata,
    _studio(),
    Column("rule_id", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("source", Json, nullable=False),
    _moment("at"),
)

truths = Table(
    "truths",
    metadata,
    _studio(),
    Column("rule_id", Text, primary_key=True),
    Column("trigger_id", Text, primary_key=True),
    Column("subject_id", Text, primary_key=True),
    Column("value", Boolean, nullable=False),
    _moment("at"),
    Index(None, "studio", "subject_id"),
)
"""What `becomes` last was, for each record that it was judged for."""

texts = Table(
    "texts",
    metadata,
    _studio(),
    Column("name", Text, primary_key=True),
    _text("file"),
    _text("text"),
    _moment("at"),
)
"""Messages as they were last good, for runs whose version says one that is gone from the workspace."""

timers = Table(
    "timers",
    metadata,
    _studio(),
    Column("rule_id", Text, primary_key=True),
    Column("entry_id", Text, primary_key=True),
    Column("subject_id", Text, primary_key=True),
    Column("kind", Word(Kind)),
    _text("client_id", null=True),
    _text("occurrence"),
    _moment("due_at"),
    _moment("closes_at"),
    Column("state", Word(TimerState), nullable=False),
    _text("reason", null=True),
    Index(None, "studio", "state", "due_at"),
    Index(None, "studio", "state", "closes_at"),
    Index(None, "studio", "subject_id"),
    Index(None, "studio", "client_id", "state", "due_at"),
)

runs = Table(
    "runs",
    metadata,
    _studio(),
    Column("id", Text, primary_key=True),
    _text("rule_id"),
    _text("rule_version"),
    _text("entry_id"),
    Column("subject_kind", Word(Kind)),
    _text("subject_id"),
    _text("client_id", null=True),
    _text("occurrence"),
    Column("state", Word(RunState), nullable=False),
    Column("pc", Integer, nullable=False),
    _moment("start_at"),
    _moment("begun_at"),
    _moment("wake_at", null=True),
    _moment("reached_at", null=True),
    Column("event_id", Integer),
    Column("inputs", Json, nullable=False),
    Column("made", Pairs, nullable=False),
    _text("repeat_key", null=True),
    Column("depth", Integer, nullable=False),
    Column("dry", Boolean, nullable=False),
    Column("effects", Integer, nullable=False),
    _text("reason", null=True),
    _moment("ended_at", null=True),
    UniqueConstraint("studio", "rule_id", "entry_id", "subject_id", "occurrence"),
    Index(None, "studio", "state", "wake_at"),
    Index(None, "studio", "client_id", "state"),
    Index(None, "studio", "rule_id", "subject_id"),
    Index(None, "studio", "rule_id", "repeat_key", "start_at"),
)

deliveries = Table(
    "deliveries",
    metadata,
    _studio(),
    Column("id", Text, primary_key=True),
    _text("key"),
    _text("run_id"),
    _text("rule_id"),
    _text("rule_version"),
    _text("entry_id"),
    _text("step_id"),
    Column("verb", Word(Verb), nullable=False),
    _text("purpose"),
    _text("client_id", null=True),
    Column("subject_kind", Word(Kind)),
    _text("subject_id"),
    _text("occurrence"),
    Column("state", Word(DeliveryState), nullable=False),
    _moment("planned_at"),
    _moment("due_at"),
    _moment("allowed_at"),
    _moment("late_until"),
    Column("hold", Word(Hold)),
    _text("words", null=True),
    Column("attempt", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    _moment("lease_until", null=True),
    _text("text", null=True),
    Column("body", Json),
    _text("digest", null=True),
    _text("conversation_id", null=True),
    Column("known_ids", Texts, nullable=False),
    _moment("intent_at", null=True),
    Column("faults", Integer, nullable=False),
    Column("looks", Texts, nullable=False),
    Column("applied", Boolean, nullable=False),
    _text("result_id", null=True),
    _text("result_kind", null=True),
    _text("reason", null=True),
    _moment("approved_at", null=True),
    _text("approved_text", null=True),
    _text("edited_text", null=True),
    _moment("sent_at", null=True),
    Column("dry", Boolean, nullable=False),
    _moment("happened_at", null=True),
    UniqueConstraint("studio", "key"),
    Index(None, "studio", "state", "due_at", "planned_at", "id"),
    Index(None, "studio", "client_id", "state"),
    Index(None, "studio", "client_id", "planned_at", "id"),
    Index(None, "studio", "happened_at"),
    Index(None, "studio", "planned_at"),
    Index(None, "studio", "run_id", "planned_at", "id"),
    Index(None, "studio", "result_id", "planned_at", "id"),
    Index(None, "studio", "lease_until"),
)

traces = Table(
    "traces",
    metadata,
    _serial(),
    _owned(),
    _moment("at"),
    _text("rule_id"),
    _text("entry_id"),
    Column("subject_kind", Word(Kind)),
    _text("subject_id", null=True),
    _text("client_id", null=True),
    _text("verdict"),
    _text("what"),
    _text("run_id", null=True),
    _text("delivery_id", null=True),
    Column("detail", Json, nullable=False),
    Index(None, "studio", "at"),
    Index(None, "studio", "client_id", "at"),
    Index(None, "studio", "rule_id", "at"),
    Index(None, "studio", "subject_id", "at"),
    sqlite_autoincrement=True,
)

orders = Table(
    "orders",
    metadata,
    _serial(),
    _owned(),
    _moment("at"),
    _text("what"),
    Column("args", Json, nullable=False),
    _moment("done_at", null=True),
    Column("result", Json),
    Index(None, "studio", "done_at", "id"),
    sqlite_autoincrement=True,
)

pauses = Table(
    "pauses",
    metadata,
    _studio(),
    Column("scope", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    _moment("since"),
    _text("why"),
)

notices = Table(
    "notices",
    metadata,
    _serial(),
    _owned(),
    _text("key"),
    _moment("at"),
    _text("subject"),
    _text("text"),
    UniqueConstraint("studio", "key"),
    Index(None, "studio", "id"),
    Index(None, "studio", "at"),
    sqlite_autoincrement=True,
)

suppressions = Table(
    "suppressions",
    metadata,
    _studio(),
    Column("digest", Text, primary_key=True),
    _text("entry"),
    _text("what"),
    _moment("at"),
    _text("why"),
)
"""Who gets no advertising, as keyed digests: whom they stand for can't be read from them."""

named = Table(
    "named",
    metadata,
    _studio(),
    Column("name", Text, primary_key=True),
    Column("value", Json),
)
"""Small facts by name (`Control.get`)."""
