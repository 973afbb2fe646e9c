"""The file format of rules and automations, as pydantic reads it: keys and types, nothing of their meaning.

One loose model for a step instead of a union of nine: which keys go together is checked by hand, so that a slip is
told in one sentence and not once for each kind of step.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from selftimer.rulebook.model import Mode, OnEdit, Purpose

VERBS = ("send", "create", "update", "notify", "webhook", "wait", "run", "stop")
"""What a step does; `if` with `then` is the ninth."""
STEP_KEYS: dict[str, frozenset[str]] = {
    "send": frozenset({"attach", "with"}),
    "create": frozenset({"from", "items", "due", "with", "draft", "set", "code", "discount", "uses", "expires"}),
    "update": frozenset({"set"}),
    "notify": frozenset(),
    "webhook": frozenset({"with"}),
    "wait": frozenset({"or_until"}),
    "run": frozenset({"with"}),
    "stop": frozenset(),
}
"""The keys that each verb has besides those of every step (id, if, approve, late)."""
InputType = Literal["text", "number", "yes_no", "money", "date", "duration", "choice", "template"]


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "nothing" if value is None else str(value)[:60]


def refuse(message: str, hint: str = "") -> PydanticCustomError:
    """A fault of a value in our own words; `hint` goes to the Problem's."""
    return PydanticCustomError("sentence", "{message}", {"message": message, "hint": hint})


def _text(value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value
    if isinstance(value, int | float):
        raise refuse(f"{_shown(value)} is not a text here", f'put it in double quotes: "{_shown(value)}"')
    if isinstance(value, str) or value is None:
        raise refuse("nothing stands here", "write a text, or take the key out")
    raise refuse(f"a text is wanted here, not {_shown(value)}", "write one text")


_ID_CHARS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")


def _id(value: object) -> str:
    text = _text(value)
    if len(text) > 64 or not set(text) <= _ID_CHARS or not text[0].isalnum():
        raise refuse(
            f"{text[:60]!r} can't be an id", "use small letters, digits, - and _ (64 at most), like 'lead-follow-up'"
        )
    return text


MAX_LIST = 50
"""Texts or conditions in one list."""


def _bounded(value: list[object]) -> list[object]:
    if len(value) > MAX_LIST:
        raise refuse(f"the list has {len(value):,} entries; {MAX_LIST} are allowed", "make several rules of it")
    return value


def _conditions(value: object) -> tuple[str, ...]:
    if isinstance(value, list):
        if not value:
            raise refuse("the list is empty", "write a condition, or take the key out")
        return tuple(_condition(item) for item in _bounded(value))
    return (_condition(value),)


def _condition(value: object) -> str:
    if isinstance(value, bool | int | float):
        raise refuse(
            f"{_shown(value)} is always the same", "take it out, or write a condition like invoice.outstanding"
        )
    return _text(value)


def _yes_or_conditions(value: object) -> bool | tuple[str, ...]:
    return value if isinstance(value, bool) else _conditions(value)


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, list) and value:
        return tuple(_text(item) for item in _bounded(value))
    return (_text(value),)


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return _text(value)


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise refuse(f"{_shown(value)!r} is neither true nor false", "write true or false")


