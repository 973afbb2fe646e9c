"""New contacts, found by their address where there is one already: a client is never entered twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.channels.outcome import attempt, readable
from selftimer.facts.records import Client
from selftimer.plan.attempt import NotSent, Outcome, Sent

if TYPE_CHECKING:
    from selftimer.facts.records import Record, Unreadable
    from selftimer.plan.state import Delivery
    from selftimer.ports import StudioApi


class LeadChannel:
    """`GET /clients/search`, then `POST /clients/`; reconciled by the address."""

    guarantee = "at most once"

    def __init__(self, api: StudioApi) -> None:
        self._api = api

    def needs_reading(self, delivery: Delivery) -> bool:  # noqa: ARG002 - as in Channel
        """Always: whether the address is known."""
        return True

    async def prepare(self, delivery: Delivery) -> Delivery | NotSent | Sent:
        """Whoever has this address: then nobody is entered."""
        found = await self._with_address(delivery)
        return Sent(result_id=found[0], result_kind="client") if found else delivery

    async def deliver(self, delivery: Delivery) -> Outcome:
        """Enter them, once."""

        async def send() -> Outcome:
            accepted = await self._api.create_client(delivery.body or {})
            return Sent(result_id=accepted.record.id, result_kind="client", record=accepted.record)

        return await attempt(send)

    async def look(self, delivery: Delivery) -> list[str] | None:
        """Whoever has this address now; nobody had it before."""

        async def look() -> list[str]:
            return await self._with_address(delivery)

        return await readable(look)

    async def _with_address(self, delivery: Delivery) -> list[str]:
        """The ids of those with this address: active ones first, clients before leads, who can't be understood last."""
        raws = await self._api.find_clients(str((delivery.body or {}).get("email", "")))
        clients = [(raw.id, self._api.parse(raw)) for raw in raws]
        return [ident for ident, _ in sorted(clients, key=_rank)]


def _rank(found: tuple[str, Record | Unreadable]) -> tuple[bool, bool, bool, str]:
    ident, who = found
    if not isinstance(who, Client):
        return True, True, True, ident
    return False, who.status != "active", who.type != "client", ident
