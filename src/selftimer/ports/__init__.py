"""What the engine needs of the outside, as Protocols; adapters implement them and meet only in `selftimer.wiring`."""

from selftimer.ports.channel import Channel
from selftimer.ports.store import (
    DEGRADED,
    Cap,
    Control,
    Deliveries,
    Events,
    JournalEntry,
    Notice,
    Order,
    Pause,
    Records,
    RuleRow,
    Rules,
    Runs,
    SendJournal,
    Store,
    Timers,
    Traces,
    Tx,
)
from selftimer.ports.studio import Accepted, Page, Permit, Signals, StudioApi
from selftimer.ports.teller import Note, Teller

__all__ = [
    "DEGRADED",
    "Accepted",
    "Cap",
    "Channel",
    "Control",
    "Deliveries",
    "Events",
    "JournalEntry",
    "Note",
    "Notice",
    "Order",
    "Page",
    "Pause",
    "Permit",
    "Records",
    "RuleRow",
    "Rules",
    "Runs",
    "SendJournal",
    "Signals",
    "Store",
    "StudioApi",
    "Teller",
    "Timers",
    "Traces",
    "Tx",
]
