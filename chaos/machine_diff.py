"""The diff and the snapshot tables against a dict of records: which events, and each once (Exact meaning 8 and 12).

Between two polls anything may happen to a record any number of times. What a poll makes of it is worked out here a
second time, by the sentences of the rule language. A record's JSON is this machine's own: reading it isn't the matter.
"""

from __future__ import annotations

import hashlib
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import orjson
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from whenever import Instant

from chaos.machine_store import Tables
from chaos.outside import T0
from selftimer.facts.diff import Seen, events_of, removed
from selftimer.facts.openness import is_open
from selftimer.facts.records import (
    RECORD_TYPES,
    Client,
    Contract,
    Invoice,
    Kind,
    Payment,
    Questionnaire,
    Quote,
    Record,
    Session,
    client_id_of,
    created_at_of,
    kind_of,
)
from selftimer.facts.stored import StoredRecord
from selftimer.facts.sweep import to_ask_for
from selftimer.plan.state import Run, RunState
from selftimer.primitives.money import Money

if TYPE_CHECKING:
    from selftimer.facts.event import Event
    from selftimer.ports import Tx

Key = tuple[Kind, str]
ZONE = "Europe/Berlin"
FIFTY = Money(minor=5_000, currency="eur")
STATUSES: dict[Kind, list[str]] = {
    Kind.SESSION: ["inquiry", "pending", "confirmed", "declined", "canceled"],
    Kind.INVOICE: ["draft", "unpaid", "partially_paid", "paid", "canceled"],
    Kind.PAYMENT: ["completed", "pending", "failed", "disputed", "refunded", "partially_refunded"],
    Kind.CONTRACT: ["draft", "sent", "viewed", "partially_signed", "signed", "expired", "canceled"],
    Kind.QUESTIONNAIRE: ["draft", "pending", "completed", "expired"],
    Kind.QUOTE: ["draft", "sent", "accepted", "declined", "expired"],
}
OF_STATUS: dict[Kind, dict[str, str]] = {
    Kind.SESSION: {
        "inquiry": "session.requested",
        **{status: f"session.{status}" for status in ("pending", "confirmed", "declined", "canceled")},
    },
    Kind.INVOICE: {"paid": "invoice.paid", "canceled": "invoice.canceled"},
    Kind.PAYMENT: {
        "completed": "payment.received",
        "failed": "payment.failed",
        "disputed": "payment.disputed",
        "refunded": "payment.refunded",
        "partially_refunded": "payment.refunded",
    },
    Kind.CONTRACT: {status: f"contract.{status}" for status in ("sent", "viewed", "signed", "expired")},
    Kind.QUESTIONNAIRE: {
        "pending": "questionnaire.sent",
        "completed": "questionnaire.completed",
        "expired": "questionnaire.expired",
    },
    Kind.QUOTE: {status: f"quote.{status}" for status in ("sent", "accepted", "declined", "expired")},
}
"""The event of a status that is found: at first sight, or where it was another one before."""
BESIDE = {
    Kind.INVOICE: "invoice_number",
    Kind.PAYMENT: "payment_method",
    Kind.CONTRACT: "contract_number",
    Kind.QUESTIONNAIRE: "template_name",
    Kind.QUOTE: "template_name",
}
"""A field whose change is no event."""
KINDS = [Kind.CLIENT, *STATUSES]
TEXTS = ("notes", "phone", "company")
WHICH = st.integers(0, 99)


def made(kind: Kind, ident: str, at: Instant, status: str, type_: str) -> Record:
    """A record as the studio makes it."""
    whose: dict[str, Any] = {"id": ident, "client_id": "cl", "status": status}
    match kind:
        case Kind.CLIENT:
            return Client(id=ident, type=type_, status="active", created_at=at)  # type: ignore[arg-type]  # drawn
        case Kind.SESSION:
            return Session(**whose, start_at=T0.add(hours=100), created_at=at)
        case Kind.INVOICE:
            return Invoice(**whose, amount=FIFTY, created_at=at)
        case Kind.PAYMENT:
            return Payment(**whose, invoice_id="in", amount=FIFTY, payment_date=at)
        case Kind.CONTRACT:
            return Contract(**whose, created_at=at)
        case Kind.QUESTIONNAIRE:
            return Questionnaire(**whose, created_at=at)
        case _:
            return Quote(**whose, created_at=at)


