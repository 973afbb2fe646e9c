"""The JSON Schema (2020-12) of rule and automation files, for editors: made of the models that read the files.

It knows keys, which of them go together, and the shape of sentences. Whether a name, a field or a message exists is
for `selftimer check` alone: a file that fits the schema can still be refused, one that is accepted always fits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selftimer.facts.event import EVENTS
from selftimer.facts.records import Kind
from selftimer.rulebook import keys
from selftimer.rulebook.build import AUDIENCE, LIMITS
from selftimer.rulebook.build_lists import LISTABLE
from selftimer.rulebook.build_steps import COMMON, NO_EFFECT
from selftimer.rulebook.build_verbs import CREATE_KEYS, CREATED, LEAD_FIELDS, SETTABLE
from selftimer.rulebook.build_when import READ_AFRESH
from selftimer.rulebook.models import STEP_KEYS, VERBS, AllRulesSource, AutomationSource, RuleSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import BaseModel

    from selftimer.rulebook.keys import Key

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]

_LENGTH = r"[0-9]{1,4}\s+(minute|hour|business\s+day|day|week|month|year)s?"
_NAME = r"[a-z_]+(\.[a-z_]+)*"
_AT = r"(\s+at\s+[0-2][0-9]:[0-5][0-9])"
_MOMENT = rf"({_LENGTH}\s+(before|after)|on)\s+{_NAME}{_AT}?"
_CALENDAR = (
    rf"every\s+[a-z]+{_AT}",
    rf"on\s+[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{_AT}",
    r"cron\s+\S+\s+\S+\s+\S+\s+\S+\s+\S+",
)
_OTHER = (rf"no\s+reply\s+for\s+{_LENGTH}", r"becomes\s[\s\S]+", r"webhook\s+[a-z0-9][a-z0-9_-]*")
_NAMES: Mapping[str, str] = {
    "StepSource": "step",
    "ItemSource": "item",
    "ListSource": "list",
    "InputSource": "input",
}
_DESCRIBED: Mapping[str, Mapping[str, Key]] = {
    "step": keys.STEP,
    "item": keys.ITEM,
    "list": keys.LIST,
    "input": keys.INPUT,
}
_ENTRY_ONLY = ("id", "when", "if", "late", "then")


def rules_schema() -> Schema:
    """Of a file in rules/."""
    rule, parts = _model(RuleSource, keys.RULE)
    everywhere, _ = _model(AllRulesSource, keys.ALL_RULES)
    parts |= {"rule": _rule(rule), "all_rules": _limited(everywhere)}
    properties: Schema = {
        "rules": {"description": "The rules of this file.", "type": "array", "items": _ref("rule")},
        "all_rules": {"description": "What every rule of the workspace is held to.", **_ref("all_rules")},
    }
    return _file("Rules of Selftimer: when something happens, whether it counts, and what to do", properties, parts)


def automations_schema() -> Schema:
    """Of a file in automations/."""
    automation, parts = _model(AutomationSource, keys.AUTOMATION)
    automation["properties"]["subject"] = _with(automation["properties"]["subject"], enum=[kind.value for kind in Kind])
    automation["properties"]["then"] = _with(automation["properties"]["then"], **_steps("step"))
    parts["automation"] = automation
    properties = {"automations": {"type": "array", "items": _ref("automation"), "description": "Named steps."}}
    return _file("Automations of Selftimer: named sequences of steps, used by run:", properties, parts)


def _file(title: str, properties: Schema, parts: Schema) -> Schema:
    return {
        "$schema": DIALECT,
        "title": title,
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "$defs": dict(sorted(parts.items())),
    }


# --- rules and steps -------------------------------------------------------------------------------------------------


def _rule(rule: Schema) -> Schema:
    properties = _limited(rule)["properties"]
    shapes: dict[str, Schema] = {
        "when": {"anyOf": _when()},
        "repeat": {"pattern": rf"^\s*(once|after\s+{_LENGTH})(\s+per\s+{_NAME})?\s*$"},
        "for_each": {"enum": [kind.value for kind in READ_AFRESH]},
        "include": _one_or_more({"enum": list(AUDIENCE)}),
        "settle": _span(),
        "late": _span(),
        "backfill": _span(),
        "then": {"type": "array", "minItems": 1},
    }
    for name, more in shapes.items():
        properties[name] = _with(properties[name], **more)
    timed = {"properties": {"then": {"items": _ref("entry")}}}
    plain = {"properties": {"then": {"items": _ref("step")}}}
    return {**rule, "properties": properties, "if": {"required": ["when"]}, "then": plain, "else": timed}


def _limited(of: Schema) -> Schema:
    """A rule or `all_rules`, with the names of the limits that there are."""
    limits = next(one for one in of["properties"]["limits"]["anyOf"] if one.get("type") == "object")
    limits["propertyNames"] = {"enum": list(LIMITS)}
    return of


def _step_parts(step: Schema) -> Schema:
    """`step`, and `entry`: one of a series."""
    properties: Schema = step["properties"]
    shapes: dict[str, Schema] = {
        "when": {"anyOf": _when()},
        "create": {"enum": list(CREATED)},
        "update": {"enum": ["client"]},
        "wait": {"pattern": rf"^\s*({_LENGTH}|until\s+({_MOMENT}|[0-2][0-9]:[0-5][0-9]))\s*$"},
        "late": _span(),
        "due": _span(),
        "expires": _span(),
        "then": _steps("step"),
        "else": _steps("step"),
    }
    for name, more in shapes.items():
        properties[name] = _with(properties[name], **more)
    inner = {name: value for name, value in properties.items() if name != "when"}
    return {
        "step": _one_verb(inner, entry=False),
        "entry": {**_one_verb(properties, entry=True), "required": ["when"]},
    }


def _one_verb(properties: Schema, *, entry: bool) -> Schema:
    """Exactly one action, and only the keys that go with it."""
    shapes = [_shape(verb, _beside(verb, entry=entry)) for verb in VERBS]
    branch = _ENTRY_ONLY if entry else ("if", "then", "else", "id")
    shapes.append(_shape("then", branch) if entry else {**_shape("then", branch), "else": _no("else")})
    if not entry:
        shapes[-1]["then"]["required"] = ["if"]
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "oneOf": [{"required": [verb]} for verb in (*VERBS, "then")],
        "allOf": shapes + [_created(kind) for kind in CREATED] + [_updated()],
    }


def _beside(verb: str, *, entry: bool) -> Iterable[str]:
    allowed = {verb, *STEP_KEYS[verb], *(COMMON - ({"approve", "late"} if verb in NO_EFFECT else frozenset()))}
    return allowed | ({"when", "late"} if entry else set())


def _shape(verb: str, allowed: Iterable[str]) -> Schema:
    return {"if": {"required": [verb]}, "then": {"propertyNames": {"enum": sorted(allowed)}}}


def _no(key: str) -> Schema:
    return {"not": {"required": [key]}}


def _created(kind: str) -> Schema:
    """What a `create` of that kind needs and can have."""
    needed = {"invoice": ["items"], "coupon": ["code", "discount", "uses"], "lead": ["set"]}.get(kind, ["from"])
    strange = [key for key, kinds in CREATE_KEYS.items() if kind not in kinds]
    then: Schema = {"required": needed, "not": {"anyOf": [{"required": [key]} for key in sorted(strange)]}}
    if kind == "lead":
        then["properties"] = {"set": {"propertyNames": {"enum": list(LEAD_FIELDS)}, "required": ["email"]}}
    return {"if": {"properties": {"create": {"const": kind}}, "required": ["create"]}, "then": then}


def _updated() -> Schema:
    fields = {"set": {"propertyNames": {"enum": list(SETTABLE)}}}
    return {"if": {"required": ["update"]}, "then": {"required": ["set"], "properties": fields}}


def _steps(of: str) -> Schema:
    return {"type": "array", "minItems": 1, "items": _ref(of)}


def _when() -> list[Schema]:
    """The sentences that begin a run, one or a list of them."""
    sentences = "|".join((_MOMENT, *_CALENDAR, *_OTHER))
    one: list[Schema] = [
        {"enum": [*EVENTS, "manual"]},
        {"type": "string", "pattern": rf"^\s*({sentences})\s*$"},
        {"type": "string", "pattern": r"^\s+\S|\S\s+$"},  # an event with blanks around it
    ]
    return [*one, {"type": "array", "minItems": 1, "items": {"anyOf": one}}]


def _span() -> Schema:
    return {"pattern": rf"^\s*{_LENGTH}\s*$"}


def _one_or_more(one: Schema) -> Schema:
    return {"anyOf": [one, {"type": "array", "minItems": 1, "items": one}]}


# --- from pydantic ---------------------------------------------------------------------------------------------------


def _model(model: type[BaseModel], described: Mapping[str, Key]) -> tuple[Schema, Schema]:
    """A model's schema with the meaning of its keys, and the parts that it refers to."""
    whole = _renamed(model.model_json_schema())
    found: Schema = whole.pop("$defs", {})
    parts: Schema = {name: _described(part, _DESCRIBED[name]) for name, part in found.items()}
    parts |= _step_parts(parts["step"]) if "step" in parts else {}
    if "list" in parts:
        listed = parts["list"]["properties"]
        listed["each"] = _with(listed["each"], enum=[kind.value for kind in LISTABLE])
    return _described(whole, described), parts


