"""Judges of what the studio got: they read the sandbox's ledger, never the product's own tables (delivery.md §7).

`judge` looks at the ledger alone. `match` lays the deliveries beside it: each row of the bot belongs to one delivery,
and each delivery that says it was sent has its row. All pure; the ledger is the JSON of `GET /_sandbox/ledger`.
"""

from __future__ import annotations

import string
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from whenever import Instant

from selftimer.plan.state import DOCUMENTS, DeliveryState, Hold, Verb

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from selftimer.plan.state import Delivery

Row = dict[str, Any]
What = Literal["doubled", "misdirected", "after_payment", "unowned", "unsent"]

SAME_TEXT_HOURS = 48
"""One text again to one client within this time is a double."""
SAME_DOCUMENT_DAYS = 30
"""One document (kind, template, amount) again to one client within this time is a double."""

DOCUMENT_KINDS = frozenset(verb.value for verb in DOCUMENTS)
_KINDS = {
    **{verb: verb.value for verb in DOCUMENTS},
    Verb.MESSAGE: "message",
    Verb.CONVERSATION: "conversation",
    Verb.UPDATE: "client_update",
    Verb.COUPON: "coupon",
    Verb.LEAD: "client",
}
"""The ledger's kind for what a verb does; a verb that isn't here leaves nothing in the studio."""
_OF_NOBODY = frozenset({Verb.COUPON, Verb.LEAD})
"""What they make doesn't belong to the client that the run is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that must never happen, with where to look: the ledger's `seq` (None: no row) and a delivery's id."""

    what: What
    seq: int | None
    at: str
    client_id: str | None
    why: str
    delivery_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is wrong with a ledger by itself."""

    doubled: tuple[Finding, ...]
    misdirected: tuple[Finding, ...]
    after_payment: tuple[Finding, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All of them, in the ledger's order."""
        return tuple(sorted((*self.doubled, *self.misdirected, *self.after_payment), key=lambda f: f.seq or 0))

    @property
    def clean(self) -> bool:
        """Nothing was found."""
        return not self.findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which delivery made which row."""

    unowned: tuple[Finding, ...]
    unsent: tuple[Finding, ...]
    owners: Mapping[int, str]
    """A row's `seq` to the id of its delivery."""
    unsettled: tuple[int, ...] = ()
    """Rows that a delivery still looks for, or that the owner was asked about: no fault, and not settled either."""

    @property
    def clean(self) -> bool:
        """Nothing was found."""
        return not self.unowned and not self.unsent


def judge(ledger: Mapping[str, Any]) -> Verdict:
    """What must never happen, as the ledger alone shows it: doubles, wrong recipients, reminders of paid invoices."""
    rows = bot_rows(ledger)
    return Verdict(
        doubled=tuple(sorted((*_doubled_texts(rows), *_doubled_documents(rows)), key=lambda f: f.seq or 0)),
        misdirected=tuple(_misdirected(rows, ledger["canaries"])),
        after_payment=tuple(_after_payment(rows, ledger["payments"])),
    )


def bot_rows(ledger: Mapping[str, Any]) -> list[Row]:
    """The writes of the API's user, in order."""
    return sorted((row for row in ledger["writes"] if row["by"] == "bot"), key=lambda row: row["seq"])


def normalised(text: str) -> str:
    """A text as a reader compares it: case, white space and Unicode form don't make another one."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


# --- doubled ---------------------------------------------------------------------------------------------------------


def _doubled_texts(rows: Iterable[Row]) -> Iterator[Finding]:
    keyed = (((row["client_id"], normalised(row["content"]["content"])), row) for row in _messages(rows))
    for row, before in _again(keyed, hours=SAME_TEXT_HOURS):
        yield _finding("doubled", row, f"the same text as in {before['id']} of {before['at']}: {_short(row)}")


def _doubled_documents(rows: Iterable[Row]) -> Iterator[Finding]:
    keyed = (
        ((row["client_id"], row["kind"], _template(row["content"]), row["content"].get("amount")), row)
        for row in rows
        if row["kind"] in DOCUMENT_KINDS
    )
    for row, before in _again(keyed, hours=SAME_DOCUMENT_DAYS * 24):
        what = f"{row['kind']} {_template(row['content'])}".strip()
        yield _finding("doubled", row, f"a second {what}, like {before['id']} of {before['at']}")


def _again(keyed: Iterable[tuple[object, Row]], *, hours: int) -> Iterator[tuple[Row, Row]]:
    """Rows that come again within so many hours, each with the one before it."""
    last: dict[object, Row] = {}
    for key, row in keyed:
        before = last.get(key)
        if before is not None and (_at(row) - _at(before)).total("hours") <= hours:
            yield row, before
        last[key] = row


def _template(content: Mapping[str, Any]) -> str:
    return str(content.get("template_name") or content.get("template_id") or "")


# --- misdirected -----------------------------------------------------------------------------------------------------


def _misdirected(rows: Iterable[Row], canaries: Mapping[str, str]) -> Iterator[Finding]:
    owners: dict[str, set[str]] = defaultdict(set)
    for client_id, surname in canaries.items():
        if surname.strip():
            owners[normalised(surname)].add(client_id)
    lengths = sorted({len(name) for name in owners})
    for row in rows:
        if row["kind"] not in DOCUMENT_KINDS | {"message", "conversation"}:
            continue
        text = normalised(" ".join(_texts(row["content"])))
        others = {
            word
            for size in lengths
            for start in range(len(text) - size + 1)
            if (word := text[start : start + size]) in owners and row["client_id"] not in owners[word]
        }
        for word in sorted(others):
            yield _finding("misdirected", row, f"names {word!r}, who is {', '.join(sorted(owners[word]))}")


def _texts(value: object) -> Iterator[str]:
    """Every text inside a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


