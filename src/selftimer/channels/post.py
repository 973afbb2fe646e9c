"""Notes to the owner as JSON to an address of theirs: Slack's incoming webhooks, ntfy, or anything that takes JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, assert_never

import orjson

from selftimer.channels.outgoing import Caller, CallFailed, Target
from selftimer.errors import TellError

if TYPE_CHECKING:
    from selftimer.ports import Note

Format = Literal["slack", "ntfy", "json"]
_MOST = 3_500
"""Characters: ntfy takes 4,096 bytes, and a note is to be glanced at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Where notes are posted. `topic` is ntfy's; `token` is sent as a bearer's."""

    target: Target
    format: Format
    topic: str | None = None
    token: str | None = field(default=None, repr=False)


class PostTeller:
    """Posts each note once."""

    name = "webhook"

    def __init__(self, board: Board, caller: Caller | None = None) -> None:
        self._board = board
        self._caller = caller or Caller()

    async def tell(self, note: Note) -> None:
        """Post it; `TellError` where it isn't taken."""
        headers = {"Content-Type": "application/json"}
        if self._board.token is not None:
            headers["Authorization"] = f"Bearer {self._board.token}"
        try:
            reply = await self._caller.post(self._board.target, headers, orjson.dumps(self._body(note)))
        except CallFailed as failed:
            raise TellError(f"the address of [notify.webhook]: {failed.reason}") from failed
        if not reply.taken:
            raise TellError(f"the address of [notify.webhook] answered {reply.status}")

    def _body(self, note: Note) -> dict[str, Any]:
        text = note.text if len(note.text) <= _MOST else f"{note.text[:_MOST].rstrip()} …"
        match self._board.format:
            case "slack":
                return {"text": f"{note.subject}\n{text}"}
            case "ntfy":
                return {"topic": self._board.topic, "title": note.subject, "message": text}
            case "json":
                return {"subject": note.subject, "text": text}
            case _:
                assert_never(self._board.format)
