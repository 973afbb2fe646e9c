"""From answers to a report: what each endpoint showed against what is known of it. Pure; makes no request."""

from __future__ import annotations

import contextlib
import csv
import itertools
from collections import Counter
from dataclasses import dataclass, field, replace
from io import StringIO
from typing import TYPE_CHECKING, Any

from whenever import Instant

from selftimer.errors import Drifted
from selftimer.facts.records import LISTED, Kind, RawRecord
from selftimer.studio.answers import Answer, error_shape, expired, judge_text, parse
from selftimer.studio.drift import shown_column
from selftimer.studio.endpoints import ENDPOINTS
from selftimer.studio.invoices import codes_in
from selftimer.studio.pages import count_in, messages_of, payments_of, raw_record, sheet_of
from selftimer.studio.tour_plan import (
    ANY_FORM,
    CODES,
    COUNTS,
    DOCUMENTS,
    EXPORT,
    TEXTS,
    is_list,
    subject_of,
)
from selftimer.studio.tour_report import FieldSeen, Finding, Report, Row, What
from selftimer.studio.tour_tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from selftimer.studio.endpoints import Endpoint

SKEW = 60.0
"""Seconds between the clocks that are worth a word (delivery.md §4)."""
_INSIDE = {"invoice": Kind.PAYMENT, "conversation": Kind.MESSAGE}
_RATE = ("x-ratelimit-limit", "x-ratelimit-remaining", "retry-after")
_CONDITIONAL = ("etag", "last-modified")
_DATES = ("created_at", "payment_date")
_SHORTER = "can't be told: the list is shorter"
_NEVER = Instant.from_utc(1970, 1, 1)
"""When an answer came whose time isn't known; it is only looked at where the studio asks for a pause."""
DOCUMENT_KINDS = {"co_": "contract", "in_": "invoice", "qu_": "questionnaire", "qo_": "quote"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One answer of one endpoint. `asked` is the page size that was asked for, `at` when it came by this machine."""

    name: str
    endpoint: Endpoint
    answer: Answer | None
    asked: int | None = None
    at: Instant | None = None
    note: str = ""
    """Why there is no answer."""


@dataclass(slots=True)
class Judge:
    """Takes looks, several of one endpoint too, and says in the end what they came to."""

    source: str
    rows: dict[str, Row] = field(default_factory=dict)
    _tallies: dict[tuple[str, str], Tally] = field(default_factory=dict)
    _found: list[Finding] = field(default_factory=list)
    _rates: set[str] = field(default_factory=set)
    _skews: list[float] = field(default_factory=list)
    _answers: int = 0

    def take(self, look: Look) -> Any:
        """Judge an answer; its JSON, None where there is none."""
        row = self.rows.setdefault(
            look.name, Row(endpoint=look.name, path=look.endpoint.path, documented=look.endpoint.documented)
        )
        if look.answer is None:
            row.note = look.note
            return None
        answer = look.answer
        self._answers += 1
        row.status = answer.status
        self._headers(row, look, answer)
        body = self._body(row, look, answer)
        if body is not None:
            self._content(row, look, body)
        return body

    def unreachable(self, name: str, endpoint: Endpoint, why: str) -> None:
        """An endpoint that gave no whole answer."""
        self.take(Look(name=name, endpoint=endpoint, answer=None, note=why))
        self._say(name, "not readable", matters=True, detail=why)

    def report(self) -> Report:
        """All of it."""
        for (name, _), tally in self._tallies.items():
            row = self.rows[name]
            if tally.kind == subject_of(name):
                row.fields, row.missing = tally.fields(), tally.missing()
                row.links = tuple(sorted(tally.links))
            elif name == DOCUMENTS and tally.kind in DOCUMENT_KINDS.values():
                row.fields += [replace(one, name=f"{tally.kind}.{one.name}") for one in tally.fields()]
                row.links += tuple(sorted(f"{tally.kind}.{link}" for link in tally.links))
            self._found += tally.findings()
        if self._answers and not self._rates:
            self._say("the studio", "no rate limit told")
        skew = min(self._skews, key=abs, default=None)
        if skew is not None and abs(skew) > SKEW:
            ahead = "ahead" if skew > 0 else "behind"
            self._say("the studio", "clock skew", matters=True, detail=f"{abs(skew):,.0f} seconds {ahead}")
        return Report(
            source=self.source,
            rows=list(self.rows.values()),
            findings=merged(self._found),
            rate_headers=tuple(sorted(self._rates)),
            requests=self._answers,
            skew=None if skew is None else round(skew),
        )

    # --- one answer ----------------------------------------------------------------------------------------------

    def _headers(self, row: Row, look: Look, answer: Answer) -> None:
        self._rates |= {name for name in _RATE if name in answer.headers}
        row.conditional = tuple(name for name in _CONDITIONAL if name in answer.headers)
        if look.at is not None and (date := answer.headers.get("date")):
            with contextlib.suppress(ValueError):
                self._skews.append((Instant.parse_rfc2822(date) - look.at).total("seconds"))

    def _body(self, row: Row, look: Look, answer: Answer) -> Any:
        """The JSON, or the export's text, where the answer is what was asked for."""
        said = f"{answer.status}"
        if expired(answer):
            said = "the login page: there was no valid session"
        elif 200 <= answer.status < 300:
            try:
                return judge_text(answer, look.at or _NEVER) if look.name == EXPORT else parse(answer)
            except Drifted as error:
                said = error.message
        else:
            row.error_shape = error_shape(answer)
            shown = f"error shape {row.error_shape}" if row.error_shape else "no known error shape"
            said = f"{answer.status}, {shown}"
        row.error_shape = row.error_shape or 0
        row.note = said
        self._say(row.endpoint, "not readable", matters=True, detail=said)
        return None

    def _content(self, row: Row, look: Look, body: Any) -> None:
        kind = subject_of(look.name)
        data = body.get("data") if isinstance(body, dict) and "data" in body else body
        if look.name in COUNTS:
            if count_in(body, *COUNTS[look.name]) is None:
                self._say(look.name, "other answer", matters=True, detail="no number")
        elif look.name in CODES:
            if not isinstance(data, list) or (data and not codes_in(body)):
                self._say(look.name, "other answer", matters=True, detail="no list of codes")
        elif look.name == EXPORT:
            self._export(row, str(body))
        elif is_list(look.name):
            self._listed(row, look, body)
        elif kind is not None and isinstance(data, dict):
            row.records = (row.records or 0) + 1
            self._records(look.name, kind, [data])
        elif kind is not None and not (look.name in ANY_FORM and isinstance(data, list)):
            self._say(look.name, "other answer", matters=True, detail="no record")

    def _export(self, row: Row, text: str) -> None:
        """Columns and rows. Which columns there are is the studio's choice; more cells than columns can't be read."""
        try:
            columns, *rows = list(csv.reader(StringIO(text, newline=""))) or [[]]
        except csv.Error:
            columns, rows = [], []
        names = [shown_column(name) for name in columns]
        filled = Counter(name for cells in rows for name, cell in zip(names, cells, strict=False) if cell)
        row.records = sum(map(bool, rows))
        row.fields = [
            FieldSeen(name=one, count=filled[one], types={"text": filled[one]}) for one in dict.fromkeys(names)
        ]
        if not columns:
            self._say(row.endpoint, "other answer", matters=True, detail="no columns")
        elif any(len(cells) > len(columns) for cells in rows):
            self._say(row.endpoint, "other answer", matters=True, detail="a row with more cells than columns")

    def _listed(self, row: Row, look: Look, body: Any) -> None:
        size = look.asked or look.endpoint.size
        try:
            sheet = sheet_of(1, size, body, f"GET {look.endpoint.path}")
        except Drifted:
            self._say(look.name, "other answer", matters=True, detail="no list")
            return
        found = [entry for entry in sheet.entries if isinstance(entry, dict)]
        row.records = (row.records or 0) + len(found)
        row.total = sheet.total is not None
        row.note = "" if row.records or sheet.entries else "an empty list"
        self._paging(row, look, len(sheet.entries), sheet.total)
        self._order(row, found)
        for kind, records in self._by_kind(look.name, found).items():
            self._records(look.name, kind, records)
        texts = sum(isinstance(entry, str) for entry in sheet.entries) if look.name in TEXTS else 0
        if len(found) + texts < len(sheet.entries):
            subject = subject_of(look.name) or look.name
            self._say(f"{subject}.id", "other id", matters=True, detail="no object", at=look.name)

    def _by_kind(self, name: str, records: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
        """Kind → its records; of a client's documents, each by its id as the client library tells them apart."""
        kind = subject_of(name)
        if kind is not None:
            return {kind: records}
        found: dict[str, list[dict[str, Any]]] = {}
        for record in records:
            told = DOCUMENT_KINDS.get(str(record.get("id"))[:3]) or record.get("document_type")
            if told in DOCUMENT_KINDS.values():
                found.setdefault(str(told), []).append(record)
            else:
                self._say(name, "other id", matters=True, detail="no document's")
        return found

    def _paging(self, row: Row, look: Look, count: int, total: int | None) -> None:
        asked = look.asked
        if look.endpoint.paging is None:
            row.page_size = "all at once"
            if total is not None and count < total:
                self._say(look.name, "not whole", matters=True, detail=f"{count} of {total}")
        elif asked is None or look.endpoint.size_param is None:
            row.page_size = row.page_size or "not asked for"
        elif count > asked or (total is not None and count < min(asked, total)):
            row.page_size = f"ignored: {count} instead of {asked}"
            self._say(look.name, "page size ignored", detail=f"{count} instead of {asked}")
        else:
            told = "honoured" if count == asked else _SHORTER
            row.page_size = told if row.page_size in {None, _SHORTER} else row.page_size

    def _order(self, row: Row, records: list[dict[str, Any]]) -> None:
        for name in _DATES:
            dates = [one for record in records if isinstance(one := record.get(name), str)]
            if len(dates) < 2:
                continue
            newest_first = all(later >= earlier for later, earlier in itertools.pairwise(dates))
            row.newest_first = newest_first and row.newest_first is not False
            if not newest_first and row.endpoint.removesuffix(".list") in LISTED:
                self._say(row.endpoint, "other order", matters=True, detail=f"by {name}")
            return

    def _records(self, name: str, kind: str, records: Iterable[Mapping[str, Any]]) -> None:
        tally = self._tally(name, kind)
        for record in records:
            tally.add(record)
            inner = _INSIDE.get(kind)
            whole = raw_record(Kind(kind), record) if inner is not None else None
            if inner is not None and isinstance(whole, RawRecord):
                for raw in _inside(inner, whole, record):
                    self._tally(name, inner.value).add(raw)

    def _tally(self, name: str, kind: str) -> Tally:
        whole = kind == subject_of(name)
        return self._tallies.setdefault((name, kind), Tally(kind, name, whole=whole))

    def _say(self, subject: str, what: What, *, matters: bool = False, detail: str = "", at: str = "") -> None:
        endpoint = ENDPOINTS.get(at or subject)
        if endpoint is not None and endpoint.api == "gallery":
            matters = False  # the service doesn't live on galleries, and not every studio has them
        self._found.append(
            Finding(subject=subject, what=what, matters=matters, detail=detail, seen_at=(at,) if at else ())
        )


def _inside(kind: Kind, whole: RawRecord, record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The records of another kind inside one, as the client reads them."""
    found = payments_of(whole) if kind is Kind.PAYMENT else messages_of(whole, record.get("messages"))
    return [one.raw for one in found]


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """Each difference once, with all endpoints that showed it; what matters first."""
    out: dict[tuple[str, str, str], Finding] = {}
    for one in findings:
        key = (one.subject, one.what, "" if one.what == "missing field" else one.detail)
        old = out.get(key)
        out[key] = (
            one
            if old is None
            else replace(
                old,
                matters=old.matters or one.matters,
                count=old.count + one.count,
                of=old.of + one.of,
                seen_at=tuple(dict.fromkeys([*old.seen_at, *one.seen_at])),
            )
        )
    return sorted(out.values(), key=lambda one: (not one.matters, one.what, one.subject, one.detail))
