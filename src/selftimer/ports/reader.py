"""What commands and the console show: read-only views of the database, also while the service writes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from whenever import Instant

    from selftimer.facts.records import Kind
    from selftimer.facts.stored import NewField, Resource, StoredEvent, StoredRecord, TraceRow
    from selftimer.plan.state import Delivery, DeliveryState, Run, RunState, Timer, TimerState
    from selftimer.ports.store import Order, Pause, RuleRow


@dataclass(frozen=True, slots=True, kw_only=True)
class PollView:
    """One look at the studio."""

    id: int
    depth: str
    begun_at: Instant
    ended_at: Instant | None = None
    """None while it is under way, or where it was cut off."""
    requests: int | None = None
    changed: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KindView:
    """How much is known of one kind of record."""

    resource: Resource
    count: int
    """Records that aren't gone."""
    quarantined: int
    """Records of which the newest version can't be read."""

    @property
    def baseline_done(self) -> bool:
        """Whether changes of this kind cause anything yet."""
        return self.resource.baseline_at is not None

    @property
    def failing(self) -> bool:
        """Whether it can't be read at present."""
        return self.resource.failing_since is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """Records of one kind that can't be understood for the same reason."""

    kind: Kind
    reason: str
    records: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusView:
    """The state of a studio at a glance."""

    studio: str
    last_poll: PollView | None
    kinds: Mapping[Kind, KindView]
    runs: Mapping[RunState, int]
    deliveries: Mapping[DeliveryState, int]
    timers: Mapping[TimerState, int]
    pauses: tuple[Pause, ...]
    orders: int
    """How many orders wait to be carried out."""
    doubt: str | None = None
    """Why what the next look yields is held, if it is."""
    degraded: tuple[str, ...] = ()
    """What is wrong with rule files that were changed while the service ran; their last good versions count."""
    next_timers: tuple[Timer, ...] = ()
    next_deliveries: tuple[Delivery, ...] = ()
    """Ready, unknown and held ones in due order."""
    held_runs: tuple[Run, ...] = ()
    """Runs that are held since a condition of a step can't be decided; the one that is late first comes first."""
    new_fields: tuple[NewField, ...] = ()
    """Fields that nobody knows, kind by kind."""
    set_aside: tuple[SetAside, ...] = ()
    """Records whose newest version can't be understood; rules see their last good one."""

    @property
    def baseline_done(self) -> bool:
        """Whether every kind that is read has its baseline."""
        return bool(self.kinds) and all(kind.baseline_done for kind in self.kinds.values())

    @property
    def failing(self) -> tuple[KindView, ...]:
        """The kinds that can't be read at present."""
        return tuple(kind for kind in self.kinds.values() if kind.failing)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientView:
    """A client as people look for one."""

    id: str
    name: str
    email: str | None = None
    type: str | None = None
    status: str | None = None
    gone_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeView:
    """Something the owner was told."""

    key: str
    at: Instant
    subject: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionView:
    """One version of a record, with the poll that saw it first."""

    poll_id: int
    seen_at: Instant
    digest: bytes
    raw: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressedView:
    """Somebody who gets no advertising; `client` where one is known whom the list means."""

    at: Instant
    why: str
    client: ClientView | None


class StoreReader(Protocol):
    """Views of one studio. Each call is one short read transaction; `StoreError` where there is nothing to read.

    Lists come with the newest first unless said otherwise, at most `limit` rows.
    """

    def studios(self) -> list[str]:
        """The studios that the database holds."""
        ...

    def status(self, *, upcoming: int = 5) -> StatusView:
        """Everything at a glance, with so many next timers and deliveries."""
        ...

    def runs(
        self,
        *,
        state: RunState | None = None,
        rule: str | None = None,
        client: str | None = None,
        limit: int = 50,
    ) -> list[Run]:
        """Runs, the latest begun first."""
        ...

    def deliveries(
        self,
        *,
        state: DeliveryState | None = None,
        rule: str | None = None,
        client: str | None = None,
        run: str | None = None,
        limit: int = 50,
    ) -> list[Delivery]:
        """Deliveries, the latest planned first."""
        ...

    def find_runs(self, prefix: str, *, limit: int = 5) -> list[Run]:
        """Those whose id begins so: one is the one that is meant, more are a question to ask back."""
        ...

    def find_deliveries(self, prefix: str, *, limit: int = 5) -> list[Delivery]:
        """Those whose id begins so."""
        ...

    def timers(
        self,
        *,
        state: TimerState | None = None,
        rule: str | None = None,
        client: str | None = None,
        limit: int = 50,
    ) -> list[Timer]:
        """Moments in due order; the pending and open ones where no state is given."""
        ...

    def traces(
        self,
        *,
        client: str | None = None,
        rule: str | None = None,
        subject: str | None = None,
        run: str | None = None,
        verdict: str | None = None,
        since: Instant | None = None,
        limit: int = 100,
    ) -> list[TraceRow]:
        """Decisions, the latest first."""
        ...

    def polls(self, *, limit: int = 20) -> list[PollView]:
        """Polls, the latest first."""
        ...

    def notices(self, *, limit: int = 50) -> list[NoticeView]:
        """What the owner was told, the latest first."""
        ...

    def pauses(self) -> list[Pause]:
        """The kill switches that are on."""
        ...

    def rules(self) -> list[RuleRow]:
        """The rules as the service last saw them."""
        ...

    def orders(self, *, limit: int = 20) -> list[Order]:
        """Orders that wait to be carried out, the oldest first."""
        ...

    def clients(self, search: str = "", *, limit: int = 20) -> list[ClientView]:
        """Clients whose id, e-mail or name has that text in it, whatever its case; the latest first."""
        ...

    def suppressed(self) -> list[SuppressedView]:
        """Who gets no advertising, in the order they were put on the list."""
        ...

    def client_names(self, ids: Iterable[str]) -> dict[str, str]:
        """Names to show for those ids; an id that isn't known is left out."""
        ...

    def record(self, record_id: str) -> StoredRecord | None:
        """The record of that id, of whatever kind, also where it is gone."""
        ...

    def records_of(self, client_id: str) -> list[StoredRecord]:
        """All that is kept of a client, the client too and what is gone, the oldest first."""
        ...

    def versions(self, kind: Kind, record_id: str, *, limit: int = 50) -> list[VersionView]:
        """What the record was, the latest first."""
        ...

    def events(self, *, record: str | None = None, client: str | None = None, limit: int = 50) -> list[StoredEvent]:
        """Events, the latest found first."""
        ...

    def close(self) -> None:
        """Let go of the database."""
        ...
