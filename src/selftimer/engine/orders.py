"""Carry out what commands asked for: each order in the transaction that marks it done."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog

from selftimer.engine import breaker
from selftimer.engine.flood import late_by_its_own
from selftimer.engine.intake import Intake
from selftimer.engine.matching import Matcher
from selftimer.engine.purge import purge
from selftimer.engine.refusal import Refusal
from selftimer.engine.removals import thaw
from selftimer.engine.scopes import scope_for
from selftimer.engine.suppression import suppress, unsuppress
from selftimer.errors import SelftimerError
from selftimer.facts.records import LISTED, Kind
from selftimer.plan.moments import entry_moments
from selftimer.plan.state import REACHES_CLIENT, Delivery, DeliveryState, Hold, TimerState, Verb
from selftimer.plan.timing import next_free
from selftimer.ports import Pause
from selftimer.primitives.ids import id_type_of
from selftimer.rulebook.model import CalendarTrigger, HookTrigger, ManualTrigger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whenever import Instant

    from selftimer.engine.context import Context
    from selftimer.ports import Tx
    from selftimer.rulebook.model import Entry, Rule

log = structlog.get_logger(__name__)


def carry_out(tx: Tx, context: Context, now: Instant) -> int:
    """Carry out all waiting orders; how many there were."""
    orders = tx.control.orders()
    for order in orders:
        try:
            message = _ORDERS[order.what](tx, context, now, order.args)
            result = {"ok": True, "message": message}
        except KeyError as error:
            result = {"ok": False, "message": f"unknown order: {error}"}
        except Refusal as refusal:
            result = {"ok": False, "message": str(refusal)}
        except SelftimerError:
            raise
        except Exception as error:  # answered and done with: an order that is tried for ever would stop everything
            log.exception("order.failed", order=order.what)
            result = {"ok": False, "message": f"a fault in Selftimer ({type(error).__name__}); the log has all of it"}
        log.info("order.done", order=order.what, ok=result["ok"])
        tx.control.finish_order(order.id, now, result)
    return len(orders)


def _held(tx: Tx, args: Mapping[str, Any], states: tuple[DeliveryState, ...]) -> Delivery:
    delivery = tx.deliveries.get(str(args.get("id")))
    if delivery is None:
        raise Refusal(f"there is no delivery {args.get('id')}")
    if delivery.state not in states:
        raise Refusal(f"{delivery.id} is {delivery.state.value} by now; nothing was changed")
    return delivery


def _approve(tx: Tx, context: Context, now: Instant, args: Mapping[str, Any]) -> str:
    delivery = _held(tx, args, (DeliveryState.HELD,))
    if delivery.hold is Hold.EVIDENCE:
        return _settle(tx, context, now, delivery, str(args.get("choice") or ""))
    if delivery.hold not in {Hold.APPROVAL, Hold.FLOOD, Hold.FAULT}:
        raise Refusal(f"{delivery.id} waits for {delivery.hold.value if delivery.hold else 'nothing'}, not for a yes")
    text = args.get("text")
    if text is not None and (delivery.verb is not Verb.MESSAGE or not isinstance(text, str) or not text.strip()):
        raise Refusal("only a message can be given other words, and they can't be empty")
    seen = args.get("seen")
    if seen is not None and seen != delivery.text:
        raise Refusal("the words have changed since you saw them; look again")
    free = next_free(now, context.policy.quiet_hours, context.policy.zone) if delivery.verb in REACHES_CLIENT else now
    waited = delivery.hold is Hold.APPROVAL or (
        delivery.hold is Hold.FLOOD and not late_by_its_own(tx, context, delivery)
    )  # the wait for the yes doesn't count (17); that for an answer to a flood or a fault does
    if not waited and now > delivery.late_until:
        raise Refusal(f"it is too late by its own `late` ({delivery.late_until}): it isn't sent any more; skip it")
    said = replace(
        delivery,
        state=DeliveryState.READY,
        hold=None,
        due_at=free,
        allowed_at=free,
        late_until=delivery.late_until + (free - (delivery.allowed_at if waited else now)),
        faults=0,
        approved_at=now,
        approved_text=delivery.text,
        edited_text=text or delivery.edited_text,
        reason=None,
    )
    tx.deliveries.update(said, expect=[DeliveryState.HELD])
    log.info("delivery.approved", rule=delivery.rule_id, delivery=delivery.id, edited=text is not None)
    when = "at once" if free == now else f"at {free.to_tz(context.policy.zone)}, after the quiet hours"
    return f"approved; it goes out {when}"


def _settle(tx: Tx, context: Context, now: Instant, delivery: Delivery, choice: str) -> str:
    """An effect that couldn't be settled by reading: the owner knows (delivery.md §1.5)."""
    if choice == "sent":
        sent = replace(delivery, state=DeliveryState.SENT, hold=None, sent_at=now, reason="you said that it was sent")
        tx.deliveries.update(sent, expect=[DeliveryState.HELD])
        Matcher(tx, context, now).desk.after_final(sent)
        return "taken as sent"
    if choice == "send":
        again = replace(
            delivery,
            state=DeliveryState.READY,
            hold=None,
            due_at=now,
            allowed_at=now,
            late_until=now + (delivery.late_until - delivery.allowed_at),
            applied=False,
            looks=(),
            reason="you said to send it",
        )
        tx.deliveries.update(again, expect=[DeliveryState.HELD])
        return "it goes out once more"
    raise Refusal(
        "it can't be settled whether this was sent: look in the studio, then say --was-sent, --send-again, or skip it"
    )


