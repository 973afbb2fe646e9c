"""The page at /_sandbox/: plain HTML that works without scripts, for whoever sits at this machine.

No other web page can drive it: every form carries a token that only this page knows, requests must come from this
machine under a name of this machine (so that no foreign name can be made to point here), and nothing is done by GET.
"""

from __future__ import annotations

import hmac
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from selftimer.sandbox.book.deeds import DeedError
from selftimer.sandbox.faults import FaultError, parse_fault
from selftimer.sandbox.page import board
from selftimer.sandbox.page.deeds import act
from selftimer.sandbox.page.guard import asked_here, called_here, from_here

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request

    from selftimer.sandbox.auth import Logins
    from selftimer.sandbox.faults import Faults
    from selftimer.sandbox.model import Client
    from selftimer.sandbox.studio import Studio

HOME = "/_sandbox/"
_HERE = Path(__file__).parent
_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}


class Site:
    """The page of one sandbox. `_said` is what the last form brought; it is shown once."""

    def __init__(self, world: Studio, logins: Logins, faults: Faults) -> None:
        self._world, self._logins, self._faults = world, logins, faults
        self._token = secrets.token_urlsafe(24)
        self._said = ""
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route(HOME, self._guarded(self.home), methods=["GET"]),
            Route("/_sandbox/clients/{id}", self._guarded(self.client), methods=["GET"]),
            Route("/_sandbox/style.css", self._guarded(self.style), methods=["GET"]),
            Route("/_sandbox/do", self._guarded(self.do), methods=["POST"]),
        ]

    def _guarded(self, endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            if not from_here(request) or not asked_here(request):
                return PlainTextResponse("The sandbox is controlled from this machine only.", 403)
            if not called_here(request):
                return PlainTextResponse("Call this page by localhost or 127.0.0.1.", 421)
            self._world.sync()
            response = await endpoint(request)
            response.headers.update(_HEADERS)
            return response

        return guarded

    async def home(self, request: Request) -> Response:
        """The studio."""
        return self._home(request, live="live" in request.query_params)

    async def client(self, request: Request) -> Response:
        """One client."""
        row = self._world.tables.clients.get(request.path_params["id"])
        if row is None:
            return PlainTextResponse("Nobody here has this id.", 404)
        return self._client(row)

    async def style(self, _request: Request) -> Response:
        """How it looks."""
        return Response((_HERE / "style.css").read_bytes(), media_type="text/css")

    async def do(self, request: Request) -> Response:
        """A form was sent: do it and go back to where it was; where it can't be done, show it again and say why."""
        form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
        if not hmac.compare_digest(form.pop("token", "").encode(), self._token.encode()):
            return PlainTextResponse("This form is not from this page, or the sandbox was restarted: reload it.", 403)
        row = self._world.tables.clients.get(form.get("client", ""))
        try:
            self._said = self._carry_out(form)
        except (DeedError, FaultError) as error:
            fault, typed = str(error), {form.get("form", ""): form}
            if row is not None:
                return self._client(row, fault=fault, typed=typed, status=422)
            return self._home(request, fault=fault, typed=typed, status=422)
        return RedirectResponse(f"/_sandbox/clients/{row.id}" if row else HOME, 303)

    def _carry_out(self, form: dict[str, str]) -> str:
        match form.get("do"):
            case "act":
                answers = {k.removeprefix("answers."): v for k, v in form.items() if k.startswith("answers.")}
                return act(self._world, {**form, "answers": answers})
            case "move":
                return self._move(form.get("to", ""))
            case "fault":
                return self._order_fault(form)
            case "calm":
                self._faults.clear()
                return "No fault is under order any more."
            case "logins" if form.get("action") == "expire":
                self._logins.expire_all()
                return "All web sessions have ended."
            case "logins":
                self._logins.rotate_csrf()
                return "The CSRF tokens have changed."
            case other:
                raise DeedError("form_unknown", f"There is no form for {other!r}.")

    def _move(self, to: str) -> str:
        world = self._world
        if world.clock.mode == "real":
            raise DeedError("clock_real", "This studio follows the machine's clock, which nobody moves.")
        until = {"next": world.next_at, "hour": world.now.add(hours=1), "day": world.now.add(hours=24)}.get(to)
        if until is None:
            raise DeedError("nothing_ahead", "Nothing is going to happen any more.")
        before, lines = world.now, len(world.ledger.story)
        world.advance_to(until)
        if world.now == before and len(world.ledger.story) == lines and world.end == before:
            raise DeedError("time_ended", "This studio's time has ended.")
        return f"It is {board.when(world, world.now)}."

    def _order_fault(self, form: Mapping[str, str]) -> str:
        order: dict[str, Any] = {
            "match": {"method": form.get("method", "*"), "path": form.get("path", "")},
            "fault": form.get("fault"),
            "commit": "commit" in form,
        }
        for name, kind in (("times", int), ("skip", int), ("status", int), ("seconds", float)):
            try:
                order[name] = kind(form.get(name) or ("1" if name == "times" else "500" if name == "status" else "0"))
            except ValueError:
                raise FaultError(f"{name} must be a number; got {form.get(name)!r}") from None
        self._faults.order(parse_fault(order))
        return f"Under order: {order['fault']}."

    # Pages ------------------------------------------------------------------------------------------------------

    def _home(self, request: Request, *, status: int = 200, **values: Any) -> Response:
        word = request.query_params.get("q", "")[:100]
        return self._page("studio.html", status, board.studio(self._world, self._faults, word), values)

    def _client(self, row: Client, *, status: int = 200, **values: Any) -> Response:
        return self._page("client.html", status, board.client(self._world, row), values)

    def _page(self, name: str, status: int, shown: Mapping[str, Any], more: Mapping[str, Any]) -> Response:
        notice, self._said = self._said, ""
        blank = {"live": False, "fault": "", "typed": {}, "notice": notice}
        values = {**blank, "studio": board.frame(self._world), "token": self._token, **shown, **more}
        text = self._templates.get_template(name).render(values)
        return Response(text, status, media_type="text/html")
