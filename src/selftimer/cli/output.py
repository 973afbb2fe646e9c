"""Printing: tables and sentences for people, JSON for programs. What strangers typed never steers the terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console
    from whenever import Instant

SHORT = 10
"""Signs of an id that tables show; commands take any unique beginning."""
_WIDE = 240


def console(*, err: bool = False) -> Console:
    """Standard output or error; wide where nobody's screen would wrap it."""
    from rich.console import Console

    stream = sys.stderr if err else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else _WIDE, highlight=False, markup=False, emoji=False)


def say(text: str, style: str | None = None) -> None:
    """A line on standard output; the text is printed as it is."""
    console().print(text, style=style, soft_wrap=True)


def complain(text: str) -> None:
    """A line on standard error."""
    console(err=True).print(text, style="bold red" if sys.stderr.isatty() else None, soft_wrap=True)


def note(text: str) -> None:
    """A line on standard error that isn't an error."""
    console(err=True).print(text, soft_wrap=True)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """A table, or the sentence for none."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold", no_wrap=name in {"id", "run", "when", "due", "begun"})
    for row in rows:
        table.add_row(*(Text(clean(cell)) for cell in row))
    if table.row_count:
        console().print(table)
    else:
        say(empty)


def clean(value: object) -> str:
    """The value as one line without control signs; nothing for None."""
    from selftimer.render.words import clean as without_controls

    return "" if value is None else without_controls(str(value))


def print_json(data: object) -> None:
    """Data for programs: dataclasses as objects, instants as ISO 8601, enums as their words."""
    import orjson

    sys.stdout.write(orjson.dumps(plain(data), default=str, option=orjson.OPT_INDENT_2).decode() + "\n")


def plain(value: Any) -> Any:
    """The same as JSON can say it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    return str(value)


def local(instant: Instant | None, zone: str) -> str:
    """`Wed 2026-03-04 10:05` in the studio's zone; nothing for never."""
    if instant is None or instant in {type(instant).MIN, type(instant).MAX}:
        return ""
    there = instant.to_tz(zone)
    return f"{there.date().day_of_week().name[:3].title()} {there.date()} {there.hour:02}:{there.minute:02}"


def short(ident: str) -> str:
    """The beginning of one of our own ids; ids of the studio are shown whole."""
    return ident[:SHORT]