def written(record: Record) -> dict[str, Any]:
    """As JSON."""
    out: dict[str, Any] = {}
    for one in fields(record):
        value = getattr(record, one.name)
        if isinstance(value, Money):
            value = value.minor
        elif isinstance(value, Instant):
            value = value.format_iso()
        out[one.name] = value
    return out


def read(kind: Kind, raw: Any) -> Record:
    """From JSON."""
    values = dict(raw)
    for name, value in values.items():
        if name == "amount" and value is not None:
            values[name] = Money(minor=value, currency="eur")
        elif (name.endswith("_at") or name == "payment_date") and value is not None:
            values[name] = Instant.parse_iso(value)
        elif name == "line_items":
            values[name] = tuple(value)
    return RECORD_TYPES[kind](**values)


def day(at: Instant | None) -> str:
    """The local date."""
    return at.to_tz(ZONE).date().format_iso() if at is not None else ""


def expected(before: Record | None, after: Record, now: Instant) -> set[tuple[str, str]]:
    """What happened, and which time it is, as the rule language has it (8, 12)."""
    if isinstance(after, Client):
        return _of_client(before if isinstance(before, Client) else None, after, now)
    status, was = after.status, before.status if before is not None else None  # type: ignore[union-attr]  # all of these have one
    found: set[tuple[str, str]] = set()
    name = OF_STATUS[kind_of(after)].get(status)
    if name is not None and status != was:
        which = {Kind.SESSION: day(getattr(after, "start_at", None)), Kind.PAYMENT: after.id}.get(kind_of(after), "")
        found.add((name, which))
    coming = status in {"inquiry", "pending", "confirmed"}
    if coming and isinstance(after, Session) and isinstance(before, Session) and before.start_at != after.start_at:
        found.add(("session.rescheduled", str(after.start_at)))
    if isinstance(after, Invoice):
        found |= {("invoice.created", "")} if before is None else set()
        found |= {("invoice.sent", "")} if status == "unpaid" and was in {None, "draft"} else set()
    return found


def _of_client(before: Client | None, after: Client, now: Instant) -> set[tuple[str, str]]:
    was = before.type if before is not None else None
    found: set[tuple[str, str]] = set()
    match was, after.type:
        case (("client" | "other" | None), "lead"):
            found.add(("lead.created", ""))
        case "lead", "client":
            found.add(("lead.converted", ""))
        case (("other" | None), "client"):
            found.add(("client.created", ""))
    if before is not None and (before.status, after.status) == ("active", "archived"):
        found.add(("client.archived", day(now)))
    changed = [f"{n}={getattr(after, n)}" for n in TEXTS if before and getattr(before, n) != getattr(after, n)]
    if changed:
        found.add(("client.changed", ", ".join(changed)))
    return found