def _skip(tx: Tx, context: Context, now: Instant, args: Mapping[str, Any]) -> str:
    states = (DeliveryState.HELD, DeliveryState.READY)
    delivery = _held(tx, args, states)
    skipped = replace(delivery, state=DeliveryState.SKIPPED, hold=None, lease_until=None, reason="you said no")
    tx.deliveries.update(skipped, expect=states)
    log.info("delivery.skipped", rule=delivery.rule_id, delivery=delivery.id, reason="you said no")
    Matcher(tx, context, now).desk.after_final(skipped)
    return "skipped; its run goes on without it"


def _pause(tx: Tx, context: Context, now: Instant, args: Mapping[str, Any]) -> str:
    scope, ident = str(args.get("scope", "all")), str(args.get("id") or "")
    if scope == "rule" and context.rules.today(ident) is None and ident not in tx.rules.rows():
        raise Refusal(f"there is no rule {ident!r}")
    tx.control.put_pause(Pause(scope=scope, id=ident, since=now, why=str(args.get("why") or "")))
    log.warning("service.paused", scope=scope, what=ident)
    back = f"selftimer resume {scope} {ident}" if ident else "selftimer resume"
    return f"paused; nothing {'of it ' if ident else ''}is sent until '{back}'"


def _resume(tx: Tx, _context: Context, now: Instant, args: Mapping[str, Any]) -> str:
    scope, ident = str(args.get("scope", "all")), str(args.get("id") or "")
    if scope == "list":
        return _thaw(tx, now, ident)
    if not tx.control.remove_pause(scope, ident):
        if scope == "all" and any(pause.scope == breaker.SCOPE for pause in tx.control.pauses()):
            raise Refusal("it isn't paused, but the breaker is open: `selftimer resume breaker` resets it")
        raise Refusal(f"{scope}{' ' + ident if ident else ''} isn't paused")
    if scope == breaker.SCOPE:
        breaker.reset(tx)
    log.warning("service.resumed", scope=scope, what=ident)
    return "resumed; what waited goes out as far as it isn't too late"


