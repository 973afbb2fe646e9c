"""One claimed delivery, driven through its states; `selftimer.plan` says what follows, here it is carried out."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import structlog

from selftimer.engine.asking import Asking, found_twin
from selftimer.engine.breaker import count_outcome
from selftimer.engine.caps import full_until
from selftimer.engine.leads import lead_is_free, take_lead
from selftimer.engine.made import remember
from selftimer.engine.own import remember_values
from selftimer.engine.runs import LOGGED, RunDesk, finish
from selftimer.engine.stops import why_stopped
from selftimer.engine.suppression import is_suppressed
from selftimer.engine.world import Fresh
from selftimer.errors import StoreError, StudioError
from selftimer.facts.records import Kind
from selftimer.plan.attempt import NotSent, Sent, Twins, after_attempt, after_look, result_kind
from selftimer.plan.state import DOCUMENTS, FINAL, Delivery, DeliveryState, Verb
from selftimer.ports import JournalEntry

if TYPE_CHECKING:
    from whenever import Instant

    from selftimer.engine.context import Context
    from selftimer.facts.records import RawRecord
    from selftimer.ports import Channel, Tx

log = structlog.get_logger(__name__)
_OURS = [DeliveryState.READY]
_BEFORE_A_DOCUMENT = 4
"""Reads of a channel that looks up a template and what is there before."""

_CATCH_BREATH = 30
"""Seconds before reads that took too long are made again."""


class Attempt:
    """Made for one claim of one delivery."""

    def __init__(self, context: Context, delivery: Delivery) -> None:
        self._context = context
        self._delivery = delivery
        self._intended: bool | None = None
        """Whether the intent was written with the verdict; None where the channel has to read first."""
        self._asking: Asking | None = None
        self._reads: int | None = None
        self._fault: Exception | None = None
        self._waits = False

    @property
    def delivery(self) -> Delivery:
        """The delivery as it stands."""
        return self._delivery

    def load(self, tx: Tx) -> Self:
        """Find what asking takes, in the transaction that claimed it; a fault of this one shows when it runs."""
        self._waits = self._delivery.state is DeliveryState.READY and (self._unwanted(tx) or self._put_aside(tx))
        if self._waits:
            return self  # nothing needs to be read for what may not be sent
        if self._delivery.state is DeliveryState.READY and self._delivery.verb is not Verb.CONVERSATION:
            self._asking = Asking(self._context, self._delivery)
            try:
                self._reads = self._asking.load(tx)
            except StoreError:
                raise
            except Exception as error:  # noqa: BLE001 - raised again in `carry_out`: the others are not to suffer
                self._fault = error
        return self

    @property
    def _channel(self) -> Channel:
        channels = self._context.dry_channels if self._delivery.dry else self._context.channels
        return channels[self._delivery.verb]

    async def carry_out(self) -> None:
        """Look for an unknown one; else ask again whether it is wanted and send it."""
        if self._waits:
            return
        if self._delivery.state is DeliveryState.UNKNOWN:
            await self._look()
            return
        if self._delivery.verb is Verb.CONVERSATION:
            await self._send(Fresh(read_at=self._context.clock.now()))
            return
        if self._fault is not None:
            raise self._fault
        asking, reads = self._asking, self._reads
        if asking is None or reads is None:
            return
        more = 1 + (_BEFORE_A_DOCUMENT if self._delivery.verb in DOCUMENTS else self._delivery.verb is Verb.LEAD)
        async with self._context.api.permits(reads + more):
            self._context.crash_point("deliver.before_intent")
            fresh = await asking.ask(self._at_once)
            if fresh is None:
                return
            if self._intended is None:
                self._delivery = asking.delivery
                await self._send(fresh)
            elif self._intended:
                await self._post()

    # --- write ahead, send, classify -----------------------------------------------------------------------------

    def _at_once(self, tx: Tx, delivery: Delivery, fresh: Fresh) -> None:
        """Verdict and intent in one transaction, where nothing has to be read between them."""
        self._delivery = delivery
        if self._channel.needs_reading(delivery):
            return
        if self._too_old(fresh):
            tx.deliveries.update(self._again(), expect=_OURS, epoch=self._context.epoch)
            self._intended = False
        else:
            self._intended = self._intend(tx, fresh)

    def _too_old(self, fresh: Fresh) -> bool:
        age = self._context.clock.now() - (fresh.read_at or self._context.clock.now())
        return age.total("seconds") > self._context.policy.fresh_for

    def _again(self) -> Delivery:
        later = self._context.clock.now().add(seconds=_CATCH_BREATH)  # a studio that is so slow isn't hurried
        return replace(self._delivery, lease_until=None, due_at=later, reason="the reads had become old")

    async def _send(self, fresh: Fresh) -> None:
        if self._too_old(fresh):
            await self._put(self._again(), final=False)
            return
        ready = await self._channel.prepare(self._delivery)
        if isinstance(ready, NotSent | Sent):
            done = after_attempt(self._delivery, ready, self._context.clock.now(), self._context.policy)
            await self._put(replace(done, reason=done.reason or "found"), final=True)
            return
        if isinstance(ready, Twins):
            if await self._found_before(ready):
                return
            ready = ready.ready
        self._delivery = ready
        self._context.crash_point("deliver.before_intent")
        if self._too_old(fresh) and _uploaded(ready):
            await self._put(self._again(), final=False)  # its files took a while; they stay where they are
            return
        if await self._context.store.write(lambda tx: self._intend_anew(tx, fresh)):
            await self._post()

    async def _found_before(self, twins: Twins) -> bool:
        """Whether one of them belongs to no other effect of ours: it is this one, made by a second copy of the bot.

        Such a copy, or the owner's own hand, has spared the client a second one (delivery.md §1.1).
        """
        kind = result_kind(twins.ready.verb) or twins.ready.verb.value
        free = await self._context.store.read(
            lambda tx: [one for one in twins.ids if tx.deliveries.made(kind, one) is None]
        )
        if not free:
            return False
        now = self._context.clock.now()
        found = after_attempt(twins.ready, Sent(result_id=free[-1], result_kind=kind), now, self._context.policy)
        await self._put(replace(found, reason="found"), final=True, made=await self._found(found))
        return True

    def _intend_anew(self, tx: Tx, fresh: Fresh) -> bool:
        """The intent of words that were only just fetched: they too may have been sent by a second copy of the bot."""
        desk = RunDesk(tx, self._context, self._context.clock.now(), fresh)
        if self._delivery.verb is Verb.MESSAGE and found_twin(tx, self._context, desk, fresh, self._delivery):
            return False
        if self._delivery.verb is Verb.LEAD and not lead_is_free(tx, self._delivery, since=fresh.read_at):
            waits = replace(self._again(), reason="another one with this address is being entered")
            tx.deliveries.update(waits, expect=_OURS, epoch=self._context.epoch)
            return False
        if not self._intend(tx, fresh):
            return False
        if self._delivery.verb is Verb.LEAD:
            take_lead(tx, self._delivery)
        return True

    async def _post(self) -> None:
        self._context.crash_point("deliver.after_intent")
        await self._journal("intent", sync=True)
        self._context.crash_point("deliver.after_journal")
        outcome = await self._channel.deliver(self._delivery)
        self._context.crash_point("deliver.after_post")
        done = after_attempt(self._delivery, outcome, self._context.clock.now(), self._context.policy)
        await self._put(done, final=True, made=outcome.record if isinstance(outcome, Sent) else None)
        self._context.crash_point("deliver.after_outcome")
        await self._journal(done.state.value, sync=False, result_id=done.result_id)
        self._context.crash_point("deliver.after_line")

    def _intend(self, tx: Tx, fresh: Fresh) -> bool:
        """Suppression, kill switch and caps, read in the transaction that sets `in_flight`."""
        now, delivery = self._context.clock.now(), self._delivery
        if self._unwanted(tx, fresh) or self._put_aside(tx):
            return False
        full = self._full_until(tx, now)
        if full is not None:
            return self._put_off(tx, *full, now)
        flying = replace(
            delivery,
            state=DeliveryState.IN_FLIGHT,
            attempt=delivery.attempt + 1,
            epoch=self._context.epoch,
            intent_at=now,
            reason=None,
        )
        if not tx.deliveries.update(flying, expect=_OURS, epoch=self._context.epoch):
            return False
        self._delivery = flying
        return True

    def _unwanted(self, tx: Tx, fresh: Fresh | None = None) -> bool:
        """Whether it is advertising for somebody who wants none: it is skipped for good."""
        delivery = self._delivery
        if not is_suppressed(tx, self._context, delivery, fresh):
            return False
        desk = RunDesk(tx, self._context, self._context.clock.now(), fresh)
        run = tx.runs.get(delivery.run_id)
        desk.trace(delivery.rule_id, delivery.entry_id, "suppressed", delivery.step_id, run=run)
        finish(tx, self._context, desk, replace(delivery, state=DeliveryState.SKIPPED, reason="suppressed"))
        return True

    def _put_aside(self, tx: Tx) -> bool:
        """Whether a kill switch is on: it is tried again later, and `late` runs."""
        stop, delivery = why_stopped(tx, self._context, self._delivery), self._delivery
        if stop is None:
            return False
        later = self._context.clock.now().add(seconds=self._context.policy.cadence.page_one)
        paused = replace(delivery, lease_until=None, due_at=later, reason=stop)
        tx.deliveries.update(paused, expect=_OURS, epoch=self._context.epoch)
        if delivery.reason != stop:
            log.info("delivery.paused", reason=stop)
        return True

    def _full_until(self, tx: Tx, now: Instant) -> tuple[Instant, str] | None:
        rule = self._context.rules.today(self._delivery.rule_id)
        return full_until(tx, self._delivery, self._context.policy.caps, rule.limits if rule is not None else {}, now)

    def _put_off(self, tx: Tx, free_at: Instant, what: str, now: Instant) -> bool:
        delivery = self._delivery
        log.info("delivery.capped", reason=what, until=free_at.format_iso())
        if free_at > delivery.late_until:
            skipped = replace(delivery, state=DeliveryState.SKIPPED, reason="capped")
            return finish(tx, self._context, RunDesk(tx, self._context, now), skipped)
        later = replace(delivery, lease_until=None, due_at=free_at, reason=what)
        tx.deliveries.update(later, expect=_OURS, epoch=self._context.epoch)
        return False

    # --- afterwards ----------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        """Read the studio back for one that may have happened."""
        found = await self._channel.look(self._delivery)
        self._context.crash_point("deliver.looked")
        now = self._context.clock.now()

        def settle(tx: Tx) -> Delivery:
            mine = found
            if found is not None:
                kind = result_kind(self._delivery.verb) or self._delivery.verb.value
                others = (tx.deliveries.made(kind, record_id) for record_id in found)
                mine = [i for i, other in zip(found, others, strict=True) if other is None]
            return after_look(self._delivery, mine, now, self._context.policy)

        after = await self._context.store.read(settle)
        log.info("delivery.looked", found=None if found is None else len(found), state=after.state.value)
        await self._put(after, final=True, made=await self._found(after))
        self._context.crash_point("deliver.settled")

    async def _found(self, delivery: Delivery) -> RawRecord | None:
        """The document, or the lead, that was found, as the studio has it; later steps speak of it."""
        told = delivery.verb in DOCUMENTS | {Verb.LEAD}
        if delivery.state is not DeliveryState.SENT or not told or delivery.result_id is None:
            return None
        with suppress(StudioError):
            kind = Kind(result_kind(delivery.verb) or delivery.verb.value)
            return (await self._context.api.record(kind, delivery.result_id))[0]
        return None

    async def _put(self, delivery: Delivery, *, final: bool, made: RawRecord | None = None) -> None:
        now = self._context.clock.now()
        expect = [DeliveryState.READY, DeliveryState.IN_FLIGHT, DeliveryState.UNKNOWN]

        def put(tx: Tx) -> None:
            if not tx.deliveries.update(delivery, expect=expect, epoch=self._context.epoch):
                log.warning("delivery.fenced")
                return
            if delivery.state is not self._delivery.state or delivery.attempt != self._delivery.attempt:
                count_outcome(tx, self._context, delivery, now)
            if delivery.state in {DeliveryState.FAILED, DeliveryState.HELD}:
                tx.control.notice(
                    now,
                    f"{delivery.rule_id}: {delivery.words or delivery.verb.value} needs you",
                    f"For client {delivery.client_id}: {delivery.reason}.",
                    key=f"outcome:{delivery.id}:{delivery.attempt}",
                )
            if delivery.verb is Verb.NOTIFY and delivery.state is DeliveryState.SENT and not delivery.dry:
                subject = str((delivery.body or {}).get("subject") or delivery.words)
                tx.control.notice(now, subject, delivery.text or "", key=f"note:{delivery.id}")
            if final and delivery.state in FINAL:
                remember_values(tx, delivery)
                if made is not None:
                    remember(tx, self._context, made, now)
                RunDesk(tx, self._context, now).after_final(delivery)

        await self._context.store.write(put)
        log.info(
            LOGGED[delivery.state],
            attempt=delivery.attempt,
            words=delivery.words,
            verb=delivery.verb.value,
            client=delivery.client_id,
            result=delivery.result_id,
            reason=delivery.reason,
        )
        self._delivery = delivery

    async def _journal(self, outcome: str, *, sync: bool, result_id: str | None = None) -> None:
        delivery = self._delivery
        body = delivery.digest or hashlib.blake2b(delivery.key.encode(), digest_size=16).hexdigest()
        entry = JournalEntry(
            at=self._context.clock.now(),
            key=delivery.key,
            delivery_id=delivery.id,
            attempt=delivery.attempt,
            verb=delivery.verb.value,
            client_id=delivery.client_id,
            digest=body,
            outcome=outcome,
            result_id=result_id,
        )
        append = self._context.store.journal.append
        if sync:
            await asyncio.to_thread(append, entry, sync=True)  # a sync takes a millisecond: not on the loop
        else:
            append(entry, sync=False)


def _uploaded(delivery: Delivery) -> bool:
    return bool((delivery.body or {}).get("uploaded"))
