"""Rule files that change while the service runs: read, checked, then swapped whole, between two looks at the studio.

A broken file keeps its last good version, and says so in `selftimer status`, the log and a note to the owner; nothing
stops. What a new rule means for what is there already is the same as after a restart: nothing (rule-language.md 9).
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog
from watchfiles import awatch

from selftimer import wiring
from selftimer.errors import Problem, WorkspaceError
from selftimer.ports import DEGRADED
from selftimer.rulebook.files import FOLDERS, read_attachments, read_workspace
from selftimer.rulebook.loader import load_workspace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from selftimer.ports import Tx
    from selftimer.rulebook.model import Rulebook
    from selftimer.wiring import Service

log = structlog.get_logger(__name__)
DEBOUNCE = 250
"""Milliseconds in which an editor's several writes are one change."""
Files = dict[str, bytes]


@dataclass(slots=True)
class Reloader:
    """Keeps a service's rules those of its workspace; `wake` has it look at once."""

    service: Service
    wake: Callable[[], None] = lambda: None
    _good: Files = field(default_factory=dict)
    """The files of the rules in force, each in its last good version."""
    _seen: Files = field(default_factory=dict)
    """The files as they were last read, good or not."""

    def __post_init__(self) -> None:
        self._good = self._seen = read_workspace(self.service.settings.workspace)

    async def watch(self, stop: asyncio.Event) -> None:
        """Load again whenever a file changes, until `stop` is set.

        Where the system can't watch files, that is said once in the log, and a restart is needed as before.
        """
        await self._tell([], "")  # what was wrong before the start would have kept it from starting
        workspace = self.service.settings.workspace
        folders = [workspace / name for name in FOLDERS if "/" not in name and (workspace / name).is_dir()]
        try:
            async for _changes in awatch(*folders, stop_event=stop, debounce=DEBOUNCE, step=50):
                await self._reload()
        except OSError as error:
            log.warning("rules.unwatched", error=type(error).__name__, errno=error.errno)

    async def _reload(self) -> None:
        try:
            await self.reload()
        except Exception:
            log.exception("rules.unreadable")  # a fault of ours: the rules in force stay

    async def reload(self) -> bool:
        """Read the files; whether other rules than before will be in force. A fault in them is told, never raised."""
        try:
            files = await asyncio.to_thread(read_workspace, self.service.settings.workspace)
        except WorkspaceError as error:
            await self._tell([Problem("the workspace", 1, 1, str(error))], "Until then all rules stay as they were.")
            return False
        if files == self._seen:
            return False
        self._seen = files
        errors, used, book = await asyncio.to_thread(self._load, files)
        if book is None:
            await self._tell(errors, "Until then all rules stay as they were.")
            return False
        await self._tell(errors, "Until then these files count as they were before; the others are in force.")
        if used == self._good:
            return False
        changed = sorted(name for name in used.keys() | self._good.keys() if used.get(name) != self._good.get(name))
        self._good = used
        self.service.context.next_rules = wiring.ruleset(self.service.settings, book)
        log.info("rules.reloaded", rules=len(book.rules), files=changed)
        self.wake()
        return True

    def _load(self, files: Files) -> tuple[list[Problem], Files, Rulebook | None]:
        """What is wrong with the files, those that can be used, and their rules; None where none of the new can."""
        facts = self.service.settings.facts()
        attachments = read_attachments(self.service.settings.workspace)
        result = load_workspace(files, facts, attachments)
        errors = list(result.errors)
        if result.rulebook is not None:
            return errors, files, result.rulebook
        mended = _mended(files, self._good, {problem.file for problem in errors})
        return errors, mended, load_workspace(mended, facts, attachments).rulebook

    async def _tell(self, errors: list[Problem], what: str) -> None:
        """Write down what is wrong, for `selftimer status`, and tell the owner once; nothing wrong is told too."""
        now = self.service.context.clock.now()
        said = [str(problem) for problem in errors]

        def put(tx: Tx) -> bool:
            before = tx.control.get(DEGRADED) or []
            if before == said:
                return False
            tx.control.put(DEGRADED, said)
            if said:
                subject, text = "A change of the rules can't be used", "\n".join([*said, what])
            else:
                subject, text = "The rules are in order again", "All files are in force."
            tx.control.notice(now, subject, text, key=f"rules:{now}:{'; '.join(said)}")
            return True

        if await self.service.store.write(put):
            for problem in errors:
                log.error("rules.refused", file=problem.file, line=problem.line, problem=problem.message)


def _mended(files: Mapping[str, bytes], good: Mapping[str, bytes], broken: set[str]) -> Files:
    """The files with each broken one as it was when it was good; a new one that is broken is left out."""
    kept = {name: content for name, content in files.items() if name not in broken}
    return dict(sorted({**kept, **{name: good[name] for name in broken & good.keys()}}.items()))


@asynccontextmanager
async def watching(service: Service) -> AsyncIterator[None]:
    """The service's rules follow its files while the block runs; for loops that look by themselves."""
    stop = asyncio.Event()
    task = asyncio.create_task(Reloader(service).watch(stop), name="reload")
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(task, return_exceptions=True)
