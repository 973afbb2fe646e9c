"""A test as a file has it: short lines in braces, quotes where YAML or we would take a text for something else."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from whenever import Date, Instant

from selftimer.primitives.money import Money
from selftimer.ruletests.compare import minute

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_PLAIN = re.compile(r"[A-Za-z][\w.@+-]*(?: [\w.@+-]+)*\Z")
_NO_TEXT = frozenset({"true", "false", "null", "yes", "no", "on", "off"})


def test_text(
    name: str, rule: str, given: Iterable[tuple[str, Mapping[str, Any]]], diary: Sequence[Mapping[str, Any]], zone: str
) -> str:
    """One test below `tests:`. Values are texts, `Money`, dates and instants, which are written in the zone."""
    lines = ["tests:", f"  - name: {_scalar(name, zone)}", f"    rule: {rule}"]
    before = [f"      - {kind}: {_flow(values, zone)}" for kind, values in given]
    lines += ["    given:", *before] if before else []
    lines += ["    diary:", *(f"      - {_flow(line, zone)}" for line in diary)]
    return "\n".join(lines) + "\n"


def _flow(values: Mapping[str, Any], zone: str) -> str:
    return "{" + ", ".join(f"{name}: {_scalar(value, zone)}" for name, value in values.items()) + "}"


def _scalar(value: Any, zone: str) -> str:
    match value:
        case dict():
            return _flow(value, zone)
        case Money():
            return str(value.main)
        case Instant():
            return minute(value, zone)
        case Date():
            return value.format_iso()
        case bool():
            return "true" if value else "false"
        case _:
            text = str(value)
            plain = _PLAIN.match(text) and text.lower() not in _NO_TEXT
            return text if plain else json.dumps(text, ensure_ascii=False)
