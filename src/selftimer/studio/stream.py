"""A list that is read while it is walked through: a few pages ahead, in order, and never an id twice."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import structlog
from pydantic import ValidationError

from selftimer.errors import Drifted
from selftimer.studio.models.base import Entry
from selftimer.studio.wire import shape_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
    from types import TracebackType

    from selftimer.studio.pages import Sheet

T = TypeVar("T", bound=Entry)
PAGES_AT_ONCE = 4
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """An entry of a list that can't be understood: kept as it came, with the reason. `id` is "" where it has none."""

    kind: str
    id: str
    reason: str
    raw: object


class Stream(Generic[T]):
    """A list, newest first as the API has it: `async for`, or `await` for all of it as a tuple.

    Page one is read first; then `at_once` pages at most are under way or waiting, whatever the list's length. Records
    that move to a later page while it is read aren't seen twice; one that moves to an earlier page can be missed:
    `torn` tells that the list changed. What can't be understood is in `unreadable` and in the log. Leaving early stops
    what is under way, at once by `aclose` or `async with`. A page that can't be had is raised where its turn comes.
    """

    def __init__(
        self,
        fetch: Callable[[int], Awaitable[Sheet]],
        model: Callable[[object], type[T]],
        kind: str,
        at_once: int = PAGES_AT_ONCE,
    ) -> None:
        self.total: int | None = None
        """How many there are, as the list's first page says; None before that, or where it doesn't."""
        self.torn = False
        """Whether the list changed while it was read."""
        self.unreadable: list[SetAside] = []
        self._fetch = fetch
        self._model = model
        self._kind = kind
        self._at_once = max(1, at_once)
        self._seen: set[str] = set()
        self._ended = False
        self._items = self._walk()

    def __aiter__(self) -> Stream[T]:
        return self

    async def __anext__(self) -> T:
        return await anext(self._items)

    def __await__(self) -> Generator[Any, None, tuple[T, ...]]:
        return self._all().__await__()

    async def __aenter__(self) -> Stream[T]:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop, and cancel the requests that are under way."""
        await self._items.aclose()

    async def _all(self) -> tuple[T, ...]:
        if self._ended:
            raise RuntimeError("this list was read to its end already: ask for it again")
        return tuple([item async for item in self])

    async def _walk(self) -> AsyncGenerator[T, None]:
        ahead: deque[asyncio.Task[Sheet]] = deque()
        try:
            sheet = await self._fetch(1)
            self.total = sheet.total
            for item in self._fresh(sheet):
                yield item
            number, last_known = 1, sheet.pages
            while not sheet.last or (sheet.entries and not sheet.told):
                # A list that doesn't tell its length is read page by page: pages that aren't there are not asked for.
                until = max(last_known, number + len(ahead) + (not ahead))
                while len(ahead) < self._at_once and number + len(ahead) < until:
                    ahead.append(asyncio.ensure_future(self._fetch(number + len(ahead) + 1)))
                before, sheet = sheet, await ahead.popleft()
                number += 1
                self.torn = self.torn or sheet.total not in {None, self.total}
                if sheet.entries == before.entries:  # a server that takes no notice of the page
                    self.torn = self.torn or sheet.told
                    return
                for item in self._fresh(sheet):
                    yield item
        finally:
            self._ended = True
            for task in ahead:
                task.cancel()
            await asyncio.gather(*ahead, return_exceptions=True)

    def _fresh(self, sheet: Sheet) -> list[T]:
        """The entries that weren't seen yet; what can't be understood is set aside."""
        found: list[T] = []
        for entry in sheet.entries:
            known = _id_of(entry)
            if known and known in self._seen:
                self.torn = True
                continue
            if known:
                self._seen.add(known)
            item = self._understood(entry, known)
            if item is not None:
                found.append(item)
        return found

    def _understood(self, entry: object, known: str) -> T | None:
        try:
            return self._model(entry).model_validate(entry)
        except ValidationError as error:
            reason, shape = shape_of(self._kind, error)
        self.unreadable.append(SetAside(kind=self._kind, id=known, reason=reason, raw=entry))
        _log.warning("record.unreadable", list=self._kind, record=known, shape=shape)
        return None


def understood(model: type[T], data: object, request: str, *, written: bool = False) -> T:
    """One answer's object as its model; `Drifted` where it can't be, which after a write means that it was applied."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        reason, _ = shape_of(model.__name__.lower(), error)
        said = "the studio took it, but its answer" if written else "the studio's answer"
        raise Drifted(f"{said} can't be understood: {reason}", request=request) from error


def _id_of(entry: object) -> str:
    found = entry.get("id") if isinstance(entry, dict) else None
    return str(found) if isinstance(found, (str, int)) and not isinstance(found, bool) else ""
