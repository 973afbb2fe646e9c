"""Ask again, just before an effect, whether it is still wanted, and put it into words (delivery.md §1, Before)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from selftimer.engine.fresh import FreshReader, Known, conversation_of, known_of, requests_for
from selftimer.engine.lists import Lists
from selftimer.engine.made import records_made
from selftimer.engine.moved import date_of, moved_away
from selftimer.engine.ruleset import entry_by_id
from selftimer.engine.runs import RunDesk, finish
from selftimer.engine.scopes import scope_of_run
from selftimer.engine.silences import SPOKEN, silent_still
from selftimer.facts.records import Client, Conversation, Kind, Message
from selftimer.plan.effects import Rendered, render_step, texts_of
from selftimer.plan.keys import digest, normalised, unique_of
from selftimer.plan.moments import became_of
from selftimer.plan.program import Effect
from selftimer.plan.silence import of_silence
from selftimer.plan.state import REACHES_CLIENT, Delivery, DeliveryState, Hold, Verb
from selftimer.plan.timing import next_free
from selftimer.plan.verdict import (
    Doubt,
    RunOver,
    StepOver,
    Wanted,
    ignores_night,
    needs_yes,
    still_became,
    still_wanted,
)
from selftimer.rulebook.condition import ConditionError
from selftimer.rulebook.template import MissingWord

if TYPE_CHECKING:
    from collections.abc import Callable

    from whenever import Instant

    from selftimer.engine.context import Context
    from selftimer.engine.world import Fresh
    from selftimer.plan.state import Run
    from selftimer.ports import Tx
    from selftimer.rulebook.condition import Read
    from selftimer.rulebook.model import EffectStep, Entry, Rule
    from selftimer.rulebook.scope import Scope

log = structlog.get_logger(__name__)
_OURS = [DeliveryState.READY]
_SAME_AGAIN = {Verb.COUPON, Verb.LEAD, Verb.WEBHOOK}
"""Effects that are settled by what they hold: a second attempt is the first one's payload."""


