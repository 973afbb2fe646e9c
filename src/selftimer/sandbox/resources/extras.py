"""Notifications and the thin Gallery API (studio-api.md)."""

from __future__ import annotations

from selftimer.sandbox import views
from selftimer.sandbox.http import Answer, Call, shape1
from selftimer.sandbox.routing import Route


def notifications(call: Call) -> Answer:
    """The cheap request that tells whether a session is alive; the account's id in it is inferred."""
    profile = call.world.profile
    return Answer({"data": {"account_id": profile.account_id, "account_name": profile.name, "notifications": []}})


def collection(call: Call) -> Answer:
    """One gallery collection; ids are digits."""
    row = call.world.tables.collections.get(call.params["id"])
    if row is None:
        raise shape1(404, "resource_not_found", "The collection was not found.")
    return Answer({"data": views.collection(row)})


def collection_clients(call: Call) -> Answer:
    """Who may see a collection."""
    row = call.world.tables.collections.get(call.params["id"])
    if row is None:
        raise shape1(404, "resource_not_found", "The collection was not found.")
    client = call.world.tables.clients.rows[row.client_id]
    seen = {
        "id": client.id,
        "email": client.email,
        "name": client.name,
        "access_level": "full",
        "last_accessed": None,
        "favorites_count": 0,
    }
    return Answer({"data": [seen]})


ROUTES = (
    Route("GET", "/notifications/all", notifications),
    Route("GET", "/collections/{id}", collection),
    Route("GET", "/collections/{id}/clients", collection_clients),
)
