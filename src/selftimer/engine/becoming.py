"""`becomes invoice.balance == 0`: what was false and is true now (rule-language.md, Exact meaning 14).

The last true or false is kept for each rule and record. It is judged again whenever something of the record's client
changes, once the rule has had its first look at the records that were there before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from selftimer.engine.own import is_own
from selftimer.engine.ruleset import event_name
from selftimer.engine.scopes import scope_for
from selftimer.engine.world import parsed
from selftimer.facts.diff import changed_fields
from selftimer.facts.records import Client, Kind, client_id_of, kind_of
from selftimer.facts.stored import StoredEvent
from selftimer.plan import verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from selftimer.engine.change import Change
    from selftimer.engine.matching import Matcher
    from selftimer.engine.ruleset import Clocked
    from selftimer.facts.stored import StoredRecord
    from selftimer.rulebook.model import BecomesTrigger, Rule


@dataclass(frozen=True, slots=True)
class Own:
    """What changed of a client itself, and whether all of it was ours."""

    changed: tuple[str, ...] = ()
    own: bool = False


@dataclass(slots=True)
class Becoming:
    """Judges inside one transaction at one instant, for one poll."""

    matcher: Matcher
    poll_id: int
    _ready: dict[str, bool] = field(default_factory=dict)

    def changed(self, changes: Iterable[Change]) -> None:
        """Judge every record of the clients of which something changed, and those that belong to nobody."""
        becoming = self.matcher.context.rules.becoming
        if not becoming:
            return
        changes = list(changes)
        clients = {client_id for c in changes if (client_id := client_id_of(c.record))}
        own = {c.record.id: self._own(c) for c in changes if isinstance(c.record, Client)}
        for kind, triggers in becoming.items():
            wanted = [clocked for clocked in triggers if self._looked(clocked[0])]
            if not wanted:
                continue
            for stored in self._records(kind, clients, changes):
                for clocked in wanted:
                    self.judge(clocked, stored, own.get(stored.id, Own()))

    def judge(self, clocked: Clocked[BecomesTrigger], stored: StoredRecord, own: Own = Own()) -> None:
        """Judge one record; keep what it is; begin what begins with it."""
        matcher, (rule, entry, name, trigger) = self.matcher, clocked
        tx, row = matcher.tx, matcher.rows.get(rule.id)
        record = parsed(matcher.context.api, stored)
        if record is None or row is None:
            return
        scope = scope_for(
            matcher.context,
            matcher.desk.world,
            subject_kind=trigger.kind,
            subject_id=stored.id,
            client_id=stored.client_id,
            event=None,
            start=None,
        )
        if stored.client_id is not None and scope.client is None:
            return  # its client can't be had yet; what is judged on a hole is nothing
        truth, trace = verdict.holds([trigger.condition], scope)
        if truth is None:
            if "error" in trace:
                matcher.tell_errors(rule, trace)
            return
        trigger_id = f"{entry.id}/{name}"
        was = tx.rules.truth(rule.id, trigger_id, stored.id)
        if was is None:
            was = False if self._is_new(stored, rule) else truth
            tx.rules.put_truth(rule.id, trigger_id, stored.id, matcher.now, value=truth)
        elif was is not truth:
            tx.rules.put_truth(rule.id, trigger_id, stored.id, matcher.now, value=truth)
        if truth and not was:
            self._became(clocked, stored, own)
        elif was and not truth:
            self._no_longer(rule, trigger, stored)

    def _became(self, clocked: Clocked[BecomesTrigger], stored: StoredRecord, own: Own) -> None:
        rule, _, name, trigger = clocked
        now = self.matcher.now
        day = now.to_tz(self.matcher.context.policy.zone).date()
        event = StoredEvent(
            id=0,
            name=event_name(trigger),
            kind=trigger.kind,
            record_id=stored.id,
            subject_kind=trigger.kind,
            subject_id=stored.id,
            client_id=stored.client_id,
            occurrence=f"{name}:{day}",
            at=now,
            seen_at=now,
            poll_id=self.poll_id,
            changed=own.changed,
            own=own.own,
        )
        self.matcher.became(event, rule)

    def _no_longer(self, rule: Rule, trigger: BecomesTrigger, stored: StoredRecord) -> None:
        """There and back before it had settled is nothing."""
        earlier = self.matcher.tx.events.settling(event_name(trigger), stored.id, rule.id)
        if earlier is not None:
            self.matcher.drop(earlier)

    def _is_new(self, stored: StoredRecord, rule: Rule) -> bool:
        """Whether it came to be while the rule was active: it then counts as false before."""
        return not stored.baseline and stored.first_seen_at >= self.matcher.rows[rule.id].active_since

    def _looked(self, rule: Rule) -> bool:
        """Whether the rule has had its first look: what was there before is then known."""
        if rule.id not in self._ready:
            self._ready[rule.id] = self.matcher.tx.control.get(first_look_of(rule.id)) is None
        return self._ready[rule.id]

    def _records(self, kind: Kind, clients: set[str], changes: Iterable[Change]) -> list[StoredRecord]:
        tx = self.matcher.tx
        found = {row.id: row for client_id in sorted(clients) for row in tx.records.of_client(kind, client_id)}
        for change in changes:
            if kind_of(change.record) is kind and change.record.id not in found:
                row = tx.records.get(kind, change.record.id)
                if row is not None and row.gone_at is None:
                    found[row.id] = row
        return list(found.values())

    def _own(self, change: Change) -> Own:
        """A value that we set is no event (20)."""
        changed = changed_fields(change.before, change.record)
        if not changed or change.stored is None:
            return Own()
        since = change.stored.seen_at
        return Own(changed, is_own(self.matcher.tx, change.record.id, changed, change.record, since=since))


def first_look_of(rule_id: str) -> str:
    """The name under which it is kept that a rule has yet to look at what was there before it."""
    return f"first_look:{rule_id}"
