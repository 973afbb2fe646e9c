"""Forget a person: what is kept of them goes, what keeps anything from being sent twice stays (delivery.md §6)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog

from selftimer.engine.leads import entered_as
from selftimer.engine.own import written_as
from selftimer.engine.refusal import Refusal
from selftimer.engine.suppression import secret_of
from selftimer.engine.world import parsed
from selftimer.facts.records import Client, Kind
from selftimer.plan.keys import sealed
from selftimer.plan.state import FINAL, Delivery, DeliveryState, Hold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whenever import Instant

    from selftimer.engine.context import Context
    from selftimer.ports import Store, Tx

log = structlog.get_logger(__name__)
_WANTED = "compact"
_UNSETTLED = {DeliveryState.IN_FLIGHT, DeliveryState.UNKNOWN}
_PLANNED = {DeliveryState.HELD, DeliveryState.READY}


def purge(tx: Tx, context: Context, now: Instant, args: Mapping[str, Any]) -> str:
    """The order. Ids and keys of what was sent stay, without words; so do the suppression list and the send journal."""
    client_id = str(args.get("client"))
    deliveries, records = tx.deliveries.of_client(client_id), tx.people.records_of(client_id)
    stored = tx.records.get(Kind.CLIENT, client_id)
    if stored is None and not deliveries and len(records) == 1:
        raise Refusal(f"nothing is kept of a client {client_id!r}")
    open_ones = [d.id for d in deliveries if d.state in _UNSETTLED or d.hold is Hold.EVIDENCE]
    if open_ones:
        raise Refusal(
            f"it isn't settled yet whether {', '.join(open_ones)} was sent: wait for it, or say --was-sent or skip, "
            "then purge again; nothing was deleted"
        )
    client = parsed(context.api, stored) if stored is not None else None
    names = _names(client)
    for delivery in [*deliveries, *_of_others(tx, client_id, names)]:
        tx.deliveries.update(_emptied(delivery), expect=[delivery.state])
    secret = secret_of(tx)
    runs = tx.people.empty_runs(client_id, now, lambda key: seal_key(secret, key))
    tx.people.forget_records(client_id, records)
    tx.people.forget_named(written_as(client_id))
    if isinstance(client, Client) and client.email:
        tx.people.forget_named(entered_as(client.email))
    ids = {client_id, *(ident for _, ident in records), *runs, *(d.id for d in deliveries)}
    tx.people.forget_notices(ids, names)
    tx.people.forget_orders(ids, names)
    tx.people.forget_traces_about(names)
    tx.control.remove_pause("client", client_id)
    tx.control.put(_WANTED, value=True)
    log.warning("client.purged", client=client_id, records=len(records), deliveries=len(deliveries), runs=len(runs))
    return (
        f"{len(records)} records and the words of {len(deliveries)} messages and documents are deleted. What stays are "
        "ids, so that nothing is sent twice. Lines of the log keep their ids, and older backups keep all of it: delete "
        "those yourself. If the client is still in the studio, the next look reads them again"
    )


def _of_others(tx: Tx, client_id: str, names: list[str]) -> list[Delivery]:
    """What is done with in the runs of others and speaks of them: what entered them as a lead, notes to the owner."""
    found = (tx.deliveries.get(ident) for ident in tx.people.deliveries_about(names))
    return [one for one in found if one is not None and one.client_id != client_id and one.state in FINAL]


def _emptied(delivery: Delivery) -> Delivery:
    """Without anybody's words; what was still planned is over."""
    state = DeliveryState.CANCELLED if delivery.state in _PLANNED else delivery.state
    return replace(
        delivery,
        state=state,
        hold=None,
        lease_until=None,
        text=None,
        body=None,
        approved_text=None,
        edited_text=None,
        reason="purged",
    )


def _names(client: object) -> list[str]:
    if not isinstance(client, Client):
        return []
    whole = " ".join(part for part in (client.first_name, client.last_name) if part)
    return [name for name in (client.email, whole) if name]


def seal_key(secret: str, key: str) -> str:
    """A repeat key of which only equality is left: it may be an address."""
    return f"sealed:{sealed(secret, 'repeat', key)}"


async def compact_if_wanted(store: Store) -> bool:
    """After a purge: write the database anew, so that the words are gone from its files too. False: again later."""
    if not await store.read(lambda tx: bool(tx.control.get(_WANTED))):
        return True
    if not await store.compact():
        return False
    await store.write(lambda tx: tx.control.put(_WANTED, value=None))
    log.info("store.compacted")
    return True
