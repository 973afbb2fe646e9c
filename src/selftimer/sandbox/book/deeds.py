"""What deeds have in common: they name a record by itself or by its id, and they can be refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from selftimer.sandbox.model import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selftimer.sandbox.tables import Table

R = TypeVar("R", bound=Record)


class DeedError(ValueError):
    """What the product doesn't let somebody do. Its text is the sentence that they see, `code` the reason in a word.

    `details` says what is wrong field by field, where there are fields.
    """

    def __init__(self, code: str, message: str, details: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.details = dict(details or {})


def the(table: Table[R], record: R | str, kind: str) -> R:
    """The record that was named; `DeedError` where no record of this kind has the id."""
    if not isinstance(record, str):
        return record
    row = table.get(record)
    if row is None:
        raise DeedError(f"{kind}_not_found", f"There is no {kind} with this id.")
    return row
