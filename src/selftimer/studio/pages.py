"""From JSON to raw records and pages; nothing is parsed here, since most records of most polls haven't changed."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import ValidationError

from selftimer.errors import Drifted
from selftimer.facts.records import Kind, RawRecord, Record, Unreadable
from selftimer.ports import Page
from selftimer.primitives.ids import ID_TYPES, StudioId
from selftimer.studio.wire import shape_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_ID_TYPES: dict[str, type[StudioId]] = {of.kind: of for of in ID_TYPES}


def digest(raw: Mapping[str, object]) -> bytes:
    """16 bytes that are equal for equal records, whatever the order of their fields."""
    return blake2b(orjson.dumps(raw, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()


def raw_record(kind: Kind, entry: object, **added: object) -> RawRecord | Unreadable:
    """The entry as it came, with what is `added`; `Unreadable` if it is no object or has no usable id.

    A conversation's messages are records of their own and are left out of it.
    """
    if not isinstance(entry, dict):
        return Unreadable(kind, "", f"a {kind} that is no object", f"{kind}:{type(entry).__name__}")
    found = entry.get("id")
    if isinstance(found, bool) or not isinstance(found, (str, int)) or found == "":
        return Unreadable(kind, "", f"a {kind} without a usable id", f"{kind}.id:missing")
    raw = entry | added if added else entry
    if kind is Kind.CONVERSATION and "messages" in raw:
        raw = {key: value for key, value in raw.items() if key != "messages"}
    try:
        return RawRecord(kind, str(found), raw, digest(raw))
    except TypeError:  # orjson: an integer beyond 64 bits, or a lone surrogate
        return Unreadable(kind, str(found), f"a {kind} that can't be written as JSON again", f"{kind}:json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One page of any list, as it came.

    `pages` is the last page's number as far as it can be told, else 0. `last` is a guess unless the answer `told` it.
    """

    entries: list[Any]
    total: int | None
    per_page: int
    pages: int
    last: bool
    told: bool


