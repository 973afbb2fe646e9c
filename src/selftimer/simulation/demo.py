"""`selftimer demo`: a studio that lives and a service that looks after it, as two processes over real HTTP.

The parent starts both, shows what happens and judges it in the end by the studio's own ledger. Time is the sandbox's
clock in lock-step with the service, so weeks pass in seconds and nothing is left out (DESIGN.md, Time).
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from rich.console import Console
from whenever import Instant

from selftimer.errors import SelftimerError, StoreError
from selftimer.plan.state import DeliveryState
from selftimer.sandbox.profile import StudioProfile
from selftimer.settings import Settings
from selftimer.simulation import report as reports
from selftimer.simulation.feed import Feed
from selftimer.simulation.processes import Child, ChildError
from selftimer.simulation.view import Digest, Picture, Silence
from selftimer.simulation.workspace import copy_starter, point_to
from selftimer.store.reader import SqlReader
from selftimer.wiring import STUDIO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selftimer.plan.state import Delivery
    from selftimer.simulation.report import Report
    from selftimer.simulation.view import View

_FRAME, _BEAT = 0.2, 1.0
"""Seconds between two looks at the sandbox: to draw, and to tell of days. Each look costs the demo some time."""
_BORN = 60.0
"""Seconds that the sandbox may take to say where it is."""
_ALL = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What to show and how. `speed`: simulated hours in a real second at most, 0 for as fast as it goes."""

    days: int = 60
    seed: int = 7
    speed: float = 0.0
    json: bool = False
    quiet: bool = False
    keep: bool = False
    ledger: Path | None = None
    workspace: Path | None = None
    """Where to work: an empty or new folder, which stays; a temporary one without it."""