def _described(schema: Schema, described: Mapping[str, Key]) -> Schema:
    for name, value in schema["properties"].items():
        key = described[name]
        left_out = {"": "", "needed": " Needed."}.get(key.default, f" Without it: {key.default}.")
        value["description"] = f"{key.meaning[:1].upper()}{key.meaning[1:]}.{left_out}"
        if key.examples:
            value["examples"] = list(key.examples)
        value.pop("title", None)
        value.pop("default", None)
    return {name: value for name, value in schema.items() if name not in {"title", "description"}}


def _with(value: Schema, **more: Any) -> Schema:
    """A key's schema with another one in the place of what pydantic says of it; null stays what it was."""
    empty = [{"type": "null"}] if {"type": "null"} in value.get("anyOf", ()) else []
    about: Schema = {name: value[name] for name in ("description", "examples") if name in value}
    if "anyOf" in more:
        return {**about, "anyOf": [*more["anyOf"], *empty]}
    plain = {"type": "string"} if "type" not in more else {}
    return {**about, "anyOf": [{**plain, **more}, *empty]} if empty else {**about, **plain, **more}


def _renamed(node: Any) -> Any:
    """Pydantic's names of parts as people would say them."""
    if isinstance(node, list):
        return [_renamed(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        _NAMES.get(name, name): f"#/$defs/{_NAMES[value.rpartition('/')[2]]}" if name == "$ref" else _renamed(value)
        for name, value in node.items()
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


__all__ = ["DIALECT", "Schema", "automations_schema", "rules_schema"]
