"""Orders: to the running service through the database, or carried out here where none runs (delivery.md §5)."""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whenever import Instant

from selftimer.cli.output import clean, console, print_json
from selftimer.cli.workspace import (
    find_client,
    find_delivery,
    load_settings,
    locked,
    log_to_file,
    open_reader,
    running,
)
from selftimer.errors import ConfigError, WorkspaceError
from selftimer.plan.state import DeliveryState, Hold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from selftimer.plan.state import Delivery
    from selftimer.settings import Settings

Order = tuple[str, dict[str, Any], str]
"""What is asked for, its arguments, and what it is about, for people."""
PATIENCE = 5.0
"""Seconds that the service has to carry out an order; it takes one at most when nothing is wrong."""
_LOOK_EVERY = 0.1
_ALL = 100_000
_CALLED = {"all": "everything", "breaker": "the breaker"}
"""What people are told that an order is about; programs get the scope as they gave it."""
_WAITS = "the service has not answered yet; it carries this out as soon as it can (see 'selftimer status')"


def give_approvals(
    workspace: Path,
    ids: Sequence[str],
    *,
    edit: bool,
    text: str | None,
    was_sent: bool,
    send_again: bool,
    as_json: bool,
) -> int:
    """Approve deliveries as they stand in the database now."""
    if was_sent and send_again:
        raise ConfigError("--was-sent and --send-again exclude each other: look into the studio, then say one")
    if (edit or text is not None) and len(ids) != 1:
        raise ConfigError("--edit and --text are for one delivery at a time")
    settings = load_settings(workspace)
    deliveries = _deliveries(settings, ids)
    choice = "sent" if was_sent else "send" if send_again else None
    orders: list[Order] = []
    for delivery in deliveries:
        args = _as_seen(delivery) if choice is None else {"id": delivery.id, "choice": choice}
        words = _edited(delivery) if edit else text
        if words is not None:
            args["text"] = words
        orders.append(("approve", args, delivery.id))
    return _give(settings, orders, as_json=as_json)


def give_all_held(workspace: Path, rule: str, *, alone: bool, as_json: bool) -> int:
    """Approve all of a rule that wait for the owner; caps let them out slowly."""
    if not alone:
        raise ConfigError("--all-held RULE stands alone: it says yes to all that wait, as they are")
    settings = load_settings(workspace)
    with open_reader(settings) as reader:
        held = reader.deliveries(state=DeliveryState.HELD, rule=rule, limit=_ALL)
    waiting = [one for one in reversed(held) if one.hold in {Hold.APPROVAL, Hold.FLOOD}]
    if not waiting:
        raise ConfigError(
            f"nothing of rule {rule!r} waits for you: 'selftimer deliveries --state held' lists what does"
        )
    orders: list[Order] = [("approve", _as_seen(one), one.id) for one in waiting]
    return _give(settings, orders, as_json=as_json)


def _as_seen(delivery: Delivery) -> dict[str, Any]:
    """What an approval says of the words: others than these are refused."""
    return {"id": delivery.id} | ({"seen": delivery.text} if delivery.text is not None else {})


def give_skips(workspace: Path, ids: Sequence[str], *, as_json: bool) -> int:
    """Skip deliveries."""
    settings = load_settings(workspace)
    orders: list[Order] = [("skip", {"id": one.id}, one.id) for one in _deliveries(settings, ids)]
    return _give(settings, orders, as_json=as_json)


def give_pause(workspace: Path, what: str, scope: str, who: str | None, *, why: str = "", as_json: bool) -> int:
    """Pause or resume everything, a rule or a client."""
    whole = scope in {"all", "breaker"}
    if whole == (who is not None):
        raise ConfigError(
            f"say which {scope}: selftimer {what} {scope} …" if not whole else f"'{what} {scope}' takes no name"
        )
    settings = load_settings(workspace)
    ident = who or ""
    if scope == "client" and who is not None:
        with open_reader(settings) as reader:
            ident = find_client(reader, who).id
    args = {"scope": scope, "id": ident} | ({"why": why} if why else {})
    return _give(settings, [(what, args, " ".join(part for part in (scope, ident) if part))], as_json=as_json)


def give(workspace: Path, orders: Sequence[Order], *, as_json: bool) -> int:
    """Have orders carried out; 1 where one was refused or not answered in time."""
    return _give(load_settings(workspace), orders, as_json=as_json)


def _deliveries(settings: Settings, ids: Sequence[str]) -> list[Delivery]:
    if not ids:
        raise ConfigError("say which: 'selftimer deliveries --state held' lists what waits for you")
    with open_reader(settings) as reader:
        return list({one.id: one for one in (find_delivery(reader, text) for text in ids)}.values())


def _edited(delivery: Delivery) -> str:
    """The words after $EDITOR had them; `ConfigError` where nothing is left."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor:
        raise ConfigError("no editor is set: set EDITOR, or give the words with --text")
    with tempfile.TemporaryDirectory(prefix="selftimer-") as folder:  # readable by nobody else
        path = Path(folder) / "message.md"
        path.write_text(delivery.edited_text or delivery.text or "", "utf-8")
        try:
            ended = subprocess.run([*shlex.split(editor), str(path)], check=False)  # noqa: S603 - the user's own editor
        except OSError as error:
            raise ConfigError(f"the editor {editor!r} can't be started: {error.strerror}") from error
        words = path.read_text("utf-8").strip()
    if ended.returncode != 0 or not words:
        raise ConfigError("the editor gave no words back: nothing was approved")
    return words


def _give(settings: Settings, orders: Sequence[Order], *, as_json: bool) -> int:
    if running(settings) is None:
        try:
            with locked(settings):
                results = asyncio.run(_here(settings, orders))
        except WorkspaceError:
            if running(settings) is None:
                raise
            results = asyncio.run(_by_service(settings, orders))  # it has just been started
    else:
        results = asyncio.run(_by_service(settings, orders))
    if as_json:
        print_json([{"about": about, **result} for (_, _, about), result in zip(orders, results, strict=True)])
    else:
        screen = console()
        for (_, _, about), result in zip(orders, results, strict=True):
            style = None if result["ok"] else "bold red"
            screen.print(clean(f"{_CALLED.get(about, about)}: {result['message']}"), style=style, soft_wrap=True)
    return 0 if all(result["ok"] for result in results) else 1


async def _here(settings: Settings, orders: Sequence[Order]) -> list[Mapping[str, Any]]:
    from selftimer.wiring import offline_orders

    log_to_file(settings)
    return list(await offline_orders(settings, [(what, args) for what, args, _ in orders]))


async def _by_service(settings: Settings, orders: Sequence[Order]) -> list[Mapping[str, Any]]:
    """Leave rows for the service that holds the workspace, and wait for what it makes of them."""
    from selftimer.store.engine import Database, connect_engine, library
    from selftimer.store.store import SqlStore
    from selftimer.wiring import STUDIO

    lib = library()  # the service has checked the file; a second check would only take long
    database = Database(connect_engine(settings.database_path, lib), settings.database_path, lib, readers=1)
    store = SqlStore(database, STUDIO)
    try:
        now = Instant.now()
        numbers = await store.write(lambda tx: [tx.control.add_order(now, what, args) for what, args, _ in orders])
        deadline = time.monotonic() + PATIENCE
        while True:
            results = await store.read(lambda tx: [tx.control.order_result(number) for number in numbers])
            if all(result is not None for result in results) or time.monotonic() > deadline:
                return [result or {"ok": False, "waiting": True, "message": _WAITS} for result in results]
            await asyncio.sleep(_LOOK_EVERY)
    finally:
        await store.aclose()
        await database.aclose()