class Interrupted(Exception):  # noqa: N818 - a wish, not a fault
    """Somebody wants the demo to end."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.code = 128 + number


class Unclean(Exception):  # noqa: N818 - a verdict
    """Something happened that must never happen; holds the workspace, where the evidence is."""


def run_demo(options: DemoOptions) -> int:
    """Run it: 0 where nothing happened that must never happen, else 1 (130 and the like after a signal).

    Standard output gets the table, or one JSON object with `json`, in which case the rest goes to standard error.
    """
    console = Console(stderr=options.json)
    try:
        with ExitStack() as stack:
            stack.enter_context(_signals())
            with _workspace(options) as workspace:
                clean = _Demo(options, workspace, console).run()
                if not clean:
                    raise Unclean(workspace)
            return 0
    except Interrupted as wish:
        return wish.code
    except Unclean as found:
        console.print(f"The workspace and its logs are in {found}", markup=False, highlight=False, soft_wrap=True)
        return 1
    except SelftimerError as error:
        console.print(f"demo: {error}", style="red", markup=False, highlight=False)
        return 1


@contextmanager
def _workspace(options: DemoOptions) -> Iterator[Path]:
    """The folder to work in; a temporary one goes away again, unless it is to be kept or something went wrong in it."""
    if options.workspace is not None:
        yield options.workspace
        return
    folder = Path(tempfile.mkdtemp(prefix="selftimer-demo-"))
    keep = True
    try:
        yield folder
        keep = options.keep
    except Interrupted:
        keep = options.keep
        raise
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


class _Demo:
    """One demo: two children, a feed, a view."""

    def __init__(self, options: DemoOptions, workspace: Path, console: Console) -> None:
        self._options = options
        self._workspace = workspace
        self._console = console
        self._profile = StudioProfile()
        self._reader: SqlReader | None = None

    def run(self) -> bool:
        """From the children's start to the verdict: whether nothing happened that must never happen."""
        options, logs = self._options, self._workspace / "logs"
        begun = time.monotonic()
        copy_starter(self._workspace)
        with ExitStack() as stack:
            given = ["--seed", str(options.seed), "--days", str(options.days)]
            sandbox = stack.enter_context(Child("selftimer.simulation.sandbox_process", given, logs / "sandbox.log"))
            origin = sandbox.said(within=_BORN)["origin"]
            point_to(self._workspace, origin, email=self._profile.email, password=self._profile.password)
            http = stack.enter_context(httpx.Client(base_url=origin, timeout=30.0, trust_env=False))
            stack.callback(self._close_reader)
            service = stack.enter_context(self._service(origin, logs / "service.log"))
            feed = self._watch(http, sandbox, service)
            report, ledger = self._judge(http, service, time.monotonic() - begun)
            self._tell(report, ledger, feed)
            if options.keep:
                self._stay(origin)
        return report.clean

    def _service(self, origin: str, log: Path) -> Child:
        options = self._options
        given = ["--workspace", str(self._workspace), "--sandbox", origin]
        given += ["--seed", str(options.seed), "--speed", str(options.speed)]
        return Child("selftimer.simulation.service_process", given, log)

    # --- watching ------------------------------------------------------------------------------------------------

    def _watch(self, http: httpx.Client, sandbox: Child, service: Child) -> Feed:
        """Show what happens until the service has come to the end of the story."""
        state = self._get(http, sandbox, "/_sandbox/state")
        feed = Feed(zone=state["zone"], start=Instant.parse_iso(state["start"]), end=Instant.parse_iso(state["end"]))
        with self._view() as view:
            pace = _FRAME if isinstance(view, Picture) else _BEAT
            while not service.ended(within=pace):
                sandbox.check()
                if not self._options.quiet:
                    self._look(http, sandbox, feed)
                    view.show(feed)
            service.check()
            self._look(http, sandbox, feed)
            view.last(feed)
        return feed

    def _view(self) -> View:
        if self._options.quiet:
            return Silence()
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            return Picture(self._console, f"{self._profile.name}, seed {self._options.seed}")
        return Digest(self._console)

    def _look(self, http: httpx.Client, sandbox: Child, feed: Feed) -> None:
        feed.take_story(self._get(http, sandbox, f"/_sandbox/story?after={feed.story_seq}"))
        feed.take_ledger(self._get(http, sandbox, f"/_sandbox/ledger?after={feed.ledger_seq}"))
        feed.now = Instant.parse_iso(self._get(http, sandbox, "/_sandbox/state")["now"])
        if not self._options.quiet:
            feed.waiting(self._deliveries(DeliveryState.HELD))

    def _get(self, http: httpx.Client, sandbox: Child, path: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = http.get(path).raise_for_status().json()
        except (httpx.HTTPError, json.JSONDecodeError) as error:
            sandbox.check()
            raise ChildError(f"the sandbox doesn't answer ({error}).{sandbox.last_words()}") from error
        return found

    def _deliveries(self, state: DeliveryState | None = None) -> list[Delivery]:
        """The service's deliveries, read beside it; none while there is no database."""
        if self._reader is None:
            try:
                self._reader = SqlReader(Settings.load(self._workspace).database_path, STUDIO)
            except StoreError:
                return []
        return self._reader.deliveries(state=state, limit=_ALL)

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()

    # --- the end -------------------------------------------------------------------------------------------------

    def _judge(self, http: httpx.Client, service: Child, wall: float) -> tuple[Report, dict[str, Any]]:
        told = service.said(within=5.0)
        ledger: dict[str, Any] = http.get("/_sandbox/ledger").raise_for_status().json()
        report = reports.draw_up(
            ledger,
            self._deliveries(),
            days=self._options.days,
            seed=self._options.seed,
            wall_seconds=wall,
            told=told,
        )
        return report, ledger

    def _tell(self, report: Report, ledger: dict[str, Any], feed: Feed) -> None:
        if self._options.ledger is not None:
            whole = {**ledger, "days": feed.length, "seed": self._options.seed}
            self._options.ledger.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", "utf-8")
        reports.show(report, self._console)
        if self._options.json:
            sys.stdout.write(json.dumps(report.to_json(), ensure_ascii=False) + "\n")
            sys.stdout.flush()

    def _stay(self, origin: str) -> None:
        """The sandbox goes on answering, and the workspace stays, until Ctrl-C."""
        lines = (
            f"The studio: {origin}/login  e-mail {self._profile.email}  password {self._profile.password}",
            f"The workspace: {self._workspace}  (selftimer status -w {self._workspace})",
            "Stop with Ctrl-C.",
        )
        with suppress(Interrupted):  # who reads the last line may press Ctrl-C before anything else happens here
            for line in lines:
                self._console.print(line, markup=False, highlight=False, soft_wrap=True)
            while True:
                signal.pause()


@contextmanager
def _signals() -> Iterator[None]:
    """SIGINT and SIGTERM become an exception, so that every `with` on the way ends what it began."""

    def stop(number: int, _frame: object) -> None:
        raise Interrupted(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
