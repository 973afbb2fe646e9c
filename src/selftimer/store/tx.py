"""One transaction: the groups of queries over the connection on which it is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.store.control import SqlControl
from selftimer.store.deliveries import SqlDeliveries
from selftimer.store.events import SqlEvents
from selftimer.store.people import SqlPeople
from selftimer.store.records import SqlRecords
from selftimer.store.rules import SqlRules
from selftimer.store.runs import SqlRuns
from selftimer.store.timers import SqlTimers
from selftimer.store.traces import SqlTraces

if TYPE_CHECKING:
    from sqlalchemy import Connection


class SqlTx:
    """`selftimer.ports.store.Tx` of one studio."""

    __slots__ = ("control", "deliveries", "events", "people", "records", "rules", "runs", "timers", "traces")

    def __init__(self, connection: Connection, studio: str) -> None:
        self.records = SqlRecords(connection, studio)
        self.events = SqlEvents(connection, studio)
        self.rules = SqlRules(connection, studio)
        self.timers = SqlTimers(connection, studio)
        self.runs = SqlRuns(connection, studio)
        self.deliveries = SqlDeliveries(connection, studio)
        self.traces = SqlTraces(connection, studio)
        self.control = SqlControl(connection, studio)
        self.people = SqlPeople(connection, studio)
