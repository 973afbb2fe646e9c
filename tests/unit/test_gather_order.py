"""The order in which changes are taken in, for a process may die between two batches."""

from __future__ import annotations

from selftimer.engine.gather import _ORDER
from selftimer.facts.records import LISTED, Kind


def test_messages_are_stored_before_the_conversation_that_says_that_they_are() -> None:
    assert _ORDER[Kind.MESSAGE] < _ORDER[Kind.CONVERSATION]


def test_clients_come_before_all_that_belongs_to_them() -> None:
    assert all(_ORDER[Kind.CLIENT] < _ORDER[kind] for kind in (*LISTED, Kind.MESSAGE) if kind is not Kind.CLIENT)


def test_every_kind_has_its_place() -> None:
    apart = {Kind.GALLERY}  # taken in by looks of their own
    assert set(_ORDER) == set(Kind) - apart