# --- after payment ---------------------------------------------------------------------------------------------------


def _after_payment(rows: Iterable[Row], payments: Iterable[Row]) -> Iterator[Finding]:
    """Texts that name an invoice on which nothing was open at that moment; a refund opens it again."""
    facts: dict[str, list[Row]] = defaultdict(list)
    for fact in sorted(payments, key=lambda fact: fact["seq"]):
        facts[fact["invoice_number"]].append(fact)
    for row in _messages(rows):
        words = {word.strip(string.punctuation) for word in row["content"]["content"].split()}
        for number in sorted(words & facts.keys()):
            before = [fact for fact in facts[number] if fact["seq"] < row["seq"]]
            if before and before[-1]["complete"]:
                yield _finding("after_payment", row, f"invoice {number} was paid at {_paid_at(before)}: {_short(row)}")


def _paid_at(facts: Sequence[Row]) -> str:
    """When the last stretch without an open amount began."""
    since = facts[-1]
    for fact in reversed(facts):
        if not fact["complete"]:
            break
        since = fact
    return str(since["at"])


# --- whose is it -----------------------------------------------------------------------------------------------------


def match(ledger: Mapping[str, Any], deliveries: Iterable[Delivery]) -> Match:
    """Join the ledger's rows with the deliveries by what they made.

    A row without a delivery is `unowned`; a delivery that was sent and left no row (or only one that another delivery
    has) is `unsent`. A row that an unclear delivery may have made is neither: it is looked for, or the owner was asked.
    """
    rows = bot_rows(ledger)
    mine = sorted((d for d in deliveries if d.verb in _KINDS and not d.dry), key=lambda d: (d.sent_at is None, d.key))
    places = {(row["kind"], row["id"]): row for row in rows}
    owners: dict[int, str] = {}
    unsent = [finding for delivery in mine if (finding := _claim(delivery, rows, places, owners)) is not None]
    unowned, unsettled = [], []
    for row in rows:
        if row["seq"] in owners:
            continue
        if any(_may_own(delivery, row) for delivery in mine):
            unsettled.append(row["seq"])
        else:
            unowned.append(_finding("unowned", row, f"no delivery made this {row['kind']} {row['id']}"))
    return Match(unowned=tuple(unowned), unsent=tuple(unsent), owners=owners, unsettled=tuple(unsettled))


def _claim(
    delivery: Delivery, rows: Sequence[Row], places: Mapping[tuple[str, str], Row], owners: dict[int, str]
) -> Finding | None:
    """Give a sent delivery its row; what is wrong where that can't be done."""
    if delivery.state is not DeliveryState.SENT:
        return None
    kind = _KINDS[delivery.verb]
    if delivery.verb is Verb.UPDATE:  # idempotent: one update may be several rows, and rows have no id of their own
        own = [r for r in rows if r["kind"] == kind and r["client_id"] == delivery.client_id]
        for changed in own:
            owners.setdefault(changed["seq"], delivery.id)
        return None if own else _unsent(delivery, "the studio has no change of that client")
    row = places.get((kind, delivery.result_id or ""))
    if row is None:
        # It was there before, by somebody else's hand; a coupon is known by its code alone.
        found = delivery.reason == "found" or delivery.verb is Verb.COUPON
        return None if found else _unsent(delivery, f"the studio has no {kind} {delivery.result_id}")
    if row["seq"] in owners:
        return _unsent(delivery, f"{row['id']} is the {kind} of delivery {owners[row['seq']]} already")
    if row["client_id"] != delivery.client_id and delivery.verb not in _OF_NOBODY:
        return _unsent(delivery, f"{row['id']} went to {row['client_id']}")
    owners[row["seq"]] = delivery.id
    return None


def _may_own(delivery: Delivery, row: Row) -> bool:
    open_ = delivery.state in {DeliveryState.IN_FLIGHT, DeliveryState.UNKNOWN} or (
        delivery.state is DeliveryState.HELD and delivery.hold is Hold.EVIDENCE
    )
    return (
        open_
        and _KINDS[delivery.verb] == row["kind"]
        and (delivery.client_id == row["client_id"] or delivery.verb in _OF_NOBODY)
        and delivery.intent_at is not None
        and delivery.intent_at <= _at(row)
        and row["id"] not in delivery.known_ids
    )


# --- small helpers ---------------------------------------------------------------------------------------------------


def _messages(rows: Iterable[Row]) -> Iterator[Row]:
    return (row for row in rows if row["kind"] == "message")


def _at(row: Row) -> Instant:
    return Instant.parse_iso(row["at"])


def _finding(what: What, row: Row, why: str) -> Finding:
    return Finding(what=what, seq=row["seq"], at=row["at"], client_id=row["client_id"], why=why)


def _unsent(delivery: Delivery, why: str) -> Finding:
    at = delivery.sent_at or delivery.planned_at
    return Finding(
        what="unsent", seq=None, at=at.format_iso(), client_id=delivery.client_id, why=why, delivery_id=delivery.id
    )


def _short(row: Row) -> str:
    line = " ".join(row["content"]["content"].split())
    return line if len(line) <= 80 else f"{line[:79]}…"
