"""What a simulation tells: what went out, was held or skipped, and what people did beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from selftimer.plan.state import DeliveryState, Verb

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from whenever import Instant

    from selftimer.plan.state import Delivery
    from selftimer.ports import Tx

Progress = Callable[[float], None]
"""Told how much of the time is lived through, from 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Something that would happen, or would be held or skipped, and when."""

    at: Instant
    delivery: Delivery
    at_once: bool = False
    """Whether it is due as soon as the service runs with these files; told by a plan only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What a person of the studio, or the studio itself, did in the meantime."""

    at: Instant
    client_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Some time of a studio under one set of rules. Effects and deeds are in the order of time."""

    begins: Instant
    ends: Instant
    effects: tuple[Effect, ...]
    deeds: tuple[Deed, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    """Of clients, by id."""

    def of_client(self, client_id: str) -> list[Effect | Deed]:
        """All that one client did and got, in the order of time; of the same instant what they did comes first."""
        mine: list[Effect | Deed] = [deed for deed in self.deeds if deed.client_id == client_id]
        mine += [effect for effect in self.effects if effect.delivery.client_id == client_id]
        return sorted(mine, key=lambda one: one.at)


def effects_of(tx: Tx, end: Instant) -> tuple[Effect, ...]:
    """All that a store's deliveries came to until `end`."""
    return in_order(Effect(at=when(one), delivery=one) for one in all_deliveries(tx) if shows(one, end))


def in_order(effects: Iterable[Effect]) -> tuple[Effect, ...]:
    """By time; ids are by chance, so keys decide between two of the same instant."""
    return tuple(sorted(effects, key=lambda one: (one.at, one.delivery.client_id or "", one.delivery.key)))


def all_deliveries(tx: Tx) -> list[Delivery]:
    """Every delivery of a store."""
    return [one for state in DeliveryState for one in tx.deliveries.in_state(state)]


def when(one: Delivery) -> Instant:
    """When it happened, is going to, or was put before the owner."""
    if one.state is DeliveryState.SENT:
        return one.sent_at or one.due_at
    return one.planned_at if one.state is DeliveryState.HELD else one.due_at


def shows(one: Delivery, end: Instant) -> bool:
    """What is put off beyond the end isn't of these days, and opening a thread is part of its message."""
    waits = one.state in {DeliveryState.READY, DeliveryState.UNKNOWN, DeliveryState.IN_FLIGHT}
    return one.verb is not Verb.CONVERSATION and not (waits and one.due_at > end)
