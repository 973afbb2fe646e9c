"""The tokens of a rate limit: in memory for one process, or in a file that all processes of a workspace share.

`selftimer doctor` beside a running service asks the same account, so both draw on one budget.
"""

from __future__ import annotations

import fcntl
import os
import struct
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_STATE = struct.Struct("<8sddd")
_MARK = b"tokens-1"
_NOTHING = 1e-9
"""Less than a token's rounding error."""


class Bucket:
    """So many tokens, refilled at a rate up to a capacity. Times are seconds of a clock's `monotonic`."""

    def __init__(self, rate: float, capacity: float, now: float, *, guest: bool = False) -> None:
        self.rate = rate
        self.capacity = capacity
        self.guest = guest
        """Whether half of the bucket is left to others: who takes what drops in one by one would starve them."""
        self._tokens = capacity
        self._at = now
        self._shut_until = now

    def shut(self, now: float) -> bool:
        """Whether the studio asked to be left alone for a while that isn't over."""
        with self._held(now):
            return now < self._shut_until

    def take(self, tokens: int, now: float) -> float:
        """Take them, or the seconds until that can be tried again; 0 where they were taken.

        More than the bucket holds leaves a debt.
        """
        with self._held(now):
            kept = self.capacity / 2 if self.guest else 0.0
            missing = min(float(tokens) + kept, self.capacity) - self._tokens
            wait = max(self._shut_until - now, missing / self.rate if missing > _NOTHING else 0.0)
            if wait <= 0:
                self._tokens -= tokens
            return max(0.0, wait)

    def give_back(self, tokens: int, now: float) -> None:
        """What was taken and not used."""
        with self._held(now):
            self._tokens = min(self.capacity, self._tokens + tokens)

    def slow_down(self, rate: float, capacity: float, now: float) -> None:
        """Another rate and a smaller capacity from here on."""
        with self._held(now):
            self.rate, self.capacity = rate, capacity

    def at_most(self, tokens: float, now: float) -> None:
        """The studio says how many are left."""
        with self._held(now):
            self._tokens = min(self._tokens, max(0.0, tokens))

    def shut_until(self, until: float, now: float) -> None:
        """The studio wants to be left alone until then."""
        with self._held(now):
            self._shut_until = max(self._shut_until, until)

    def close(self) -> None:
        """Nothing is held open here."""

    @contextmanager
    def _held(self, now: float) -> Iterator[None]:
        self._tokens = min(self.capacity, self._tokens + (now - self._at) * self.rate)
        self._at = now
        yield


class SharedBucket(Bucket):
    """The same in a file: whoever of these processes asks first is served first.

    Its times are of `time.monotonic`, which all processes of a machine share until it is started again; a file of
    before that, or one that can't be understood, counts as a full bucket. Where the file can't be used at all (a full
    disk, a read-only folder) it goes on in memory: a limit that stops the service would be worse than one too many.
    """

    def __init__(self, path: Path, rate: float, capacity: float, now: float, *, guest: bool = False) -> None:
        super().__init__(rate, capacity, now, guest=guest)
        self._file: int | None = None
        with suppress(OSError):
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            file, self._file = self._file, None
            os.close(file)

    @contextmanager
    def _held(self, now: float) -> Iterator[None]:
        file = self._file
        if file is None:
            with super()._held(now):
                yield
            return
        fcntl.flock(file, fcntl.LOCK_EX)  # held for microseconds: no request is made meanwhile
        try:
            self._load(file, now)
            with super()._held(now):
                yield
            self._save(file)
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)

    def _load(self, file: int, now: float) -> None:
        with suppress(OSError, struct.error):
            mark, tokens, at, shut_until = _STATE.unpack(os.pread(file, _STATE.size, 0))
            if mark == _MARK and at <= now:
                self._tokens, self._at, self._shut_until = min(tokens, self.capacity), at, shut_until

    def _save(self, file: int) -> None:
        with suppress(OSError):
            os.pwrite(file, _STATE.pack(_MARK, self._tokens, self._at, self._shut_until), 0)
