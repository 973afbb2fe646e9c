"""Sessions (studio-api.md, Session types, availability, sessions). The session's record is inferred."""

from __future__ import annotations

from typing_extensions import TypedDict

from selftimer.primitives.ids import SessionId
from selftimer.sandbox import views_sessions as views
from selftimer.sandbox.http import Answer, Call, found, page_of
from selftimer.sandbox.model import SessionStatus
from selftimer.sandbox.resources.reading import EXPAND, PAGE, PER_PAGE
from selftimer.sandbox.routing import Param, Route
from selftimer.sandbox.view_types import Count, closed


@closed
class Waiting(TypedDict):
    """How many there are."""

    count: Count


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
    Route(
        "GET",
        "/sessions",
        listing,
        query=(PAGE, PER_PAGE, Param("client_id"), Param("status", SessionStatus), EXPAND),
        data=list[views.Session],
    ),
    Route("GET", "/sessions/inquiry/count", inquiries, data=Waiting),
    Route("GET", "/sessions/{id}", detail, documented=False, query=(EXPAND,), data=views.Session, errors=(400, 404)),
)
