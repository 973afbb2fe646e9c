"""The durable state, as the engine uses it: synchronous work inside one transaction, handed to the store to carry out.

What a decision rests on is read in the transaction that writes it, so the unit is a function of a `Tx`. Nothing here
waits for the network. Failures are `selftimer.errors.StoreError`s and leave nothing behind.

One file though a long one: signatures and what they promise, which a store is written against from top to bottom.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from whenever import Instant

    from selftimer.facts.records import Kind
    from selftimer.facts.stored import HookCall, Look, Resource, StoredEvent, StoredRecord, TraceRow
    from selftimer.plan.state import Delivery, DeliveryState, Run, RunState, Timer, TimerState
    from selftimer.ports.people import People

T = TypeVar("T")

DEGRADED = "rules.degraded"
"""Name under which `Control` keeps what is wrong with changed rule files, a sentence each."""
DOUBT = "doubt"
"""And why what the first look yields is held (`why`), if it is."""
SECRET = "people.secret"  # noqa: S105 - a name, not a secret
"""And what digests of people are keyed with: random, once a workspace; backups hold it beside the digests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """What is known of a rule across restarts."""

    rule_id: str
    version: str
    activation: str
    active_since: Instant
    """When its present trigger and `if` became active: moments before it fire nothing."""
    title: str = ""
    mode: str = "auto"
    removed_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Something that a command asked of the running service: `approve`, `skip`, `pause`, `resume`, `start`."""

    id: int
    at: Instant
    what: str
    args: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A kill switch that is on: for everything, a rule, or a client."""

    scope: str
    """`all`, `rule` or `client`."""
    id: str
    since: Instant
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """What to count of effects that reached, or may have reached, a client (in_flight, unknown and sent)."""

    since: Instant
    rule_id: str | None = None
    client_id: str | None = None
    purpose: str | None = None
    verbs: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that the owner is told, in the order of `id`."""

    id: int
    at: Instant
    subject: str
    text: str


class Records(Protocol):
    """Snapshots: the present version of each record, every version kept, and how far each list is known."""

    def resource(self, kind: Kind) -> Resource | None: ...
    def resources(self) -> Mapping[Kind, Resource]:
        """All of them: one question where several are asked for."""
        ...

    def put_resources(self, resources: Sequence[Resource]) -> None:
        """Insert or replace them."""
        ...

    def begin_poll(self, at: Instant, depth: str) -> int: ...
    def end_poll(self, poll_id: int, at: Instant, *, requests: int, changed: int, error: str | None) -> None: ...
    def digests(self, kind: Kind, ids: Sequence[str] | None = None) -> dict[str, bytes]:
        """Digests of the records that aren't gone; of all of that kind where `ids` is None. In bulk."""
        ...

    def put(self, records: Sequence[StoredRecord]) -> None:
        """Insert or replace the present versions and add each to the history."""
        ...

    def get(self, kind: Kind, record_id: str) -> StoredRecord | None: ...
    def some(self, kind: Kind, ids: Iterable[str]) -> dict[str, StoredRecord]:
        """As `get`, of several by their ids; those that are gone too."""
        ...

    def of_client(self, kind: Kind, client_id: str) -> list[StoredRecord]:
        """Those that aren't gone, oldest first."""
        ...

    def ids_of_client(self, kind: Kind, client_id: str) -> list[str]:
        """As `of_client`, their ids alone."""
        ...

    def of_parent(self, kind: Kind, parent_id: str) -> list[StoredRecord]:
        """An invoice's payments, a conversation's messages; oldest first."""
        ...

    def all(self, kind: Kind) -> Iterable[StoredRecord]:
        """All that aren't gone, newest first."""
        ...

    def beginning_with(self, kind: Kind, texts: Iterable[str]) -> list[str]:
        """Ids of those that aren't gone and begin with one of these."""
        ...

    def created_at(self, kind: Kind, at: Instant) -> list[str]:
        """Ids of those that aren't gone and came to be at that instant."""
        ...

    def order(self, kind: Kind) -> list[tuple[str, bool]]:
        """(id, open) of all that aren't gone, newest first: says which pages hold open records."""
        ...

    def close(self, kind: Kind, ids: Sequence[str]) -> None:
        """Those are no longer open: time has passed over them, though they are what they were."""
        ...

    def count(self, kind: Kind) -> int: ...
    def absences(self, kinds: Sequence[Kind]) -> dict[Kind, dict[str, int]]:
        """Of all that aren't gone of those kinds: how many sweeps have lacked it (`missing`), by its id."""
        ...

    def mark_missing(self, kind: Kind, ids: Sequence[str]) -> None:
        """Add one to `missing` of those, and set it to 0 for all others of the kind."""
        ...

    def mark_gone(self, kind: Kind, record_id: str, at: Instant) -> None: ...
    def quarantined(self) -> dict[Kind, dict[str, str]]:
        """By kind: id → why its newest version can't be read. "" stands for entries without an id."""
        ...

    def release(self, kind: Kind, ids: Sequence[str]) -> None:
        """Take those out of quarantine: they are no longer there to be read."""
        ...

    def quarantine(self, kind: Kind, record_id: str, digest: bytes, reason: str, at: Instant) -> bool:
        """Keep the last good version and the reason; remember the digest. True if it is news."""
        ...


