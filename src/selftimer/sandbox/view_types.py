"""What the fields of the API's JSON are made of, so that types say it and a description can be made of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, with_config

closed = with_config(ConfigDict(extra="forbid"))
"""Marks a TypedDict of an answer: it has these members and no others."""

Stamp = Annotated[
    str,
    Field(
        pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$",
        json_schema_extra={"format": "date-time", "examples": ["2025-08-06T14:50:42.000000Z"]},
    ),
]
"""An instant in UTC."""
Day = Annotated[str, Field(json_schema_extra={"format": "date", "examples": ["2025-09-07"]})]
"""A date."""
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
