"""Putting a backup back."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

from whenever import Instant

from selftimer.cli.output import say
from selftimer.cli.workspace import load_settings, locked

if TYPE_CHECKING:
    from pathlib import Path

    from whenever import ZonedDateTime

    from selftimer.ports import Tx


def put_back(workspace: Path, source: Path) -> int:
    """The backup becomes the database, held; `WorkspaceError` while a service runs."""
    from selftimer.store.backup import restore

    settings = load_settings(workspace)
    now = Instant.now()
    path = settings.database_path
    aside = _free_name(path, now.to_tz(settings.studio.time_zone))
    with locked(settings):
        before = path.exists()
        restore(source, path, aside=aside, ready=lambda copy: asyncio.run(_hold(copy, source.name, now)))
    say(f"{source} is the database now" + (f"; the one that was there is {aside}" if before else ""))
    say("At the next start what the send journal knows is merged, and nothing is sent until 'selftimer resume'.")
    return 0


def _free_name(path: Path, here: ZonedDateTime) -> Path:
    """`selftimer-until-2026-03-04-1005.db`, with a number where that is taken."""
    stem = f"{path.stem}-until-{here.date()}-{here.hour:02}{here.minute:02}"
    names = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
    return next(name for name in (path.with_name(f"{one}{path.suffix}") for one in names) if not name.exists())


async def _hold(path: Path, name: str, now: Instant) -> None:
    """Pause all in the copy: a backup has forgotten things, and a person should look before it acts on the rest."""
    from selftimer.ports import Pause
    from selftimer.store.engine import open_database
    from selftimer.store.store import SqlStore
    from selftimer.wiring import STUDIO

    database = open_database(path)
    store = SqlStore(database, STUDIO)

    def hold(tx: Tx) -> None:
        tx.control.put_pause(Pause(scope="all", id="", since=now, why=f"restored from {name}"))
        text = "Nothing is sent until you say `selftimer resume`; look through `selftimer deliveries` first."
        tx.control.notice(now, "The database was put back from a backup", text, key=f"restored:{now}")

    try:
        await store.write(hold)
        await store.compact()  # all of it in the one file that is renamed
    finally:
        await store.aclose()
        await database.aclose()