class DiffMachine(RuleBasedStateMachine):
    """A studio in which records come, change and go, and polls that see some of it."""

    def __init__(self) -> None:
        super().__init__()
        self.tables = Tables()
        self.now = T0
        self.studio: dict[Key, Record] = {}
        self.hidden: set[Key] = set()
        """Not in the lists, but there."""
        self.seen: dict[Key, Record] = {}
        self.absent: dict[Key, int] = {}
        self.begun: dict[tuple[str, str, str], str] = {}
        """(event, subject, which time by the language) → the occurrence that the product gave it."""
        self.versions: dict[Key, int] = {}
        self.count = 0

    def teardown(self) -> None:
        """Empty the tables."""
        self.tables.clear()

    # --- what happens at the studio ----------------------------------------------------------------------------------

    @rule(
        kind=st.sampled_from([Kind.CLIENT, Kind.CLIENT, Kind.SESSION, *KINDS]),
        which=WHICH,
        type_=st.sampled_from(["lead", "client", "other"]),
    )
    def make(self, kind: Kind, which: int, type_: str) -> None:
        """A new record, in any status."""
        self.count += 1
        statuses = STATUSES.get(kind, ["active"])
        ident = f"{kind.value}_{self.count}"
        self.studio[kind, ident] = made(kind, ident, self.now, statuses[which % len(statuses)], type_)

    @precondition(lambda self: self.studio)
    @rule(which=WHICH, to=WHICH)
    def change_status(self, which: int, to: int) -> None:
        """A status, or of a client its type or whether it is archived."""
        key, record = self._one(which)
        if isinstance(record, Client):
            changes: list[dict[str, Any]] = [{"type": t} for t in ("lead", "client", "other")]
            changes += [{"status": "archived"}, {"status": "active"}]
            self.studio[key] = replace(record, **changes[to % len(changes)])
        else:
            statuses = STATUSES[key[0]]
            self.studio[key] = replace(record, status=statuses[to % len(statuses)])  # type: ignore[arg-type]  # all of these have one

    @precondition(lambda self: self.studio)
    @rule(
        which=WHICH,
        name=st.sampled_from(TEXTS),
        text=st.sampled_from([None, "a", "a", "b"]),
        hours=st.sampled_from([-30, 0, 1, 24]),
    )
    def change_a_field(self, which: int, name: str, text: str | None, hours: int) -> None:
        """A client's own words, a session's start, or what no event is about."""
        key, record = self._one(which)
        change: dict[str, Any] = {BESIDE.get(key[0], name): text}
        if isinstance(record, Session):
            change = {"start_at": T0.add(hours=100 + hours)}
        self.studio[key] = replace(record, **change)

    @precondition(lambda self: self.studio)
    @rule(which=WHICH, what=st.sampled_from(["delete", "hide", "show", "show"]))
    def go(self, which: int, what: str) -> None:
        """One is deleted for good, leaves its list, or comes back to it."""
        key, _ = self._one(which)
        if what == "delete":
            del self.studio[key]
        elif what == "hide":
            self.hidden.add(key)
        else:
            self.hidden.discard(key)

    @rule(hours=st.sampled_from([0.1, 6, 30]))
    def wait(self, hours: float) -> None:
        """Time passes."""
        self.now = self.now.add(hours=hours)

    def _one(self, which: int) -> tuple[Key, Record]:
        some = list(self.studio.items())
        return some[which % len(some)]

    # --- polls -------------------------------------------------------------------------------------------------------

    @rule()
    def poll(self) -> None:
        """All lists are read, whole."""
        self._poll(torn=False)

    @rule(every=st.integers(2, 4))
    def poll_torn(self, every: int) -> None:
        """They are read and tear: some are missed, and nothing is concluded from that."""
        self._poll(torn=True, every=every)

    def _poll(self, *, torn: bool, every: int = 1) -> None:
        self.now = self.now.add(seconds=300)
        here = [key for key in self.studio if key not in self.hidden]
        read_now = [key for n, key in enumerate(here) if not torn or n % every]
        self.tables(lambda tx: self._take(tx, read_now))
        if not torn:
            self.tables(lambda tx: self._missing(tx, set(read_now)))
        self.tables(self._compare)

    def _take(self, tx: Tx, keys: list[Key]) -> None:
        for kind, ident in keys:
            after = self.studio[kind, ident]
            digest = hashlib.blake2b(orjson.dumps(written(after)), digest_size=16).digest()
            same = tx.records.digests(kind, [ident]).get(ident) == digest
            last = self.seen.get((kind, ident))
            assert same is (last == after), "a change that the digests don't see"
            if same:
                continue
            stored = tx.records.get(kind, ident)
            before = read(kind, stored.raw) if stored is not None and stored.gone_at is None else None
            tx.records.put([self._row(after, digest, stored)])
            events = events_of(before, after, Seen(at=self.now, zone_of=lambda _: ZONE, zone=ZONE))
            self._happened(tx, events, expected(last, after, self.now), after)
            self.versions[kind, ident] = self.versions.get((kind, ident), 0) + 1
            self.seen[kind, ident] = after

    def _row(self, after: Record, digest: bytes, stored: StoredRecord | None) -> StoredRecord:
        return StoredRecord(
            kind=kind_of(after),
            id=after.id,
            digest=digest,
            raw=written(after),
            client_id=client_id_of(after),
            parent_id=getattr(after, "invoice_id", None),
            created_at=created_at_of(after),
            first_seen_at=stored.first_seen_at if stored else self.now,
            seen_at=self.now,
            poll_id=1,
            open=is_open(after, self.now),
            baseline=False,
        )

    def _happened(self, tx: Tx, events: list[Event], wanted: set[tuple[str, str]], after: Record) -> None:
        assert sorted(event.name for event in events) == sorted(name for name, _ in wanted)
        by_name = dict(wanted)
        for event in events:
            assert (event.record_id, event.client_id, event.seen_at) == (after.id, client_id_of(after), self.now)
            which = (event.name, event.subject_id, by_name[event.name])
            new = tx.runs.add(_run(event, len(self.begun), self.now))
            assert new is (which not in self.begun), f"{which} {'again' if new else 'is taken for an earlier one'}"
            assert self.begun.setdefault(which, event.occurrence) == event.occurrence

    def _missing(self, tx: Tx, seen: set[Key]) -> None:
        for kind in KINDS:
            known = list(tx.records.digests(kind))
            absent = [ident for ident in known if (kind, ident) not in seen]
            tx.records.mark_missing(kind, absent)
            back = [ident for ident in known if ident not in absent and self.absent.get((kind, ident))]
            for ident in known:
                self.absent[kind, ident] = self.absent.get((kind, ident), 0) + 1 if ident in absent else 0
            for ident in (*absent, *back):
                row = tx.records.get(kind, ident)
                assert row is not None
                assert row.missing == self.absent[kind, ident]
            asked = to_ask_for(absent, len(known), lambda ident, kind=kind: self.absent[kind, ident])  # type: ignore[misc]  # bound now
            assert (asked is None) == (len(absent) > 3)
            for ident in asked or ():
                if (kind, ident) not in self.studio:  # a 404
                    self._gone(tx, kind, ident)

    def _gone(self, tx: Tx, kind: Kind, ident: str) -> None:
        last = self.seen.pop((kind, ident))
        tx.records.mark_gone(kind, ident, self.now)
        event = removed(last, Seen(at=self.now, zone_of=lambda _: ZONE, zone=ZONE))
        assert (event is None) == (kind is Kind.PAYMENT)
        if event is not None:
            self._happened(tx, [event], {(f"{kind.value}.removed", "")}, last)

    def _compare(self, tx: Tx) -> None:
        """The snapshot is what was seen last, newest first, in as many versions as were seen."""
        for kind in KINDS:
            wanted = {ident: record for (k, ident), record in self.seen.items() if k is kind}
            assert set(tx.records.digests(kind)) == set(wanted)
            assert tx.records.count(kind) == len(wanted)
            newest = sorted(wanted.values(), key=lambda r: (created_at_of(r) or T0, r.id), reverse=True)
            assert [ident for ident, _ in tx.records.order(kind)] == [record.id for record in newest]
        for (kind, ident), record in list(self.seen.items())[-3:]:
            row = tx.records.get(kind, ident)
            assert row is not None
            assert read(kind, row.raw) == record


def _run(event: Event, number: int, now: Instant) -> Run:
    return Run(
        id=f"r{number}",
        rule_id=event.name,
        rule_version="v1",
        entry_id="",
        subject_kind=event.subject_kind,
        subject_id=event.subject_id,
        client_id=event.client_id,
        occurrence=event.occurrence,
        state=RunState.ACTIVE,
        pc=0,
        start_at=now,
        begun_at=now,
    )
