"""The first tables.

One long function: a migration is a record of what was done, in order, and never changes with the tables of today.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "deliveries",
        sa.Column("studio", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("rule_version", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("step_id", sa.Text(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("subject_kind", sa.Text(), nullable=True),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("occurrence", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("planned_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("allowed_at", sa.BigInteger(), nullable=False),
        sa.Column("late_until", sa.BigInteger(), nullable=False),
        sa.Column("hold", sa.Text(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("conversation_id", sa.Text(), nullable=True),
        sa.Column("known_ids", sa.Text(), nullable=False),
        sa.Column("intent_at", sa.BigInteger(), nullable=True),
        sa.Column("faults", sa.Integer(), nullable=False),
        sa.Column("looks", sa.Text(), nullable=False),
        sa.Column("applied", sa.Boolean(), nullable=False),
        sa.Column("result_id", sa.Text(), nullable=True),
        sa.Column("result_kind", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("approved_at", sa.BigInteger(), nullable=True),
        sa.Column("approved_text", sa.Text(), nullable=True),
        sa.Column("edited_text", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("dry", sa.Boolean(), nullable=False),
        sa.Column("happened_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("studio", "id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("studio", "key", name=op.f("uq_deliveries_studio_key")),
    )
    op.create_index(
        op.f("ix_deliveries_studio_client_id_state"), "deliveries", ["studio", "client_id", "state"], unique=False
    )
    op.create_index(
        op.f("ix_deliveries_studio_client_id_planned_at_id"),
        "deliveries",
        ["studio", "client_id", "planned_at", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_deliveries_studio_happened_at"), "deliveries", ["studio", "happened_at"], unique=False)
    op.create_index(op.f("ix_deliveries_studio_planned_at"), "deliveries", ["studio", "planned_at"], unique=False)
    op.create_index(op.f("ix_deliveries_studio_lease_until"), "deliveries", ["studio", "lease_until"], unique=False)
    op.create_index(
        op.f("ix_deliveries_studio_result_id_planned_at_id"),
        "deliveries",
        ["studio", "result_id", "planned_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_deliveries_studio_run_id_planned_at_id"),
        "deliveries",
        ["studio", "run_id", "planned_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_deliveries_studio_state_due_at_planned_at_id"),
        "deliveries",
        ["studio", "state", "due_at", "planned_at", "id"],
        unique=False,
    )
    op.create_table(
        "events",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("studio", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("occurrence", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("poll_id", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Text(), nullable=False),
        sa.Column("own", sa.Boolean(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("settle_rule", sa.Text(), nullable=True),
        sa.Column("settle_until", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_events_studio_client_id"), "events", ["studio", "client_id"], unique=False)
    op.create_index(op.f("ix_events_studio_record_id_name"), "events", ["studio", "record_id", "name"], unique=False)
    op.create_index(
        op.f("ix_events_studio_state_settle_until"), "events", ["studio", "state", "settle_until"], unique=False
    )
    op.create_table(
        "hook_calls",
        sa.Column("studio", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("dropped", sa.Integer(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("studio", "name", "id", name=op.f("pk_hook_calls")),
    )
    op.create_index(op.f("ix_hook_calls_studio_done_at_at"), "hook_calls", ["studio", "done_at", "at"], unique=False)
    op.create_table(
        "looks",
        sa.Column("studio", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("looked_at", sa.BigInteger(), nullable=True),
        sa.Column("absent", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("studio", "client_id", name=op.f("pk_looks")),
    )
    op.create_index(op.f("ix_looks_studio_due_at"), "looks", ["studio", "due_at"], unique=False)
    op.create_table(
        "named",
        sa.Column("studio", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("studio", "name", name=op.f("pk_named")),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("studio", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("studio", "key", name=op.f("uq_notices_studio_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_notices_studio_at"), "notices", ["studio", "at"], unique=False)
    op.create_index(op.f("ix_notices_studio_id"), "notices", ["studio", "id"], unique=False)
    op.create_table(
        "orders",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("studio", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("args", sa.Text(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_orders_studio_done_at_id"), "orders", ["studio", "done_at", "id"], unique=False)
    op.create_table(
        "pauses",
        sa.Column("studio", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("studio", "scope", "id", name=op.f("pk_pauses")),
    )
    op.create_table(
        "polls",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("studio", sa.Text(), nullable=False),
        sa.Column("depth", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("requests", sa.Integer(), nullable=True),
        sa.Column("changed", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_polls")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_polls_studio_begun_at"), "polls", ["studio", "begun_at"], unique=False)
    op.create_table(
        "quarantines",
        sa.Column("studio", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("studio", "kind", "record_id", name=op.f("pk_quarantines")),
    )
    op.create_table(
        "record_versions",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("studio", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("poll_id", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_versions")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_record_versions_studio_kind_record_id_id"),
        "record_versions",
        ["studio", "kind", "record_id", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_record_versions_studio_seen_at"), "record_versions", ["studio", "seen_at"], unique=False)
    op.create_table(
        "records",
        sa.Column("studio", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("parent_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=True),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("poll_id", sa.Integer(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("baseline", sa.Boolean(), nullable=False),
        sa.Column("gone_at", sa.BigInteger(), nullable=True),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("quarantine", sa.Text(), nullable=True),
        sa.Column("sort_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("studio", "kind", "id", name=op.f("pk_records")),
    )
    op.create_index(
        op.f("ix_records_studio_kind_client_id_sort_at_id"),
        "records",
        ["studio", "kind", "client_id", "sort_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_records_studio_kind_parent_id_sort_at_id"),
        "records",
        ["studio", "kind", "parent_id", "sort_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_records_studio_kind_sort_at_id"), "records", ["studio", "kind", "sort_at", "id"], unique=False
    )
    op.create_table(
        "resources",
        sa.Column("studio", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("baseline_at", sa.BigInteger(), nullable=True),
        sa.Column("page_one_at", sa.BigInteger(), nullable=True),
        sa.Column("open_at", sa.BigInteger(), nullable=True),
        sa.Column("full_at", sa.BigInteger(), nullable=True),
        sa.Column("complete_as_of", sa.BigInteger(), nullable=True),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("ordered", sa.Boolean(), nullable=True),
        sa.Column("sweep_digest", sa.LargeBinary(), nullable=True),
        sa.Column("frozen", sa.Text(), nullable=True),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("studio", "kind", name=op.f("pk_resources")),
    )
    op.create_table(
        "rule_versions",
        sa.Column("studio", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("studio", "rule_id", "version", name=op.f("pk_rule_versions")),
    )
    op.create_table(
        "rules",
        sa.Column("studio", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("activation", sa.Text(), nullable=False),
        sa.Column("active_since", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("studio", "rule_id", name=op.f("pk_rules")),
    )
    op.create_table(
        "texts",
        sa.Column("studio", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("studio", "name", name=op.f("pk_texts")),
    )
    op.create_table(
        "runs",
        sa.Column("studio", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("rule_version", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=True),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("occurrence", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("pc", sa.Integer(), nullable=False),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("wake_at", sa.BigInteger(), nullable=True),
        sa.Column("reached_at", sa.BigInteger(), nullable=True),
        sa.Column("event_id", sa.Integer(), nullable=True),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("made", sa.Text(), nullable=False),
        sa.Column("repeat_key", sa.Text(), nullable=True),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("dry", sa.Boolean(), nullable=False),
        sa.Column("effects", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("studio", "id", name=op.f("pk_runs")),
        sa.UniqueConstraint(
            "studio",
            "rule_id",
            "entry_id",
            "subject_id",
            "occurrence",
            name=op.f("uq_runs_studio_rule_id_entry_id_subject_id_occurrence"),
        ),
    )
    op.create_index(op.f("ix_runs_studio_client_id_state"), "runs", ["studio", "client_id", "state"], unique=False)
    op.create_index(
        op.f("ix_runs_studio_rule_id_repeat_key_start_at"),
        "runs",
        ["studio", "rule_id", "repeat_key", "start_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_runs_studio_rule_id_subject_id"), "runs", ["studio", "rule_id", "subject_id"], unique=False
    )
    op.create_index(op.f("ix_runs_studio_state_wake_at"), "runs", ["studio", "state", "wake_at"], unique=False)
    op.create_table(
        "suppressions",
        sa.Column("studio", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("studio", "digest", name=op.f("pk_suppressions")),
    )
    op.create_table(
        "timers",
        sa.Column("studio", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("occurrence", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("closes_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("studio", "rule_id", "entry_id", "subject_id", name=op.f("pk_timers")),
    )
    op.create_index(
        op.f("ix_timers_studio_client_id_state_due_at"),
        "timers",
        ["studio", "client_id", "state", "due_at"],
        unique=False,
    )
    op.create_index(op.f("ix_timers_studio_state_closes_at"), "timers", ["studio", "state", "closes_at"], unique=False)
    op.create_index(op.f("ix_timers_studio_state_due_at"), "timers", ["studio", "state", "due_at"], unique=False)
    op.create_index(op.f("ix_timers_studio_subject_id"), "timers", ["studio", "subject_id"], unique=False)
    op.create_table(
        "traces",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("studio", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=True),
        sa.Column("subject_id", sa.Text(), nullable=True),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("delivery_id", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_traces")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_traces_studio_at"), "traces", ["studio", "at"], unique=False)
    op.create_index(op.f("ix_traces_studio_client_id_at"), "traces", ["studio", "client_id", "at"], unique=False)
    op.create_index(op.f("ix_traces_studio_rule_id_at"), "traces", ["studio", "rule_id", "at"], unique=False)
    op.create_index(op.f("ix_traces_studio_subject_id_at"), "traces", ["studio", "subject_id", "at"], unique=False)
    op.create_table(
        "truths",
        sa.Column("studio", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("trigger_id", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("value", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("studio", "rule_id", "trigger_id", "subject_id", name=op.f("pk_truths")),
    )
    op.create_index(op.f("ix_truths_studio_subject_id"), "truths", ["studio", "subject_id"], unique=False)
