"""What helpers of a desk need of it (`runs.RunDesk`): said here, so that they don't need the desk, which needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from whenever import Instant

    from selftimer.engine.context import Context
    from selftimer.engine.world import TxWorld
    from selftimer.plan.program import Zones
    from selftimer.plan.state import Delivery, Run, Timer
    from selftimer.ports import Tx


class Desk(Protocol):
    """Works on the runs of one transaction at one instant."""

    tx: Tx
    context: Context
    now: Instant
    world: TxWorld
    zones: Zones
    planned: list[tuple[Delivery, bool]]
    begun: list[Run]

    def trace(
        self,
        rule_id: str,
        entry_id: str,
        word: str,
        what: str,
        *,
        run: Run | None = None,
        timer: Timer | None = None,
        detail: dict[str, object] | None = None,
    ) -> None:
        """Leave the path of a decision about a run, or about a moment."""
        ...
