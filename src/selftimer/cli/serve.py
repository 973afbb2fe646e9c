"""`run` and `once`: the service at work."""

from typing import Annotated

from cyclopts import Parameter

from selftimer.cli.options import HERE, AsJson, Workspace

SandboxClock = Annotated[
    str | None,
    Parameter(help="Follow the stepped clock of the local sandbox at this address; it must be the studio's own."),
]


def run(*, workspace: Workspace = HERE, sandbox_clock: SandboxClock = None) -> int:
    """Run the service until it is told to stop (Ctrl-C, SIGTERM).

    It polls the studio, acts on what changed and on what fell due, and carries out what other commands ask for.
    The first poll takes in what is there and causes nothing.
    """
    from selftimer.cli.working import run_service

    return run_service(workspace, sandbox_clock)


def once(*, workspace: Workspace = HERE, sandbox_clock: SandboxClock = None, as_json: AsJson = False) -> int:
    """Poll once, act on what is due, and end: for cron, and to see whether all is well.

    Exits with 3 where the studio, or one of its lists, could not be read.
    """
    from selftimer.cli.working import work_once

    return work_once(workspace, sandbox_clock, as_json=as_json)
