"""A diary's values: times of the studio, amounts in main units, words; each mistake with its place and a suggestion."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from whenever import Date, PlainDateTime

from selftimer.primitives.money import Money, MoneyError
from selftimer.primitives.time import local
from selftimer.rulebook.sentences import similar
from selftimer.ruletests.shape import FIELDS, SUCCESSORS, a

if TYPE_CHECKING:
    from selftimer.errors import Problem
    from selftimer.facts.world import StudioFacts
    from selftimer.rulebook.source import Place
    from selftimer.ruletests.shape import Field

_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d\Z")
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z")
MISSING: Any = object()
"""What a faulty value is read as."""


class ValueReader:
    """Reads the values of one studio's tests; what is wrong is added to `problems`."""

    def __init__(self, studio: StudioFacts) -> None:
        self._studio = studio
        self.problems: list[Problem] = []
        self.names: dict[str, str] = {}
        """The names of the records that the test has so far, each with its kind."""

    def add(self, place: Place, message: str, hint: str = "", *, key: bool = False, warning: bool = False) -> None:
        """Something is wrong there."""
        severity = "warning" if warning else "error"
        self.problems.append(place.problem(message, hint, key=key, severity=severity))

    def record(self, kind: str, raw: Any, place: Place) -> dict[str, Any]:
        """The fields of a record as they are written, with their types; faulty ones are left out."""
        if not isinstance(raw, dict):
            self.add(place, f"{a(kind)} is wanted here, not {_shown(raw)}", f"write its fields: {{{_example(kind)}}}")
            return {}
        fields, values = FIELDS[kind], {}
        for name, value in raw.items():
            field = fields.get(name)
            if field is None:
                hint = f"did you mean {SUCCESSORS[name]!r}?" if SUCCESSORS.get(name) in fields else ""
                hint = hint or similar(name, fields) or f"there are: {', '.join(fields)}"
                self.add(place / name, f"{a(kind)} has no field {name!r} in a test", hint, key=True)
                continue
            read = self.value(field, value, place / name)
            if read is not MISSING:
                values[name] = read
        return values

    def value(self, field: Field, raw: Any, place: Place) -> Any:
        """One value by its sort; `MISSING` where it is wrong, which is told."""
        match field.sort:
            case "text":
                return self.text(raw, place, empty=True)
            case "name":
                return self.text(raw, place)
            case "word":
                return self._word(raw, field.words, place)
            case "moment":
                return self.moment(raw, place)
            case "date":
                return self._date(raw, place)
            case "money":
                return self._money(raw, place)
            case "record":
                return self.known(raw, field.kind, place)
            case "yes_no":
                if not isinstance(raw, bool):
                    self.add(place, f"{_shown(raw)} is neither true nor false", "write true or false")
                return raw if isinstance(raw, bool) else MISSING
            case "number":
                if not isinstance(raw, int) or isinstance(raw, bool) or raw < 1:
                    self.add(place, f"{_shown(raw)} is no number of 1 or more", "write a whole number")
                    return MISSING
                return raw

    def text(self, raw: Any, place: Place, *, empty: bool = False) -> Any:
        """A text; numbers are read as they stand. None is an empty one, where that may be."""
        if isinstance(raw, int | float) and not isinstance(raw, bool):
            return str(raw)
        if raw is None and empty:
            return ""
        if isinstance(raw, str) and (raw or empty):
            return raw
        self.add(place, f"a text is wanted here, not {_shown(raw)}")
        return MISSING

    def moment(self, raw: Any, place: Place) -> Any:
        """A local time of the studio."""
        if isinstance(raw, str) and _TIME.match(raw):
            try:
                plain = PlainDateTime.parse_iso(raw.replace(" ", "T"))
            except ValueError:
                self.add(place, f"there is no {raw} in the calendar")
                return MISSING
            return local(plain.date(), plain.time(), self._studio.zone).to_instant()
        hint = "write date and time of the studio, like 2026-03-02 15:20"
        if isinstance(raw, str) and _DATE.match(raw):
            hint = f"add the time of day: {raw} 10:00"
        self.add(place, f"{_shown(raw)} is not understood as a time", hint)
        return MISSING

    def _date(self, raw: Any, place: Place) -> Any:
        if isinstance(raw, str) and _DATE.match(raw):
            try:
                return Date.parse_iso(raw)
            except ValueError:
                self.add(place, f"there is no {raw} in the calendar")
                return MISSING
        self.add(place, f"{_shown(raw)} is not understood as a date", "write it like 2026-04-10")
        return MISSING

    def _money(self, raw: Any, place: Place) -> Any:
        if isinstance(raw, int | float) and not isinstance(raw, bool) and raw >= 0:
            try:
                return Money.from_main(str(raw), self._studio.currency).minor
            except (MoneyError, ArithmeticError) as error:
                self.add(place, str(error))
                return MISSING
        self.add(place, f"{_shown(raw)} is no amount", "write it in main units, without a sign: 500.00")
        return MISSING

    def _word(self, raw: Any, words: tuple[str, ...], place: Place) -> Any:
        said = "canceled" if raw == "cancelled" else raw
        if said in words:
            return said
        self.add(place, f"{_shown(raw)} is not one of {', '.join(words)}", similar(str(raw), words))
        return MISSING

    def known(self, raw: Any, kind: str, place: Place) -> Any:
        """The name of a record that the test has by then."""
        name = self.text(raw, place)
        if name is MISSING:
            return MISSING
        mine = [one for one, of in self.names.items() if of == kind]
        if name in mine:
            return name
        there = f"there are: {', '.join(mine)}" if mine else f"put it into 'given:', like - {kind}: {{id: {name}}}"
        said = f"{name!r} is {a(self.names[name])}" if name in self.names else f"no {kind} is called {name!r} by then"
        self.add(place, said, similar(name, mine) or there)
        return MISSING


def _example(kind: str) -> str:
    return "id: anna" if kind == "client" else "id: one, client: anna"


def _shown(raw: Any) -> str:
    if raw is None:
        return "nothing"
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, dict | list):
        return "a mapping" if isinstance(raw, dict) else "a list"
    return repr(str(raw)[:60])