class Events(Protocol):
    """Events as they were found."""

    def add(self, event: StoredEvent) -> int:
        """Insert (its `id` is ignored) and return the id."""
        ...

    def get(self, event_id: int) -> StoredEvent | None: ...
    def update(self, event: StoredEvent) -> None: ...
    def in_state(self, state: str) -> list[StoredEvent]: ...
    def between(self, name: str, since: Instant, until: Instant) -> list[StoredEvent]:
        """Those of that name that happened in that time and went through, or were too old when they were seen."""
        ...

    def settling(self, name: str, record_id: str, rule_id: str) -> StoredEvent | None: ...
    def next_settled(self) -> Instant | None: ...


class Rules(Protocol):
    """Rules, their versions, and what each `becomes` last was."""

    def rows(self) -> dict[str, RuleRow]: ...
    def put(self, row: RuleRow) -> None: ...
    def put_version(self, rule_id: str, version: str, source: Mapping[str, Any], at: Instant) -> None: ...
    def source(self, rule_id: str, version: str) -> Mapping[str, Any] | None: ...
    def truth(self, rule_id: str, trigger_id: str, subject_id: str) -> bool | None:
        """What a `becomes` was when it was last judged for that record; None where it never was."""
        ...

    def put_truth(self, rule_id: str, trigger_id: str, subject_id: str, at: Instant, *, value: bool) -> None: ...
    def forget_truths(self, rule_id: str) -> None:
        """The rule begins anew: nothing was judged."""
        ...

    def put_words(self, name: str, file: str, text: str, at: Instant) -> None:
        """Keep the whole text of a message: of words whose file is gone, the last good ones are said (19)."""
        ...

    def words(self, name: str) -> tuple[str, str] | None:
        """The file and the text of a message as it was last kept."""
        ...


class Timers(Protocol):
    """Moments to come."""

    def get(self, rule_id: str, entry_id: str, subject_id: str) -> Timer | None: ...
    def of_subject(self, kind: Kind, subject_id: str) -> list[Timer]: ...
    def put(self, timers: Sequence[Timer]) -> None:
        """Insert or replace by (rule, entry, subject)."""
        ...

    def due(self, now: Instant, limit: int = 500) -> list[Timer]:
        """Pending ones whose time has come, in due order."""
        ...

    def open_of_client(self, client_id: str) -> list[Timer]: ...
    def closing(self, now: Instant) -> list[Timer]:
        """Open ones whose window has closed."""
        ...

    def drop_rule(self, rule_id: str, entry_ids: Sequence[str] | None = None) -> None:
        """Delete the pending and open ones of a rule (of those entries, where given)."""
        ...

    def next_due(self) -> Instant | None:
        """The earliest due time of pending, or closing time of open ones."""
        ...

    def states(self, state: TimerState) -> int: ...


