"""Fields that nobody knows, as they are kept: one value by name, since they are few and seldom change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whenever import Instant

from selftimer.facts.records import Kind
from selftimer.facts.stored import NewField

if TYPE_CHECKING:
    from collections.abc import Iterable

NEW_FIELDS = "new_fields"
"""The name that the store keeps them by."""
MOST = 100
"""Fields of one kind that are counted: an object whose names are data would have no end."""


def read_new_fields(kept: Any) -> tuple[NewField, ...]:
    """Those that the store's value says, kind by kind."""
    found = kept if isinstance(kept, dict) else {}
    return tuple(
        NewField(kind=kind, name=name, first_seen_at=Instant.parse_iso(at), records=records)
        for kind in Kind
        for name, (at, records) in sorted(found.get(kind.value, {}).items())
    )


def count_fields(kept: Any, seen: Iterable[tuple[Kind, str]], now: Instant) -> tuple[dict[str, Any], list[NewField]]:
    """The value after more records were seen with such fields, and the fields that are seen for the first time."""
    value: dict[str, Any] = {kind: dict(fields) for kind, fields in kept.items()} if isinstance(kept, dict) else {}
    first: list[NewField] = []
    for kind, name in seen:
        fields = value.setdefault(kind.value, {})
        if name in fields:
            at, records = fields[name]
            fields[name] = [at, records + 1]
        elif len(fields) < MOST:
            fields[name] = [now.format_iso(), 1]
            first.append(NewField(kind=kind, name=name, first_seen_at=now, records=1))
    return value, first
