"""Planted bugs: small, realistic mistakes that the suite has to catch, or it couldn't be trusted when it is green.

Each file of `chaos/bugs` is a patch with a head that says what is wrong, what a client would suffer, and which tests
are to fail. Here it is applied to a copy of the tree, and those tests are run on it.

    python -m chaos.planted --all            every one of them, after the same tests on the copy as it is
    python -m chaos.planted --bug 3 --bug 17 these two, without
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from chaos.campaign import Campaign, Result

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pytest

ROOT = Path(__file__).resolve().parent.parent
BUGS = Path(__file__).resolve().parent / "bugs"
COPIED = ("src", "tests", "chaos", "rules", "automations", "docs", "pyproject.toml", "selftimer.toml", "README.md")
LONGEST = 120.0
"""Seconds that the tests of one bug may take: after that they hang, and nothing was caught."""
WARM = [
    *("alembic.command", "httpx", "hypothesis", "jinja2", "orjson", "pydantic_settings", "pytest_asyncio.plugin"),
    *("sqlalchemy.dialects.sqlite", "starlette.applications", "structlog", "whenever", "yaml"),
]
"""Imported once, before any copy of the product is: the tests of a bug are then a matter of seconds."""
PLUGINS = [
    *("-p", "pytest_asyncio.plugin", "-p", "pytest_timeout", "-p", "_hypothesis_pytestplugin"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # of what is imported already: its asserts aren't ours
]
_NOTHING: dict[str, Any] = {"code": -1, "failed": None, "stray": False}
_BROKEN = (NameError, ImportError, SyntaxError, AttributeError, TypeError)
"""What a test fails with where the patch itself is broken, and not what the patch makes of the product."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """One patch: its number, its name, the sentences of its head and the tests that it names."""

    number: int
    name: str
    path: Path
    about: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one bug: `by` is the test that failed, `wrong` why it doesn't count as caught, if it doesn't."""

    number: int
    name: str
    by: str = ""
    wrong: str = ""
    seconds: float = 0.0


def read_bug(path: Path) -> Bug:
    """The head of a patch; `ValueError` where it names no tests."""
    number, _, name = path.stem.partition("-")
    head = path.read_text().partition("\n--- ")[0]
    about, _, named = head.partition("\ntests:")
    tests = tuple(named.split())
    if not tests:
        raise ValueError(f"{path.name} names no tests that are to catch it")
    return Bug(number=int(number), name=name, path=path, about=about.strip(), tests=tests)


def bugs() -> list[Bug]:
    """All of them, by number."""
    return [read_bug(path) for path in sorted(BUGS.glob("[0-9]*.patch"))]


# --- a copy ----------------------------------------------------------------------------------------------------------


@contextmanager
def copied() -> Iterator[Path]:
    """A copy of all that tests need, away from any repository. What was compiled comes along: it is as old as here."""
    with tempfile.TemporaryDirectory(prefix="selftimer-bugs-") as folder:
        copy = Path(folder) / "tree"
        copy.mkdir()
        for name in COPIED:
            if (ROOT / name).is_dir():
                half_written = shutil.ignore_patterns("*.pyc.*")  # gone again before they are copied
                shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=half_written)
            else:
                shutil.copy2(ROOT / name, copy / name)
        yield copy


@contextmanager
def planted(copy: Path, bug: Bug) -> Iterator[str]:
    """The copy with the bug in it, and then without; yields why it can't be planted, or nothing."""
    touched = [copy / name for name in re.findall(r"^\+\+\+ b/(\S+)", bug.path.read_text(), re.MULTILINE)]
    kept = {file: (file.read_bytes(), file.stat()) for file in touched if file.exists()}
    # A neighbour that has changed is no reason to plant nothing; the lines that are changed have to be as they were.
    apply = ["git", "apply", "-C1"] if shutil.which("git") else ["patch", "-p1", "-F2", "-s", "-i"]
    said = subprocess.run([*apply, str(bug.path)], cwd=copy, capture_output=True, text=True, check=False)
    try:
        yield said.stdout + said.stderr if said.returncode else ""
    finally:
        for file, (content, was) in kept.items():
            file.write_bytes(content)
            os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))


