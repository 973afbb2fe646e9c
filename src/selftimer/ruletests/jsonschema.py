"""The JSON Schema of files in rules/tests/, made of the tables that the reader of tests goes by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selftimer.rulebook.jsonschema import DIALECT, automations_schema, rules_schema
from selftimer.ruletests.deeds import DEEDS
from selftimer.ruletests.reading import ANSWERS, BESIDE, KEYS
from selftimer.ruletests.shape import FIELDS, NEEDED
from selftimer.ruletests.spoken import ACTIONS, OUTCOMES
from selftimer.settings.sections import CapsSection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from selftimer.rulebook.jsonschema import Schema
    from selftimer.ruletests.shape import Field

_TEXT: Schema = {"type": ["string", "number"]}
_TIME: Schema = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-2][0-9]:[0-5][0-9]$"}
_MEANT: Mapping[str, str] = {
    "name": "What must be so, as a sentence.",
    "rule": "The rules that run, one or a list; without it: all.",
    "caps": "Caps that this test is about; without it none is in the way.",
    "given": "What was there before.",
    "diary": "What happens, and what must happen: all that is done must stand here.",
}
_SAID: Mapping[str, str] = {
    **dict.fromkeys(ACTIONS, "This must be done now."),
    "held": "This must wait for your yes from now on.",
    "skipped": "This must be skipped now.",
    "yes": "You say yes to it.",
    "no": "You say no to it.",
}


def tests_schema() -> Schema:
    """Of a file in rules/tests/."""
    named = {"anyOf": [_TEXT, {"type": "array", "minItems": 1, "items": _TEXT}]}
    shapes: Schema = {
        "name": _TEXT,
        "rule": named,
        "caps": {
            "type": ["object", "null"],
            "properties": {name: {"type": "integer", "minimum": 1} for name in CapsSection.model_fields},
            "additionalProperties": False,
        },
        "given": {"type": ["array", "null"], "items": _given()},
        "diary": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/line"}},
    }
    test = {
        "type": "object",
        "properties": {key: {"description": _MEANT[key], **shapes[key]} for key in KEYS},
        "required": ["name", "diary"],
        "additionalProperties": False,
    }
    return {
        "$schema": DIALECT,
        "title": "Tests of Selftimer's rules: a diary of what happens and what must be done",
        "type": "object",
        "properties": {"tests": {"type": "array", "items": {"$ref": "#/$defs/test"}}},
        "required": ["tests"],
        "additionalProperties": False,
        "$defs": {"test": test, "line": _line(), **{kind: _record(fields) for kind, fields in FIELDS.items()}},
    }


_CALL = "^webhook [a-z0-9][a-z0-9-]*$"
"""What begins a line of a call from outside: its name is the workspace's own."""


def _given() -> Schema:
    kinds = {}
    for kind in FIELDS:
        needed = {"required": list(NEEDED[kind])} if kind in NEEDED else {}
        kinds[kind] = {"$ref": f"#/$defs/{kind}", **needed}
    return {
        "type": "object",
        "properties": kinds,
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }


def _line() -> Schema:
    """A line of the diary: its time, one thing that happens or must be done, and what goes with that."""
    events: Schema = {
        name: {"description": "This happens in the studio.", "$ref": f"#/$defs/{deed.kind}"}
        for name, deed in DEEDS.items()
    }
    verbs: Schema = {name: {"description": _SAID[name], **_TEXT} for name in (*ACTIONS, *OUTCOMES, *ANSWERS)}
    beside: Schema = {
        "to": {"description": "The client whom it is for, by the name in this test.", **_TEXT},
        "contains": {
            "description": "What has to stand in it.",
            "anyOf": [_TEXT, {"type": "array", "items": _TEXT}],
        },
        "because": {"description": "What the reason has to hold.", **_TEXT},
    }
    called: Schema = {
        "description": "A call comes in from outside, with these of its fields in selftimer.toml.",
        "type": "object",
        "additionalProperties": {"type": ["string", "number", "null"]},
    }
    alone = {"propertyNames": {"anyOf": [{"const": "at"}, {"pattern": _CALL}]}}
    shapes = [
        {"if": {"required": [name]}, "then": {"propertyNames": {"enum": ["at", name, *BESIDE.get(name, ())]}}}
        for name in (*verbs, *events)
    ]
    none = {"if": {"not": {"anyOf": [{"required": [name]} for name in (*verbs, *events)]}}, "then": alone}
    return {
        "type": "object",
        "properties": {"at": {"description": "When, by the studio's clock.", **_TIME}, **verbs, **events, **beside},
        "patternProperties": {_CALL: called},
        "maxProperties": 2 + max(map(len, BESIDE.values())),
        "required": ["at"],
        "additionalProperties": False,
        "allOf": [*shapes, none],
    }


def _record(fields: Mapping[str, Field]) -> Schema:
    return {
        "type": "object",
        "properties": {name: _value(field) for name, field in fields.items()},
        "additionalProperties": False,
    }


def _value(field: Field) -> Schema:
    match field.sort:
        case "text":
            return {"type": ["string", "number", "null"]}
        case "word":
            words = (*field.words, "cancelled") if "canceled" in field.words else field.words
            return {"enum": list(words)}
        case "moment":
            return _TIME
        case "date":
            return {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
        case "money":
            return {"type": "number", "minimum": 0}
        case "yes_no":
            return {"type": "boolean"}
        case "number":
            return {"type": "integer", "minimum": 1}
        case "name" | "record":
            return _TEXT


FILES: Mapping[str, Callable[[], dict[str, Any]]] = {
    "rules": rules_schema,
    "automations": automations_schema,
    "tests": tests_schema,
}
"""Every kind of file with what makes its schema."""
