"""What happened, for oracles and for people who watch (delivery.md §7: oracles read this, not the product's tables).

The ledger holds every write that the API accepted, and the facts of life that a judge of those writes needs. The story
tells the life of the studio line by line.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whenever import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One write that was accepted: `kind` is what it made or changed, `content` what it said or asked for."""

    seq: int
    at: str
    by: str
    method: str
    path: str
    kind: str
    id: str
    client_id: str
    conversation_id: str | None
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFact:
    """A payment that life made: `complete` says that nothing was open after it."""

    seq: int
    at: str
    invoice_id: str
    invoice_number: str
    client_id: str
    amount: int
    currency: str
    status: str
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryLine:
    """One happening, ready to read."""

    seq: int
    at: str
    kind: str
    client_id: str
    text: str


def stamp(instant: Instant) -> str:
    """The instant as the API writes it: UTC with six decimals."""
    return f"{instant.format_iso(unit='microsecond')}"


@dataclass(slots=True)
class Ledger:
    """All rows, in order; `seq` counts over writes, payments and story together, so that they can be interleaved."""

    writes: list[Write] = field(default_factory=list)
    payments: list[PaymentFact] = field(default_factory=list)
    story: list[StoryLine] = field(default_factory=list)
    canaries: dict[str, str] = field(default_factory=dict)
    seq: int = 0

    def wrote(
        self,
        at: Instant,
        *,
        method: str,
        path: str,
        kind: str,
        record_id: str,
        client_id: str = "",
        conversation_id: str | None = None,
        content: Mapping[str, Any] | None = None,
        by: str = "bot",
    ) -> Write:
        """Note a write that the API accepted."""
        self.seq += 1
        row = Write(
            seq=self.seq,
            at=stamp(at),
            by=by,
            method=method,
            path=path,
            kind=kind,
            id=record_id,
            client_id=client_id,
            conversation_id=conversation_id,
            content=dict(content or {}),
        )
        self.writes.append(row)
        return row

    def paid(
        self,
        at: Instant,
        *,
        invoice_id: str,
        invoice_number: str,
        client_id: str,
        amount: int,
        currency: str,
        status: str,
        complete: bool,
    ) -> None:
        """Note a payment, or what became of one."""
        self.seq += 1
        self.payments.append(
            PaymentFact(
                seq=self.seq,
                at=stamp(at),
                invoice_id=invoice_id,
                invoice_number=invoice_number,
                client_id=client_id,
                amount=amount,
                currency=currency,
                status=status,
                complete=complete,
            )
        )

    def tell(self, at: Instant, zone: str, *, kind: str, client_id: str, text: str) -> None:
        """Add a line to the story; its text begins with the studio's local time."""
        self.seq += 1
        local = at.to_tz(zone)
        line = f"{local.date()} {local.hour:02}:{local.minute:02} {text}"
        self.story.append(StoryLine(seq=self.seq, at=stamp(at), kind=kind, client_id=client_id, text=line))

    def forget_past(self) -> None:
        """Drop the story of the time before the world's start; payments and canaries stay."""
        self.story.clear()

    def writes_after(self, seq: int) -> list[dict[str, Any]]:
        """The writes later than `seq`, as JSON objects."""
        return [asdict(row) for row in _after(self.writes, seq)]

    def payments_after(self, seq: int) -> list[dict[str, Any]]:
        """The payments later than `seq`, as JSON objects."""
        return [asdict(row) for row in _after(self.payments, seq)]

    def story_after(self, seq: int) -> list[dict[str, Any]]:
        """The story's lines later than `seq`, as JSON objects."""
        return [asdict(row) for row in _after(self.story, seq)]

    def to_json(self, after: int = 0) -> dict[str, Any]:
        """Writes, payments and each client's canary surname; `after` leaves out what was told before."""
        return {
            "seq": self.seq,
            "writes": self.writes_after(after),
            "payments": self.payments_after(after),
            "canaries": dict(self.canaries),
        }


def _after(rows: list[Any], seq: int) -> list[Any]:
    """The tail of rows with a higher `seq`, found from the end because callers ask for news."""
    start = len(rows)
    while start and rows[start - 1].seq > seq:
        start -= 1
    return rows[start:]
