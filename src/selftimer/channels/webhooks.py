"""Signed calls of the owner's own addresses, by Standard Webhooks (delivery.md §1.9)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

import orjson

from selftimer.channels.outgoing import Caller, CallFailed, Target
from selftimer.plan.attempt import NotSent, Outcome, Sent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selftimer.plan.state import Delivery
    from selftimer.primitives.clock import Clock

SECRET_PREFIX = "whsec_"  # noqa: S105 - how secrets begin, not one


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """Where a named webhook goes, and the key that it is signed with."""

    target: Target
    key: bytes = field(repr=False)


class WebhookChannel:
    """One POST, tried as often as `late` allows: the receiver knows what it has had by `webhook-id`."""

    guarantee = "at least once"

    def __init__(self, hooks: Mapping[str, Hook], clock: Clock, caller: Caller | None = None) -> None:
        self._hooks = hooks
        self._clock = clock
        self._caller = caller or Caller()

    def needs_reading(self, delivery: Delivery) -> bool:  # noqa: ARG002 - as in Channel
        """Never."""
        return False

    async def prepare(self, delivery: Delivery) -> Delivery | NotSent | Sent:
        """Nothing to add."""
        return delivery

    async def deliver(self, delivery: Delivery) -> Outcome:
        """Call it. Whatever goes wrong, the same call again does no harm."""
        name = str((delivery.body or {}).get("webhook"))
        hook = self._hooks.get(name)
        if hook is None:
            return NotSent(reason=f"selftimer.toml has no webhook {name!r}", permanent=True)
        content = payload(delivery)
        at = self._clock.now().timestamp(unit="second")
        headers = {"Content-Type": "application/json", **signed(message_id(delivery.key), at, content, hook.key)}
        try:
            reply = await self._caller.post(hook.target, headers, content)
        except CallFailed as failed:
            return NotSent(reason=f"webhook {name}: {failed.reason}", permanent=failed.refused)
        if reply.taken:
            return Sent(result_id=None)
        gone = reply.status == 410  # Standard Webhooks: whoever is there wants no more of them
        reason = f"webhook {name} answered {reply.status}"
        return NotSent(reason=reason, permanent=gone, retry_after=reply.retry_after)

    async def look(self, delivery: Delivery) -> list[str] | None:  # noqa: ARG002 - as in Channel
        """There is nothing to look at: it goes out again."""
        return []


def message_id(key: str) -> str:
    """The effect's key as `webhook-id`: one word of plain signs, without the full stop that the signature parts by."""
    return quote(key, safe="|:@").replace(".", "%2E")


def signed(ident: str, at: int, content: bytes, key: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks for a body sent at that second (Unix)."""
    whole = f"{ident}.{at}.".encode() + content
    signature = base64.b64encode(hmac.new(key, whole, hashlib.sha256).digest()).decode()
    return {"webhook-id": ident, "webhook-timestamp": str(at), "webhook-signature": f"v1,{signature}"}


def payload(delivery: Delivery) -> bytes:
    """The body: ids of what it is about, and the values that the rule names. The same at every attempt."""
    kind = delivery.subject_kind
    data = {
        "rule": delivery.rule_id,
        "step": delivery.step_id,
        "client_id": delivery.client_id,
        "subject": {"kind": kind.value, "id": delivery.subject_id} if kind is not None else None,
        "occurrence": delivery.occurrence,
        "values": (delivery.body or {}).get("values") or {},
    }
    name = (delivery.body or {}).get("webhook")
    return orjson.dumps({"type": f"selftimer.{name}", "timestamp": delivery.planned_at.format_iso(), "data": data})


def key_of(secret: str) -> bytes:
    """The key of a secret as Standard Webhooks write it: `whsec_` and 24 to 64 bytes in base64; else `ValueError`."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith(SECRET_PREFIX) or not 24 <= len(key) <= 64:
        raise ValueError("a webhook's secret is 'whsec_' and 24 to 64 bytes in base64")
    return key