class Runs(Protocol):
    """Rules at work."""

    def add(self, run: Run) -> bool:
        """Insert; False (and nothing done) if one of this rule, entry, subject and occurrence exists."""
        ...

    def get(self, run_id: str) -> Run | None: ...
    def update(self, run: Run) -> None: ...
    def due(self, now: Instant, limit: int = 200) -> list[Run]:
        """Waiting ones whose `wake_at` has come, in that order."""
        ...

    def of_client(self, client_id: str) -> list[Run]:
        """Those that haven't ended."""
        ...

    def of_subject(self, rule_id: str, subject_id: str) -> list[Run]: ...
    def in_state(self, state: RunState) -> list[Run]: ...
    def exists(self, rule_id: str, entry_id: str, subject_id: str, occurrence: str) -> bool: ...
    def repeated(self, rule_id: str, repeat_key: str, since: Instant | None) -> bool:
        """Whether a run of the rule with this key has its start after `since` (ever, where None).

        Only runs that haven't ended, or had an effect, count: one that ended before it did anything took nobody's turn.
        """
        ...

    def next_wake(self) -> Instant | None: ...


class Deliveries(Protocol):
    """Effects."""

    def add(self, delivery: Delivery) -> bool:
        """Insert; False (and nothing done) if the key exists."""
        ...

    def get(self, delivery_id: str) -> Delivery | None: ...
    def by_key(self, key: str) -> Delivery | None: ...
    def update(self, delivery: Delivery, *, expect: Sequence[DeliveryState], epoch: int | None = None) -> bool:
        """Replace if its state is one of those (and its epoch that one): the fence. False if it changed meanwhile."""
        ...

    def claim(self, now: Instant, *, limit: int, lease_until: Instant, epoch: int) -> list[Delivery]:
        """Lease ready and unknown ones that are due, in due order, at most one a client.

        None of a client that has another one leased, in flight or unknown.
        """
        ...

    def release(self, delivery_id: str) -> None:
        """Give a lease back."""
        ...

    def of_run(self, run_id: str) -> list[Delivery]: ...
    def of_client(self, client_id: str) -> list[Delivery]: ...
    def in_state(self, state: DeliveryState) -> list[Delivery]: ...
    def held_due(self, now: Instant) -> list[Delivery]:
        """Held ones whose `due_at` (the end of the hold) has come."""
        ...

    def count(self, cap: Cap) -> int: ...
    def counts(self, caps: Sequence[Cap]) -> list[int]:
        """As `count`, of several in one question."""
        ...

    def earliest(self, cap: Cap) -> Instant | None:
        """When the oldest of those that `count` counts happened: a sliding window frees up that much later."""
        ...

    def unresolved(self, client_id: str, verb: str) -> bool:
        """Whether a delivery of that verb for the client is in flight or unknown."""
        ...

    def made(self, kind: str, record_id: str) -> Delivery | None:
        """The delivery that made this record."""
        ...

    def planned_at(self, at: Instant) -> list[Delivery]:
        """Those planned at that very instant that would reach a client or enter one; dry ones left out."""
        ...

    def adopt_orphans(self, epoch: int, now: Instant) -> int:
        """`in_flight` rows of older epochs become `unknown` at once and leases lapse; how many were in flight."""
        ...

    def next_due(self) -> Instant | None:
        """The earliest due time of ready, unknown and held ones that aren't leased."""
        ...

    def next_over(self) -> Instant | None:
        """When the next hold ends, or the lease of one in flight."""
        ...


class Traces(Protocol):
    """Why."""

    def add(self, rows: Sequence[TraceRow]) -> None: ...
    def prune(self, before: Instant) -> int: ...


class Looks(Protocol):
    """When each client's galleries are looked for."""

    def get(self, client_id: str) -> Look | None: ...
    def put(self, look: Look) -> None:
        """Insert or replace it."""
        ...

    def drop(self, client_id: str) -> None: ...
    def due(self, now: Instant, limit: int) -> list[Look]:
        """Those whose time has come, in that order."""
        ...

    def next_due(self) -> Instant | None: ...


