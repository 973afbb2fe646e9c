"""What had to happen, worked out from the sandbox's own records by arithmetic of this file, and whether it did.

Not one line here asks the product what is due: rules of the starter are written down a second time, as plain as can be.
A *sure* one must have gone out (or wait for the owner): its conditions held from its moment on, and the service lived
for long enough in its window. Of all others there must be a row that says what became of them.
"""

from __future__ import annotations

from collections import defaultdict
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from selftimer.plan.state import DeliveryState, TimerState
from selftimer.simulation.oracles import bot_rows
from selftimer.store.reader import SqlReader
from selftimer.wiring import STUDIO

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from whenever import Instant

    from selftimer.facts.stored import StoredEvent, TraceRow
    from selftimer.plan.state import Delivery, Run, Timer
    from selftimer.sandbox.model import Client, Message
    from selftimer.sandbox.world import World

ZONE: ContextVar[ZoneInfo] = ContextVar("ZONE", default=ZoneInfo("Europe/Berlin"))  # noqa: B039 - immutable
"""The studio's zone, in which its days and hours are told."""
EVERYTHING = 1_000_000
ENOUGH = timedelta(minutes=90)
"""So long the service must have lived by day in the window of a sure one: settling and caps have their time then."""
BY_THE_OWNER = frozenset({"you said no", "no answer in 7 days is a no"})
FINE = frozenset({DeliveryState.SENT, DeliveryState.HELD})


class Life(Protocol):
    """A time in which a service lived."""

    @property
    def born(self) -> Instant:
        """Its start."""
        ...

    @property
    def died(self) -> Instant:
        """Its end."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Something that had to happen at `at`, or until `closes`; `words` is what is sent."""

    rule: str
    words: str
    subject: str
    client: str
    at: datetime
    closes: datetime
    sure: bool
    by_night: bool = False
    """It isn't kept until the morning."""
    begun: datetime | None = None
    """When the event happened that began its run: it has to be seen within a day."""

    def __str__(self) -> str:
        return f"{self.rule}/{self.words} for {self.subject} of {self.client}, due {self.at}..{self.closes}"


