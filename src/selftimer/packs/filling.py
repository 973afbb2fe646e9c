"""Answers, and the places of a pack's files that they fill: `${days}`, `${2026-03-02 + days}`, `${opens - 7 days}`.

Words keep their `{{ }}`: those are for the client's own values, long after. A place can add days, months or years to a
date, so that a pack's tests stay right whatever the answers are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from whenever import Date

from selftimer.errors import ConfigError, Problem
from selftimer.rulebook.files import FILES
from selftimer.rulebook.sentences import similar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from selftimer.packs.model import Input, Value

_PLACE = re.compile(r"\$\{([^{}\n]*)\}")
_TERM = r"(?:[a-z][a-z_]*|\d{4}-\d{2}-\d{2}|\d{1,4})"
_SUM = re.compile(rf"\s*({_TERM})((?:\s*[+-]\s*(?:{_TERM})(?:\s+(?:days?|months?|years?))?)*)\s*\Z")
_PART = re.compile(rf"([+-])\s*({_TERM})(?:\s+(day|month|year)s?)?")
_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d\Z")
_URL = re.compile(r"https://[\w.-]+(?:/[\w./~%+,;=&?@-]*)?\Z", re.ASCII)
_NEXT = re.compile(r"next (\d{2})-(\d{2})\Z")
_FORBIDDEN = set('{}"\\$')
MAX_TEXT = 200


def read_answers(inputs: Sequence[Input], given: Mapping[str, str], today: Date) -> dict[str, Value]:
    """An answer for each input: what was given, else its default.

    `ConfigError` for one that isn't fit, that nobody asks for, or that is missing.
    """
    names = [one.name for one in inputs]
    for name in given:
        if name not in names:
            hint = similar(name, names) or (f"there are: {', '.join(names)}" if names else "it asks for nothing")
            raise ConfigError(f"this pack has no input {name!r}; {hint}")
    return {one.name: read_answer(one, given.get(one.name, ""), today) for one in inputs}


def read_answer(one: Input, text: str, today: Date) -> Value:
    """The answer that a text is; an empty one is the default."""
    said = text.strip() or default_of(one, today)
    if said is None:
        raise ConfigError(f"an answer is needed: --input {one.name}=…  ({one.ask})")
    match one.type:
        case "number":
            return _number(one, said)
        case "date":
            return _date(one, said, today)
        case "time":
            return _fit(one, said, _TIME.match(said) is not None, "write a time of day like 09:00")
        case "url":
            return _fit(one, said, _URL.match(said) is not None, "write an address that begins with https://")
        case _:
            fit = len(said) <= MAX_TEXT and said.isprintable() and not set(said) & _FORBIDDEN
            return _fit(one, said.replace("'", "\u2019"), fit, 'write a short text without { } " \\ $')


def default_of(one: Input, today: Date) -> str | None:
    """What is taken where nothing is said, as it would be typed."""
    if one.default is not None and (said := _NEXT.match(one.default)):
        for year in (today.year, today.year + 1):
            day = Date(year, int(said[1]), int(said[2]))
            if day > today:
                return str(day)
    return one.default


def _number(one: Input, said: str) -> int:
    number = int(said) if said.isascii() and said.isdigit() and len(said) < 7 else None
    least, most = one.least if one.least is not None else 0, one.most if one.most is not None else 999_999
    if number is None or not least <= number <= most:
        raise ConfigError(f"{one.name}: {said!r} doesn't fit; write a number from {least} to {most}")
    return number


def _date(one: Input, said: str, today: Date) -> Date:
    try:
        day = _day(said)
    except ConfigError as error:
        raise ConfigError(f"{one.name}: {error}, like {today}") from None
    if day <= today:
        raise ConfigError(f"{one.name}: {day} has gone by; give a day that is still to come")
    return day


def _fit(one: Input, said: str, fit: bool, hint: str) -> str:  # noqa: FBT001 - what was found about `said`
    if not fit:
        raise ConfigError(f"{one.name}: {said[:60]!r} doesn't fit; {hint}")
    return said


# --- places ----------------------------------------------------------------------------------------------------------


def fill(files: Mapping[str, bytes], answers: Mapping[str, Value]) -> dict[str, bytes]:
    """The files with every place filled; those that messages carry are as they are."""
    return {
        name: content if name.startswith(FILES) else _filled(content.decode("utf-8"), answers).encode()
        for name, content in files.items()
    }


def _filled(text: str, answers: Mapping[str, Value]) -> str:
    return _PLACE.sub(lambda place: str(_worked_out(place[1], answers)), text)


def check_placeholders(files: Mapping[str, bytes], types: Mapping[str, str]) -> list[Problem]:
    """What is wrong with the places, and files that are no text."""
    return [problem for name in files if not name.startswith(FILES) for problem in _check(name, files[name], types)]


def _check(name: str, content: bytes, types: Mapping[str, str]) -> Iterator[Problem]:
    try:
        lines = content.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        yield Problem(name, 1, 1, "this is no text in UTF-8")
        return
    samples = {one: _SAMPLES.get(kind, "a text") for one, kind in types.items()}
    for number, line in enumerate(lines, start=1):
        for place in _PLACE.finditer(line):
            try:
                _worked_out(place[1], samples)
            except ConfigError as error:
                yield Problem(name, number, place.start() + 1, str(error))


_SAMPLES: dict[str, Value] = {"number": 1, "date": Date(2026, 3, 2)}


def _worked_out(text: str, answers: Mapping[str, Value]) -> Value:
    said = _SUM.match(text)
    if said is None:
        raise ConfigError(f"${{{text}}} can't be understood; write an input's name, or a date with + and days")
    value = _term(said[1], answers)
    for sign, term, unit in _PART.findall(said[2]):
        amount = _term(term, answers)
        if not isinstance(amount, int) or isinstance(value, str):
            raise ConfigError(f"${{{text}}} adds what can't be added; only numbers are added, to numbers and dates")
        step = amount if sign == "+" else -amount
        value = value + step if isinstance(value, int) else _moved(value, step, unit)
    return value


def _moved(day: Date, step: int, unit: str) -> Date:
    try:
        match unit:
            case "month":
                return day.add(months=step)
            case "year":
                return day.add(years=step)
            case _:
                return day.add(days=step)
    except (ValueError, OverflowError):
        raise ConfigError(f"{step} {unit or 'day'}s from {day} is no date") from None


def _term(word: str, answers: Mapping[str, Value]) -> Value:
    if word[0].isdigit():
        return _day(word) if "-" in word else int(word)
    if word not in answers:
        hint = similar(word, list(answers)) or "name it under 'inputs' of pack.yaml"
        raise ConfigError(f"there is no input {word!r}; {hint}")
    return answers[word]


def _day(said: str) -> Date:
    try:
        return Date.parse_iso(said)
    except ValueError:
        raise ConfigError(f"{said[:20]!r} is no date; write year, month and day") from None
