"""What most commands begin with: settings, the reading side of the database, and finding what was meant."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from selftimer.cli.output import clean
from selftimer.errors import ConfigError, WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from selftimer.plan.state import Delivery, Run
    from selftimer.ports.reader import ClientView, StoreReader
    from selftimer.settings import Settings

T = TypeVar("T")


def load_settings(workspace: Path) -> Settings:
    """The workspace's settings, every mistake at once."""
    from selftimer.settings import Settings

    return Settings.load(workspace)


@contextmanager
def open_reader(settings: Settings) -> Iterator[StoreReader]:
    """Views of the database, also while the service writes it."""
    from selftimer.store.reader import SqlReader
    from selftimer.wiring import STUDIO

    if not settings.database_path.exists():
        raise WorkspaceError(
            f"nothing has been recorded in {settings.workspace} yet: 'selftimer run' or 'selftimer once' begins"
        )
    reader = SqlReader(settings.database_path, STUDIO)
    try:
        yield reader
    finally:
        reader.close()


@contextmanager
def locked(settings: Settings) -> Iterator[None]:
    """The right to change the workspace; `WorkspaceError` naming the process that has it."""
    from selftimer.store.lock import WorkspaceLock

    make_state_folder(settings)
    with WorkspaceLock(settings.state_folder):
        yield


def make_state_folder(settings: Settings) -> None:
    """The folder of the database, for its owner alone where it is made here."""
    folder = settings.state_folder
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise WorkspaceError(f"{folder} can't be made: {error.strerror}; choose another [store] path") from error


def log_to_file(settings: Settings) -> None:
    """The log's lines go to its file alone, if there is one: the command says itself what matters."""
    import io

    from selftimer.log import configure

    configure(settings.log, file=settings.log_file, stream=io.StringIO())


def running(settings: Settings) -> int | None:
    """The process id of the service that works on the workspace (0 where it isn't known), or None."""
    from selftimer.store.lock import locked_by

    return locked_by(settings.state_folder) if settings.state_folder.is_dir() else None


def find_delivery(reader: StoreReader, text: str) -> Delivery:
    """The one delivery whose id begins so; `ConfigError` for none or several."""
    return _one(text, "delivery", "dlv_", reader.find_deliveries, "selftimer deliveries")


def find_run_or_delivery(reader: StoreReader, text: str) -> Run | Delivery:
    """The one run or delivery whose id begins so."""
    found: list[Run | Delivery] = [
        *_begin(text, "run_", reader.find_runs),
        *_begin(text, "dlv_", reader.find_deliveries),
    ]
    if len(found) == 1:
        return found[0]
    raise _not_one(text, "run or delivery", [one.id for one in found], "selftimer runs' or 'selftimer deliveries")


def _begin(text: str, prefix: str, find: Callable[[str], list[T]]) -> list[T]:
    return (find(text) if text.startswith(prefix[: len(text)]) else []) or find(prefix + text)


def _one(text: str, what: str, prefix: str, find: Callable[[str], list[Delivery]], listing: str) -> Delivery:
    found = _begin(text, prefix, find)
    if len(found) == 1:
        return found[0]
    raise _not_one(text, what, [one.id for one in found], listing)


def _not_one(text: str, what: str, ids: list[str], listing: str) -> ConfigError:
    if ids:
        return ConfigError(f"{text!r} can mean several: {', '.join(ids)}; give more of the id")
    return ConfigError(f"there is no {what} that begins with {text!r}; '{listing}' lists them")


def find_client(reader: StoreReader, text: str) -> ClientView:
    """The client meant by an id, an e-mail address or a name; `ConfigError` for none or several."""
    found = reader.clients(text, limit=6)
    for exact in (
        [one for one in found if one.id == text],
        [one for one in found if text.casefold() in {(one.email or "").casefold(), one.name.casefold()}],
        found,
    ):
        if len(exact) == 1:
            return exact[0]
    if not found:
        raise ConfigError(f"there is no client {text!r}; give an id, an e-mail address or a part of the name")
    names = "; ".join(clean(f"{one.name} <{one.email or 'no e-mail'}> {one.id}") for one in found)
    raise ConfigError(f"{text!r} can mean several clients: {names}")


def debugging() -> bool:
    """Whether SELFTIMER_DEBUG asks for tracebacks."""
    return os.environ.get("SELFTIMER_DEBUG", "") not in {"", "0"}