def _thaw(tx: Tx, now: Instant, name: str) -> str:
    """Those who vanished from a list may be gone: each is asked for by its id once the list was read again."""
    kind = next((kind for kind in LISTED if name in {kind.value, f"{kind.value}s"}), None)
    if kind is None:
        raise Refusal(f"there is no list {name!r}; lists are {', '.join(kind.value for kind in LISTED)}")
    resource = tx.records.resource(kind)
    if resource is None or resource.frozen is None:
        raise Refusal(f"nothing is kept back in the list of {kind.value}s")
    thaw(tx, kind, now)
    tx.records.put_resources([replace(resource, full_at=None)])  # read it whole at the next poll
    log.warning("list.thawed", list=kind.value)
    return f"resumed: {resource.frozen}; at the next look each {kind.value} is asked for by its id"


def _start(tx: Tx, context: Context, now: Instant, args: Mapping[str, Any]) -> str:
    """Begin a rule for one record by hand: for bookings from before the rule was there."""
    rule = context.rules.today(str(args.get("rule")))
    if rule is None:
        raise Refusal(f"there is no rule {args.get('rule')!r}")
    record_id = str(args.get("record"))
    id_type = id_type_of(record_id)
    stored = tx.records.get(Kind(id_type.kind), record_id) if id_type and id_type.kind in set(Kind) else None
    if stored is None:
        raise Refusal(f"there is no record {record_id!r}; give an id as `selftimer status` or the studio shows it")
    going = [r for r in tx.runs.of_subject(rule.id, record_id) if r.ended_at is None]
    if going:
        raise Refusal(f"rule {rule.id} is under way for {record_id} already (run {going[0].id})")
    done = _begin(tx, context, rule, stored.kind, record_id, now) + _moments(
        tx, context, rule, stored.kind, record_id, now
    )
    if not done:
        raise Refusal(
            f"nothing of rule {rule.id} can begin for a {stored.kind.value} now: `if` doesn't hold, or all is over"
        )
    return "; ".join(done)


def _begin(tx: Tx, context: Context, rule: Rule, kind: Kind, record_id: str, now: Instant) -> list[str]:
    matcher, done = Matcher(tx, context, now), []
    for entry in rule.entries:
        if rule.subject not in {kind, None} or not _by_hand(rule, entry):
            continue
        stored = tx.records.get(kind, record_id)
        owner = stored.client_id if stored else None
        scope = scope_for(
            context,
            matcher.desk.world,
            subject_kind=kind,
            subject_id=record_id,
            client_id=owner,
            event=None,
            start=None,
        )
        if matcher.begin_by_hand(rule, entry, scope, (kind, record_id), f"manual:{context.new_id('m')}"):
            done.append(f"begun for {record_id}")
    return done


def _by_hand(rule: Rule, entry: Entry) -> bool:
    """Whether a person can begin it at once; what counts from a record's date has its timer made instead."""
    if any(isinstance(trigger, ManualTrigger) for trigger in entry.triggers):
        return True
    known = any(
        not isinstance(t, CalendarTrigger | HookTrigger)
        or (isinstance(t, CalendarTrigger) and rule.for_each is not None)
        for t in entry.triggers
    )
    return known and not entry_moments(entry)


def _moments(tx: Tx, context: Context, rule: Rule, kind: Kind, record_id: str, now: Instant) -> list[str]:
    intake = Intake(tx, context, now, 0)
    record = intake.matcher.desk.world.get(kind, record_id)
    done = []
    for entry in rule.entries:
        for timer_entry, trigger in entry_moments(entry):
            if trigger.kind is not kind or record is None:
                continue
            intake.moment(record, rule.id, entry, timer_entry, trigger, known_before=False)
            timer = tx.timers.get(rule.id, timer_entry, record_id)
            coming = timer is not None and timer.state in {TimerState.PENDING, TimerState.OPEN}
            if timer is not None and coming and timer.closes_at >= now:
                done.append(f"{entry.id or rule.id}: due {timer.due_at.to_tz(context.policy.zone)}")
    return done


_ORDERS = {
    "approve": _approve,
    "skip": _skip,
    "pause": _pause,
    "resume": _resume,
    "start": _start,
    "suppress": suppress,
    "unsuppress": unsuppress,
    "purge": purge,
}
