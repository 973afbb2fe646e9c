"""Session types and sessions (studio-api.md, Session types, availability, sessions). The session record is inferred."""

from __future__ import annotations

from selftimer.primitives.ids import SessionId, SessionTypeId
from selftimer.sandbox import views
from selftimer.sandbox.http import Answer, Call, found, page_of
from selftimer.sandbox.routing import Route


def types(call: Call) -> Answer:
    """All session types; `meta` gives the total alone."""
    table = call.world.tables.session_types
    data = [table.json(row, "", lambda r: views.session_type(call.world, r)) for row in table.newest()]
    return Answer({"data": data, "meta": {"total": len(data)}})


def type_detail(call: Call) -> Answer:
    """One session type."""
    row = found(call.world.tables.session_types, SessionTypeId, call.params["id"], "resource_not_found")
    return Answer({"data": views.session_type(call.world, row)})


def listing(call: Call) -> Answer:
    """Sessions, newest first; `client_id` and `status` filter (inferred, like paging by `page` and `per_page`)."""
    table = call.world.tables.sessions
    client_id, status = call.query.get("client_id", ""), call.query.get("status", "")
    rows = table.select((client_id, status), lambda r: client_id in {"", r.client_id} and status in {"", r.status})
    page = page_of(call, rows)
    data = [table.json(row, "", lambda r: views.session(call.world, r)) for row in page.rows]
    return Answer({"data": data, "meta": page.meta()})


def detail(call: Call) -> Answer:
    """One session."""
    table = call.world.tables.sessions
    row = found(table, SessionId, call.params["id"], "resource_not_found")
    return Answer({"data": table.json(row, "", lambda r: views.session(call.world, r))})


def inquiries(call: Call) -> Answer:
    """How many sessions are asked for and wait for the studio."""
    table = call.world.tables.sessions
    return Answer({"data": {"count": table.kept("inquiries", lambda: sum(r.status == "inquiry" for r in table))}})


ROUTES = (
    Route("GET", "/session_types/", types),
    Route("GET", "/session_types/{id}", type_detail),
    Route("GET", "/sessions", listing),
    Route("GET", "/sessions/inquiry/count", inquiries),
    Route("GET", "/sessions/{id}", detail),
)
