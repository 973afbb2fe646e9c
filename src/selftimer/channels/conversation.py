"""Messages in the client's conversation, and conversations for clients who have none yet."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from selftimer.channels.outcome import attempt, readable
from selftimer.facts.records import Conversation, Kind, Message
from selftimer.plan.attempt import NotSent, Outcome, Sent
from selftimer.plan.keys import digest, normalised

if TYPE_CHECKING:
    from selftimer.channels.files import Attachments
    from selftimer.plan.state import Delivery
    from selftimer.ports import StudioApi

guarantee_of_writes = "at most once"


class MessageChannel:
    """`POST /conversation_messages`."""

    guarantee = guarantee_of_writes

    def __init__(self, api: StudioApi, attachments: Attachments) -> None:
        self._api = api
        self._attachments = attachments

    def needs_reading(self, delivery: Delivery) -> bool:
        """Where its words are kept in the studio, or files go with it."""
        return bool((delivery.body or {}).get("template_id")) or bool(self._attachments.wanted(delivery))

    async def prepare(self, delivery: Delivery) -> Delivery | NotSent | Sent:
        """Words kept in the studio are fetched now, files are put there; nobody sees them before the message."""
        worded = await self._worded(delivery)
        if isinstance(worded, NotSent) or not self._attachments.wanted(worded):
            return worded
        return await self._attachments.upload(worded)

    async def _worded(self, delivery: Delivery) -> Delivery | NotSent:
        template_id = (delivery.body or {}).get("template_id")
        if not template_id:
            return delivery
        variables = (delivery.body or {}).get("variables") or {}
        _, text, missing = await self._api.template_content(template_id, variables)
        if missing:
            return NotSent(reason=f"the studio's template needs {', '.join(missing)}", permanent=True)
        return replace(delivery, text=text, digest=digest(text))

    async def deliver(self, delivery: Delivery) -> Outcome:
        """Post it, once."""

        async def send() -> Outcome:
            assert delivery.conversation_id is not None
            files = self._attachments.ids(delivery)
            accepted = await self._api.send_message(delivery.conversation_id, delivery.text or "", attachments=files)
            return Sent(result_id=accepted.record.id, result_kind="message")

        return await attempt(send)

    async def look(self, delivery: Delivery) -> list[str] | None:
        """By the studio, not there before, the same text."""

        async def look() -> list[str]:
            assert delivery.conversation_id is not None
            found = []
            for raw in await self._api.record(Kind.CONVERSATION, delivery.conversation_id):
                message = self._api.parse(raw) if raw.kind is Kind.MESSAGE else None
                if not isinstance(message, Message) or message.id in delivery.known_ids:
                    continue
                same = normalised(message.content) == normalised(delivery.text or "")
                if same and message.sender_type == "photographer":
                    found.append(message.id)
            return found

        return await readable(look)


class OpeningChannel:
    """`POST /conversations/` (inferred): reconciled by the client's list."""

    guarantee = guarantee_of_writes

    def __init__(self, api: StudioApi) -> None:
        self._api = api

    def needs_reading(self, delivery: Delivery) -> bool:  # noqa: ARG002 - as in Channel
        """Always: what is there before has to be known."""
        return True

    async def prepare(self, delivery: Delivery) -> Delivery | NotSent | Sent:
        """What is there before."""
        return replace(delivery, known_ids=tuple(await self._of_client(delivery)))

    async def deliver(self, delivery: Delivery) -> Outcome:
        """Create it, once."""

        async def send() -> Outcome:
            assert delivery.client_id is not None
            accepted = await self._api.create_conversation(delivery.client_id, delivery.text or "")
            return Sent(result_id=accepted.record.id, result_kind="conversation")

        return await attempt(send)

    async def look(self, delivery: Delivery) -> list[str] | None:
        """A conversation of the client that wasn't there before."""

        async def look() -> list[str]:
            return [i for i in await self._of_client(delivery) if i not in delivery.known_ids]

        return await readable(look)

    async def _of_client(self, delivery: Delivery) -> list[str]:
        assert delivery.client_id is not None
        page = await self._api.page(Kind.CONVERSATION, 1, client_id=delivery.client_id)
        records = (self._api.parse(raw) for raw in page.records)
        return [r.id for r in records if isinstance(r, Conversation) and r.client_id == delivery.client_id]