def sheet_of(number: int, asked: int, body: Any, request: str, size: int | None = None) -> Sheet:
    """A list's answer as a sheet. `size` is the page size that the studio was seen to use instead of the one asked for.

    Copes with a total alone, with absent parts of `meta`, with `links.next`, and with neither. `Drifted` for what is no
    list.
    """
    envelope = body if isinstance(body, dict) else {"data": body}
    entries = envelope.get("data", ())
    entries = () if entries is None else entries
    if not isinstance(entries, (list, tuple)) or "data" not in envelope:
        raise Drifted("the answer that should be a list has no list in it", request=request)
    meta, links = _part(envelope, "meta"), _part(envelope, "links")
    total = _whole(meta, "total")
    per_page = _whole(meta, "per_page") or size or asked
    count = len(entries)
    last = _is_last(number, per_page, count, total, meta, links)
    used = count if number == 1 and not last else per_page
    last_page = _whole(meta, "last_page")
    return Sheet(
        entries=list(entries),
        total=total,
        per_page=per_page,
        pages=last_page or (-(-total // used) if total and used else 0),
        last=last,
        told=total is not None or last_page is not None or "next" in links,
    )


def page_of(kind: Kind, number: int, asked: int, body: Any, request: str, size: int | None = None) -> Page:
    """A list's answer as a page of records; see `sheet_of`."""
    sheet = sheet_of(number, asked, body, request, size)
    records: list[RawRecord] = []
    unreadable: list[Unreadable] = []
    messages: list[RawRecord] = []
    for entry in sheet.entries:
        read = raw_record(kind, entry)
        if isinstance(read, RawRecord):
            records.append(read)
            if kind is Kind.CONVERSATION:
                messages += messages_of(read, entry.get("messages"))
        else:
            unreadable.append(read)
    return Page(
        kind=kind,
        number=number,
        per_page=sheet.per_page,
        records=tuple(records),
        total=sheet.total,
        last=sheet.last,
        unreadable=tuple(unreadable),
        within=tuple(messages),
    )


def _is_last(
    number: int, per_page: int, count: int, total: int | None, meta: Mapping[str, Any], links: Mapping[str, Any]
) -> bool:
    if count == 0:
        return True
    last_page = _whole(meta, "last_page")
    if last_page is not None:
        return number >= last_page
    if "next" in links:
        return not links["next"]
    if total is not None:
        # A first page shorter than asked for tells the page size that the studio really uses.
        return count >= total if number == 1 else (number - 1) * per_page + count >= total
    return count != per_page


def _part(envelope: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = envelope.get(name)
    return part if isinstance(part, dict) else {}


def _whole(meta: Mapping[str, Any], name: str) -> int | None:
    value = meta.get(name)
    if isinstance(value, str) and value.isdigit():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def data_of(body: Any, request: str) -> dict[str, Any]:
    """The object in an answer's envelope, or the bare object; `Drifted` for anything else."""
    data = body.get("data", body) if isinstance(body, dict) else body
    if not isinstance(data, dict):
        raise Drifted("the studio's answer holds no record", request=request)
    return data


def one(kind: Kind, record_id: str, body: Any, request: str) -> RawRecord:
    """The record that was asked for by id; `Drifted` if the answer is another one or none."""
    read = raw_record(kind, data_of(body, request))
    if not isinstance(read, RawRecord) or read.id != record_id:
        raise Drifted(f"the studio's answer is not the {kind} that was asked for", request=request)
    return read


def created(kind: Kind, body: Any, request: str, **expected: str | None) -> RawRecord:
    """The record that a POST made: the id must be one of its kind, and what is `expected` must be as it was sent.

    `Drifted` otherwise: it was applied, but its id isn't known.
    """
    read = raw_record(kind, data_of(body, request))
    if not isinstance(read, RawRecord) or not _ID_TYPES[kind].valid(read.id):
        raise Drifted(f"the studio took it, but its answer has no {kind} id", request=request)
    for field, value in expected.items():
        if value is not None and str(read.raw.get(field) or value) != value:
            raise Drifted(f"the studio took it, but its answer is of another {field}", request=request)
    return read


def within(kind: Kind, entries: object, **added: object) -> tuple[RawRecord, ...]:
    """The records inside another one (messages, payments), with what is `added` where they don't say it themselves.

    So a payment is the same here as in the list of payments, where that shows its client. One without a usable id gets
    its digest as id: `parse` will say what is wrong with it, so it isn't dropped silently.
    """
    kept = {key: value for key, value in added.items() if value is not None}
    found: list[RawRecord] = []
    for entry in entries if isinstance(entries, list) else ():
        told = entry if isinstance(entry, dict) else {}
        lacking = {key: value for key, value in kept.items() if told.get(key) is None}
        if client_of(told) is not None:
            lacking.pop("_client_id", None)
        read = raw_record(kind, entry, **lacking)
        if isinstance(read, Unreadable):
            raw = entry if isinstance(entry, dict) else {"entry": entry}
            mark = digest(raw)
            read = RawRecord(kind, f"?{mark.hex()}", raw, mark)
        found.append(read)
    return tuple(found)


def client_of(raw: Mapping[str, Any]) -> str | None:
    """The client id of a raw record, by its own field or its expanded client."""
    client = raw.get("client")
    found = raw.get("client_id") or (client.get("id") if isinstance(client, dict) else None)
    return str(found) if found else None


def parse(raw: RawRecord) -> Record | Unreadable:
    """The record that the raw one is; pure. The models are loaded and built at the first call."""
    from selftimer.studio.wire_models import MODELS

    try:
        return MODELS[raw.kind].model_validate(raw.raw).record()
    except ValidationError as error:
        reason, shape = shape_of(raw.kind.value, error)
        return Unreadable(raw.kind, raw.id, reason, shape)


def payments_of(invoice: RawRecord) -> tuple[RawRecord, ...]:
    """The payments inside an invoice, each with the invoice's id and the client's (`_client_id`)."""
    client_id = client_of(invoice.raw)
    return within(Kind.PAYMENT, invoice.raw.get("payments"), invoice_id=invoice.id, _client_id=client_id)


def messages_of(conversation: RawRecord, entries: object) -> tuple[RawRecord, ...]:
    """The messages inside a conversation's answer, each with the conversation's id and the client's (`_client_id`)."""
    return within(Kind.MESSAGE, entries, conversation_id=conversation.id, _client_id=client_of(conversation.raw))


def count_in(body: Any, *names: str) -> int | None:
    """The number in an answer that is little else: bare, by one of the names, or the only whole number there is."""
    data = body.get("data", body) if isinstance(body, dict) else body
    if isinstance(data, dict):
        numbers = {key: value for key, value in data.items() if isinstance(value, int) and not isinstance(value, bool)}
        for name in names:
            if name in numbers:
                return numbers[name]
        return next(iter(numbers.values())) if len(numbers) == 1 else None
    return data if isinstance(data, int) and not isinstance(data, bool) else None
