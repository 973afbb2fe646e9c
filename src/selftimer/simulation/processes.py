"""Child processes of the demo: started with a log of their own, always ended, their last words kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import selftimer
from selftimer.errors import SelftimerError
from selftimer.settings.places import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PATIENCE = 10.0
"""Seconds that a child has to end after it was told to."""


class ChildError(SelftimerError):
    """A process of the demo couldn't start or died; the message holds its last lines."""


class Child:
    """One `python -m module` of this installation. A context manager: leaving it ends the process.

    Its standard error goes to `log`. It gets no signal of the terminal, so the parent decides in which order children
    end; its standard input is a pipe that closes when the parent dies, however it dies.
    """

    def __init__(self, module: str, arguments: Sequence[str], log: Path) -> None:
        self.log = log
        self._name = module.rpartition(".")[2]
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as errors:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own modules
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=_environment(),
                start_new_session=True,
            )
        self._lines: list[str] = []
        self._came = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line.decode("utf-8", "replace"))
            self._came.set()
        self._came.set()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """End it."""
        self.end()

    def said(self, *, within: float) -> dict[str, Any]:
        """The first line that it wrote, a JSON object; `ChildError` where none comes in so many seconds."""
        self._came.wait(within)
        if not self._lines:
            raise ChildError(f"the {self._name} said nothing within {within:g} s.{self.last_words()}")
        found: dict[str, Any] = json.loads(self._lines[0])
        return found

    @property
    def running(self) -> bool:
        """Whether it hasn't ended."""
        return self._process.poll() is None

    def ended(self, *, within: float) -> bool:
        """Whether it has ended, waited for at most so many seconds."""
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            return False
        return True

    @property
    def code(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def check(self) -> None:
        """`ChildError` if it ended with another code than 0."""
        code = self.code
        if code not in {None, 0}:
            raise ChildError(f"the {self._name} ended with code {code}.{self.last_words()}")

    def last_words(self, count: int = 8) -> str:
        """The end of its log, to be put behind a sentence."""
        lines = self.log.read_text("utf-8", "replace").splitlines()[-count:] if self.log.exists() else []
        shown = "\n".join(f"  {line[:400]}" for line in lines)
        return f" Its log is {self.log}" + (f":\n{shown}" if shown else ", and it is empty.")

    def end(self) -> None:
        """Tell it to end, and make it end where it doesn't."""
        if self.running:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(PATIENCE)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def _environment() -> Mapping[str, str]:
    """That of this process, without settings of a real studio, and so that the child finds this very installation."""
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith(PREFIX)}
    clean.pop("CREDENTIALS_DIRECTORY", None)
    here = str(Path(selftimer.__file__).parents[1])
    clean["PYTHONPATH"] = os.pathsep.join(part for part in (here, clean.get("PYTHONPATH", "")) if part)
    return clean
