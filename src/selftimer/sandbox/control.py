"""The endpoints under /_sandbox that move the clock, tell what happened and take orders for faults. Loopback only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response
from starlette.routing import Route
from whenever import Instant

from selftimer.sandbox.book.deeds import DeedError
from selftimer.sandbox.drift import DriftError, Drifts, parse_drift
from selftimer.sandbox.faults import FaultError, Faults, parse_fault
from selftimer.sandbox.ledger import stamp
from selftimer.sandbox.page.deeds import act
from selftimer.sandbox.page.guard import asked_here, from_here

if TYPE_CHECKING:
    from starlette.requests import Request

    from selftimer.sandbox.auth import Logins
    from selftimer.sandbox.studio import Studio


class BadOrderError(ValueError):
    """A control request that can't be understood; the message says how to write it."""


@dataclass(frozen=True, slots=True)
class Control:
    """The control endpoints of one sandbox."""

    world: Studio
    logins: Logins
    faults: Faults
    drifts: Drifts

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/_sandbox/clock", self._guarded(self.clock), methods=["POST"]),
            Route("/_sandbox/advance", self._guarded(self.advance), methods=["POST"]),
            Route("/_sandbox/state", self._guarded(self.state), methods=["GET"]),
            Route("/_sandbox/ledger", self._guarded(self.ledger), methods=["GET"]),
            Route("/_sandbox/story", self._guarded(self.story), methods=["GET"]),
            Route("/_sandbox/faults", self._guarded(self.change_faults), methods=["GET", "POST", "DELETE"]),
            Route("/_sandbox/drift", self._guarded(self.change_drift), methods=["GET", "POST", "DELETE"]),
            Route("/_sandbox/logins", self._guarded(self.change_logins), methods=["POST"]),
            Route("/_sandbox/act", self._guarded(self.act), methods=["POST"]),
        ]

    def _guarded(self, endpoint: Any) -> Any:
        async def guarded(request: Request) -> Response:
            if not from_here(request) or not asked_here(request):
                return _json({"error": "The sandbox is controlled from this machine only."}, 403)
            self.world.sync()
            try:
                body = orjson.loads(await request.body() or b"{}")
                if not isinstance(body, dict):
                    raise BadOrderError("send a JSON object")
                return _json(endpoint(request, body))
            except (BadOrderError, DeedError, DriftError, FaultError, orjson.JSONDecodeError) as error:
                return _json({"error": str(error)}, 422)

        return guarded

    def clock(self, _request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Wait: until `due`, or the first whole poll after the world changed."""
        if self.world.clock.mode == "real":
            raise BadOrderError("this sandbox follows the machine's clock; start it with a stepped one to move it")
        every = body.get("poll_every", 300)
        if not isinstance(every, int) or isinstance(every, bool) or every < 1:
            raise BadOrderError("poll_every must be a whole number of seconds, like 300")
        step = self.world.step(due=_instant(body, "due"), poll_every=every, until=_instant(body, "until"))
        return {"now": stamp(step.now), "poll": step.poll, "ended": step.ended}

    def advance(self, _request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Let time pass while nobody looks."""
        if self.world.clock.mode == "real":
            raise BadOrderError("this sandbox follows the machine's clock; start it with a stepped one to move it")
        to = _instant(body, "to")
        if to is None:
            raise BadOrderError("say until when: {'to': '2026-03-04T10:00:00Z'}")
        self.world.advance_to(to)
        return self._state()

    def state(self, _request: Request, _body: dict[str, Any]) -> dict[str, Any]:
        """The clock, and how many records there are."""
        return self._state()

    def _state(self) -> dict[str, Any]:
        world = self.world
        following = world.next_at
        return {
            "now": stamp(world.now),
            "start": stamp(world.start),
            "end": stamp(world.end) if world.end else None,
            "ended": world.end is not None and world.now >= world.end,
            "mode": world.clock.mode,
            "seed": world.seed,
            "version": world.version,
            "next": stamp(following) if following else None,
            "zone": world.profile.zone,
            "account_id": world.profile.account_id,
            "counts": {table.name: len(table) for table in world.tables.all()},
            "ledger_seq": world.ledger.seq,
        }

    def ledger(self, request: Request, _body: dict[str, Any]) -> dict[str, Any]:
        """What the API accepted, and the facts to judge it by; `after` leaves out what was told before."""
        return self.world.ledger.to_json(_after(request))

    def story(self, request: Request, _body: dict[str, Any]) -> dict[str, Any]:
        """The life of the studio, line by line."""
        return {"seq": self.world.ledger.seq, "story": self.world.ledger.story_after(_after(request))}

    def change_faults(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Order a fault, list the orders, or cancel them all."""
        if request.method == "POST":
            self.faults.order(parse_fault(body))
        elif request.method == "DELETE":
            self.faults.clear()
        return {"faults": self.faults.to_json()}

    def act(self, _request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Do something as a client or as the studio: `{"as": "client", "client": "Anna", "deed": "pay"}`."""
        return {"done": act(self.world, body), "now": stamp(self.world.now)}

    def change_drift(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Order a drift, list the orders, or cancel them all."""
        if request.method == "POST":
            self.drifts.order(parse_drift(body))
        elif request.method == "DELETE":
            self.drifts.clear()
        return {"drifts": self.drifts.to_json()}

    def change_logins(self, _request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """End all web sessions, or change their CSRF tokens behind the caller's back."""
        match body.get("action"):
            case "expire":
                self.logins.expire_all()
            case "rotate_csrf":
                self.logins.rotate_csrf()
            case other:
                raise BadOrderError(f"action must be expire or rotate_csrf; got {other!r}")
        return {"done": True}


def _instant(body: dict[str, Any], name: str) -> Instant | None:
    value = body.get(name)
    if value is None:
        return None
    try:
        return Instant.parse_iso(str(value))
    except ValueError as error:
        raise BadOrderError(f"{name} must be an instant like 2026-03-04T10:00:00Z; got {value!r}") from error


def _after(request: Request) -> int:
    text = request.query_params.get("after", "0")
    if not text.isdigit():
        raise BadOrderError("after must be a sequence number")
    return int(text)


def _json(body: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
