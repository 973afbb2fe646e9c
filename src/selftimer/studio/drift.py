"""What is known of every payload: the table of `known.py`, and what the wire models read of it.

Payloads can drift without notice (studio-api.md, top). A field that isn't here is kept and counted; a field that should
be there and isn't, a word or an id that nobody knows, is what `selftimer doctor` looks for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic import AliasChoices, AliasPath, ValidationError

from selftimer.facts.records import Kind
from selftimer.studio.known import EXPORT, FACTS, READ_BESIDES
from selftimer.studio.wire import Fault, faults_of, spelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo

Form = Literal["text", "number", "yes/no", "list", "object", "any"]

_TOKEN = re.compile(r"[a-z0-9_]+|=[a-z0-9_|]+|[#~.?*\[\]{}]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}\Z")
_WORD = re.compile(r"[a-z][a-z_]{1,23}\Z")
_SIGNS: dict[str, Form] = {"#": "number", "~": "yes/no", ".": "any"}
_TWIN = "_formatted"


@dataclass(slots=True)
class Known:
    """What is known of one field. `read` is whether Selftimer reads it; `words` an enum's, where they are known."""

    form: Form = "text"
    expected: bool = True
    read: bool = False
    words: tuple[str, ...] = ()
    checked: bool = False
    """Whether the wire model takes no other word."""
    inner: Shape | None = None
    """Of an object, or of a list's objects; None where it isn't looked into."""


@dataclass(slots=True)
class Shape:
    """The fields of one kind of object. `whole`: the list is all that is known to be there."""

    fields: dict[str, Known] = field(default_factory=dict)
    whole: bool = True

    def knows(self, name: str) -> bool:
        """Whether the field, or the one that it is the formatted twin of, is known; always, where the list is open."""
        return name in self.fields or not self.whole or name.removesuffix(_TWIN) in self.fields


@cache
def shape(kind: str) -> Shape | None:
    """All that is known of a kind of record; None for a kind that isn't in the table."""
    if kind not in FACTS:
        return None
    found = _parsed(iter(_TOKEN.findall(FACTS[kind])))
    _add_reads(kind, found)
    return found


def kinds() -> tuple[str, ...]:
    """The kinds of the table."""
    return tuple(FACTS)


def unknown_fields(kind: Kind, raw: Mapping[str, object]) -> tuple[str, ...]:
    """The record's own fields that nobody knows, by names that are fit to be shown; cheap."""
    known = shape(kind.value)
    if known is None or known.fields.keys() >= raw.keys():
        return ()
    return tuple(shown_name(name) for name in raw if not known.knows(name) and not name.startswith("_"))


def shown_name(name: str) -> str:
    """A field's name as it may be shown: what isn't a plain identifier could be anything, a person's name too."""
    return name if _NAME.match(name) else f"<a name of {len(name)} signs>"


def shown_column(name: str) -> str:
    """A column of the export as it may be shown: only a known one is. Without a headline, people would stand there."""
    return name if name in EXPORT else f"<a name of {len(name)} signs>"


def shown_word(value: object) -> str:
    """A value of an enum's field as it may be shown: only what looks like a word of an enum is."""
    word = spelled(value)
    return word if isinstance(word, str) and _WORD.match(word) else f"<{type_of(value)} of {len(str(value))} signs>"


def type_of(value: object) -> str:
    """What JSON calls it, in plain words."""
    match value:
        case None:
            return "null"
        case bool():
            return "yes/no"
        case int() | float():
            return "number"
        case str():
            return "text"
        case list():
            return "list"
        case _:
            return "object"


def faults(kind: str, raw: Mapping[str, object]) -> list[Fault]:
    """Why a record can't be understood, each fault; nothing for one that can, or of a kind without a wire model."""
    from selftimer.studio.wire_models import MODELS

    model = MODELS.get(Kind(kind)) if kind in set(Kind) else None
    if model is None:
        return []
    try:
        model.model_validate(raw).record()
    except ValidationError as error:
        return faults_of(error)
    return []


def _parsed(tokens: Iterator[str], closing: str = "") -> Shape:
    found, last = Shape(), Known()
    for sign in tokens:
        match sign:
            case "]" | "}":
                assert sign == closing, "brackets of the table don't match"
                return found
            case "[" | "{":
                last.form = "list" if sign == "[" else "object"
                inner = _parsed(tokens, "]" if sign == "[" else "}")
                last.inner = inner if inner.fields or not inner.whole else None
            case "?":
                last.expected = False
            case "*":
                found.whole = False
            case "#" | "~" | ".":
                last.form = _SIGNS[sign]
            case words if words.startswith("="):
                last.words = tuple(words[1:].split("|"))
            case name:
                last = found.fields.setdefault(name, Known())
    return found


def _add_reads(kind: str, found: Shape) -> None:
    """Mark what the wire model of the kind reads; names that only it knows may be absent."""
    from selftimer.studio.wire_models import MODELS

    model = MODELS.get(Kind(kind)) if kind in set(Kind) else None
    for name, info in model.model_fields.items() if model else ():
        names = _names(name, info)
        here = [one for one in names if one in found.fields]
        for one in here or names:
            known = found.fields.setdefault(one, Known(form="any", expected=False))
            known.read = True
            if words := _words(info.annotation):
                known.words, known.checked = words, True
    for name in READ_BESIDES.get(kind, ()):
        found.fields[name].read = True


def _names(name: str, info: FieldInfo) -> list[str]:
    """The names that a payload may use for a model's field; none for what the client library adds itself."""
    alias = info.validation_alias or name
    names = alias.choices if isinstance(alias, AliasChoices) else [alias]
    return [one for one in names if not isinstance(one, AliasPath) and not one.startswith("_")]


def _words(annotation: Any) -> tuple[str, ...]:
    return tuple(map(str, get_args(annotation))) if get_origin(annotation) is Literal else ()
