"""The outside of the small model: a studio (or a webhook's receiver) that does one of few things to each POST.

What it says is classified by the product's own code: answers by `studio.answers` and `channels.outcome`, webhooks by
their channel. So the model's outcomes can't drift from what the service makes of the same answers.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from whenever import Instant

from selftimer.channels.outcome import outcome_of
from selftimer.channels.outgoing import Caller, CallFailed, Reply, Target
from selftimer.channels.webhooks import Hook, WebhookChannel
from selftimer.errors import StudioError
from selftimer.plan.attempt import NotSent, Outcome, Sent, settle_window
from selftimer.plan.policy import Policy
from selftimer.plan.state import Delivery, DeliveryState, Verb
from selftimer.primitives.clock import VirtualClock
from selftimer.studio.answers import Answer, Lost, judge_write, lost_write

if TYPE_CHECKING:
    from collections.abc import Mapping

T0 = Instant.from_utc(2026, 3, 2, 9)
POLICY = Policy(zone="Europe/Berlin")


@dataclass(frozen=True, slots=True)
class Deed:
    """What becomes of one POST: `applies` seconds after it left (None: never), and what is heard of it."""

    name: str
    heard: str
    takes: int
    """Seconds until the answer, or until waiting for one ends."""
    applies: int | None = None


LATE_BY = (0.5, 1.0, 1.25, 1.75, 10.0)
"""When a late one applies, in settle windows after the POST; those over 1 are beyond the promise."""
LAGS = (0.0, 0.25, 0.75)
"""How old a read is, in settle windows."""


@cache
def deeds(verb: Verb) -> tuple[Deed, ...]:
    """The eight outcomes, the late one with each of its delays."""
    window = window_of(verb)
    return (
        Deed("applied, 201", "ok", 1, 0),
        Deed("applied, 201 with a broken body", "broken", 1, 0),
        Deed("applied, no answer", "timeout", 30, 0),
        Deed("applied, 500", "error", 1, 0),
        Deed("refused, 422", "refused", 1),
        Deed("not applied, 500", "error", 1),
        Deed("dropped before its body left", "unsent", 1),
        *(Deed(f"applied {by:g} windows later, no answer", "timeout", 30, round(by * window)) for by in LATE_BY),
    )


def effect(verb: Verb) -> Delivery:
    """An effect that is ready and due."""
    return Delivery(
        id="d",
        key="studio|rule|ses_1|2026-03-02|step",
        run_id="r",
        rule_id="rule",
        rule_version="v1",
        entry_id="",
        step_id="step",
        verb=verb,
        purpose="service",
        client_id="cl_1",
        subject_kind=None,
        subject_id="",
        occurrence="2026-03-02",
        state=DeliveryState.READY,
        planned_at=T0,
        due_at=T0,
        allowed_at=T0,
        late_until=T0.add(hours=2 if verb is Verb.WEBHOOK else 24),  # a receiver that is down is tried until then
        body={"webhook": "hook"} if verb is Verb.WEBHOOK else None,
    )


@cache
def window_of(verb: Verb) -> int:
    """The settle window of a verb, in seconds."""
    return settle_window(effect(verb), POLICY)


# --- what is made of what is heard -----------------------------------------------------------------------------------


@cache
def outcomes(verb: Verb) -> Mapping[str, Outcome]:
    """What the product makes of each answer."""
    heard = ("ok", "broken", "timeout", "error", "refused", "unsent")
    if verb is Verb.WEBHOOK:
        return {name: asyncio.run(_called(name)) for name in heard}
    return {name: _judged(name) for name in heard}


def _judged(heard: str) -> Outcome:
    """As a channel does: `send`, and the studio's errors as outcomes."""
    label = "POST /x"
    refusal = b'{"error": {"code": "validation_failed", "message": "No.", "details": {}}}'
    try:
        match heard:
            case "broken":
                raise lost_write(Lost("cut", request=label, status=201))
            case "timeout":
                raise lost_write(Lost("late", request=label, kind="timeout"))
            case "unsent":
                raise lost_write(Lost("no connection", request=label, before_body=True))
            case "error":
                judge_write(_answer(500, b"{}"), T0)
            case "refused":
                judge_write(_answer(422, refusal), T0)
            case _:
                judge_write(_answer(201, b'{"data": {"id": "x"}}'), T0)
    except StudioError as error:
        return outcome_of(error)
    return Sent(result_id="x")


def _answer(status: int, body: bytes) -> Answer:
    return Answer(status=status, headers={"content-type": "application/json"}, body=body, request="POST /x")


class _Scripted(Caller):
    """A receiver that says one thing."""

    def __init__(self, heard: str) -> None:
        super().__init__()
        self._heard = heard

    async def post(self, target: Target, headers: Mapping[str, str], content: bytes) -> Reply:  # noqa: ARG002 - as in Caller
        """One call."""
        status = {"ok": 201, "broken": 201, "error": 500, "refused": 422}.get(self._heard)
        if status is None:
            raise CallFailed("no answer")
        return Reply(status=status)


async def _called(heard: str) -> Outcome:
    hooks = {"hook": Hook(target=Target(url="https://hook.example"), key=b"k" * 24)}
    return await WebhookChannel(hooks, VirtualClock(T0), _Scripted(heard)).deliver(effect(Verb.WEBHOOK))


# --- what the other side keeps ---------------------------------------------------------------------------------------

KNOWN_BY_NAME = frozenset({Verb.COUPON, Verb.UPDATE, Verb.WEBHOOK})
"""What can't be there twice: by its code, being the same values, by its `webhook-id`."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What was applied, from when on; and how old a read is (seconds)."""

    verb: Verb
    lag: int
    made: tuple[Instant, ...] = ()

    def read(self, now: Instant) -> tuple[str, ...]:
        """The ids that a read shows."""
        until = now.subtract(seconds=self.lag)
        return tuple(f"x{place}" for place, at in enumerate(self.made) if at <= until)

    def post(self, deed: Deed, now: Instant) -> tuple[Outside, Outcome]:
        """What it is after that POST, and what its sender hears."""
        outcome = outcomes(self.verb)[deed.heard]
        taken = self.verb is Verb.COUPON and any(at <= now for at in self.made)
        if taken and deed.applies is not None and deed.heard == "ok":
            # 409: the channel looks for the code, and takes a coupon with our values for ours
            found = self.read(now)
            return self, Sent(result_id=found[0]) if found else NotSent(reason="taken", permanent=True)
        if deed.applies is None:
            return self, outcome
        at = now.add(seconds=deed.applies)
        made = (min((at, *self.made)),) if self.verb in KNOWN_BY_NAME else (*self.made, at)
        named = replace(outcome, result_id=f"x{len(made) - 1}") if isinstance(outcome, Sent) else outcome
        return Outside(self.verb, self.lag, made), named