def _count(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1_000_000:
        return value
    raise refuse(f"{_shown(value)} is not a number of 1 or more", "write a whole number, like 30")


def _one_of(words: tuple[str, ...]) -> Any:
    def check(value: object) -> str:
        if isinstance(value, str) and value in words:
            return value
        raise refuse(f"{_shown(value)!r} is not one of {', '.join(words)}", "")

    return PlainValidator(check, json_schema_input_type=Literal[words])


def _steps(value: object) -> object:
    """A single step may stand without its dash."""
    if isinstance(value, dict):
        raise refuse("a list of steps is wanted here", "begin each step with '- '")
    if not isinstance(value, list) or not value:
        raise refuse("there is no step here", "write at least one, like '- send: name-of-a-message'")
    return value


def _mapping(value: object) -> object:
    if isinstance(value, dict) and value:
        return value
    raise refuse(f"names with values are wanted here, not {_shown(value)}", "write them like {name: value}")


_TEXT: dict[str, Any] = {"type": "string", "pattern": r"\S"}
_SCALAR: dict[str, Any] = {"type": ["string", "number", "boolean"]}
ID_PATTERN = "^[a-z0-9][a-z0-9_-]{0,63}$"


def _or_list(*alternatives: dict[str, Any]) -> WithJsonSchema:
    """One text or a list of them, as a JSON Schema has it."""
    return WithJsonSchema(
        {"anyOf": [*alternatives, {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": MAX_LIST}]}
    )


# What reads a value stands beside how an editor is told of it (rulebook.jsonschema).
Text = Annotated[str, PlainValidator(_text), WithJsonSchema(_TEXT)]
Id = Annotated[str, PlainValidator(_id), WithJsonSchema({"type": "string", "pattern": ID_PATTERN})]
Texts = Annotated[tuple[str, ...], PlainValidator(_texts), _or_list(_TEXT)]
Conditions = Annotated[tuple[str, ...], PlainValidator(_conditions), _or_list(_TEXT)]
YesOrConditions = Annotated[
    bool | tuple[str, ...], PlainValidator(_yes_or_conditions), _or_list({"type": "boolean"}, _TEXT)
]
Scalar = Annotated[str, PlainValidator(_scalar), WithJsonSchema(_SCALAR)]
Flag = Annotated[bool, PlainValidator(_flag), WithJsonSchema({"type": "boolean"})]
Count = Annotated[int, PlainValidator(_count), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 1_000_000})]
_FILLED = Field(json_schema_extra={"minProperties": 1})
Values = Annotated[dict[str, Scalar], BeforeValidator(_mapping), _FILLED]
Limits = Annotated[dict[str, Count], BeforeValidator(_mapping), _FILLED]


class _Source(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ItemSource(_Source):
    """One line of `items:`."""

    name: Text
    amount: Scalar
    quantity: Count = 1


class StepSource(_Source):
    """Any step; in a series also an entry with its own `when`."""

    id: Id | None = None
    when: Texts | None = None
    if_: Conditions | None = Field(None, alias="if")
    approve: YesOrConditions = False
    late: Text | None = None
    send: Text | None = None
    create: Text | None = None
    update: Text | None = None
    notify: Text | None = None
    webhook: Text | None = None
    wait: Text | None = None
    run: Text | None = None
    stop: Text | None = None
    then: Annotated[tuple[StepSource, ...], BeforeValidator(_steps)] | None = Field(None, strict=False)
    otherwise: Annotated[tuple[StepSource, ...], BeforeValidator(_steps)] | None = Field(
        None, alias="else", strict=False
    )
    or_until: Conditions | None = None
    attach: Texts | None = None
    with_: Values | None = Field(None, alias="with")
    from_: Text | None = Field(None, alias="from")
    items: tuple[ItemSource, ...] = Field((), strict=False)
    due: Text | None = None
    draft: Flag = False
    set: Values | None = None
    code: Text | None = None
    discount: Scalar | None = None
    uses: Count | None = None
    expires: Text | None = None

    def verbs(self) -> list[str]:
        """What the step says to do, in the order of `VERBS`; one, if it is right."""
        return [verb for verb in VERBS if getattr(self, verb) is not None]

    def written(self) -> frozenset[str]:
        """The keys that were written."""
        fields = type(self).model_fields
        return frozenset(fields[name].alias or name for name in self.model_fields_set)


class ListSource(_Source):
    """One of a rule's `lists`: the records of a kind that meet a condition, in an order."""

    each: Text
    if_: Conditions | None = Field(None, alias="if")
    sort: Text | None = None


class AllRulesSource(_Source):
    """`all_rules`: what every rule of the workspace is held to besides its own; it can only make them more careful."""

    if_: Conditions | None = Field(None, alias="if")
    until: Conditions | None = None
    approve: YesOrConditions = False
    limits: Limits | None = None


class RuleSource(_Source):
    """A rule as it stands in the file."""

    id: Id
    title: Text | None = None
    when: Texts | None = None
    if_: Conditions | None = Field(None, alias="if")
    until: Conditions | None = None
    then: Annotated[tuple[StepSource, ...], BeforeValidator(_steps)] = Field(strict=False)
    mode: Annotated[Mode, _one_of(get_args(Mode))] = "auto"
    repeat: Text | None = None
    restart: Flag = False
    settle: Text | None = None
    late: Text | None = None
    limits: Limits | None = None
    purpose: Annotated[Purpose, _one_of(get_args(Purpose))] = "service"
    approve: YesOrConditions = False
    ignore_quiet_hours: YesOrConditions = False
    include: Texts = ()
    also: Annotated[Literal["own_changes"], _one_of(("own_changes",))] | None = None
    on_edit: Annotated[OnEdit, _one_of(get_args(OnEdit))] = "finish_old"
    backfill: Text | None = None
    for_each: Text | None = None
    lists: Annotated[dict[str, ListSource], BeforeValidator(_mapping), _FILLED] | None = None


class InputSource(_Source):
    """A declared input of an automation."""

    type: Annotated[InputType, _one_of(get_args(InputType))] = "text"
    default: Scalar | None = None
    choices: Texts | None = None


class AutomationSource(_Source):
    """A named sequence of steps."""

    id: Id
    title: Text | None = None
    subject: Text | None = None
    inputs: dict[str, InputSource] = Field(default_factory=dict)
    then: Annotated[tuple[StepSource, ...], BeforeValidator(_steps)] = Field(strict=False)
