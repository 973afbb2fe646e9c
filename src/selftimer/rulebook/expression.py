"""The compiler's front: what it takes, what it gives back, what it says when it refuses."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong, or doubtful, in a source: `part` counts the entries of a list from 0, `offset` characters."""

    part: int
    offset: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class ExpressionError(ValueError):
    """A condition or text that can't be used, with all that is wrong with it."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = tuple(sorted(faults))
        super().__init__("\n".join(map(str, self.faults)))
