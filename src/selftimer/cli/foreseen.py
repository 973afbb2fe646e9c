"""What `check` warns of that only the studio's records tell: kinds that fit nothing, and more than the caps let out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from selftimer.facts.derive import fits, kind_named
from selftimer.plan.limits import DAY, HOUR
from selftimer.rulebook.lint_walk import conditions_of, warning
from selftimer.settings import FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from whenever import Instant

    from selftimer.engine.crowds import Crowd
    from selftimer.errors import Problem
    from selftimer.plan.limits import Window
    from selftimer.rulebook.model import Rulebook
    from selftimer.settings import Settings

_SHOWN = 8
"""Session types, and patterns of a kind, that a sentence names."""
_WHEN = {
    "tick": "matches {} now",
    "moment": "matches {} of the next 24 hours",
    "past": "looks back at {}",
}
_UNITS = {HOUR: ("an hour", "hour"), DAY: ("a day", "day")}


def foreseen(settings: Settings, book: Rulebook, now: Instant) -> list[Problem]:
    """All of it, by what the database knows, which is only looked at; `StoreError` where it has other tables."""
    from selftimer.wiring import look_ahead

    known = asyncio.run(look_ahead(settings, book, now))
    problems = [*_kinds(settings, known.types), *_of_no_kind(settings, book, known.types)]
    return sorted([*problems, *(_crowd(book, crowd) for crowd in known.crowds)])


# --- [kinds] ---------------------------------------------------------------------------------------------------------


def _kinds(settings: Settings, types: Mapping[str, int]) -> Iterator[Problem]:
    """A kind that no session is of."""
    found = {kind_named(name, settings.kinds) for name in types}
    for kind, patterns in settings.kinds.items() if types else ():
        if kind in found:
            continue
        never = f"rules about session.kind == {kind!r} never happen"
        taken = [name for name in types if fits(name, patterns)]
        if taken:
            first = kind_named(taken[0], settings.kinds)
            said = f"kind {kind!r}: all that fits it is of another kind, which comes first ({taken[0]!r}: {first})"
            yield _problem(settings, ("kinds", kind), f"{said}; {never}", "put the narrower kind first")
            continue
        shown = ", ".join(f"`{pattern}`" for pattern in _some(patterns))
        said = f"kind {kind!r} ({shown}) fits none of the session types that are known: {', '.join(_some(list(types)))}"
        yield _problem(
            settings,
            ("kinds", kind),
            f"{said}; {never}",
            "mend its patterns, or take it out; a type that was never booked isn't known",
        )


def _of_no_kind(settings: Settings, book: Rulebook, types: Mapping[str, int]) -> Iterator[Problem]:
    """A session type that `[kinds]` leaves out, where a rule asks for the kind."""
    if not settings.kinds or not any(_asks_for_kind(name) for r in book.rules.values() for name in _names(book, r.id)):
        return
    for name, count in types.items():
        if kind_named(name, settings.kinds) is None:
            sessions = f"{count} session{'' if count == 1 else 's'}"
            said = f"{name!r} ({sessions}) is of no kind: conditions on session.kind are unknown for it"
            yield _problem(settings, ("kinds",), said, "add its name to a kind, or a kind of its own")


def _names(book: Rulebook, rule_id: str) -> Iterator[str]:
    for condition in conditions_of(book.rules[rule_id]):
        yield from condition.names


def _asks_for_kind(name: str) -> bool:
    """Whether a condition's path is `session.kind`, or that of `client.last_session`, `client.sessions` and so on."""
    *_, of, field = ("", *name.split("."))
    return field == "kind" and of.endswith(("session", "sessions"))


def _problem(settings: Settings, path: tuple[str, ...], said: str, hint: str) -> Problem:
    """Beside the key; where a variable or .env sets it, that is said."""
    origin = settings.where_is(*path)
    return warning(settings.place(*path), said if origin.startswith(FILE) else f"{origin}: {said}", hint)


def _some(words: Sequence[str]) -> list[str]:
    more = len(words) - _SHOWN
    return [*words[:_SHOWN], f"and {more} more"] if more > 1 else list(words)


# --- crowds ----------------------------------------------------------------------------------------------------------


def _crowd(book: Rulebook, crowd: Crowd) -> Problem:
    who = _number(crowd.subjects, crowd.kind.replace("_", " "))
    said = _WHEN[crowd.why].format(who)
    if crowd.effects != crowd.subjects:
        said += f", with {_number(crowd.effects, 'message or document')}"
    late = f"'late: {crowd.late}'" if crowd.said else f"'late', {crowd.late} where nothing is said,"
    shorter = "their date comes before that" if crowd.cut else f"{late} is shorter"
    said += f"; {_takes(crowd.window, crowd.effects)}, and {shorter}: {crowd.skipped} would be skipped"
    return warning(book.rules[crowd.rule_id].where, said, _hint(crowd))


def _takes(window: Window, effects: int) -> str:
    """`30 a day is 8 days`; of what is counted for each client only how many."""
    each, unit = _UNITS.get(window.seconds, ("a week", "week"))
    if window.client_id is not None:
        marketing = " of marketing" if window.purpose else ""
        return f"one client gets {window.most} {each}{marketing}"
    whole = "" if window.rule_id else " in all"
    return f"{window.most} {each}{whole} is {_number(-(-effects // window.most), unit)}"


def _hint(crowd: Crowd) -> str:
    if crowd.cut:
        hint = "let it begin earlier, narrow 'if', or raise [caps]"
    elif crowd.said:
        hint = "make 'late' longer, narrow 'if', or raise the limit"
    else:
        hint = "add a 'late' that is long enough, narrow 'if', or raise the limit"
    return f"{hint}; so many at once wait for your yes first" if crowd.held else hint


def _number(number: int, what: str) -> str:
    if number == 1:
        return f"1 {what}"
    first, _, rest = what.partition(" or ")
    ending = "ies" if first == "gallery" else "s"
    stem = first.removesuffix("y") if ending == "ies" else first
    return f"{number} {stem}{ending}{f' or {rest}s' if rest else ''}"
