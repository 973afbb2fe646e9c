"""Making a workspace, checking one, copying its database."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from selftimer.cli.output import note, print_json, say
from selftimer.cli.problems import show_github, show_sarif, show_text
from selftimer.cli.workspace import load_settings
from selftimer.errors import WorkspaceError

if TYPE_CHECKING:
    from pathlib import Path

    from selftimer.cli.problems import Format

_ENV = """\
# Copy this file to .env (chmod 600 .env) and fill it in. Real environment variables go before it.
SELFTIMER_EMAIL=
SELFTIMER_PASSWORD=
# Instead of e-mail and password: the Cookie header of a browser that is signed in.
# SELFTIMER_COOKIE=
# The mailbox that notes to you are sent from ([notify.email] of selftimer.toml):
# SELFTIMER_NOTIFY__EMAIL__PASSWORD=
# What calls of a webhook are signed with, `whsec_…` ([webhooks.NAME] of selftimer.toml):
# SELFTIMER_WEBHOOKS__NAME__SECRET=
"""
_OWN = {".env.example": _ENV, ".gitignore": ".env\n.selftimer/\n*.log\n"}


def make_workspace(directory: Path) -> int:
    """Copy the starter; `WorkspaceError` where that would overwrite something."""
    from selftimer.simulation.workspace import copy_starter, write_files

    there = [name for name in _OWN if (directory / name).exists()]
    if there:
        raise WorkspaceError(f"{directory} has {', '.join(there)} already; choose an empty folder")
    try:
        copied = copy_starter(directory)
        write_files(directory, _OWN)
    except OSError as error:
        raise WorkspaceError(f"{error.filename or directory} can't be written: {error.strerror}") from error
    say(f"A workspace with {len(copied) + len(_OWN)} files is in {directory}. Next:")
    say("  1. write your studio's name, zone and words to selftimer.toml")
    say("  2. copy .env.example to .env and write the account's e-mail and password to it")
    say(f"  3. selftimer check -w {directory}    and then    selftimer run -w {directory}")
    return 0


def check_workspace(workspace: Path, form: Format) -> int:
    """All problems of the rules; 1 where there are errors among them."""
    from selftimer.rulebook.files import read_workspace
    from selftimer.rulebook.loader import load_workspace

    settings = load_settings(workspace)
    files = read_workspace(settings.workspace)
    loaded = load_workspace(files, settings.facts())
    count = len(loaded.rulebook.rules) if loaded.rulebook else None
    match form:
        case "json":
            print_json({"rules": count, "problems": loaded.problems, "notes": settings.notes()})
        case "github":
            show_github(loaded.problems, settings.workspace)
        case "sarif":
            show_sarif(loaded.problems, settings.workspace)
        case "text":
            show_text(loaded.problems, files)
            for sentence in settings.notes():
                note(f"Note: {sentence}")
            errors, warnings = len(loaded.errors), len(loaded.warnings)
            said = f"{_count(errors, 'error')}, {_count(warnings, 'warning')}"
            say(f"{said}; the rules can't be used" if errors else f"{_count(count or 0, 'rule')} ready; {said}")
        case _:
            assert_never(form)
    return 1 if loaded.errors else 0


def back_up(workspace: Path, target: Path) -> int:
    """A checked copy of the database, named by the minute where `target` is a folder."""
    from whenever import Instant

    from selftimer.store.backup import backup

    settings = load_settings(workspace)
    if target.is_dir():
        now = Instant.now().to_tz(settings.studio.time_zone)
        target /= f"selftimer-{now.date()}-{now.hour:02}{now.minute:02}.db"
    backup(settings.database_path, target)
    say(f"{target} ({target.stat().st_size:,} bytes)")
    return 0


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
