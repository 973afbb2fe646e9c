"""The inputs of automations as they are kept with a run: plain data, each frame before the one around it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from whenever import Date, Instant

from selftimer.primitives.money import Money
from selftimer.primitives.time import Span
from selftimer.rulebook.condition import ConditionError

if TYPE_CHECKING:
    from collections.abc import Mapping

OUTER = ".."
"""The frame around this one; no input can be called that."""
_TAG = "is"


def pack(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values that JSON can hold; `ConditionError` for one that can't be kept, such as a record."""
    return {name: _packed(name, value) for name, value in values.items()}


def unpack(frame: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the innermost frame as they were."""
    return {name: _unpacked(value) for name, value in frame.items() if name != OUTER}


def _packed(name: str, value: Any) -> Any:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Decimal():
            return {_TAG: "number", "value": str(value)}
        case Date():
            return {_TAG: "date", "value": value.format_iso()}
        case Instant():
            return {_TAG: "instant", "value": value.format_iso()}
        case Money():
            return {_TAG: "money", "value": value.minor, "currency": value.currency}
        case Span():
            return {_TAG: "duration", "value": str(value)}
        case list() | tuple():
            return [_packed(name, item) for item in value]
        case _:
            raise ConditionError(f"inputs.{name}", "that is no text, number, date, amount or duration")


def _unpacked(value: Any) -> Any:
    if isinstance(value, list):
        return [_unpacked(item) for item in value]
    if not isinstance(value, dict):
        return value
    match value[_TAG]:
        case "number":
            return Decimal(value["value"])
        case "date":
            return Date.parse_iso(value["value"])
        case "instant":
            return Instant.parse_iso(value["value"])
        case "money":
            return Money(value["value"], value["currency"])
        case _:
            return Span.parse(value["value"])
