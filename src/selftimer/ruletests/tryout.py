"""The tests of changed rule files, run in a process of their own: see `trial.py` for what it does.

A child, since what runs tests (a studio, its clock, a second service) would make the service a third larger for good,
and since a test must neither hold up the service's loop nor reach its log. Importing this module loads none of that.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from selftimer.errors import Problem
from selftimer.runtime.tried import Failed, Tried

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from selftimer.runtime.tried import Files

SECONDS = 20.0
"""How long the tests of one change may take; what wasn't run by then is told as not run."""
_LINE = 4 * 1024 * 1024
"""Bytes of one line that the child may write."""
COMMAND = (sys.executable, "-P", "-m", "selftimer.ruletests.trial")


@dataclass(slots=True)
class _Told:
    """What the child has said so far."""

    wanted: int = 0
    ran: int = 0
    failed: list[Failed] = field(default_factory=list)
    trouble: str = ""
    whole: bool = False

    def take(self, said: dict[str, Any]) -> None:
        match said:
            case {"wanted": int(wanted)}:
                self.wanted = wanted
            case {"trouble": str(trouble)}:
                self.trouble = trouble
            case {"end": True}:
                self.whole = True
            case {"failed": {"problem": dict(problem), "files": list(files)}}:
                self.failed.append(Failed(problem=Problem(**problem), files=frozenset(files)))
        self.ran += said.get("ran", 0)

    def tried(self, *, late: bool, seconds: float) -> Tried:
        why = self.trouble
        if late:
            why = f"they took longer than {seconds:.0f} seconds"
        elif not why and not self.whole:
            why = "the process that runs them ended by itself"
        return Tried(failed=tuple(self.failed), ran=self.ran, wanted=self.wanted, untried=why)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildTryOut:
    """Runs the tests of a workspace's changed files in a child process. A `TryOut`."""

    workspace: Path
    seconds: float = SECONDS
    command: tuple[str, ...] = COMMAND

    async def __call__(self, files: Files, changed: Mapping[str, bytes | None]) -> Tried:
        """Never raises, but where it is cancelled; the child ends with it in any case."""
        told = _Told()
        try:
            child = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                limit=_LINE,
                start_new_session=True,
            )
        except OSError as error:
            return Tried(untried=f"no process could be started for them ({error.strerror})")
        late = False
        try:
            async with asyncio.timeout(self.seconds):
                await _converse(child, _request(self.workspace, files, changed), told)
        except TimeoutError:
            late = True
        finally:
            await _end(child)
        return told.tried(late=late, seconds=self.seconds)


def _request(workspace: Path, files: Files, changed: Mapping[str, bytes | None]) -> bytes:
    said = {
        "workspace": str(workspace),
        "files": {name: _text(content) for name, content in files.items()},
        "changed": {name: None if before is None else _text(before) for name, before in changed.items()},
    }
    return json.dumps(said).encode()


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


async def _converse(child: asyncio.subprocess.Process, request: bytes, told: _Told) -> None:
    assert child.stdin is not None
    assert child.stdout is not None
    with suppress(BrokenPipeError, ConnectionResetError):  # it died: what it said tells how far it came
        child.stdin.write(request)
        await child.stdin.drain()
        child.stdin.close()
    async for line in child.stdout:
        told.take(json.loads(line))
    await child.wait()


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    await child.wait()
