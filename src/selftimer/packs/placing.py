"""Putting a pack into a workspace: what it would write, whether the workspace can be used then, and writing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from selftimer.errors import ConfigError, Problem, RuleFileError, WorkspaceError
from selftimer.packs.catalogue import STARTER, of_catalogue
from selftimer.packs.filling import fill
from selftimer.packs.record import FOLDER, Record, digest, files_of, records
from selftimer.rulebook.files import FILES, FOLDERS, TEST_FOLDERS, read_attachments, read_workspace
from selftimer.rulebook.loader import load_workspace
from selftimer.ruletests.reading import read_tests

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from selftimer.packs.model import Pack, Value
    from selftimer.rulebook.model import Rule, Rulebook
    from selftimer.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A pack as it would stand in a workspace.

    `files` are all of its files, filled in; `new` are the paths that aren't there yet: those that are stand there word
    for word. `book` is the workspace with them; `warnings` are those of the pack's own files.
    """

    pack: Pack
    files: Mapping[str, bytes]
    new: tuple[str, ...]
    record: Record
    book: Rulebook
    warnings: tuple[Problem, ...]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that stand in the pack's files."""
        return tuple(rule for rule in self.book.rules.values() if rule.where.file in self.files)


def place(settings: Settings, pack: Pack, answers: Mapping[str, Value]) -> Placement:
    """What would be written; nothing is.

    `WorkspaceError` where files are in the way, `RuleFileError` where the workspace couldn't be used with them.
    """
    workspace = settings.workspace
    if pack.name in records(workspace):
        raise ConfigError(f"{pack.name} is here already; 'selftimer diff-pack {pack.name}' shows what is new in it")
    files = fill(pack.files, answers)
    there = [name for name in files if (workspace / name).exists() or (workspace / name).is_symlink()]
    others = [name for name in there if not _same(workspace / name, files[name])]
    if others:
        raise WorkspaceError(
            f"{', '.join(others)} {'is' if len(others) == 1 else 'are'} here already with other content, and nothing "
            "of yours is overwritten; rename yours, or take what you need by 'selftimer new --show'"
        )
    book, warnings = _judged(settings, pack, files)
    return Placement(
        pack=pack,
        files=files,
        new=tuple(name for name in files if name not in there),
        record=record_of(pack, answers, files),
        book=book,
        warnings=warnings,
    )


def record_of(pack: Pack, answers: Mapping[str, Value], files: Mapping[str, bytes]) -> Record:
    """What a workspace notes of a pack with these answers."""
    return Record(
        name=pack.name,
        version=pack.version,
        origin=pack.origin,
        answers={name: str(value) for name, value in answers.items()},
        digests={name: digest(content) for name, content in files.items()},
    )


def write(workspace: Path, placement: Placement) -> None:
    """Write what isn't there, words before rules, so that a running service never meets a rule without its words.

    Nothing is overwritten. Where one can't be written, those before it are taken away again.
    """
    kept = files_of(placement.record, placement.files)
    order = sorted(placement.new, key=lambda name: (name.startswith("rules/"), name.startswith("rules/tests/"), name))
    done: list[Path] = []
    try:
        for name, content in [*kept.items(), *((name, placement.files[name]) for name in order)]:
            path = workspace / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.parent.resolve().is_relative_to(workspace.resolve()):
                raise WorkspaceError(f"{path.parent} is a link that leads out of the workspace")
            if name.startswith(f"{FOLDER}/{placement.pack.name}/"):
                path.unlink(missing_ok=True)  # of a pack that was forgotten
            with path.open("xb") as file:
                done.append(path)
                file.write(content)
    except (OSError, WorkspaceError) as error:
        for path in done:
            path.unlink(missing_ok=True)
        if isinstance(error, WorkspaceError):
            raise
        raise WorkspaceError(f"{error.filename or workspace} can't be written: {error.strerror}") from error


def keep(workspace: Path, record: Record, written: Mapping[str, bytes]) -> None:
    """Note a pack whose files stand in the workspace already, or a newer version of one."""
    try:
        for name, content in files_of(record, written).items():
            path = workspace / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        raise WorkspaceError(f"{error.filename or workspace} can't be written: {error.strerror}") from error


def keep_starter(workspace: Path) -> None:
    """Note the packs that the starter is made of, where it has just been copied."""
    for name in STARTER:
        pack = of_catalogue(name)
        keep(workspace, record_of(pack, {}, pack.files), pack.files)


def _same(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


def _judged(settings: Settings, pack: Pack, files: Mapping[str, bytes]) -> tuple[Rulebook, tuple[Problem, ...]]:
    """The workspace with these files; `RuleFileError` with all that is wrong with it then."""
    facts = settings.facts()
    workspace = {**read_workspace(settings.workspace), **_only(files, FOLDERS)}
    sizes = {name.removeprefix(FILES): len(content) for name, content in files.items() if name.startswith(FILES)}
    loaded = load_workspace(workspace, facts, {**read_attachments(settings.workspace), **sizes})
    problems = [*loaded.problems]
    if loaded.rulebook is not None:
        problems += read_tests(_only(files, TEST_FOLDERS), loaded.rulebook, facts).problems
    errors = [problem for problem in problems if problem.severity == "error"]
    if loaded.rulebook is None or errors:
        if pack.needs:
            needed = " and ".join(f"'selftimer new {name}'" for name in pack.needs)
            errors.append(Problem("pack.yaml", 1, 1, f"{pack.name} builds on rules that {needed} writes"))
        raise RuleFileError(errors)
    return loaded.rulebook, tuple(problem for problem in problems if problem.file in files)


def _only(files: Mapping[str, bytes], folders: tuple[str, ...]) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if name.rpartition("/")[0] in folders}
