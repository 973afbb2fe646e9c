"""How the owner is told: by mail, or by a call of an address of theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What the owner is told at once: one notice, or several in a digest. Plain text."""

    subject: str
    text: str


class Teller(Protocol):
    """One way to the owner."""

    @property
    def name(self) -> str:
        """What it is called in logs and settings: `email`, `webhook`."""
        ...

    async def tell(self, note: Note) -> None:
        """Tell it; `TellError` where that can't be done now. Twice does no harm."""
        ...
