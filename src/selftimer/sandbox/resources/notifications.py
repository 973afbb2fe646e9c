"""Notifications (studio-api.md, Conventions): the cheap request that tells whether a login is alive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from typing_extensions import TypedDict

from selftimer.sandbox.http import Answer
from selftimer.sandbox.ledger import stamp
from selftimer.sandbox.routing import Route
from selftimer.sandbox.view_types import Stamp, closed

if TYPE_CHECKING:
    from selftimer.sandbox.http import Call
    from selftimer.sandbox.studio import Studio

MOST = 20


@closed
class Notification(TypedDict):
    """Something that waits for the studio: a session that was asked for, or a conversation with unread messages."""

    id: str
    type: Literal["session_inquiry", "unread_messages"]
    client_id: str
    created_at: Stamp


@closed
class Notifications(TypedDict):
    """Whose account it is, and what waits, newest first."""

    account_id: str
    account_name: str
    notifications: list[Notification]


def waiting(call: Call) -> Answer:
    """What waits for the studio, the newest 20. That there is an account's id is inferred, and so is the shape."""
    world, tables = call.world, call.world.tables
    asked: list[Notification] = tables.sessions.kept("notifications", lambda: _asked(world))
    unread: list[Notification] = tables.conversations.kept("notifications", lambda: _unread(world))
    newest = sorted([*asked, *unread], key=lambda entry: entry["created_at"], reverse=True)[:MOST]
    data: Notifications = {
        "account_id": world.profile.account_id,
        "account_name": world.profile.name,
        "notifications": newest,
    }
    return Answer({"data": data})


def _asked(world: Studio) -> list[Notification]:
    return [
        {"id": row.id, "type": "session_inquiry", "client_id": row.client_id, "created_at": stamp(row.created_at)}
        for row in world.tables.sessions
        if row.status == "inquiry"
    ]


def _unread(world: Studio) -> list[Notification]:
    return [
        {"id": row.id, "type": "unread_messages", "client_id": row.client_id, "created_at": stamp(row.updated_at)}
        for row in world.tables.conversations
        if row.unread
    ]


ROUTES = (Route("GET", "/notifications/all", waiting, data=Notifications),)
