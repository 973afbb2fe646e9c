"""Making a workspace, checking one, copying its database."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from selftimer.cli.output import clean, local, note, print_json, say
from selftimer.cli.problems import show_github, show_sarif, show_text
from selftimer.cli.workspace import load_settings
from selftimer.errors import StoreError, WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from selftimer.cli.problems import Format
    from selftimer.engine.preview import LookBack
    from selftimer.errors import Problem
    from selftimer.rulebook.model import Rulebook
    from selftimer.ruletests.workspace import Suite
    from selftimer.settings import Settings

SHOWN = 20
"""Runs that `check` lists for a rule that looks back."""
_ENV = """\
# 'selftimer login' asks for these and keeps them; then this file isn't needed. Where nobody can be asked, copy it to
# .env (chmod 600 .env) and fill it in. Real environment variables go before it.
SELFTIMER_EMAIL=
SELFTIMER_PASSWORD=
# Instead of e-mail and password: the Cookie header of a browser that is signed in.
# SELFTIMER_COOKIE=
# The mailbox that notes to you are sent from ([notify.email] of selftimer.toml):
# SELFTIMER_NOTIFY__EMAIL__PASSWORD=
# What calls of a webhook are signed with, `whsec_…` ([webhooks.NAME] of selftimer.toml):
# SELFTIMER_WEBHOOKS__NAME__SECRET=
# What a form of your website has that can't sign (a webhook with `fields`):
# SELFTIMER_WEBHOOKS__NAME__TOKEN=
"""
_OWN = {".env.example": _ENV, ".gitignore": ".env\n.selftimer/\n*.log\n"}


def make_workspace(directory: Path) -> int:
    """Copy the starter; `WorkspaceError` where that would overwrite something."""
    from selftimer.cli.schemas import schema_files
    from selftimer.packs.placing import keep_starter
    from selftimer.simulation.workspace import copy_starter, write_files

    own = {**_OWN, **schema_files()}
    there = [name for name in own if (directory / name).exists()]
    if there:
        raise WorkspaceError(f"{directory} has {', '.join(there)} already; choose an empty folder")
    try:
        copied = copy_starter(directory)
        write_files(directory, own)
        keep_starter(directory)
    except OSError as error:
        raise WorkspaceError(f"{error.filename or directory} can't be written: {error.strerror}") from error
    say(f"A workspace with {len(copied) + len(own)} files is in {directory}. Next:")
    say("  1. write your studio's name, zone and words to selftimer.toml")
    say(f"  2. selftimer login -w {directory}    and then    selftimer doctor -w {directory}")
    say(f"  3. selftimer check -w {directory}    and then    selftimer run -w {directory}")
    say("More rules, with words and tests: 'selftimer new' lists them.")
    return 0


def check_workspace(workspace: Path, form: Format) -> int:
    """All problems of the rules and of their tests; 1 where there are errors among them."""
    from selftimer.rulebook.files import TEST_FOLDERS, read_workspace
    from selftimer.rulebook.loader import load_workspace
    from selftimer.ruletests.workspace import suite_of
    from selftimer.settings import FILE

    settings = load_settings(workspace)
    files = read_workspace(settings.workspace)
    loaded = load_workspace(files, settings.facts())
    count = len(loaded.rulebook.rules) if loaded.rulebook else None
    suite = suite_of(settings, loaded.rulebook) if loaded.rulebook else None
    known = _known(settings, loaded.rulebook)
    problems = [*loaded.problems, *known.problems, *(suite.problems if suite else ())]
    notes = [*settings.notes(), *known.notes]
    match form:
        case "json":
            tests = suite.count() if suite else None
            looks = {"backfill": known.backs} if known.backs else {}
            print_json({"rules": count, "tests": tests, "problems": problems, "notes": notes, **looks})
        case "github":
            show_github(problems, settings.workspace)
        case "sarif":
            show_sarif(problems, settings.workspace)
        case "text":
            own = {FILE: (settings.workspace / FILE).read_bytes()}
            show_text(problems, {**own, **files, **read_workspace(settings.workspace, TEST_FOLDERS)})
            for sentence in notes:
                note(f"Note: {sentence}")
            for back in known.backs:
                _look_back(back, settings.studio.time_zone)
            errors, warnings = len(loaded.errors), len(loaded.warnings) + len(known.problems)
            said = f"{_count(errors, 'error')}, {_count(warnings, 'warning')}"
            say(f"{said}; the rules can't be used" if errors else f"{_count(count or 0, 'rule')} ready; {said}")
            if suite is not None:
                _say_tests(suite)
        case _:
            assert_never(form)
    return 1 if any(problem.severity == "error" for problem in problems) else 0


def _say_tests(suite: Suite) -> None:
    """How many tests there are, and for which rules there are none."""
    count = suite.count()
    without = [rule for rule, tests in count.items() if not tests]
    mistakes = f"; {_count(len(suite.errors), 'error')} in their files" if suite.errors else ""
    tested = ", ".join(f"{rule} {tests}" for rule, tests in count.items() if tests)
    say(f"{_count(len(suite.tests), 'test')}{mistakes}" + (f": {tested}" if tested else ""))
    if without and suite.tests:
        say(f"without a test: {', '.join(without)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the database adds to what the files say."""

    problems: Sequence[Problem] = ()
    backs: Sequence[LookBack] = ()
    """What rules of the files are going to begin of what was before them."""
    notes: Sequence[str] = ()


def _known(settings: Settings, book: Rulebook | None) -> _Known:
    """Nothing, where no service has run yet; one that runs isn't disturbed."""
    if book is None or not settings.database_path.exists():
        return _Known()
    from selftimer.cli.foreseen import foreseen
    from selftimer.cli.planning import present
    from selftimer.wiring import preview_backfill

    try:
        now = present(settings)
        backs = any(rule.backfill for rule in book.rules.values())
        return _Known(
            problems=foreseen(settings, book, now),
            backs=asyncio.run(preview_backfill(settings, book, now)) if backs else (),
        )
    except StoreError as error:  # the files can be checked all the same
        return _Known(notes=[f"the rules weren't held against your studio's records: {error}"])


def _look_back(back: LookBack, zone: str) -> None:
    """What a rule would begin for the time before it: shown before it does."""
    held = "; they are more than go out unasked, so their messages wait for your yes" if back.held else ""
    what = _count(len(back.beginnings), "run")
    note(f"Rule {back.rule_id} looks back {back.span} when the service runs, and would begin {what}{held}")
    for one in back.beginnings[:SHOWN]:
        note(clean(f"  {one.client or one.client_id}: {one.what}, {local(one.at, zone)}"))
    if len(back.beginnings) > SHOWN:
        note(f"  and {len(back.beginnings) - SHOWN} more")


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
