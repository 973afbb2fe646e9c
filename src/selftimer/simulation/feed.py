"""What there is to see of a demo, gathered from the sandbox's story and ledger and the service's held deliveries."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from whenever import Date, Instant

from selftimer.simulation.oracles import DOCUMENT_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from selftimer.plan.state import Delivery

COUNTED = {
    "lead": "leads",
    "session_confirmed": "bookings",
    "payment_completed": "payments",
    "contract_signed": "contracts signed",
    "message": "client messages",
}
"""Kinds of the story that are counted, with the word for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One happening of the story: its local time and what happened."""

    kind: str
    time: str
    text: str
    client_id: str


@dataclass(slots=True)
class Feed:
    """The state of what is shown; `take` adds news. Knows nothing of terminals."""

    zone: str
    start: Instant
    end: Instant
    keep: int = 60
    now: Instant = field(init=False)
    story_seq: int = 0
    ledger_seq: int = 0
    story: deque[Line] = field(init=False)
    messages: deque[Mapping[str, Any]] = field(init=False)
    documents: deque[Mapping[str, Any]] = field(init=False)
    counts: Counter[str] = field(default_factory=Counter)
    days: dict[Date, Counter[str]] = field(default_factory=dict)
    held: tuple[Delivery, ...] = ()
    answered: int = 0
    names: dict[str, str] = field(default_factory=dict)
    """Clients' names as the story's lines about the bot's writes tell them."""
    _told_until: Date | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Begin empty at the start."""
        self.now = self.start
        self.story = deque(maxlen=self.keep)
        self.messages = deque(maxlen=10)
        self.documents = deque(maxlen=10)

    def take_story(self, answer: Mapping[str, Any]) -> None:
        """The story's lines after `story_seq`."""
        for row in answer["story"]:
            self._told(row)
        self.story_seq = answer["seq"]

    def take_ledger(self, answer: Mapping[str, Any]) -> None:
        """The ledger's rows after `ledger_seq`."""
        for row in answer["writes"]:
            self._wrote(row)
        self.ledger_seq = answer["seq"]

    def _told(self, row: Mapping[str, Any]) -> None:
        day, time, text = row["text"].split(" ", 2)
        self.story.append(Line(kind=row["kind"], time=f"{day[5:]} {time}", text=text, client_id=row["client_id"]))
        if row["kind"] == "bot_message":
            self.names[row["client_id"]] = text.removeprefix("The bot writes to ").partition(": ")[0]
        if word := COUNTED.get(row["kind"]):
            self._count(Date.parse_iso(day), word)

    def _wrote(self, row: Mapping[str, Any]) -> None:
        day = Instant.parse_iso(row["at"]).to_tz(self.zone).date()
        if row["kind"] == "message":
            self.messages.append(row)
            self._count(day, "messages")
        elif row["kind"] in DOCUMENT_KINDS:
            self.documents.append(row)
            self._count(day, "documents")

    def _count(self, day: Date, word: str) -> None:
        self.counts[word] += 1
        self.days.setdefault(day, Counter())[word] += 1

    def waiting(self, held: Iterable[Delivery]) -> None:
        """The deliveries that wait for a person now."""
        ids = {delivery.id for delivery in self.held}
        self.held = tuple(held)
        self.answered += len(ids - {delivery.id for delivery in self.held})

    @property
    def share(self) -> float:
        """How much of the time has gone by, from 0 to 1."""
        whole = (self.end - self.start).total("seconds")
        return min(1.0, (self.now - self.start).total("seconds") / whole) if whole > 0 else 1.0

    @property
    def day(self) -> int:
        """The day of the demo, from 1."""
        return int((self.now - self.start).total("hours") // 24) + 1

    @property
    def length(self) -> int:
        """How many days it has."""
        return round((self.end - self.start).total("hours") / 24)

    def over(self, *, whole: bool = False) -> list[tuple[Date, Counter[str]]]:
        """Days that have ended (with `whole` the present one too), taken out: each is told once."""
        today = self.now.to_tz(self.zone).date()
        first = self.start.to_tz(self.zone).date() if not self._told_until else self._told_until
        ended = []
        while first < today or (whole and first == today):
            ended.append((first, self.days.pop(first, Counter())))
            first = first.add(days=1)
        self._told_until = first
        return ended
