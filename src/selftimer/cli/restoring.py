"""Putting a backup back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from whenever import Instant

from selftimer.cli.output import say
from selftimer.cli.workspace import load_settings, locked

if TYPE_CHECKING:
    from pathlib import Path

    from selftimer.ports import Tx


def put_back(workspace: Path, source: Path) -> int:
    """The backup becomes the database, held; `WorkspaceError` while a service runs."""
    from selftimer.store.backup import restore

    settings = load_settings(workspace)
    now = Instant.now()
    here = now.to_tz(settings.studio.time_zone)
    path = settings.database_path
    aside = path.with_name(
        f"{path.stem}-until-{here.date()}-{here.hour:02}{here.minute:02}{here.second:02}{path.suffix}"
    )
    with locked(settings):
        before = path.exists()
        restore(source, path, aside=aside, ready=lambda copy: asyncio.run(_hold(copy, source.name, now)))
    say(f"{source} is the database now" + (f"; the one that was there is {aside}" if before else ""))
    say("At the next start what the send journal knows is merged, and nothing is sent until 'selftimer resume'.")
    return 0


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
