"""What a workspace speaks of and the made-up studio doesn't have: told, since no rule can show what it does there."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from selftimer.sandbox.catalog import SESSION_TYPES
from selftimer.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selftimer.rulebook.model import Rulebook
    from selftimer.settings import Settings

_TYPE = re.compile(r"session_type\.name\s*(?:==|!=|is containing)\s*(?:'([^']+)'|\"([^\"]+)\")")
_KIND = re.compile(r"(?:session\.kind\s*(?:==|!=)|\bkinds?\b.*?\bin\b)\s*(?:'([^']+)'|\"([^\"]+)\")")


def lacking(settings: Settings, book: Rulebook) -> list[str]:
    """A sentence for each thing."""
    types = [name.casefold() for _, name, *_ in SESSION_TYPES]
    templates = {(one.kind, one.name.casefold()) for one in World.empty().tables.templates}
    found = [
        f"no session type of the made-up studio is of your kind {kind!r}"
        for kind, patterns in settings.kinds.items()
        if not any(fnmatchcase(name, pattern.casefold()) for name in types for pattern in patterns)
    ]
    for rule_id, rule in sorted(book.rules.items()):
        texts = list(_texts(rule.source))
        for name in _named(_TYPE, texts):
            if not any(name.casefold() in known for known in types):
                found.append(f"{rule_id}: the made-up studio has no session type {name!r}")
        for name in _named(_KIND, texts):
            if name not in settings.kinds:
                found.append(f"{rule_id}: [kinds] in selftimer.toml has no kind {name!r}")
        for kind, name in _templates(rule.source):
            if (kind, name.casefold()) not in templates:
                found.append(f"{rule_id}: the made-up studio has no {kind} template {name!r}; creating it fails there")
        if any(text.startswith("et_") for text in texts):
            found.append(f"{rule_id}: words that your studio keeps (et_…) aren't there; sending them fails there")
    return list(dict.fromkeys(found))


def _texts(value: Any) -> Iterator[str]:
    """Every text inside plain data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def _named(pattern: re.Pattern[str], texts: list[str]) -> set[str]:
    return {one or other for text in texts for one, other in pattern.findall(text)}


def _templates(value: Any) -> Iterator[tuple[str, str]]:
    """Kind and name of the templates that steps name outright, or hand to an automation."""
    if isinstance(value, dict):
        kind, name = value.get("create"), value.get("from")
        if isinstance(kind, str) and isinstance(name, str) and "{{" not in name:
            yield kind, name
        for inner in value.values():
            yield from _templates(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _templates(inner)
