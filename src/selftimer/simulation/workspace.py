"""A workspace for a simulated studio: the starter's files, and how to reach the sandbox."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import selftimer
from selftimer.errors import WorkspaceError
from selftimer.settings import FILE

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDERS = ("rules", "automations")


def starter_folder() -> Path:
    """Where the starter workspace is: inside the installed package, or at the root of a checkout."""
    package = Path(selftimer.__file__).parent
    for folder in (package / "starter", *package.parents[1:2]):
        if (folder / FILE).is_file() and (folder / "rules").is_dir():
            return folder
    raise WorkspaceError(
        "this installation lacks the starter workspace (rules, automations, selftimer.toml); install it again"
    )


def copy_starter(target: Path) -> list[Path]:
    """Copy the starter workspace into `target`, made if need be; the files that came, relative to it.

    `WorkspaceError` where one of them is there already: nothing of anybody's is overwritten.
    """
    source = starter_folder()
    files = [source / FILE]
    for name in FOLDERS:
        files += sorted(path for path in (source / name).rglob("*") if path.is_file())
    wanted = [path.relative_to(source) for path in files]
    there = [str(path) for path in wanted if (target / path).exists()]
    if there:
        raise WorkspaceError(f"{target} has {', '.join(there)} already; choose an empty folder")
    for path in wanted:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / path, target / path)
    return wanted


def write_files(target: Path, files: Mapping[str, str]) -> None:
    """Write texts below `target`, by their relative paths."""
    for name, text in files.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def point_to(target: Path, origin: str, *, email: str, password: str, account_id: str | None = None) -> None:
    """Write the `.env` that makes a workspace talk to the sandbox at `origin`, readable by its owner only."""
    lines = [
        f"SELFTIMER_ACCOUNT__URL={origin}",
        f"SELFTIMER_EMAIL={email}",
        f"SELFTIMER_PASSWORD={password}",
    ]
    if account_id:
        lines.append(f"SELFTIMER_ACCOUNT__ACCOUNT_ID={account_id}")
    path = target / ".env"
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n", "utf-8")
