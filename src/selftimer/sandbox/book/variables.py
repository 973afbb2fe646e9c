"""The variables of a template: which there are, which are missing, and what they may be (studio-api.md, Templates)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from whenever import Date, Time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_AMOUNT = re.compile(r"[^\d-]*-?\d[\d.,' ]*[^\d]*\Z")


def defaults(variables: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The values that variables have where nobody gives one."""
    return {v["name"]: v["default_value"] for v in variables if v["default_value"] is not None}


def missing(variables: Sequence[Mapping[str, Any]], values: Mapping[str, Any]) -> list[str]:
    """The required variables that have no value."""
    return [v["name"] for v in variables if v["required"] and values.get(v["name"]) in {None, ""}]


def unknown(variables: Sequence[Mapping[str, Any]], given: Mapping[str, Any]) -> list[str]:
    """The names given that the template doesn't have."""
    known = {v["name"] for v in variables}
    return [name for name in given if name not in known]


def wrong_types(variables: Sequence[Mapping[str, Any]], given: Mapping[str, Any]) -> dict[str, list[str]]:
    """What is wrong with given values, by name. A number or a yes may come as the text that spells it."""
    kinds = {v["name"]: v["type"] for v in variables}
    wrong = {}
    for name, value in given.items():
        wanted, fits = _KINDS[kinds[name]]
        if isinstance(value, list | dict) or value is None or not fits(value):
            wrong[name] = [f"The {name} variable must be {wanted}."]
    return wrong


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_amount(value: Any) -> bool:
    return _is_number(value) or (isinstance(value, str) and _AMOUNT.match(value) is not None)


def _is_date(value: Any) -> bool:
    return (
        isinstance(value, str)
        and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value) is not None
        and _parses(Date.parse_iso, value)
    )


def _is_time(value: Any) -> bool:
    return (
        isinstance(value, str)
        and re.fullmatch(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?", value) is not None
        and _parses(Time.parse_iso, value)
    )


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool) or value in {"true", "false"}


def _is_email(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[^@\s]+@[^@\s]+", value) is not None


def _is_url(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"https?://[^\s/]+\S*", value) is not None


def _parses(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


_KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "text": ("a text", _is_text),
    "email": ("an e-mail address", _is_email),
    "date": ("a date like 2026-03-31", _is_date),
    "time": ("a time like 14:30", _is_time),
    "number": ("a number", _is_number),
    "currency": ("an amount, a number or a text like €450.00", _is_amount),
    "boolean": ("true or false", _is_flag),
    "url": ("an address that begins with https:// or http://", _is_url),
}
