"""Plain data as a rule file says it: block style, quotes only where YAML needs them. Read again, it is the same."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_BARE = re.compile(r"[A-Za-z][A-Za-z0-9 _.,'()=<>!|/-]*(?<! )\Z")
_WORDS = frozenset({"true", "false", "null"})
_UNSEEN = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_INDENT = "  "


def print_rules(rules: Sequence[Mapping[str, Any]], all_rules: Mapping[str, Any] | None = None) -> str:
    """The file of rules as plain data, such as `Rule.source` keeps them."""
    everywhere = {"all_rules": all_rules} if all_rules else {}
    return print_data({**everywhere, "rules": list(rules)})


def print_data(data: Mapping[str, Any]) -> str:
    """Mappings, lists, texts, numbers, yes and no, and nothing, as YAML."""
    return "\n".join(_mapping(data)) + "\n"


def _mapping(data: Mapping[str, Any]) -> Iterator[str]:
    for key, value in data.items():
        inner = list(_block(value))
        if inner:
            yield f"{_text(key)}:"
            yield from (_INDENT + line for line in inner)
        else:
            yield f"{_text(key)}: {_scalar(value)}"


def _block(value: Any) -> Iterator[str]:
    """The lines of a mapping or list that holds something; nothing else has any."""
    if isinstance(value, dict) and value:
        yield from _mapping(value)
    elif isinstance(value, list) and value:
        for item in value:
            first, *rest = list(_block(item)) or [_scalar(item)]
            yield f"- {first}"
            yield from (_INDENT + line for line in rest)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    return json.dumps(value) if value is not None else "null"


def _text(value: str) -> str:
    if _BARE.match(value) and value.lower() not in _WORDS:
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)
