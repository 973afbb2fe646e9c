"""Inputs of automations: what `with` brings, checked against what is declared."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from selftimer.facts.types import DATE, DURATION, MONEY, NUMBER, TEXT, YES_NO, Type, enum_of
from selftimer.rulebook.build_text import Ground
from selftimer.rulebook.sentences import similar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selftimer.rulebook.build_text import Checker
    from selftimer.rulebook.models import AutomationSource, InputSource
    from selftimer.rulebook.names import Names
    from selftimer.rulebook.source import Place
    from selftimer.rulebook.template import TextTemplate

_TYPES: dict[str, Type] = {
    "text": TEXT,
    "template": TEXT,
    "number": NUMBER,
    "yes_no": YES_NO,
    "money": MONEY,
    "date": DATE,
    "duration": DURATION,
}
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,6})?\Z")


def input_type(declared: InputSource) -> Type:
    """The type that an input has in conditions and texts."""
    if declared.type == "choice":
        return enum_of(*(declared.choices or ()))
    return _TYPES[declared.type]


def types_of(source: AutomationSource, given: Mapping[str, str]) -> dict[str, Type]:
    """The inputs of an automation by name. One that declares none takes what it is given, as text."""
    if source.inputs:
        return {name: input_type(declared) for name, declared in source.inputs.items()}
    return dict.fromkeys(given, TEXT)


def bind_inputs(
    checker: Checker, source: AutomationSource, given: Mapping[str, str], place: Place, ground: Ground
) -> tuple[dict[str, TextTemplate], Ground]:
    """The values of the inputs where `run` stands, and what can be said inside of the automation."""
    types = types_of(source, given)
    for name in given:
        if name not in types:
            hint = similar(name, types) or (f"it has: {', '.join(types)}" if types else "it has none")
            checker.add(place / "with" / name, f"{source.id} has no input {name!r}", hint, key=True)
    bound: dict[str, TextTemplate] = {}
    for name in types:
        declared = source.inputs.get(name)
        text = given.get(name, declared.default if declared is not None else None)
        at = place / "with" / name if name in given else place / "run"
        if text is None:
            checker.add(place / "run", f"{source.id} needs the input {name!r}", f"add 'with: {{{name}: …}}'")
            continue
        value = _literal(checker, at, name, text, declared)
        template = checker.text(at, value, ground) if value is not None else None
        if template is not None:
            bound[name] = template
    return bound, replace(inside(ground.names, types), present=ground.present)


def inside(names: Names, types: Mapping[str, Type]) -> Ground:
    """What can be said inside of an automation with these inputs: none of the inputs of the one around it."""
    tables = {name: table for name, table in names.tables.items() if name != "inputs"}
    roots = {name: root for name, root in names.roots.items() if name != "inputs"}
    own = replace(names, roots=roots, tables=tables)
    if not types:
        return Ground(names=own)
    return Ground(names=own.plus(inputs=types), bare=frozenset(types) - roots.keys())


def _literal(checker: Checker, place: Place, name: str, text: str, declared: InputSource | None) -> str | None:
    """The text of a value; one that isn't computed is checked here, and keeps its type by standing in `{{ }}`."""
    kind = declared.type if declared is not None else "text"
    if "{{" in text or kind in {"text", "template"}:
        return text
    if kind == "choice":
        choices = (declared.choices if declared is not None else None) or ()
        if text in choices:
            return text
        checker.add(place, f"{name} is one of {', '.join(choices)}, not {text!r}", similar(text, choices))
        return None
    if kind == "number" and _NUMBER.match(text):
        return f"{{{{ {text} }}}}"
    if kind == "yes_no" and text in {"true", "false"}:
        return f"{{{{ {text} }}}}"
    wanted = {"number": "a number, like 3", "yes_no": "true or false"}.get(
        kind, f'a {kind} of a record, in "{{{{ }}}}"'
    )
    checker.add(place, f"{name} is {text!r}", f"write {wanted}")
    return None
