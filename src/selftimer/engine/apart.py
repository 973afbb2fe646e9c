"""Work on many things in one transaction; one that trips over a fault of ours doesn't take the others with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

import structlog

from selftimer.errors import SelftimerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from whenever import Instant

    from selftimer.engine.context import Context
    from selftimer.ports import Tx

log = structlog.get_logger(__name__)
T = TypeVar("T")
Item_contra = TypeVar("Item_contra", contravariant=True)


class Work(Protocol[Item_contra]):
    """What is done with some of them inside a transaction."""

    def __call__(self, tx: Tx, items: Sequence[Item_contra], /) -> object:
        """Do it."""
        ...


async def together(
    context: Context, items: Sequence[T], work: Work[T], *, named: Callable[[T], str], now: Instant
) -> list[T]:
    """Do it in one transaction; after a fault, each in its own. Those that can't be done are told and returned.

    What the database or the studio refuse is no fault of an item and is raised.
    """
    try:
        await context.store.write(lambda tx: work(tx, items))
    except SelftimerError:
        raise
    except Exception:
        log.exception("batch.failed", count=len(items))
        return [item for item in items if not await _alone(context, item, work, named(item), now)]
    return []


async def _alone(context: Context, item: T, work: Work[T], name: str, now: Instant) -> bool:
    try:
        await context.store.write(lambda tx: work(tx, [item]))
    except SelftimerError:
        raise
    except Exception as error:
        log.exception("item.failed", item=name)
        await tell_fault(context, name, error, now)
        return False
    return True


async def tell_fault(context: Context, name: str, error: Exception, now: Instant) -> None:
    """Tell the owner of a fault of ours, once."""
    what = f"{type(error).__name__}: the log has the whole of it. It is tried again; everything else goes on."
    key = f"fault:{name}:{type(error).__name__}"
    await context.store.write(lambda tx: tx.control.notice(now, f"A fault in Selftimer with {name}", what, key=key))