# --- running tests in a process that is forked off -------------------------------------------------------------------


class _Witness:
    """A plugin that writes down the first test that fails, and with what."""

    def __init__(self) -> None:
        self.failed: dict[str, str] | None = None

    def pytest_exception_interact(self, node: pytest.Item, call: pytest.CallInfo[Any], report: object) -> None:
        """A failure counts unless it is the test that couldn't be collected, that hung, or a name that isn't there."""
        error = call.excinfo.value if call.excinfo is not None else None
        if self.failed is not None or error is None:
            return
        said = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:160]}"
        hung = "Timeout" in said[:40]
        broken = isinstance(error, _BROKEN) or hung or getattr(report, "when", None) is None
        self.failed = {"test": node.nodeid, "said": said, "broken": "yes" if broken else ""}


def _run(copy: Path, tests: Sequence[str], answer: int) -> None:
    """Run the tests of the copy and write what came of it to a pipe. In the forked process, which ends here."""
    try:
        log = os.open(copy.parent / "last.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.setsid()
        os.chdir(copy)
        ours = {"", str(ROOT), str(ROOT / "src"), str(Path.cwd())}
        sys.path[:] = [str(copy / "src"), str(copy), *(path for path in sys.path if path not in ours)]
        os.environ["PYTHONPATH"] = f"{copy / 'src'}:{copy}"
        for name in [name for name in os.environ if name.startswith(("PYTEST_", "COV_", "COVERAGE_"))]:
            del os.environ[name]
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        import pytest

        witness = _Witness()
        where = ["--rootdir", str(copy), "-c", str(copy / "pyproject.toml")]
        code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", *PLUGINS, *where, *tests], plugins=[witness])
        stray = not str(sys.modules["selftimer"].__file__).startswith(str(copy))
        os.write(answer, json.dumps({"code": int(code), "failed": witness.failed, "stray": stray}).encode())
    finally:
        os._exit(0)


def run_tests(copy: Path, tests: Sequence[str]) -> dict[str, Any]:
    """What came of those tests of the copy: pytest's exit code and first failure, or -1 (hung, died)."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _run(copy, tests, writing)
    os.close(writing)
    try:
        there, _, _ = select.select([reading], [], [], LONGEST)
        said = os.read(reading, 65_536) if there else b""
    finally:
        os.close(reading)
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)  # its own session: with all that the tests have started
        os.waitpid(pid, 0)
    ran: dict[str, Any] = json.loads(said) if said else _NOTHING
    return ran


def why_not_caught(refused: str, ran: dict[str, Any]) -> str:
    """Why a bug doesn't count as caught, by what planting it and `run_tests` came to; empty where it does."""
    failed = ran["failed"] or {}
    if refused:
        return f"the patch doesn't fit the tree any more: {' '.join(refused.split())}"
    if ran["stray"]:
        return "not the copy was tested but an installed Selftimer"
    if ran["code"] == 0:
        return "missed: all of its tests are green"
    if ran["code"] != 1 or not failed or failed["broken"]:
        return f"its tests didn't fail but broke (code {ran['code']}): {failed.get('said', 'they hung or died')}"
    return ""


def try_one(copy: Path, bug: Bug) -> Outcome:
    """Plant it, run its tests, take it out again."""
    began = time.monotonic()
    with planted(copy, bug) as refused:
        ran = _NOTHING if refused else run_tests(copy, bug.tests)
    wrong = why_not_caught(refused, ran)
    taken = round(time.monotonic() - began, 1)
    by = "" if wrong else str(ran["failed"]["test"])
    return Outcome(number=bug.number, name=bug.name, by=by, wrong=wrong, seconds=taken)


def not_green(copy: Path, tests: Sequence[str]) -> str:
    """Why the tests of a bug say nothing, since they fail without it too; empty where they are green."""
    ran = run_tests(copy, tests)
    return "" if ran["code"] == 0 else f"its tests aren't green without it (code {ran['code']}): {ran['failed']}"


def warm_up() -> None:
    """Import what isn't ours, for all forks together; `selftimer` itself each one takes from its copy."""
    for name in WARM:
        import_module(name)


def try_all(chosen: Sequence[Bug], *, green: bool) -> Iterator[Outcome]:
    """One after the other on one copy; with `green`, each set of tests first without its bug."""
    warm_up()
    checked: dict[tuple[str, ...], str] = {}
    with copied() as copy:
        for bug in chosen:
            if green and bug.tests not in checked:
                checked[bug.tests] = not_green(copy, bug.tests)
            outcome = try_one(copy, bug)
            yield replace(outcome, by="", wrong=said) if (said := checked.get(bug.tests, "")) else outcome


# --- as a campaign, and by hand --------------------------------------------------------------------------------------


def in_a_process(numbers: Sequence[int], *, green: bool) -> list[Outcome]:
    """Those bugs in a process of their own, which has nothing of ours imported."""
    asked = [word for number in numbers for word in ("--bug", str(number))]
    command = [sys.executable, "-m", "chaos.planted", "--json", *asked, *(["--green"] if green else [])]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=_environment())
    if said.returncode not in {0, 1}:
        raise RuntimeError(f"planting bugs ended with {said.returncode}: {said.stderr[-2_000:]}")
    return [Outcome(**json.loads(line)) for line in said.stdout.splitlines()]


