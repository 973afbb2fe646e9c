"""What the views share: the client inside another record, and instants that may be missing.

`views_people`, `views_money`, … have the JSON of each record, as the API shows it (studio-api.md): one place to change
when the real thing differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import TypedDict

from selftimer.sandbox.ledger import stamp
from selftimer.sandbox.view_types import closed

if TYPE_CHECKING:
    from whenever import Instant

    from selftimer.sandbox.studio import Studio

Json = dict[str, Any]


def optional(instant: Instant | None) -> str | None:
    """The instant as the API writes it, or null."""
    return stamp(instant) if instant is not None else None


@closed
class ClientBrief(TypedDict):
    """A client inside another record."""

    id: str
    first_name: str
    last_name: str
    email: str


def client_brief(world: Studio, client_id: str) -> ClientBrief | None:
    """A client inside another record."""
    row = world.tables.clients.get(client_id)
    if row is None:
        return None
    return {"id": row.id, "first_name": row.first_name, "last_name": row.last_name, "email": row.email}
