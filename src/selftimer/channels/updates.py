"""Changes of a client's own fields: read, changed, put whole, read back. Idempotent (delivery.md §1.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selftimer.channels.outcome import attempt, readable
from selftimer.facts.records import Client, Kind
from selftimer.plan.attempt import NotSent, Outcome, Sent

if TYPE_CHECKING:
    from selftimer.plan.state import Delivery
    from selftimer.ports import StudioApi


class UpdateChannel:
    """`PUT /clients/{id}`."""

    guarantee = "idempotent"

    def __init__(self, api: StudioApi) -> None:
        self._api = api

    def needs_reading(self, delivery: Delivery) -> bool:  # noqa: ARG002 - as in Channel
        """Never."""
        return False

    async def prepare(self, delivery: Delivery) -> Delivery | NotSent | Sent:
        """Nothing to add."""
        return delivery

    async def deliver(self, delivery: Delivery) -> Outcome:
        """Set the fields."""

        async def send() -> Outcome:
            body: dict[str, Any] = dict(delivery.body or {})
            accepted = await self._api.update_client(str(body["client_id"]), body["set"])
            return Sent(result_id=accepted.record.id, result_kind="client")

        return await attempt(send)

    async def look(self, delivery: Delivery) -> list[str] | None:
        """The client, if it is as it was to be set."""

        async def look() -> list[str]:
            body: dict[str, Any] = dict(delivery.body or {})
            found = await self._api.record(Kind.CLIENT, str(body["client_id"]))
            client = self._api.parse(found[0])
            wanted = body["set"].items()
            as_set = isinstance(client, Client) and all(getattr(client, k, None) == v for k, v in wanted)
            return [str(body["client_id"])] if as_set else []

        return await readable(look)