@dataclass(slots=True)
class Book:
    """All that the service's database says, by subject."""

    now: datetime
    baseline: datetime
    """From then on the creation of a record is an event."""
    active: dict[str, datetime]
    deliveries: list[Delivery]
    runs: dict[tuple[str, str], list[Run]] = field(default_factory=lambda: defaultdict(list))
    timers: dict[tuple[str, str], list[Timer]] = field(default_factory=lambda: defaultdict(list))
    traces: dict[tuple[str, str], list[TraceRow]] = field(default_factory=lambda: defaultdict(list))
    events: dict[str, list[StoredEvent]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def read(cls, database: Path, now: Instant) -> Book:
        """Read it after the last life."""
        reader = SqlReader(database, STUDIO)
        try:
            baselines = [view.resource.baseline_at for view in reader.status(upcoming=0).kinds.values()]
            assert all(baselines), "the baseline was never done"
            book = cls(
                now=stdlib(now),
                baseline=max(stdlib(at) for at in baselines if at is not None),
                active={row.rule_id: stdlib(row.active_since) for row in reader.rules()},
                deliveries=reader.deliveries(limit=EVERYTHING),
            )
            for run in reader.runs(limit=EVERYTHING):
                book.runs[run.rule_id, run.subject_id].append(run)
            for state in TimerState:
                for timer in reader.timers(state=state, limit=EVERYTHING):
                    book.timers[timer.rule_id, timer.subject_id].append(timer)
            for trace in reader.traces(limit=EVERYTHING):
                book.traces[trace.rule_id, trace.subject_id or ""].append(trace)
            for event in reader.events(limit=EVERYTHING):
                book.events[event.record_id].append(event)
        finally:
            reader.close()
        return book


def due_accounted(world: World, book: Book, lives: Sequence[Life], ledger: Mapping[str, Any]) -> list[str]:
    """A sentence for each thing that had to happen and of which nothing is to be found; empty if all is well."""
    there = {row["id"] for row in bot_rows(ledger)}
    faults = []
    for due in everything_due(world, book):
        fault = _fault(due, book, lives, there)
        if fault is not None:
            faults.append(f"{due}: {fault}")
    return faults


def everything_due(world: World, book: Book) -> Iterator[Due]:
    """What had to happen while the world lived and the rules were active, and could be seen before the end."""
    horizon = book.now - timedelta(minutes=30)
    for due in (*_leads(world, book), *_sessions(world), *_invoices(world), *_contracts(world)):
        if book.active[due.rule] <= due.at <= horizon:
            yield due


# --- what became of it -----------------------------------------------------------------------------------------------


def _fault(due: Due, book: Book, lives: Sequence[Life], there: set[str]) -> str | None:
    mine = [d for d in book.deliveries if d.rule_id == due.rule and d.subject_id == due.subject]
    mine = [d for d in mine if d.words == due.words]
    for delivery in mine:
        if delivery.state is DeliveryState.SENT and delivery.reason != "found" and delivery.result_id not in there:
            return f"{delivery.id} says that it was sent, and the studio has no {delivery.result_id}"
    if not due.sure or not _lived(due, lives) or not _seen(due, lives):
        return None if mine or _told(due, book) else "there is no delivery, run, moment, event or trace of it"
    if any(d.state in FINE or d.reason in BY_THE_OWNER or stdlib(d.due_at) > book.now for d in mine):
        return None
    if mine:
        return "; ".join(f"{d.id} is {d.state.value}: {d.reason}" for d in mine)
    return "it was surely wanted, and there is no delivery of it: " + _evidence(due, book)


def _told(due: Due, book: Book) -> bool:
    """Whether anything says why there is no delivery."""
    key = (due.rule, due.subject)
    timers = [t for t in book.timers[key] if t.state is TimerState.PENDING or t.reason or t.state is TimerState.DONE]
    runs = [r for r in book.runs[key] if r.reason or r.ended_at is None]
    events = book.events[due.subject]
    # Whoever is a client already when they are seen for the first time is no lead: the last state counts.
    other = [e for e in events if e.state in {"expired", "parked"} or e.name == "client.created"]
    return bool(timers or runs or book.traces[key] or other)


def _evidence(due: Due, book: Book) -> str:
    key = (due.rule, due.subject)
    said = [f"run {r.entry_id} {r.state.value} {r.reason} {r.begun_at}..{r.ended_at}" for r in book.runs[key]]
    said += [f"moment {t.entry_id} {t.state.value} {t.due_at} {t.reason}" for t in book.timers[key]]
    said += [f"trace {t.at} {t.verdict} {t.what}" for t in book.traces[key]]
    said += [f"event {e.name} {e.state} {e.reason} {e.at} {e.seen_at}" for e in book.events[due.subject]]
    return "; ".join(said) or "nothing at all"


def _seen(due: Due, lives: Sequence[Life]) -> bool:
    """Whether a life saw the event that began it while it still was one."""
    if due.begun is None:
        return True
    day = due.begun + timedelta(hours=24)
    return any(min(stdlib(life.died), day) - max(stdlib(life.born), due.begun) >= ENOUGH for life in lives)


def _lived(due: Due, lives: Sequence[Life]) -> bool:
    """Whether one life lasted long enough in its window, by day."""
    for life in lives:
        since, until = max(stdlib(life.born), due.at), min(stdlib(life.died), due.closes)
        if until - since < ENOUGH:
            continue
        if due.by_night:
            return True
        day = since.astimezone(ZONE.get()).date()
        while day <= until.astimezone(ZONE.get()).date():
            if min(until, at(day, 20, 45)) - max(since, at(day, 8, 5)) >= ENOUGH:
                return True
            day += timedelta(days=1)
    return False


# --- the starter's rules, a second time ------------------------------------------------------------------------------


def _leads(world: World, book: Book) -> Iterator[Due]:
    addresses: dict[str, int] = defaultdict(int)
    for client in world.tables.clients:
        addresses[client.email.lower()] += 1
    for client in world.tables.clients:
        created = stdlib(client.created_at)
        if created <= book.baseline or not client.person:
            continue
        said = _messages(world, client)
        left_alone = client.type == "lead" and not client.archived and all(m.author != "studio" for m in said)
        once = addresses[client.email.lower()] == 1
        night = not time(8) <= created.astimezone(ZONE.get()).time() < time(21)
        yield Due(
            rule="lead-answer",
            words="lead-answer",
            subject=client.id,
            client=client.id,
            at=created,
            closes=created + timedelta(hours=12),
            sure=left_alone and once,
            by_night=night,
        )
        silent = sum(m.author == "client" for m in said) <= 1
        booked = any(s.status == "confirmed" for s in world.tables.sessions.of_client(client.id))
        for days, words in ((2, "lead-nudge"), (5, "lead-useful-link"), (12, "lead-last-call")):
            moment = at(created.astimezone(ZONE.get()).date() + timedelta(days=days), 10)
            yield Due(
                rule="lead-follow-up",
                words=words,
                subject=client.id,
                client=client.id,
                at=moment,
                closes=moment + timedelta(days=1),
                sure=left_alone and silent and not booked,
                begun=created,
            )


def _sessions(world: World) -> Iterator[Due]:
    for session in world.tables.sessions:
        if session.status != "confirmed":
            continue
        start, changed = stdlib(session.start_at), stdlib(session.updated_at)
        day = start.astimezone(ZONE.get()).date()
        week, tomorrow, after = (at(day - timedelta(days=7), 9), at(day - timedelta(days=1), 9), at(day, 10))
        alone = len(world.tables.sessions.of_client(session.client_id)) == 1
        put_away = world.tables.clients.rows[session.client_id].archived
        for rule, words, moment, closes, sure in (
            ("session-reminders", "session-week", week, week + timedelta(days=4), True),
            ("session-reminders", "session-tomorrow", tomorrow, tomorrow + timedelta(hours=11), True),
            ("thank-you", "thank-you", after + timedelta(days=1), after + timedelta(days=2), alone),
        ):
            yield Due(
                rule=rule,
                words=words,
                subject=session.id,
                client=session.client_id,
                at=moment,
                closes=closes,
                sure=sure and changed < moment and not put_away,
            )


def _invoices(world: World) -> Iterator[Due]:
    for invoice in world.tables.invoices:
        day = date.fromisoformat(str(invoice.due_date))
        untouched = invoice.status in {"unpaid", "past_due"} and not invoice.payments
        put_away = world.tables.clients.rows[invoice.client_id].archived
        for days, words, hours in (
            (-7, "invoice-soon", 24),
            (-3, "invoice-nearly-due", 24),
            (0, "invoice-today", 10),
            (3, "invoice-late", 24),
            (7, "invoice-blocked", 24),
            (14, "invoice-final", 120),
        ):
            moment = at(day + timedelta(days=days), 10)
            if stdlib(invoice.created_at) < moment:
                yield Due(
                    rule="invoice-reminders",
                    words=words,
                    subject=invoice.id,
                    client=invoice.client_id,
                    at=moment,
                    closes=moment + timedelta(hours=hours),
                    sure=untouched and not put_away,
                )


def _contracts(world: World) -> Iterator[Due]:
    for contract in world.tables.contracts:
        if contract.sent_at is None:
            continue
        day = stdlib(contract.sent_at).astimezone(ZONE.get()).date()
        unsigned = contract.status in {"sent", "viewed"}
        put_away = world.tables.clients.rows[contract.client_id].archived
        for days, words in ((3, "contract-reminder"), (6, "contract-last-reminder")):
            moment = at(day + timedelta(days=days), 10)
            yield Due(
                rule="contract-unsigned",
                words=words,
                subject=contract.id,
                client=contract.client_id,
                at=moment,
                closes=moment + timedelta(days=1),
                sure=unsigned and not put_away,
            )


def _messages(world: World, client: Client) -> list[Message]:
    return [message for thread in world.tables.conversations.of_client(client.id) for message in thread.messages]


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """A time of the studio's day."""
    return datetime.combine(day, time(hour, minute), ZONE.get())


def stdlib(instant: Instant) -> datetime:
    """As the standard library has it."""
    return datetime.fromtimestamp(instant.timestamp(unit="nanosecond") / 1e9, ZONE.get())
