"""Take changed records in: snapshot, history, events, timers and runs of one batch, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import structlog

from selftimer.engine.backfill import span_of
from selftimer.engine.becoming import Becoming
from selftimer.engine.flood import hold_flood
from selftimer.engine.matching import Matcher
from selftimer.engine.moved import FOR_EVER
from selftimer.engine.own import is_own
from selftimer.engine.ruleset import entry_by_id
from selftimer.engine.silences import touched, watch
from selftimer.facts.derive import session_end
from selftimer.facts.diff import Seen, events_of, partially_paid, removed
from selftimer.facts.newfields import NEW_FIELDS, count_fields
from selftimer.facts.openness import is_open
from selftimer.facts.records import Invoice, Kind, Payment, Record, Session, client_id_of, created_at_of, kind_of
from selftimer.facts.stored import Look, StoredEvent, StoredRecord
from selftimer.plan.looks import GALLERY_DAYS, NEW_HOURS, slot_after
from selftimer.plan.moments import LIVE, entry_of_timer, moment_of, timer_for
from selftimer.plan.state import TimerState
from selftimer.primitives.time import move

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from whenever import Instant

    from selftimer.engine.change import Change
    from selftimer.engine.context import Context
    from selftimer.facts.event import Event
    from selftimer.plan.moments import Moment
    from selftimer.plan.state import Timer
    from selftimer.ports import Tx
    from selftimer.rulebook.model import Entry, MomentTrigger, Rule

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Taken:
    """What a batch came to."""

    events: int = 0
    baseline: int = 0
    adopted: int = 0


class Intake:
    """Applies changes inside one transaction at one instant."""

    def __init__(self, tx: Tx, context: Context, now: Instant, poll_id: int) -> None:
        self.tx = tx
        self.context = context
        self.now = now
        self.poll_id = poll_id
        self.matcher = Matcher(tx, context, now)
        self.seen = Seen(at=now, zone_of=self.matcher.desk.zones.of_session, zone=context.policy.zone)
        self.taken = Taken()
        self.undated = 0
        """Messages of which nobody knows whether they are new."""
        self._baseline: dict[tuple[Kind, str], bool] = {}
        """Whether it was there at the baseline, of each record that was put."""
        self._spans: dict[str, tuple[Instant, Instant] | None] = {}

    def apply(self, changes: Sequence[Change]) -> Taken:
        """Store the changes, then decide what follows. Clients come first, so that nothing is judged on a hole."""
        baselines = self._baselines()
        rows = [self._row(change, baselines) for change in changes]
        self.tx.records.put(rows)
        self._baseline = {(row.kind, row.id): row.baseline for row in rows}
        self._tell_undated()
        self._renamed(changes)
        self._new_fields(changes)
        self._expect_galleries(changes)
        happened: list[tuple[Event, Change]] = []
        for change, row in zip(changes, rows, strict=True):
            if change.before is None and row.baseline:
                continue
            happened += [(event, change) for event in events_of(change.before, change.record, self.seen)]
        happened += self._part_payments(changes)
        for event, change in happened:
            self._happened(event, change)
        for change, row in zip(changes, rows, strict=True):
            self._moments(change, row)
        watch(self.matcher, touched(changes), self.context.rules.silences)
        Becoming(self.matcher, self.poll_id).changed(changes)
        self._others(changes)
        hold_flood(self.tx, self.context, self.now, self.matcher.desk)
        return self.taken

    def _tell_undated(self) -> None:
        """Say once a day that messages may have been missed; a drift of the studio's would make it all of them."""
        if not self.undated:
            return
        log.warning("messages.undated", count=self.undated)
        self.tx.control.notice(
            self.now,
            "The studio doesn't say when messages were written",
            "So nobody can tell new ones from old ones: they begin nothing, and may be missed. Look into the studio's "
            "inbox; `selftimer doctor` shows what the studio leaves out.",
            key=f"undated:{self.now.to_tz(self.context.policy.zone).date()}",
        )

    def _baselines(self) -> dict[Kind, Instant | None]:
        return {kind: resource.baseline_at for kind, resource in self.tx.records.resources().items()}

    def _row(self, change: Change, baselines: dict[Kind, Instant | None]) -> StoredRecord:
        record, kind = change.record, kind_of(change.record)
        created = created_at_of(record)
        old = change.stored
        there = change.adopted or (old is None and self._was_there(record, kind, created, baselines))
        baseline = there or (old is not None and old.baseline)
        if old is None:
            self.taken.baseline += baseline
            since = baselines.get(_baseline_kind(kind))
            self.taken.adopted += baseline and since is not None
        parent = record.invoice_id if isinstance(record, Payment) else getattr(record, "conversation_id", None)
        return StoredRecord(
            kind=kind,
            id=record.id,
            digest=change.raw.digest,
            raw=change.raw.raw,
            client_id=client_id_of(record),
            parent_id=parent,
            created_at=created,
            first_seen_at=old.first_seen_at if old else self.now,
            seen_at=self.now,
            poll_id=self.poll_id,
            open=is_open(record, self.now),
            baseline=baseline,
        )

    def _was_there(
        self, record: Record, kind: Kind, created: Instant | None, baselines: dict[Kind, Instant | None]
    ) -> bool:
        """Whether a record seen for the first time is old: its creation is then no event (delivery.md §3)."""
        if kind is Kind.GALLERY:
            look = self.tx.looks.get(client_id_of(record) or "")
            if look is not None and look.looked_at is not None:
                return False
            began = baselines.get(Kind.SESSION)
            return created is None or began is None or created < max(began, self.now.subtract(hours=NEW_HOURS))
        since = baselines.get(_baseline_kind(kind))
        if since is None:
            return True
        if created is None:  # lists were seen whole at their baseline, so who is unknown there is new; messages weren't
            self.undated += kind is Kind.MESSAGE
            return kind is Kind.MESSAGE
        return created <= since if kind is Kind.MESSAGE else created < since  # messages aren't read at the baseline

    def _renamed(self, changes: Sequence[Change]) -> None:
        """Those that have another id now: the old one is put away, and nobody takes it as a removal."""
        for change in changes:
            if change.was is not None:
                kind = change.raw.kind
                self.tx.records.mark_gone(kind, change.was, self.now)
                self._drop_timers(kind, change.was, "it has another id now")

    def _drop_timers(self, kind: Kind, record_id: str, why: str) -> None:
        live = [t for t in self.tx.timers.of_subject(kind, record_id) if t.state in LIVE]
        self.tx.timers.put([replace(t, state=TimerState.GONE, reason=why) for t in live])

    def _expect_galleries(self, changes: Sequence[Change]) -> None:
        """Whose session is confirmed has a gallery to come (`engine.galleries`)."""
        since = self.now.subtract(hours=24 * GALLERY_DAYS)
        for change in changes:
            session = change.record
            if not isinstance(session, Session) or session.client_id is None or session.status != "confirmed":
                continue
            end = session_end(session)
            if end is None or end <= since:
                continue
            look = self.tx.looks.get(session.client_id)
            if look is None:
                look = Look(client_id=session.client_id, due_at=slot_after(session.client_id, self.now))
            self.tx.looks.put(replace(look, due_at=min(look.due_at, slot_after(look.client_id, max(end, self.now)))))

    def _new_fields(self, changes: Sequence[Change]) -> None:
        """Count the fields that nobody knows, once a record: where its version before hadn't got them."""
        seen: list[tuple[Kind, str]] = []
        for change in changes:
            names = self.context.api.unknown_fields(change.raw)
            if names and (old := change.stored) is not None:
                before = self.context.api.unknown_fields(replace(change.raw, raw=dict(old.raw)))
                names = tuple(name for name in names if name not in before)
            seen += [(change.raw.kind, name) for name in names]
        if not seen:
            return
        value, first = count_fields(self.tx.control.get(NEW_FIELDS), seen, self.now)
        self.tx.control.put(NEW_FIELDS, value)
        for one in first:
            log.info("field.appeared", list=one.kind.value, field=one.name)

    # --- events --------------------------------------------------------------------------------------------------

    def _happened(self, event: Event, change: Change | None) -> None:
        if event.changed and event.after is not None and change is not None and change.stored is not None:
            own = is_own(self.tx, event.record_id, event.changed, event.after, since=change.stored.seen_at)
            event = replace(event, own=own)
        expired = event.at < self.now.subtract(hours=self.context.policy.event_expiry_hours)
        before = change.stored.raw if change and change.stored and event.before is not None else None
        stored = StoredEvent(
            id=0,
            name=event.name,
            kind=event.kind,
            record_id=event.record_id,
            subject_kind=event.subject_kind,
            subject_id=event.subject_id,
            client_id=event.client_id,
            occurrence=event.occurrence,
            at=event.at,
            seen_at=event.seen_at,
            poll_id=self.poll_id,
            changed=event.changed,
            own=event.own,
            before=before,
            state="expired" if expired else "done",
            reason="older than a day when it was seen" if expired else None,
        )
        stored = replace(stored, id=self.tx.events.add(stored))
        self.taken.events += 1
        log.info("event.seen", event_name=event.name, record=event.record_id, client=event.client_id, expired=expired)
        if expired:
            if self.context.rules.listening(event.name):
                self.tx.control.notice(
                    self.now,
                    f"{event.name} was seen too late",
                    f"{event.record_id}: happened {event.at}, seen {event.seen_at}; no rule was begun.",
                    key=f"expired:{event.name}:{event.record_id}",
                )
            return
        self.matcher.event(stored)

    def _part_payments(self, changes: Sequence[Change]) -> list[tuple[Event, Change]]:
        """`invoice.partially_paid` for invoices of which a part has just come in."""
        world, out = self.matcher.desk.world, []
        touched: dict[str, Change] = {}
        for change in changes:
            record, before = change.record, change.before
            if not isinstance(record, Payment) or not record.invoice_id or record.status != "completed":
                continue
            if getattr(before, "status", None) != "completed" and not self._is_baseline(change):
                touched[record.invoice_id] = change
        for invoice_id, change in touched.items():
            invoice = world.get(Kind.INVOICE, invoice_id)
            payments = [p for p in world.of_invoice(invoice_id) if isinstance(p, Payment) and p.status == "completed"]
            paid = sum(p.amount.minor for p in payments)
            if isinstance(invoice, Invoice) and 0 < paid < invoice.amount.minor:
                out.append((partially_paid(invoice, paid, self.seen), change))
        return out

    def _is_baseline(self, change: Change) -> bool:
        return change.before is None and self._baseline[change.raw.kind, change.raw.id]

    def gone(self, record: Record) -> None:
        """A record is gone: its moments are dropped, its event begins what it begins."""
        kind = kind_of(record)
        self.tx.records.mark_gone(kind, record.id, self.now)
        self._drop_timers(kind, record.id, "the record is gone")
        client_id = client_id_of(record)
        for run in self.tx.runs.of_client(client_id) if client_id else ():
            about = (run.subject_kind, run.subject_id) == (kind, record.id) or kind is Kind.CLIENT
            if about and not self.matcher.desk.on_its_way(run):
                self.matcher.desk.end(
                    run, f"the {'client' if kind is Kind.CLIENT else 'record'} is gone from the studio"
                )
        event = removed(record, self.seen)
        if event is not None:
            self._happened(event, None)

    # --- moments -------------------------------------------------------------------------------------------------

    def _moments(self, change: Change, row: StoredRecord) -> None:
        record = change.record
        for rule, entry, timer_entry, trigger in self.context.rules.moments(kind_of(record)):
            before = getattr(change.before, trigger.field, None)
            same_date = change.before is not None and before == getattr(record, trigger.field, None)
            known = same_date or (change.before is None and row.baseline)
            self.moment(record, rule.id, entry, timer_entry, trigger, known_before=known)

    def moment(
        self,
        record: Record,
        rule_id: str,
        entry: Entry,
        timer_entry: str,
        trigger: MomentTrigger,
        *,
        known_before: bool,
    ) -> None:
        """Make, move or leave the timer of one moment of one record."""
        row = self.matcher.rows.get(rule_id)
        rule = self.context.rules.today(rule_id)
        if row is None or rule is None:
            return
        old = self.tx.timers.get(rule_id, timer_entry, record.id)
        moment = self._moment_of(trigger, record, entry, rule.late)
        if moment is None:
            if old is not None and old.state in LIVE:
                self.tx.timers.put([replace(old, state=TimerState.GONE, reason="its date is gone")])
            return
        since = row.active_since
        span = self._span(rule) if known_before else None
        if span is not None and span[0] <= moment.due_at < span[1]:
            moment, since = self._looked_back(moment, trigger, record, entry, rule, span[1]), min(since, span[0])
        timer = timer_for(
            rule_id,
            timer_entry,
            record,
            moment,
            old=old,
            now=self.now,
            active_since=since,
            known_before=known_before,
        )
        if timer is None:
            return
        if old is not None and old.occurrence != timer.occurrence:
            self._moved(old)
        self.tx.timers.put([timer])
        if timer.state is TimerState.SKIPPED:
            self.matcher.desk.trace(rule_id, entry.id, "late", f"moment {timer.due_at}", timer=timer)

    def _span(self, rule: Rule) -> tuple[Instant, Instant] | None:
        if rule.backfill is None:
            return None
        if rule.id not in self._spans:
            self._spans[rule.id] = span_of(self.tx, rule, self.context.policy.zone)
        return self._spans[rule.id]

    def _looked_back(
        self, moment: Moment, trigger: MomentTrigger, record: Record, entry: Entry, rule: Rule, asked: Instant
    ) -> Moment:
        """A moment that `backfill` looks back for: its window is counted from when that was asked for.

        The date that a moment lies before closes it all the same.
        """
        late = entry.late or rule.late or self.context.policy.late
        closes = move(asked, late, 1, self.context.policy.zone)
        longest = self._moment_of(trigger, record, entry, FOR_EVER)
        if trigger.sign == -1 and longest is not None:
            closes = min(closes, longest.closes_at)
        return replace(moment, closes_at=max(moment.closes_at, closes))

    def _moment_of(self, trigger: MomentTrigger, record: Record, entry: Entry, rule_late: Any) -> Moment | None:
        return moment_of(
            trigger,
            record,
            late=rule_late if rule_late is FOR_EVER else entry.late or rule_late,
            policy=self.context.policy,
            zone_of=self.seen.zone_of,
            is_working=self.context.is_working_day,
        )

    def _moved(self, old: Timer) -> None:
        """The run of a moment that moved to another date ends, if it has had no effect yet (11)."""
        for run in self.tx.runs.of_subject(old.rule_id, old.subject_id):
            mine = run.entry_id == entry_of_timer(old.entry_id) and run.occurrence == old.occurrence
            if mine and run.ended_at is None and run.effects == 0 and not self.matcher.desk.on_its_way(run):
                self.matcher.desk.end(run, "moved")

    # --- what else the changed clients' runs and moments make of it ------------------------------------------------

    def _others(self, changes: Iterable[Change]) -> None:
        clients = {client_id for c in changes if (client_id := client_id_of(c.record)) and not self._is_baseline(c)}
        for client_id in sorted(clients):
            self.matcher.desk.client_changed(client_id)
            for timer in self.tx.timers.open_of_client(client_id):
                self.reconsider(timer)

    def reconsider(self, timer: Timer) -> None:
        """An open moment: perhaps its `if` holds now."""
        rule = self.context.rules.today(timer.rule_id)
        if rule is None or timer.closes_at < self.now:
            return
        self.matcher.moment(rule, entry_by_id(rule, entry_of_timer(timer.entry_id)), timer)


def _baseline_kind(kind: Kind) -> Kind:
    """Messages are as old as the baseline of conversations; session types have none."""
    return Kind.CONVERSATION if kind is Kind.MESSAGE else kind
