"""Rule files that change while the service runs: read, checked, tested, then swapped whole, between two looks.

A file that is broken, or whose tests fail, keeps its last good version, and says so in `selftimer status`, the log and
a note to the owner; nothing stops. What a new rule means for what is there already is the same as after a restart:
nothing (rule-language.md 9).
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
from selftimer.rulebook.files import FOLDERS, TEST_FOLDERS, read_attachments, read_workspace
from selftimer.rulebook.loader import load_workspace
from selftimer.runtime.tried import Tried

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from selftimer.ports import Tx
    from selftimer.rulebook.model import Rulebook
    from selftimer.runtime.tried import Files, TryOut
    from selftimer.wiring import Service

log = structlog.get_logger(__name__)
DEBOUNCE = 250
"""Milliseconds in which an editor's several writes are one change."""
_KEPT = "Until then these files count as they were before; the others are in force."
_ALL_KEPT = "Until then all rules stay as they were."


@dataclass(slots=True)
class Reloader:
    """Keeps a service's rules those of its workspace; `wake` has it look at once, `try_out` runs tests of changes."""

    service: Service
    wake: Callable[[], None] = lambda: None
    try_out: TryOut | None = None
    _good: Files = field(default_factory=dict)
    """The files of the rules in force, each in its last good version; those of their tests too, where they are run."""
    _seen: Files = field(default_factory=dict)
    """The files as they were last read, good or not."""
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._good = self._seen = self._read()

    async def watch(self, stop: asyncio.Event) -> None:
        """Load again whenever a file changes, until `stop` is set.

        Where the system can't watch files, that is said once in the log, and a restart is needed as before.
        """
        self._stop = stop
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
            files = await asyncio.to_thread(self._read)
        except WorkspaceError as error:
            await self._tell([Problem("the workspace", 1, 1, str(error))], _ALL_KEPT)
            return False
        if files == self._seen:
            return False
        errors, used, book = await asyncio.to_thread(self._load, files)
        tried = Tried()
        if book is not None and self.try_out is not None:
            failed, used, book, tried = await self._tried(used, book)
            errors += failed
        if self._stop.is_set():
            return False  # after the start all of it is read anew
        self._seen = files
        await self._tell(errors, _ALL_KEPT if book is None else _KEPT)
        await self._note(tried)
        return book is not None and self._swap(used, book)

    def _read(self) -> Files:
        folders = FOLDERS + (TEST_FOLDERS if self.try_out is not None else ())
        return read_workspace(self.service.settings.workspace, folders)

    def _swap(self, used: Files, book: Rulebook) -> bool:
        changed, self._good = sorted(self._changed(used)), used
        if all(_of_tests(name) for name in changed):
            return False
        self.service.context.next_rules = wiring.ruleset(self.service.settings, book)
        log.info("rules.reloaded", rules=len(book.rules), files=changed)
        self.wake()
        return True

    def _changed(self, files: Files) -> dict[str, bytes | None]:
        """Each file that isn't as it was when it was last good, with how it was."""
        names = files.keys() | self._good.keys()
        return {name: self._good.get(name) for name in names if files.get(name) != self._good.get(name)}

    async def _tried(self, used: Files, book: Rulebook) -> tuple[list[Problem], Files, Rulebook | None, Tried]:
        """What tests say against the files, those that can be used all the same, their rules, what wasn't run.

        What is left of a change without the files that failed is a change too, so it is tried as well.
        """
        problems: list[Problem] = []
        left: Rulebook | None = book
        tried = Tried()
        while left is not None and (changed := self._changed(used)) and any(map(_of_tests, used)):
            tried = await self._run_tests(used, changed)
            if not tried.failed:
                break
            problems += [one.problem for one in tried.failed if one.problem not in problems]
            against = frozenset().union(*(one.files for one in tried.failed)) & changed.keys()
            used = _mended(used, self._good, set(against or changed))
            errors, used, left = await asyncio.to_thread(self._load, used)
            problems += errors
        return problems, used, left, tried

    async def _run_tests(self, used: Files, changed: Mapping[str, bytes | None]) -> Tried:
        """What they come to; the end of the service ends them."""
        assert self.try_out is not None
        trial = asyncio.ensure_future(self.try_out(used, changed))
        end = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({trial, end}, return_when=asyncio.FIRST_COMPLETED)
            return trial.result() if trial.done() else Tried()
        finally:
            for task in (trial, end):
                task.cancel()
            await asyncio.gather(trial, end, return_exceptions=True)

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

    async def _note(self, tried: Tried) -> None:
        """Tell the owner that a change counts although not all of its tests were run."""
        if not tried.untried:
            return
        now = self.service.context.clock.now()
        count = f"{tried.ran} of {tried.wanted} tests were run" if tried.wanted else "no test was run"
        text = f"The change is in force, but {count}: {tried.untried}. Run 'selftimer test' to see whether all is well."
        subject = "A change of the rules counts without all of its tests"
        await self.service.store.write(lambda tx: tx.control.notice(now, subject, text, key=f"untried:{now}"))
        log.warning("rules.untried", ran=tried.ran, wanted=tried.wanted)


def _of_tests(name: str) -> bool:
    return name.rpartition("/")[0] in TEST_FOLDERS


def _mended(files: Mapping[str, bytes], good: Mapping[str, bytes], broken: set[str]) -> Files:
    """The files with each broken one as it was when it was good; a new one that is broken is left out."""
    kept = {name: content for name, content in files.items() if name not in broken}
    return dict(sorted({**kept, **{name: good[name] for name in broken & good.keys()}}.items()))


@asynccontextmanager
async def watching(service: Service, try_out: TryOut | None = None) -> AsyncIterator[None]:
    """The service's rules follow its files while the block runs; for loops that look by themselves."""
    stop = asyncio.Event()
    task = asyncio.create_task(Reloader(service, try_out=try_out).watch(stop), name="reload")
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(task, return_exceptions=True)
