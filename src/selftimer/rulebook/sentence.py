"""What the readers of sentences share: their error, and the nearest known word."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class SentenceError(ValueError):
    """A sentence that can't be understood, or not by this version: `message` says what, `hint` what to write."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def similar(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`'s middle: the nearest known word as a hint, or ''."""
    near = difflib.get_close_matches(word, list(known), 1, 0.6)
    return f"did you mean {near[0]!r}?" if near else ""
