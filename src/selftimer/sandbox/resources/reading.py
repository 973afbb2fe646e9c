"""Reading queries and bodies, beyond what every call needs: pages by name, windows by offset, choices and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast, get_args

from pydantic import Field
from typing_extensions import TypedDict

from selftimer.sandbox.http import MAX_PAGE, Call, Fields
from selftimer.sandbox.routing import Param
from selftimer.sandbox.view_types import Count, FromOne

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")
DEFAULT_LIMIT = 50

PAGE = Param("page", FromOne, "Counts from 1; a page beyond the last is empty.")
PER_PAGE = Param("per_page", FromOne, "At most 100.")
PAGE_SIZE = Param("page_size", FromOne, "At most 100.")
EXPAND = Param("expand", str, "Related objects to add, by commas; what they are here is always added.")
WINDOW = (
    Param("limit", FromOne, "At most 100."),
    Param("offset", Annotated[int, Field(ge=0, le=1_000_000)], "How many to leave out from the beginning."),
)


class WindowMeta(TypedDict):
    """The `meta` of a list that is read by `limit` and `offset` (inferred)."""

    total: Count
    limit: FromOne
    offset: Count


def window(call: Call, rows: Sequence[T]) -> tuple[Sequence[T], WindowMeta]:
    """The part of the list that the call asks for by `limit` and `offset`."""
    limit = min(int(call.query.get("limit", DEFAULT_LIMIT)), MAX_PAGE)
    offset = int(call.query.get("offset", 0))
    return rows[offset : offset + limit], {"total": len(rows), "limit": limit, "offset": offset}


def choice(fields: Fields, name: str, options: Any, default: T) -> T:
    """One of the words of a `Literal`; what it is is noted where it is none of them."""
    value = fields.body.get(name, default)
    if value not in get_args(options):
        words = ", ".join(map(str, get_args(options)))
        fields.fault(name, f"The selected {name} is invalid; it is one of: {words}.")
        return default
    return cast("T", value)


def whole(fields: Fields, name: str, low: int, high: int, default: int | None = None) -> int:
    """A whole number between two others, both allowed."""
    value = fields.body.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        fields.fault(name, f"The {name} field must be an integer from {low} to {high}.")
        return low
    return value


def objects(fields: Fields, name: str, *, most: int = 100) -> list[dict[str, Any]]:
    """A list of objects; empty where it is anything else, which is noted."""
    value = fields.body.get(name, [])
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value) or len(value) > most:
        fields.fault(name, f"The {name} field must be a list of at most {most} objects.")
        return []
    return value


def inner_faults(fields: Fields, name: str, place: int, inner: Fields) -> None:
    """Note what is wrong with an entry of a list, by its place and field."""
    for key, messages in inner.wrong.items():
        for message in messages:
            fields.fault(f"{name}.{place}.{key}", message)