class Asking:
    """Made for one claimed delivery; `delivery` is then as it is to be sent, or as it was put off."""

    def __init__(self, context: Context, delivery: Delivery) -> None:
        self._context = context
        self.delivery = delivery
        self._rule: Rule | None = None
        self._run: Run | None = None
        self._known: Known = {}

    async def ask(self, then: Callable[[Tx, Delivery, Fresh], None]) -> Fresh | None:
        """Read afresh and judge; what the judgement rests on if it is to be sent now, else None (that is stored).

        After `load`. `then` is carried out in the transaction of a verdict that says yes.
        """
        fresh = await self._read()
        self._context.crash_point("deliver.asked")
        now = self._context.clock.now()

        def judge(tx: Tx) -> bool:
            wanted = self._judge(tx, fresh, now)
            if wanted:
                then(tx, self.delivery, fresh)
            return wanted

        return fresh if await self._context.store.write(judge) else None

    def load(self, tx: Tx) -> int | None:
        """Find its run and rule; how many requests it takes to ask, or None where it has to wait (that is stored)."""
        self._run = run = tx.runs.get(self.delivery.run_id)
        self._rule = rule = self._context.rules.pinned(tx, run.rule_id, run.rule_version) if run else None
        why = self._not_now(rule)
        if rule is None or why is not None:
            later = self._context.clock.now().add(hours=1)
            waits = replace(self.delivery, lease_until=None, due_at=later, reason=why)
            tx.deliveries.update(waits, expect=_OURS, epoch=self._context.epoch)
            return None
        reads = self._reads()
        self._known = known_of(tx, reads, self.delivery.client_id, writes_to=self._writes_to)
        if self._writes_to:
            self._know_opened(tx)
        return requests_for(self._roots(), reads, self._known)

    def _know_opened(self, tx: Tx) -> None:
        """A thread that we opened is known by its id before any list shows it."""
        opener = tx.deliveries.by_key(self._opener_key())
        ids = self._known.get((Kind.CONVERSATION, self.delivery.client_id or ""))
        if opener is not None and opener.result_id and ids is not None and opener.result_id not in ids:
            ids.append(opener.result_id)

    def _opener_key(self) -> str:
        return f"{self._context.studio_id}|conversation:{self.delivery.client_id}"

    def _not_now(self, rule: Rule | None) -> str | None:
        """Why it has to wait for its rule: that is gone, or its mode is another today (19)."""
        today = self._context.rules.today(rule.id) if rule is not None else None
        if today is None:
            return "its rule isn't in the workspace"
        if today.mode == "off":
            return "its rule is off"
        if today.mode == "dry_run" and not self.delivery.dry:
            return "its rule is only tried out now"
        return None

    def _step(self) -> EffectStep:
        assert self._rule is not None
        assert self._run is not None
        for instruction in self._context.rules.program(self._rule, self._run.entry_id):
            if isinstance(instruction, Effect) and instruction.step.id == self.delivery.step_id:
                return instruction.step
        raise KeyError(f"rule {self._rule.id} has no step {self.delivery.step_id!r}")

    def _entry(self) -> Entry:
        assert self._rule is not None
        return entry_by_id(self._rule, self.delivery.entry_id)

    def _reads(self) -> frozenset[Read]:
        assert self._rule is not None
        step, entry, rule = self._step(), self._entry(), self._rule
        conditions = [c for c in (rule.if_, entry.if_, rule.until, step.if_) if c is not None]
        conditions += [c for c in (rule.approve, step.approve) if not isinstance(c, bool)]
        said = texts_of(step, self._context.rules.words)
        judged = frozenset(read for condition in conditions for read in condition.reads)
        return judged | self._begun_by_reads() | frozenset(read for text in said for read in text.reads)

    def _begun_by_reads(self) -> frozenset[Read]:
        """What has to be known to say whether the run would still begin: asked before its first effect."""
        assert self._run is not None
        if self._run.effects > 0:
            return frozenset()
        if of_silence(self._run.occurrence):
            return SPOKEN
        became = became_of(self._entry(), self._run.occurrence)
        return became.condition.reads if became is not None else frozenset()

    async def _read(self) -> Fresh:
        """The subject, its client, what the conditions lead to, and the conversation that will be written in."""
        reader = FreshReader(self._context, self._reads(), self._known)
        fresh = await reader.read(self._roots())
        if self._writes_to and self.delivery.client_id:
            fresh = await reader.conversations(self.delivery.client_id)
        return fresh

    def _roots(self) -> list[tuple[Kind, str]]:
        assert self._run is not None
        delivery = self.delivery
        roots = [(delivery.subject_kind, delivery.subject_id)] if delivery.subject_kind else []
        roots += [(Kind.CLIENT, delivery.client_id)] if delivery.client_id else []
        return roots + records_made(self._run)

    @property
    def _writes_to(self) -> bool:
        """Whether it goes into the client's conversation, which is read too."""
        return self.delivery.verb is Verb.MESSAGE

    def _judge(self, tx: Tx, fresh: Fresh, now: Instant) -> bool:
        assert self._rule is not None
        assert self._run is not None
        current = tx.deliveries.get(self.delivery.id)
        if current is None or current.state is not DeliveryState.READY or current.epoch != self._context.epoch:
            return False
        self.delivery = current
        desk = RunDesk(tx, self._context, now, fresh)
        rule = self._context.rules.today(self._rule.id) or self._rule
        if (gone := self._gone(fresh)) is not None:
            if self._is_removed(tx, gone):
                return self._over(tx, desk, f"the {gone[2]} is gone from the studio", {})
            # One 404 is no removal (delivery.md §2): what a whole look confirms ends the run, else it goes on.
            return self._hold(tx, Hold.CONDITION, f"the studio doesn't find the {gone[2]} just now", now)
        if self._run.effects == 0 and moved_away(self._context, desk, self._entry(), rule, self._run):
            return self._over(tx, desk, "moved", {})
        if self._run.effects == 0 and not silent_still(desk.world, self._run):
            return self._over(tx, desk, "somebody wrote", {})
        scope = scope_of_run(self._context, tx, desk.world, self._run)
        scope.lists, scope.unique = Lists(self._rule, self._context, desk.world), unique_of(current.key)
        if scope.client is not None and scope.client.id != current.client_id:
            return self._over(tx, desk, "it belongs to another client now", {})
        verdict = still_became(became_of(self._entry(), self._run.occurrence), self._run, scope)
        if isinstance(verdict, Wanted):
            verdict = still_wanted(self._rule, self._entry(), self._step(), current, scope)
        match verdict:
            case RunOver(reason=reason, detail=detail):
                return self._over(tx, desk, reason, detail)
            case StepOver(reason=reason, detail=detail):
                desk.trace(current.rule_id, current.entry_id, reason, current.step_id, run=self._run, detail=detail)
                return finish(tx, self._context, desk, replace(current, state=DeliveryState.SKIPPED, reason=reason))
            case Doubt(hold=hold, why=why):
                return self._hold(tx, hold, why, now)
            case Wanted():
                return not self._at_night(tx, rule, scope, desk) and self._word(tx, rule, scope, fresh, now)

    def _is_removed(self, tx: Tx, gone: tuple[Kind, str, str]) -> bool:
        stored = tx.records.get(gone[0], gone[1])
        return stored is None or stored.gone_at is not None

    def _gone(self, fresh: Fresh) -> tuple[Kind, str, str] | None:
        """What the studio doesn't find, and its name; of a removed record nothing else was expected."""
        assert self._run is not None
        delivery = self.delivery
        if self._run.occurrence.endswith(".removed"):
            return None
        kind = delivery.subject_kind
        if kind is not None and fresh.records.get((kind, delivery.subject_id), True) is None:
            return kind, delivery.subject_id, "record"
        if delivery.client_id and fresh.records.get((Kind.CLIENT, delivery.client_id), True) is None:
            return Kind.CLIENT, delivery.client_id, "client"
        return None

    def _at_night(self, tx: Tx, rule: Rule, scope: Scope, desk: RunDesk) -> bool:
        """Put off what was kept back until the night began; nights don't count as being late (17).

        What a moment lies before is late for good when its date has come, night or not (10).
        """
        assert self._run is not None
        policy, delivery, now = self._context.policy, self.delivery, desk.now
        awake = delivery.verb not in REACHES_CLIENT or ignores_night(rule, scope)
        free = now if awake else next_free(now, policy.quiet_hours, policy.zone)
        at_once = delivery.planned_at == self._run.begun_at
        end = date_of(self._context, desk, self._entry(), self._run) if at_once else None
        if end is not None and free > end:
            desk.trace(delivery.rule_id, delivery.entry_id, "late", delivery.step_id, run=self._run)
            finish(tx, self._context, desk, replace(delivery, state=DeliveryState.SKIPPED, reason="late"))
            return True
        if free == now:
            return False
        later = replace(
            delivery,
            lease_until=None,
            due_at=free,
            late_until=delivery.late_until + (free - now),
            reason="quiet hours",
        )
        tx.deliveries.update(later, expect=_OURS, epoch=self._context.epoch)
        log.info("delivery.quiet", until=free.format_iso())
        return True

    def _over(self, tx: Tx, desk: RunDesk, reason: str, detail: dict[str, object]) -> bool:
        assert self._run is not None
        desk.trace(self.delivery.rule_id, self.delivery.entry_id, "ended", reason, run=self._run, detail=detail)
        tx.deliveries.release(self.delivery.id)
        desk.end(self._run, reason)
        return False

    def _hold(self, tx: Tx, hold: Hold, why: str, now: Instant, *, text: str | None = None) -> bool:
        due = now.add(seconds=self._context.policy.cadence.page_one)
        if hold is Hold.APPROVAL:
            due = now.add(hours=24 * self._context.policy.approval_days)
        held = replace(
            self.delivery,
            state=DeliveryState.HELD,
            hold=hold,
            due_at=due,
            lease_until=None,
            reason=why,
            text=text or self.delivery.text,
        )
        was = self.delivery.reason
        if tx.deliveries.update(held, expect=_OURS, epoch=self._context.epoch) and was != why:
            # It is looked at again every few minutes: said once.
            log.info("delivery.held", hold=hold.value, words=held.words)
            told = f"{held.rule_id}: {held.words or held.verb.value} is held"
            tx.control.notice(now, told, why, key=f"held:{held.id}:{why}")
        return False

    # --- words, approval, the twin -------------------------------------------------------------------------------

    def _word(self, tx: Tx, rule: Rule, scope: Scope, fresh: Fresh, now: Instant) -> bool:
        delivery, step = self.delivery, self._step()
        try:
            rendered = render_step(step, self._context.rules.words, scope)
        except (MissingWord, ConditionError) as error:
            return self._hold(tx, Hold.WORDS, str(error), now)
        except KeyError as error:
            return self._hold(tx, Hold.WORDS, f"its words are gone: {error}", now)
        if delivery.edited_text is not None:
            rendered = Rendered(delivery.edited_text, rendered.body)
        elif delivery.attempt and delivery.verb is Verb.MESSAGE and delivery.text:
            rendered = Rendered(delivery.text, rendered.body)  # the words of its first attempt, which may yet turn up
        elif delivery.attempt and delivery.verb in _SAME_AGAIN and delivery.body:
            rendered = Rendered(delivery.text or rendered.text, dict(delivery.body))  # known again by what it holds
        if delivery.verb is Verb.MESSAGE and delivery.body and "uploaded" in delivery.body:
            rendered.body["uploaded"] = delivery.body["uploaded"]  # no file is put into the studio twice
        asks = needs_yes(rule, step, scope) and delivery.edited_text is None
        if asks and (delivery.approved_at is None or delivery.approved_text != rendered.text):
            why = "waits for your yes" if delivery.approved_at is None else "the words changed since your yes"
            self.delivery = replace(delivery, approved_at=None)
            return self._hold(tx, Hold.APPROVAL, why, now, text=rendered.text)
        if delivery.verb is Verb.MESSAGE:
            return self._message(tx, rendered, fresh, now)
        self.delivery = replace(delivery, text=rendered.text, body=rendered.body, digest=digest(rendered.text))
        return True

    def _message(self, tx: Tx, rendered: Rendered, fresh: Fresh, now: Instant) -> bool:
        delivery = self.delivery
        assert delivery.client_id is not None
        conversation = conversation_of(fresh, delivery.client_id)
        if conversation is None and delivery.dry:
            self.delivery = replace(delivery, text=rendered.text, body=rendered.body, digest=digest(rendered.text))
            return True  # nothing leaves, so nothing has to be opened
        if conversation is None and not any(fresh.of(Kind.CONVERSATION)):
            return self._open_conversation(tx, now, rendered.body.get("subject"))
        if conversation is None or not _is_theirs(conversation, fresh.records.get((Kind.CLIENT, delivery.client_id))):
            return self._hold(tx, Hold.CONVERSATION, "the conversation belongs to another client", now)
        messages = [
            m for m in fresh.of(Kind.MESSAGE) if isinstance(m, Message) and m.conversation_id == conversation.id
        ]
        self.delivery = replace(
            delivery,
            text=rendered.text,
            body=rendered.body,
            digest=digest(rendered.text),
            conversation_id=conversation.id,
            known_ids=tuple(m.id for m in messages),
        )
        desk = RunDesk(tx, self._context, now, fresh)
        return not found_twin(tx, self._context, desk, fresh, self.delivery)

    def _open_conversation(self, tx: Tx, now: Instant, subject: object) -> bool:
        """The client has no conversation: making one is an effect of its own, and the message waits for it (§1.7)."""
        delivery = self.delivery
        key = self._opener_key()
        existing = tx.deliveries.by_key(key)
        if existing is not None and existing.state is DeliveryState.SENT:
            return self._hold(tx, Hold.CONVERSATION, "the client's new conversation can't be seen yet", now)
        if existing is not None and existing.state not in {DeliveryState.READY, DeliveryState.UNKNOWN}:
            return self._hold(tx, Hold.CONVERSATION, "the client has no conversation and none could be made", now)
        if existing is None:
            opener = replace(
                delivery,
                id=self._context.new_id("dlv"),
                key=key,
                run_id="",
                step_id="conversation",
                verb=Verb.CONVERSATION,
                state=DeliveryState.READY,
                hold=None,
                due_at=now,
                lease_until=None,
                words=None,
                text=str(subject or self._context.facts.name),
                body={"subject": str(subject or self._context.facts.name)},
            )
            tx.deliveries.add(opener)
        after = max(now, existing.due_at) if existing is not None else now
        later = replace(delivery, lease_until=None, due_at=after.add(seconds=5), reason="waits for a conversation")
        tx.deliveries.update(later, expect=_OURS, epoch=self._context.epoch)
        return False


