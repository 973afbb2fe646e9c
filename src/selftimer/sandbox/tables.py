"""Tables in memory that know their order, their owners and their serialised records.

Lists of the API are newest first. Filtered lists and the JSON of records are kept until something changes, because a
poller asks for the same pages over and over.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import orjson

from selftimer.sandbox.model import (
    Attachment,
    Client,
    Contract,
    Conversation,
    Coupon,
    CouponUse,
    GiftCard,
    Invoice,
    Payment,
    Questionnaire,
    Quote,
    Record,
    Schedule,
    Session,
    SessionType,
    Template,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping

    from selftimer.sandbox.model_galleries import Collection

R = TypeVar("R", bound=Record)


class Table(Generic[R]):
    """The records of one kind by id, oldest first inside, newest first to whoever lists them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: dict[str, R] = {}
        self.version = 0
        self._of_client: dict[str, list[R]] = {}
        self._lists: dict[Hashable, Any] = {}
        self._json: dict[str, dict[str, orjson.Fragment]] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[R]:
        return iter(self.rows.values())

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_lists": {}, "_json": {}}

    def add(self, row: R) -> R:
        """Keep a new record."""
        self.rows[row.id] = row
        if row.client_id:
            self._of_client.setdefault(row.client_id, []).append(row)
        self._changed()
        return row

    def remove(self, record_id: str) -> None:
        """Forget a record: it was deleted."""
        row = self.rows.pop(record_id)
        if row.client_id:
            self._of_client[row.client_id].remove(row)
        self.touch(record_id)

    def get(self, record_id: str) -> R | None:
        """The record, or None."""
        return self.rows.get(record_id)

    def of_client(self, client_id: str) -> list[R]:
        """A client's records, oldest first."""
        return self._of_client.get(client_id, [])

    def touch(self, record_id: str) -> None:
        """The record changed: forget its JSON and every list."""
        self._json.pop(record_id, None)
        self._changed()

    def touch_client(self, client_id: str) -> None:
        """The client changed, who is shown inside these records."""
        for row in self.of_client(client_id):
            self._json.pop(row.id, None)
        if self._of_client.get(client_id):
            self._changed()

    def kept(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What `make` answers, computed once per key until the table changes."""
        if key not in self._lists:
            self._lists[key] = make()
        return self._lists[key]

    def newest(self) -> list[R]:
        """All records, newest first; of two of the same instant the later one first."""
        rows: list[R] = self.kept("newest", lambda: sorted(self.rows.values(), key=attrgetter("created_at"))[::-1])
        return rows

    def select(self, key: Hashable, keep: Callable[[R], bool]) -> list[R]:
        """The records that `keep` takes, newest first; `key` names the filter."""
        rows: list[R] = self.kept(("select", key), lambda: [row for row in self.newest() if keep(row)])
        return rows

    def json(self, row: R, variant: str, view: Callable[[R], Mapping[str, object]]) -> orjson.Fragment:
        """The record's JSON under a variant (what is expanded), serialised once."""
        forms = self._json.get(row.id)
        if forms is None:
            forms = self._json[row.id] = {}
        fragment = forms.get(variant)
        if fragment is None:
            fragment = forms[variant] = orjson.Fragment(orjson.dumps(view(row)))
        return fragment

    def _changed(self) -> None:
        self.version += 1
        if self._lists:
            self._lists.clear()


class Tables:
    """All tables of a studio."""

    def __init__(self) -> None:
        self.clients: Table[Client] = Table("clients")
        self.session_types: Table[SessionType] = Table("session_types")
        self.schedules: Table[Schedule] = Table("schedules")
        self.sessions: Table[Session] = Table("sessions")
        self.invoices: Table[Invoice] = Table("invoices")
        self.payments: Table[Payment] = Table("payments")
        self.contracts: Table[Contract] = Table("contracts")
        self.questionnaires: Table[Questionnaire] = Table("questionnaires")
        self.quotes: Table[Quote] = Table("quotes")
        self.conversations: Table[Conversation] = Table("conversations")
        self.attachments: Table[Attachment] = Table("attachments")
        self.templates: Table[Template] = Table("templates")
        self.coupons: Table[Coupon] = Table("coupons")
        self.coupon_uses: Table[CouponUse] = Table("coupon_uses")
        self.gift_cards: Table[GiftCard] = Table("gift_cards")
        self.collections: Table[Collection] = Table("collections")

    def all(self) -> list[Table[Any]]:
        """Every table."""
        return list(vars(self).values())
