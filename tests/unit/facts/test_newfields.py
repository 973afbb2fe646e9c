from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from whenever import Instant

from selftimer.facts.newfields import MOST, count_fields, read_new_fields
from selftimer.facts.records import Kind

AT = Instant.from_utc(2026, 3, 2, 9)


def test_a_field_keeps_when_it_was_seen_first() -> None:
    kept, first = count_fields(None, [(Kind.CLIENT, "tier"), (Kind.CLIENT, "tier")], AT)
    assert [(one.kind, one.name) for one in first] == [(Kind.CLIENT, "tier")]
    kept, first = count_fields(kept, [(Kind.CLIENT, "tier"), (Kind.QUOTE, "tier")], AT.add(hours=1))
    assert [(one.kind, one.name) for one in first] == [(Kind.QUOTE, "tier")]
    assert [(one.kind, one.first_seen_at, one.records) for one in read_new_fields(kept)] == [
        (Kind.CLIENT, AT, 3),
        (Kind.QUOTE, AT.add(hours=1), 1),
    ]


def test_names_without_end_are_not_counted_without_end() -> None:
    kept, first = count_fields(None, [(Kind.CLIENT, f"field{n}") for n in range(MOST * 3)], AT)
    assert len(first) == len(read_new_fields(kept)) == MOST


@given(st.lists(st.lists(st.tuples(st.sampled_from(Kind), st.sampled_from("abc")), max_size=8), max_size=6))
def test_what_is_counted_in_parts_is_what_was_seen(batches: list[list[tuple[Kind, str]]]) -> None:
    kept: Any = None
    for batch in batches:
        kept = json.loads(json.dumps(count_fields(kept, batch, AT)[0]))
    seen = [one for batch in batches for one in batch]
    assert {(one.kind, one.name): one.records for one in read_new_fields(kept)} == {
        one: seen.count(one) for one in seen
    }
