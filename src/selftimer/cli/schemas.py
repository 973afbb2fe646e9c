"""`schema`: what editors are told of the files of a workspace."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

from selftimer.cli.output import say
from selftimer.errors import WorkspaceError

if TYPE_CHECKING:
    from pathlib import Path

What = Literal["rules", "automations", "tests"]
FOLDER = ".schemas/"
"""Where a workspace has them; the first line of the starter's files names it."""


def schema_text(what: What) -> str:
    """The JSON Schema of a kind of file."""
    from selftimer.ruletests.jsonschema import FILES

    return json.dumps(FILES[what](), indent=1, ensure_ascii=False) + "\n"


def schema_files() -> dict[str, str]:
    """All of them by their path in a workspace."""
    names: tuple[What, ...] = ("rules", "automations", "tests")
    return {f"{FOLDER}{name}.json": schema_text(name) for name in names}


def print_schema(what: What) -> int:
    """On standard output, for an editor's settings."""
    print(schema_text(what), end="")
    return 0


def write_schemas(workspace: Path) -> int:
    """Into the workspace, over those of an older version."""
    from selftimer.simulation.workspace import write_files

    if not workspace.is_dir():
        raise WorkspaceError(f"{workspace} is not a folder; make a workspace with 'selftimer init {workspace}'")
    files = schema_files()
    try:
        write_files(workspace, files)
    except OSError as error:
        raise WorkspaceError(f"{error.filename or workspace} can't be written: {error.strerror}") from error
    say(f"{', '.join(files)} are of this version")
    return 0
