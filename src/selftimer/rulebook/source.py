"""From a document to checked sources: pydantic's findings as sentences with their places (stack.md 5.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from selftimer.errors import Problem
from selftimer.rulebook.model import Where
from selftimer.rulebook.models import (
    AllRulesSource,
    AutomationSource,
    InputSource,
    ItemSource,
    ListSource,
    RuleSource,
    StepSource,
)
from selftimer.rulebook.sentences import similar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

    from selftimer.rulebook.yaml12 import Document, Path

_SUCCESSORS = {
    "name": "title",
    "description": "title",
    "trigger": "when",
    "on": "when",
    "event": "when",
    "condition": "if",
    "conditions": "if",
    "unless": "if: not …",
    "actions": "then",
    "steps": "then",
    "do": "then",
    "message": "send",
    "email": "send",
    "delay": "wait",
    "enabled": "mode: off",
    "quiet_hours": "ignore_quiet_hours",
    "stop_if": "until",
}
"""Keys that people bring from elsewhere, with ours."""
Model = TypeVar("Model", RuleSource, AutomationSource, AllRulesSource)


@dataclass(frozen=True, slots=True)
class Place:
    """A path in a document: what a message to a person points at."""

    document: Document
    path: Path

    def __truediv__(self, part: str | int) -> Place:
        return Place(self.document, (*self.path, part))

    def where(self) -> Where:
        """The file, line and column of the value."""
        spot = self.document.spot(self.path)
        return Where(self.document.file, spot.line, spot.column)

    def problem(self, message: str, hint: str = "", *, severity: str = "error", key: bool = False) -> Problem:
        """A problem with the value here, or with its key."""
        spot = self.document.key_spot(self.path) if key else self.document.spot(self.path)
        return Problem(self.document.file, spot.line, spot.column, message, severity, hint)

    def problem_within(self, value: str, offset: int, message: str, hint: str, severity: str = "error") -> Problem:
        """A problem with one character of the text that stands here."""
        spot = self.document.within(self.path, value, offset)
        return Problem(self.document.file, spot.line, spot.column, message, severity, hint)


def read_source(model: type[Model], raw: Any, place: Place, what: str) -> tuple[Model | None, list[Problem]]:
    """The source that a raw value is, or everything that is wrong with it."""
    if not isinstance(raw, dict):
        return None, [
            place.problem(f"{what} is wanted here", "begin it with '- id: …' and indent its other keys below")
        ]
    try:
        return model.model_validate(raw), []
    except ValidationError as error:
        return None, [_problem(details, place, what) for details in error.errors(include_url=False)]


def unknown_key(key: str, known: Iterable[str]) -> tuple[str, str]:
    """The sentence and the hint for a key that the language hasn't."""
    names = sorted(known)
    if key in _SUCCESSORS:
        return f"there is no key {key!r}", f"did you mean {_SUCCESSORS[key]!r}?"
    return f"there is no key {key!r}", similar(key, names) or f"there are: {', '.join(names)}"


def _problem(details: ErrorDetails, place: Place, what: str) -> Problem:
    spot = place
    for part in details["loc"]:
        deeper = spot / part
        if deeper.path in place.document.spots:
            spot = deeper
    name = str(details["loc"][-1]) if details["loc"] else ""
    match details["type"]:
        case "sentence":
            context = details.get("ctx", {})
            return spot.problem(context["message"], context["hint"])
        case "extra_forbidden":
            message, hint = unknown_key(name, _keys(details["loc"], what))
            return spot.problem(message, hint, key=True)
        case "missing":
            owner = _owner(details["loc"], what)
            return spot.problem(f"{owner} needs {name!r}", f"add '{name}: …'")
        case "model_type" | "dict_type":
            return spot.problem(f"{_owner((*details['loc'], ''), what)} is wanted here", "write 'key: value' pairs")
        case "list_type" | "tuple_type":
            return spot.problem("a list is wanted here", "begin each entry with '- '")
        case _:
            return spot.problem(details["msg"])


def _owner(loc: tuple[str | int, ...], what: str) -> str:
    words = [part for part in loc[:-1] if isinstance(part, str)]
    match words[-1:] + ([] if len(words) < 2 else words[-2:-1]):
        case ["items", *_]:
            return "a line of items"
        case ["then" | "else", *_]:
            return "a step"
        case ["inputs", *_] | [_, "inputs", *_]:
            return "an input"
        case ["lists", *_] | [_, "lists", *_]:
            return "a list"
        case _:
            return what


def _keys(loc: tuple[str | int, ...], what: str) -> set[str]:
    models: dict[str, type[BaseModel]] = {
        "a line of items": ItemSource,
        "a step": StepSource,
        "an input": InputSource,
        "a list": ListSource,
        "all_rules": AllRulesSource,
        "an automation": AutomationSource,
        "a rule": RuleSource,
    }
    return {field.alias or name for name, field in models[_owner(loc, what)].model_fields.items()}
