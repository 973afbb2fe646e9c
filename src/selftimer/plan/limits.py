"""Caps in sliding windows: how many effects may reach clients (delivery.md §3). Pure: the counting is the caller's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from selftimer.plan.state import REACHES_CLIENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from whenever import Instant

    from selftimer.plan.policy import Caps
    from selftimer.plan.state import Delivery

HOUR, DAY, WEEK = 3_600, 86_400, 604_800


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """At most `most` effects in `seconds`, of a rule, a client, a purpose, or of all."""

    most: int
    seconds: int
    since: Instant
    what: str
    rule_id: str | None = None
    client_id: str | None = None
    purpose: str | None = None


def windows(delivery: Delivery, caps: Caps, now: Instant, limits: Mapping[str, int]) -> Iterator[Window]:
    """Every window that the delivery has to fit into; none for what no client sees.

    `limits` are the rule's own (`per_hour`, `per_day`): they can only be smaller than the studio's.
    """
    if delivery.verb not in REACHES_CLIENT:
        return
    rule, client = delivery.rule_id, delivery.client_id
    hour, day, week = (now.subtract(seconds=s) for s in (HOUR, DAY, WEEK))
    per_hour = min(caps.rule_per_hour, limits.get("per_hour", caps.rule_per_hour))
    per_day = min(caps.rule_per_day, limits.get("per_day", caps.rule_per_day))
    yield Window(most=per_hour, seconds=HOUR, since=hour, rule_id=rule, what="for this rule in an hour")
    yield Window(most=per_day, seconds=DAY, since=day, rule_id=rule, what="for this rule in a day")
    yield Window(most=caps.studio_per_hour, seconds=HOUR, since=hour, what="in all in an hour")
    yield Window(most=caps.studio_per_day, seconds=DAY, since=day, what="in all in a day")
    if client is None:
        return
    yield Window(most=caps.client_per_day, seconds=DAY, since=day, client_id=client, what="for this client in a day")
    if delivery.purpose == "marketing":
        for most, seconds, since, what in (
            (caps.marketing_per_day, DAY, day, "of marketing for this client in a day"),
            (caps.marketing_per_week, WEEK, week, "of marketing for this client in a week"),
        ):
            yield Window(most=most, seconds=seconds, since=since, client_id=client, purpose="marketing", what=what)