def found_twin(tx: Tx, context: Context, desk: RunDesk, fresh: Fresh, delivery: Delivery) -> bool:
    """Take the very text for ours if the studio sent it since a day before the run began (delivery.md §1.1).

    That covers a second copy of the bot and a lost database. What another effect claims is not ours.
    """
    run = tx.runs.get(delivery.run_id)
    words = normalised(delivery.text or "")
    if run is None or not words:
        return False
    since = run.begun_at.subtract(hours=24)
    for message in fresh.of(Kind.MESSAGE):
        if not isinstance(message, Message) or message.conversation_id != delivery.conversation_id:
            continue
        if message.sender_type != "photographer" or message.sent_at is None or message.sent_at < since:
            continue
        if normalised(message.content) == words and tx.deliveries.made(Kind.MESSAGE, message.id) is None:
            sent = replace(delivery, state=DeliveryState.SENT, result_id=message.id, result_kind="message")
            finish(tx, context, desk, replace(sent, sent_at=desk.now, reason="found"))
            return True
    return False


def _is_theirs(conversation: Conversation, client: object) -> bool:
    """Whether the client takes part in it, as far as it says who does: by id or by address."""
    people = [(i, email) for i, kind, email in conversation.participants if kind == "client"]
    if not people or not isinstance(client, Client):
        return conversation.client_id is not None
    address = (client.email or "").casefold()
    return any(i == client.id or (email is not None and email.casefold() == address) for i, email in people)