class Hooks(Protocol):
    """Calls of the service from outside."""

    def add(self, call: HookCall) -> bool:
        """Keep it; False (and nothing done) if a call of that name and id was kept before."""
        ...

    def get(self, name: str, call_id: str) -> HookCall | None: ...
    def waiting(self, limit: int = 200) -> list[HookCall]:
        """Those that no rule was asked about yet, oldest first."""
        ...

    def finish(self, name: str, call_id: str, at: Instant) -> None: ...
    def forget_about(self, phrases: Sequence[str]) -> None:
        """Empty those that brought one of these; that they came stays, so that they begin nothing again."""
        ...

    def prune(self, before: Instant) -> int:
        """Delete those that were done before that instant and that no run under way speaks of; how many."""
        ...


class Control(Protocol):
    """Orders, pauses, notices to the owner, and small facts by name."""

    def orders(self) -> list[Order]: ...
    def add_order(self, at: Instant, what: str, args: Mapping[str, Any]) -> int: ...
    def finish_order(self, order_id: int, at: Instant, result: Mapping[str, Any]) -> None: ...
    def order_result(self, order_id: int) -> Mapping[str, Any] | None: ...
    def pauses(self) -> list[Pause]: ...
    def put_pause(self, pause: Pause) -> None: ...
    def remove_pause(self, scope: str, ident: str) -> bool: ...
    def notice(self, at: Instant, subject: str, text: str, *, key: str) -> bool:
        """Tell the owner, once per key; False if it was told before."""
        ...

    def told(self, key: str) -> bool:
        """Whether the owner was told that."""
        ...

    def notices_after(self, ident: int, *, since: Instant, limit: int) -> tuple[list[Notice], int, int]:
        """Notices later than the one of that id and not older than `since`: the first few, how many, the last id."""
        ...

    def get(self, name: str) -> Any: ...
    def put(self, name: str, value: Any) -> None: ...
    def next_epoch(self) -> int:
        """A number higher than any before: each start of the service takes one."""
        ...


class Tx(Protocol):
    """One transaction."""

    @property
    def records(self) -> Records: ...
    @property
    def events(self) -> Events: ...
    @property
    def rules(self) -> Rules: ...
    @property
    def timers(self) -> Timers: ...
    @property
    def runs(self) -> Runs: ...
    @property
    def deliveries(self) -> Deliveries: ...
    @property
    def traces(self) -> Traces: ...
    @property
    def looks(self) -> Looks: ...
    @property
    def hooks(self) -> Hooks: ...
    @property
    def control(self) -> Control: ...
    @property
    def people(self) -> People: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One line of the send journal: written and synced before a POST, so that a lost database can't forget it."""

    at: Instant
    key: str
    delivery_id: str
    attempt: int
    verb: str
    client_id: str | None
    digest: str
    outcome: str = "intent"
    """`intent` before the POST; afterwards `sent` with `result_id`, or the classification."""
    result_id: str | None = None


class SendJournal(Protocol):
    """Append-only, beside the database."""

    def append(self, entry: JournalEntry, *, sync: bool = True) -> None:
        """Write a line and, for an intent, fsync it."""
        ...

    def entries(self) -> Iterable[JournalEntry]:
        """All complete lines; a torn last one is skipped."""
        ...


class Store(Protocol):
    """One studio's durable state."""

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Carry out `work` in one transaction on the writer's thread: all of it, durably, or nothing."""
        ...

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Carry out `work` on a consistent snapshot; it must not write. Short: under 100 ms."""
        ...

    @property
    def journal(self) -> SendJournal: ...
    async def compact(self) -> bool:
        """Write the database anew, so that nothing that was deleted is left in its files.

        False where a reader was in the way of the last step: again later.
        """
        ...

    def changed_by_others(self) -> bool:
        """Whether another process committed since the last call (orders may wait); cheap enough for twice a second."""
        ...

    async def aclose(self) -> None: ...
