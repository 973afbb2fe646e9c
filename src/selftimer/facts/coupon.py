"""A coupon that a step of a run made: what later steps can say of it. It is no record that is read and kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from whenever import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupon:
    """As it was asked for; `discount` is in the studio's words (`10%`, `€20.00`)."""

    code: str
    discount: str
    uses: int
    expires_at: Instant | None = None
