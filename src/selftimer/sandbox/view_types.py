"""What the fields of the API's JSON are made of, so that types say it and a description can be made of them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field, with_config

from selftimer.primitives import ids

closed = with_config(ConfigDict(extra="forbid"))
"""Marks a TypedDict of an answer: it has these members and no others."""

Stamp = Annotated[
    str,
    Field(
        pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{6}Z$",
        json_schema_extra={"format": "date-time", "examples": ["2025-08-06T14:50:42.000000Z"]},
    ),
]
"""An instant in UTC."""
Day = Annotated[
    str, Field(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$", json_schema_extra={"format": "date", "examples": ["2025-09-07"]})
]
"""A date."""
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time", "examples": ["2025-08-06T16:50:42+02:00"]})]
"""An instant as it may be sent: a timestamp with its zone."""
Currency = Annotated[str, Field(pattern="^[a-z]{3}$", examples=["eur"])]
"""A currency's code."""
Minor = Annotated[int, Field(description="In the currency's smallest unit.")]
"""An amount."""
MinorFromZero = Annotated[int, Field(ge=0, description="In the currency's smallest unit.")]
"""An amount that is never negative."""
Count = Annotated[int, Field(ge=0)]
"""How many."""
FromOne = Annotated[int, Field(ge=1)]
"""A whole number from 1, as pages and their sizes are."""

MomentOrDay = Moment | Annotated[str, Field(json_schema_extra={"format": "date"})]
"""An instant as it may be sent, or a date, which means the end of that day."""
CurrencyCode = Annotated[str, Field(pattern="^[A-Za-z]{3}$", json_schema_extra={"format": "currency-code"})]
"""A currency's code in any case."""


def id_schema(kind: type[ids.StudioId]) -> dict[str, Any]:
    """What an id of a kind looks like; its format is the kind's name, like `client-id`."""
    body = "[A-Za-z0-9]{29,30}" if kind.fixed else "[A-Za-z0-9_]{1,64}"
    return {"type": "string", "pattern": f"^{kind.prefix}{body}$", "format": f"{kind.kind.replace(' ', '-')}-id"}


def _id(kind: type[ids.StudioId]) -> Any:
    seen = id_schema(kind)
    return Field(pattern=seen["pattern"], json_schema_extra={"format": seen["format"]})


ClientRef = Annotated[str, _id(ids.ClientId)]
ConversationRef = Annotated[str, _id(ids.ConversationId)]
AttachmentRef = Annotated[str, _id(ids.AttachmentId)]
ScheduleRef = Annotated[str, _id(ids.ScheduleId)]
ContractTemplateRef = Annotated[str, _id(ids.ContractTemplateId)]
QuestionnaireTemplateRef = Annotated[str, _id(ids.QuestionnaireTemplateId)]
QuoteTemplateRef = Annotated[str, _id(ids.QuoteTemplateId)]
