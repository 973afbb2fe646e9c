"""Counting what the records of one endpoint look like, and where that differs from the table of `drift.py`."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from selftimer.facts.records import Kind
from selftimer.primitives.ids import ID_TYPES, LENGTHS
from selftimer.studio.drift import Known, Shape, faults, shape, shown_name, shown_word, type_of
from selftimer.studio.known import ID_FORMS
from selftimer.studio.tour_report import FieldSeen, Finding, What
from selftimer.studio.wire import spelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ID_TYPES = {of.kind.replace(" ", "_"): of for of in ID_TYPES}
_MODELLED = frozenset(Kind)
_SHORT_SAMPLES = frozenset({"cou_", "ses_", "itp_", "ump_", "smp_"})
"""Of these the published samples have 29 characters (studio-api.md, IDs)."""
_LINK_WORDS = ("url", "link")
_DOCUMENTS = frozenset({"invoice", "contract", "questionnaire", "quote"})


class Tally:
    """The records of one kind that one endpoint showed; `whole` unless they stand inside another record."""

    def __init__(self, kind: str, endpoint: str, *, whole: bool = True) -> None:
        self.kind = kind
        self.endpoint = endpoint
        self.records = 0
        self.links: set[str] = set()
        self._whole = whole
        self._shape = shape(kind)
        self._types: dict[str, Counter[str]] = defaultdict(Counter)
        self._parents: Counter[str] = Counter()
        self._new: set[str] = set()
        self._odd: Counter[tuple[str, What, bool, str]] = Counter()

    def add(self, record: Mapping[str, Any]) -> None:
        """Count a record."""
        self.records += 1
        if self._shape is not None:
            self._walk("", self._shape, record)
        self._ids(record)
        for name in {self._fault(*one) for one in self._faults(record)}:
            self._odd[name] += 1
        if self.kind in _DOCUMENTS:
            self.links |= {shown_name(name) for name, value in record.items() if _is_link(name, value)}

    def fields(self) -> list[FieldSeen]:
        """Every field that was there, those of objects inside it as `object.field`."""
        return [
            FieldSeen(name=name, count=types.total(), types=dict(types), new=name in self._new)
            for name, types in self._types.items()
        ]

    def missing(self) -> list[str]:
        """Fields that should be there and weren't in any record."""
        return [path for path, _, parent in self._expected() if self._parents[parent] and not self._types[path]]

    def findings(self) -> Iterator[Finding]:
        """What differs."""
        for (path, what, matters, detail), count in self._odd.items():
            yield self._finding(path, what, count, self.records, matters=matters, detail=detail)
        for path in sorted(self._new):
            types = self._types[path]
            yield self._finding(path, "new field", types.total(), self.records, detail=" or ".join(sorted(types)))
        for path, known, parent in self._expected() if self._whole else ():
            there, possible = self._types[path].total(), self._parents[parent]
            if there < possible:
                yield self._finding(path, "missing field", possible - there, possible, matters=known.read)

    def _finding(
        self, path: str, what: What, count: int, of: int, *, matters: bool = False, detail: str = ""
    ) -> Finding:
        subject = f"{self.kind}.{path}" if path else self.kind
        return Finding(
            subject=subject,
            what=what,
            matters=matters,
            detail=detail,
            count=count,
            of=of,
            seen_at=(self.endpoint,),
        )

    def _walk(self, parent: str, known: Shape, found: Mapping[str, Any]) -> None:
        self._parents[parent] += 1
        for name, value in found.items():
            if name.startswith("_"):  # what the client library adds itself
                continue
            path = f"{parent}.{shown_name(name)}" if parent else shown_name(name)
            self._types[path][type_of(value)] += 1
            if name in known.fields:
                self._known(path, known.fields[name], value)
            elif not known.knows(name):
                self._new.add(path)

    def _known(self, path: str, known: Known, value: Any) -> None:
        if value is None:
            if known.form == "list":
                self._odd[path, "null list", known.read, ""] += 1
            return
        if not _fits(known, value) and path != "id":
            self._odd[path, "other type", known.read, f"{type_of(value)} instead of {known.form}"] += 1
            return
        if known.words and not known.checked and spelled(value) not in known.words:
            self._odd[path, "unknown word", False, shown_word(value)] += 1
        if known.inner is None:
            return
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict):
                self._walk(path, known.inner, inner)

    def _ids(self, record: Mapping[str, Any]) -> None:
        """Whether the id is of its kind; of the kinds with a wire model, that one says it."""
        of, form, found = _ID_TYPES.get(self.kind), ID_FORMS.get(self.kind), record.get("id")
        if found is None or (of is None and form is None):
            return
        usual = of.valid(found) if of is not None else bool(re.fullmatch(form or "", str(found)))
        if not usual and self.kind not in _MODELLED:
            self._odd["id", "other id", False, type_of(found)] += 1
        if of is None or not of.fixed or not usual or of.prefix in _SHORT_SAMPLES:
            return
        if len(found) - len(of.prefix) == LENGTHS[0]:
            self._odd["id", "shorter id", False, ""] += 1

    def _faults(self, record: Mapping[str, Any]) -> Iterator[tuple[str, str, object]]:
        return ((one.field, one.kind, one.value) for one in faults(self.kind, record))

    def _fault(self, path: str, kind: str, value: object) -> tuple[str, What, bool, str]:
        match kind:
            case "word":
                return path, "unknown word", True, shown_word(value)
            case "form":
                return path, "other id", True, type_of(value)
            case "missing":
                return path, "missing field", True, ""
            case other:
                return path, "unreadable record", True, other.replace("_", " ")

    def _expected(self) -> Iterator[tuple[str, Known, str]]:
        """(path, what is known, parent's path) of all that should be there."""

        def of(parent: str, known: Shape) -> Iterator[tuple[str, Known, str]]:
            for name, one in known.fields.items():
                path = f"{parent}.{name}" if parent else name
                if one.expected:
                    yield path, one, parent
                if one.inner is not None:
                    yield from of(path, one.inner)

        return of("", self._shape) if self._shape is not None else iter(())


def _fits(known: Known, value: object) -> bool:
    found = type_of(value)
    return known.form in {"any", found} or (known.form == "text" and found == "number")


def _is_link(name: str, value: object) -> bool:
    if not isinstance(value, str) or not any(word in name.lower() for word in _LINK_WORDS):
        return False
    return bool(urlsplit(value).netloc) or value.startswith("/")
