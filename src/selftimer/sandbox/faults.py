"""Faults to order: what the next requests of a kind suffer (delivery.md §7, the chaos campaign's schedule)."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal[
    "status",
    "delay",
    "drop_before",
    "drop_after",
    "html200",
    "half_page",
    "late_apply",
    "broken_record",
    "bad_json",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
ABOUT: dict[Kind, str] = {
    "status": "an error status instead of the answer",
    "delay": "carried out, answered seconds later",
    "drop_before": "the connection closes, nothing done",
    "drop_after": "carried out, and the answer is lost",
    "html200": "a web page instead of the answer",
    "half_page": "carried out; half an answer",
    "late_apply": "no answer; carried out later",
    "broken_record": "one record of a list comes as nonsense",
    "bad_json": "carried out; the answer is no JSON",
}
"""Each kind in a few words, for those who order."""
SHAPES = ("1", "2", "3", "4", "html")


class FaultError(ValueError):
    """An order that can't be understood; the message says which part."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """One order.

    `method` and `path` (a regular expression over the path with its query) choose the requests; of those the first
    `skip` are spared and the next `times` suffer. What the kinds mean:

    - `status`: answered with `status` in `shape` and `headers`; with `commit` it is carried out all the same.
    - `delay`: carried out, and answered `seconds` (real ones) later.
    - `drop_before`, `drop_after`: the connection is closed before, or after, it was carried out.
    - `html200`: a web page with status 200; with `commit` it is carried out all the same.
    - `half_page`: carried out; half of the body, then the connection is closed.
    - `late_apply`: no answer ever; carried out after `seconds` of the sandbox's clock.
    - `broken_record`: carried out; record number `index` of the list gets the fields `record`, or nonsense.
    - `bad_json`: carried out; the body is whole but no JSON.
    """

    fault: Kind
    method: str = "*"
    path: str = ".*"
    times: int = 1
    skip: int = 0
    status: int = 500
    shape: str = "1"
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    commit: bool = False
    index: int = 0
    record: dict[str, Any] | None = None
    hits: int = 0

    def matches(self, method: str, target: str) -> bool:
        """Whether a request is one of those meant."""
        return self.method in {"*", method} and re.search(self.path, target) is not None


def parse_fault(order: Mapping[str, Any]) -> Fault:
    """An order as the control endpoint takes it: `{"match": {"method", "path"}, "times", "skip", "fault", …}`."""
    match = order.get("match") or {}
    if not isinstance(match, dict):
        raise FaultError("match must be an object with method and path")
    plain = {name: value for name, value in order.items() if name != "match"}
    known = {f for f in Fault.__dataclass_fields__ if f not in {"hits", "method", "path"}}
    unknown = sorted((plain.keys() - known) | (match.keys() - {"method", "path"}))
    if unknown:
        raise FaultError(f"unknown: {', '.join(unknown)}; known: match, {', '.join(sorted(known))}")
    if plain.get("fault") not in KINDS:
        raise FaultError(f"fault must be one of {', '.join(KINDS)}")
    if str(plain.get("shape", "1")) not in SHAPES:
        raise FaultError(f"shape must be one of {', '.join(SHAPES)}")
    try:
        re.compile(match.get("path", ""))
    except re.error as error:
        raise FaultError(f"match.path is not a regular expression: {error}") from error
    return Fault(**plain, **match)


class Faults:
    """The orders that stand; the first that fits a request is served."""

    def __init__(self) -> None:
        self.orders: list[Fault] = []

    def order(self, fault: Fault) -> None:
        """Take an order."""
        self.orders.append(fault)

    def clear(self) -> None:
        """Forget all orders."""
        self.orders.clear()

    def take(self, method: str, target: str) -> Fault | None:
        """What this request suffers, if anything; counts it against the order."""
        for fault in self.orders:
            if not fault.matches(method, target):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            fault.hits += 1
            fault.times -= 1
            if fault.times <= 0:
                self.orders.remove(fault)
            return fault
        return None

    def to_json(self) -> list[dict[str, Any]]:
        """The orders that stand."""
        return [asdict(fault) for fault in self.orders]
