"""Starts services fast: imports everything once, then forks a process for each start. `python -m …support_fork`.

An order is a line of JSON on standard input; the answers are `{"pid": …}` at once and `{"ended": …}` when the process
is over (negative: by a signal). Each service is a process of its own with its own files, sockets and database handles;
only the two seconds of imports are shared, so that fifty starts fit into a test.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import traceback
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from selftimer.settings import Settings
from selftimer.simulation.service_process import work
from selftimer.simulation.workspace import copy_starter, point_to
from selftimer.store.lock import WorkspaceLock
from selftimer.wiring import CRASH_VARIABLE, load_rules


def serve(order: dict[str, Any]) -> None:
    """Be the service of one start, as `service_process` is."""
    settings = Settings.load(Path(order["workspace"]))
    if order["crash_at"]:
        os.environ[CRASH_VARIABLE] = order["crash_at"]
    settings.state_folder.mkdir(mode=0o700, exist_ok=True)
    with WorkspaceLock(settings.state_folder):
        asyncio.run(work(settings, order["url"], seed=order["seed"], speed=0.0))


def forked(order: dict[str, Any]) -> int:
    """Fork the service; its standard input ends when this process does, which ends the service."""
    alive, held = os.pipe()
    pid = os.fork()
    if pid:
        os.close(alive)
        answer({"pid": pid})
        _, status = os.waitpid(pid, 0)
        os.close(held)
        return os.waitstatus_to_exitcode(status)
    try:
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.close(held)
        for number, file in enumerate((alive, log, log)):
            os.dup2(file, number)
        serve(order)
    except Exception:  # noqa: BLE001 - whatever it is, this process must end here and not go on as its parent
        os.write(2, traceback.format_exc().encode())
        os._exit(1)
    os._exit(0)


def answer(said: dict[str, Any]) -> None:
    os.write(1, json.dumps(said).encode() + b"\n")


def warm() -> None:
    """Load what is imported only when it is needed, without a thread or a connection that a fork would share."""
    with TemporaryDirectory() as folder:
        copy_starter(Path(folder))
        point_to(Path(folder), "http://127.0.0.1:9", email="nobody@example.com", password="none")
        settings = Settings.load(Path(folder))
        load_rules(settings)
        settings.policy()
    for module in ("selftimer.store.tx", "sqlalchemy.dialects.sqlite", "pysqlite3.dbapi2", "httpcore", "anyio"):
        with contextlib.suppress(ImportError):
            import_module(module)
    sa.create_engine("sqlite://")


def main() -> None:
    warm()
    answer({"ready": True})
    for line in sys.stdin:
        answer({"ended": forked(json.loads(line))})


if __name__ == "__main__":
    main()