def _environment() -> dict[str, str]:
    """Without what belongs to a run of tests or of coverage that we are called from."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_", "COVERAGE_"))}


def run(seed: int) -> Result:
    """The campaign's seed is the number of a bug, counted from 0."""
    numbers = [bug.number for bug in bugs()]
    if seed >= len(numbers):
        return Result(seed=seed, count=0)
    (outcome,) = in_a_process([numbers[seed]], green=True)
    wrong = (f"planted bug {outcome.number:02} ({outcome.name}): {outcome.wrong}",) if outcome.wrong else ()
    return Result(seed=seed, count=1, violations=wrong, trace=outcome.by, notes={"caught": int(not outcome.wrong)})


def chosen_by_commit(count: int) -> list[int]:
    """So many numbers: those of `PLANTED=3,17`, else chosen by the commit, or by the sources where there is none."""
    by_hand = os.environ.get("PLANTED")
    if by_hand:
        return [int(number) for number in by_hand.split(",")]
    return sorted(Random(_commit()).sample([bug.number for bug in bugs()], count))


def _commit() -> str:
    with suppress(OSError, subprocess.CalledProcessError):
        asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
        return asked.stdout.strip()
    files = sorted((ROOT / "src").rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


CAMPAIGN = Campaign(
    name="bugs",
    title="Planted bugs that the suite has to catch",
    unit="planted bugs",
    run=run,
    counts={"quick": 6, "night": len(bugs()), "release": len(bugs())},
    minutes={"quick": 2, "night": 3.5, "release": 8},
)


def main() -> int:
    """Print a row for each, 1 if one was missed."""
    asking = argparse.ArgumentParser(prog="python -m chaos.planted", description=__doc__)
    asking.add_argument("--bug", type=int, action="append", default=[], help="this one; may be given again")
    asking.add_argument("--all", action="store_true", help="every one, and its tests without it first")
    asking.add_argument("--green", action="store_true", help="run its tests without it first")
    asking.add_argument("--json", action="store_true", help="a line of JSON for each")
    asked = asking.parse_args()
    chosen = [bug for bug in bugs() if asked.all or bug.number in asked.bug]
    if not chosen:
        asking.error("say which: --all or --bug with a number of chaos/bugs")
    missed = 0
    for outcome in try_all(chosen, green=asked.green or asked.all):
        missed += bool(outcome.wrong)
        if asked.json:
            print(json.dumps(asdict(outcome)), flush=True)
        else:
            what = f"MISSED  {outcome.wrong}" if outcome.wrong else f"caught  {outcome.by}"
            print(f"{outcome.number:02}  {outcome.name:<40} {outcome.seconds:5.1f} s  {what}", flush=True)
    if not asked.json:
        print(f"{len(chosen) - missed} of {len(chosen)} caught")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
