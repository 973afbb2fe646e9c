"""How fields are read from payloads that may be newer than studio-api.md: tolerant of the new, strict about meaning.

Unknown fields are ignored (the raw record keeps them), absent optional ones are None, numeric ids become strings, both
spellings of *canceled* are one. An unknown enum word, an id of the wrong form, a timestamp without a zone or an amount
that isn't a whole number of minor units is an error: the record is set aside rather than guessed at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StrictInt
from pydantic_core import PydanticCustomError
from whenever import Date, Instant

from selftimer.primitives import ids

if TYPE_CHECKING:
    from pydantic import ValidationError

_PLAIN = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
"""A word that may be shown and logged: what has capitals, blanks or signs could be somebody's name."""
_ALIKE = {"cancelled": "canceled"}


class Wire(BaseModel):
    """A payload's shape; what isn't declared is ignored. Built when it is first used: a command reads few of them."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, arbitrary_types_allowed=True, populate_by_name=True, defer_build=True
    )


def spelled(value: Any) -> Any:
    """An enum word as records write it: `Partially Paid` → `partially_paid`, `Cancelled` → `canceled`."""
    if not isinstance(value, str):
        return value
    word = value.strip().lower().replace(" ", "_").replace("-", "_")
    return _ALIKE.get(word, word)


def _text(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.strip() else None
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _name(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _id(of: type[ids.StudioId]) -> Any:
    def check(value: Any) -> Any:
        value = _name(value)
        if value is None or of.valid(value):
            return value
        raise PydanticCustomError("form", "is not the id of a {kind}", {"kind": of.kind})

    return BeforeValidator(check)


def _instant(value: Any) -> Any:
    if value is None or value == "" or isinstance(value, Instant):
        return None if value == "" else value
    if isinstance(value, str):
        try:
            return Instant.parse_iso(value)
        except ValueError as error:
            raise PydanticCustomError("timestamp", "is not a timestamp with a zone") from error
    raise PydanticCustomError("timestamp", "is not a timestamp with a zone")


def _moment(value: Any) -> Any:
    """A timestamp, or a date, which stands for its noon in UTC: the same day in every zone from -12 to +11."""
    if isinstance(value, str) and len(value) == 10:
        date = _date(value)
        return Instant.from_utc(date.year, date.month, date.day, 12)
    return _instant(value)


def _date(value: Any) -> Any:
    """A date; of a timestamp the day it writes."""
    if value is None or value == "" or isinstance(value, Date):
        return None if value == "" else value
    try:
        return Date.parse_iso(value[:10] if len(value) > 10 and value[10] in "T " else value)
    except (TypeError, ValueError) as error:
        raise PydanticCustomError("date", "is not a date") from error


def _currency(value: Any) -> Any:
    if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isalpha():
        return value.lower()
    raise PydanticCustomError("currency", "is not a currency code of three letters")


def _list(value: Any) -> Any:
    return [] if value is None else value


def _count(value: Any) -> Any:
    return 0 if value is None else value


def _flag(value: Any) -> Any:
    return False if value is None else value


Text = Annotated[str | None, BeforeValidator(_text)]
"""Text, where blank is absent."""
Word = BeforeValidator(spelled)
"""Puts an enum's word into the records' spelling."""
Name = Annotated[str, BeforeValidator(_name)]
"""Any id, numeric ones as strings."""
Stamp = Annotated[Instant | None, BeforeValidator(_instant)]
Moment = Annotated[Instant | None, BeforeValidator(_moment)]
Day = Annotated[Date | None, BeforeValidator(_date)]
Currency = Annotated[str, BeforeValidator(_currency)]
Minor = StrictInt
"""An amount in the smallest unit: a whole number, never a string that might mean main units."""
ListOf = BeforeValidator(_list)
"""A list, where null is an empty one."""
Count = Annotated[int, BeforeValidator(_count)]
Flag = Annotated[bool, BeforeValidator(_flag)]

ClientId = Annotated[str, _id(ids.ClientId)]
SessionId = Annotated[str, _id(ids.SessionId)]
SessionTypeId = Annotated[str, _id(ids.SessionTypeId)]
InvoiceId = Annotated[str, _id(ids.InvoiceId)]
PaymentId = Annotated[str, _id(ids.PaymentId)]
ContractId = Annotated[str, _id(ids.ContractId)]
QuestionnaireId = Annotated[str, _id(ids.QuestionnaireId)]
QuoteId = Annotated[str, _id(ids.QuoteId)]
ConversationId = Annotated[str, _id(ids.ConversationId)]
MessageId = Annotated[str, _id(ids.MessageId)]
CouponId = Annotated[str, _id(ids.CouponId)]
GiftCardId = Annotated[str, _id(ids.GiftCardId)]
ScheduleId = Annotated[str, _id(ids.ScheduleId)]
ScheduleIntervalId = Annotated[str, _id(ids.ScheduleIntervalId)]
AttachmentId = Annotated[str, _id(ids.AttachmentId)]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one field. `field` has `*` for a list's places; `kind` is pydantic's, or one of ours above."""

    field: str
    kind: str
    value: object
    message: str


def faults_of(error: ValidationError) -> list[Fault]:
    """Every fault of a payload, in the order of its model."""
    return [
        Fault(
            ".".join("*" if isinstance(part, int) else part for part in one["loc"]) or "record",
            "word" if one["type"] in {"literal_error", "enum"} else one["type"],
            one.get("input"),
            one["msg"][:1].lower() + one["msg"][1:],
        )
        for one in error.errors(include_url=False)
    ]


def shape_of(kind: str, error: ValidationError) -> tuple[str, str]:
    """(reason, shape) of the first fault. The shape is the same for every record with it and holds no personal data."""
    first = faults_of(error)[0]
    field = first.field
    if first.kind == "word":
        value = first.value
        word = value if isinstance(value, str) and _PLAIN.match(value) else f"<{type(value).__name__}>"
        return f"{kind}.{field}: the word {word!r} is not known", f"{kind}.{field}={word}"
    if first.kind == "missing":
        return f"{kind}.{field} is missing", f"{kind}.{field}:missing"
    return f"{kind}.{field}: {first.message}", f"{kind}.{field}:{first.kind}"
