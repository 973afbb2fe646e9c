"""Column types: what the rows hold of our own values. Integers sort and text is read by people, on either database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Generic, TypeVar

import orjson
import sqlalchemy as sa
from whenever import Instant

E = TypeVar("E", bound=StrEnum)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(f"a {type(value).__name__} can't be stored as JSON")


def dump_json(value: object) -> str:
    """Compact JSON. What orjson can't say (half a surrogate pair, very large integers) begins with a blank instead."""
    try:
        return orjson.dumps(value, default=_plain).decode()
    except (orjson.JSONEncodeError, UnicodeEncodeError):
        return " " + json.dumps(value, default=_plain, separators=(",", ":"))


def load_json(text: str) -> Any:
    """The inverse of `dump_json`."""
    return json.loads(text) if text.startswith(" ") else orjson.loads(text)


class Moment(sa.TypeDecorator[Instant]):
    """An instant as microseconds since 1970 UTC, as `selftimer.primitives.time.to_micros` says it."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: Instant | None, dialect: sa.Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else value.timestamp(unit="microsecond")

    def process_result_value(self, value: Any | None, dialect: sa.Dialect) -> Instant | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else Instant.from_timestamp(value, unit="microsecond")


class Json(sa.TypeDecorator[Any]):
    """JSON as text; None is NULL."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else dump_json(value)

    def process_result_value(self, value: Any | None, dialect: sa.Dialect) -> Any:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else load_json(value)


class Texts(sa.TypeDecorator[tuple[str, ...]]):
    """A tuple of texts as a JSON list."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: sa.Dialect) -> str:  # noqa: ARG002 - SQLAlchemy's signature
        return dump_json(value) if value else "[]"

    def process_result_value(self, value: Any | None, dialect: sa.Dialect) -> tuple[str, ...]:  # noqa: ARG002 - SQLAlchemy's signature
        return () if value is None or value == "[]" else tuple(load_json(value))


class Pairs(sa.TypeDecorator[Mapping[str, tuple[str, str]]]):
    """Names to (kind, id) as a JSON object."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Mapping[str, tuple[str, str]] | None, dialect: sa.Dialect) -> str:  # noqa: ARG002 - SQLAlchemy's signature
        return dump_json(value or {})

    def process_result_value(self, value: Any | None, dialect: sa.Dialect) -> dict[str, tuple[str, str]]:  # noqa: ARG002 - SQLAlchemy's signature
        return {name: (kind, ident) for name, (kind, ident) in load_json(value or "{}").items()}


class Word(sa.TypeDecorator[E], Generic[E]):
    """A member of an enumeration as its text."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, enum: type[E]) -> None:
        self.enum = enum
        super().__init__()

    def process_bind_param(self, value: E | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else str(value)

    def process_result_value(self, value: Any | None, dialect: sa.Dialect) -> E | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else self.enum(value)
