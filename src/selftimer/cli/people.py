"""What people may ask for: no more advertising, and to be forgotten."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from selftimer.cli.deciding import give
from selftimer.cli.output import clean, local, note, print_json, print_table
from selftimer.cli.workspace import find_client, load_settings, open_reader
from selftimer.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from selftimer.ports.reader import ClientView, StoreReader

_GONE = "somebody who isn't known here"


def give_suppression(workspace: Path, what: str, who: str | None, *, why: str = "", as_json: bool) -> int:
    """Put a client or an address on the list, or take them off it."""
    if who is None:
        raise ConfigError(f"say whom: selftimer {what} CLIENT, or --list for who is on it")
    with open_reader(load_settings(workspace)) as reader:
        args = _meant(reader, who)
    return give(workspace, [(what, args | ({"why": why} if why else {}), clean(who))], as_json=as_json)


def _meant(reader: StoreReader, who: str) -> dict[str, Any]:
    """A client; or, where none is known by it, an address."""
    if "@" in who and not reader.clients(who, limit=1):
        return {"email": who.strip()}
    return {"client": find_client(reader, who).id}


def show_suppressions(workspace: Path, who: str | None, *, as_json: bool) -> int:
    """Who is on the list: by name where the client is known, since the list itself holds digests only."""
    if who is not None:
        raise ConfigError("--list shows all: leave the client out")
    settings = load_settings(workspace)
    with open_reader(settings) as reader:
        found = reader.suppressed()
    if as_json:
        print_json(found)
        return 0
    rows = [
        (local(one.at, settings.studio.time_zone), _shown(one.client), one.client.id if one.client else "", one.why)
        for one in found
    ]
    print_table(("since", "who", "id", "why"), rows, empty="Nobody: every client may get advertising.")
    return 0


def _shown(client: ClientView | None) -> str:
    return _GONE if client is None else f"{client.name} <{client.email or 'no e-mail'}>"


def give_purge(workspace: Path, who: str, *, yes: bool, as_json: bool) -> int:
    """Forget a client, after asking on a terminal."""
    with open_reader(load_settings(workspace)) as reader:
        client = find_client(reader, who)
    if not yes and not _agreed(client):
        note("Nothing was deleted.")
        return 1
    return give(workspace, [("purge", {"client": client.id}, client.id)], as_json=as_json)


def _agreed(client: ClientView) -> bool:
    if not sys.stdin.isatty():
        raise ConfigError(f"this deletes what is kept about {client.id} for good: say --yes to mean it")
    note(clean(f"This deletes all that Selftimer keeps about {_shown(client)} {client.id}; it can't be undone."))
    if client.gone_at is None:
        note("They are still in the studio: delete them there first, else the next look reads them again.")
    note("Type yes to go on: ")
    return sys.stdin.readline().strip().lower() == "yes"
