"""Who gets no advertising any more: kept as keyed digests, so that it outlives even what is known of them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import structlog

from selftimer.engine.refusal import Refusal
from selftimer.engine.world import parsed
from selftimer.facts.records import Client, Kind
from selftimer.plan.keys import sealed
from selftimer.plan.state import REACHES_CLIENT, Delivery, Verb
from selftimer.ports import SECRET, Suppression

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whenever import Instant

    from selftimer.engine.context import Context
    from selftimer.engine.world import Fresh
    from selftimer.ports import Tx

log = structlog.get_logger(__name__)
MARKETING = "marketing"


def secret_of(tx: Tx) -> str:
    """The workspace's secret; made where there is none yet."""
    secret = tx.control.get(SECRET)
    if secret is None:
        secret = secrets.token_hex(32)
        tx.control.put(SECRET, secret)
    return str(secret)


def is_suppressed(tx: Tx, context: Context, delivery: Delivery, fresh: Fresh | None = None) -> bool:
    """Whether this is advertising for somebody who wants none: by id, by the address kept, and by the one just read."""
    if delivery.purpose != MARKETING or delivery.client_id is None:
        return False
    if delivery.verb not in REACHES_CLIENT | {Verb.CONVERSATION}:
        return False
    secret = tx.control.get(SECRET)
    if secret is None:
        return False  # nobody was ever put on the list
    now_read = fresh.records.get((Kind.CLIENT, delivery.client_id)) if fresh is not None else None
    addresses = {_address(tx, context, delivery.client_id), now_read.email if isinstance(now_read, Client) else None}
    digests = [sealed(secret, "client", delivery.client_id)]
    digests += [sealed(secret, "email", address) for address in addresses if address]
    return tx.people.is_suppressed(digests)


def _address(tx: Tx, context: Context, client_id: str) -> str | None:
    stored = tx.records.get(Kind.CLIENT, client_id)
    client = parsed(context.api, stored) if stored is not None else None
    return client.email if isinstance(client, Client) else None


def suppress(tx: Tx, context: Context, now: Instant, args: Mapping[str, Any]) -> str:
    """The order: no advertising for that client, or that address, any more."""
    entry, secret = context.new_id("sup"), secret_of(tx)
    tx.people.suppress(
        [
            Suppression(digest=digest, entry=entry, what=what, at=now, why=str(args.get("why") or ""))
            for what, digest in _digests(tx, context, secret, args).items()
        ]
    )
    _forget_address(tx, args)
    log.warning("client.suppressed", client=args.get("client"))
    return "gets no more advertising; messages about what they booked go on"


def unsuppress(tx: Tx, context: Context, _now: Instant, args: Mapping[str, Any]) -> str:
    """The order: advertising again."""
    digests = _digests(tx, context, secret_of(tx), args)
    _forget_address(tx, args)
    if not tx.people.unsuppress(list(digests.values())):
        raise Refusal("is not on the list: nothing was changed")
    log.warning("client.unsuppressed", client=args.get("client"))
    return "may get advertising again"


def _forget_address(tx: Tx, args: Mapping[str, Any]) -> None:
    """An address is kept as a digest only: not in the order that named it either."""
    if args.get("email"):
        tx.people.forget_orders((), [str(args["email"])])


def _digests(tx: Tx, context: Context, secret: str, args: Mapping[str, Any]) -> dict[str, str]:
    client_id, address = args.get("client"), args.get("email")
    if client_id is not None:
        if tx.records.get(Kind.CLIENT, str(client_id)) is None:
            raise Refusal(f"there is no client {client_id!r}")
        address = _address(tx, context, str(client_id))
    said = {"client": client_id, "email": address}
    found = {what: sealed(secret, what, str(value)) for what, value in said.items() if value}
    if not found:
        raise Refusal("say a client or an e-mail address")
    return found
