"""What a workspace speaks of and the made-up studio doesn't have: told, since no rule can show what it does there."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from selftimer.rulebook.model import BranchStep, CreateStep, RunStep, SendStep
from selftimer.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from selftimer.rulebook.model import Rule, Rulebook, Step
    from selftimer.settings import Settings

_TYPE = re.compile(r"session_type\.name\s*(?:==|!=|is containing)\s*(?:'([^']+)'|\"([^\"]+)\")")
"""A session type that a condition names."""


def lacking(settings: Settings, book: Rulebook) -> list[str]:
    """A sentence for each thing."""
    tables = World.empty().tables
    types = [one.name.casefold() for one in tables.session_types]
    templates = {(one.kind, one.name.casefold()) for one in tables.templates}
    templates |= {("email", one.id.casefold()) for one in tables.templates}
    found = [
        f"no session type of the made-up studio is of your kind {kind!r}"
        for kind, patterns in settings.kinds.items()
        if not any(fnmatchcase(name, pattern.casefold()) for name in types for pattern in patterns)
    ]
    for rule in book.rules.values():
        found += [
            f"{rule.id}: the made-up studio has no session type {name!r}"
            for name in sorted(_session_types(rule))
            if not any(name.casefold() in known for known in types)
        ]
        steps = (step for entry in rule.entries for step in _named(entry.steps, ()))
        found += [
            f"{rule.id}: the made-up studio has no {kind} template {name!r}, so this step fails there"
            for kind, name in dict.fromkeys(steps)
            if (kind, name.casefold()) not in templates
        ]
    return found


def _session_types(rule: Rule) -> set[str]:
    return {one or other for text in _texts(rule.source) for one, other in _TYPE.findall(text)}


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


def _named(steps: Iterable[Step], given: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Kind and name of the templates that steps ask for by their name; an input may be the name of one."""
    for step in steps:
        match step:
            case BranchStep(then=then, otherwise=otherwise):
                yield from _named((*then, *otherwise), given)
            case RunStep(steps=inner, inputs=inputs):
                template = inputs.get("template")
                fixed = (template.source,) if template is not None and "{{" not in template.source else ()
                yield from _named(inner, fixed)
            case SendStep(template_id=str(ident)):
                yield "email", ident
            case CreateStep(kind=kind, template=text) if text is not None:
                names = given if "{{" in text.source else (text.source,)
                yield from ((kind.value, name) for name in names)
            case _:
                pass
