"""The command line. What a command needs is imported when it runs, so that `--help` is quick."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from cyclopts import App, CycloptsError, Group, Parameter

from selftimer import __version__
from selftimer.cli import asks, doctor, files, login, logs, packs, serve, simulate, tests, views, worlds
from selftimer.cli.output import complain
from selftimer.cli.workspace import debugging
from selftimer.errors import ConfigError, RuleFileError, SelftimerError, StoreError, StudioError, WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OK, PROBLEMS, USAGE, STUDIO, STORE = range(5)
"""Exit codes (docs/reference/cli.md)."""
INTERRUPTED = 130

_COMMANDS: dict[str, tuple[Callable[..., int], ...]] = {
    "The account": (login.login, login.logout, doctor.doctor),
    "The service": (
        files.init,
        packs.new,
        packs.diff_pack,
        files.check,
        files.schema,
        serve.run,
        serve.once,
        files.backup,
        files.restore,
    ),
    "What happens, and why": (
        views.status,
        views.runs,
        views.deliveries,
        views.show,
        views.explain,
        views.plan,
        logs.log,
    ),
    "Your decisions": (asks.approve, asks.skip, asks.pause, asks.resume, asks.start),
    "Your clients' wishes": (asks.suppress, asks.unsuppress, asks.purge),
    "Trying it out": (tests.test, simulate.simulate, worlds.demo, worlds.sandbox),
}

app = App(
    name="selftimer",
    help="Automations for photography studios that fire by themselves.",
    version=__version__,
    help_epilogue="Exit codes: 0 done, 1 problems or a refusal, 2 usage or settings, 3 studio unreachable, 4 database.",
    default_parameter=Parameter(negative=(), show_default=False),
)
for _title, _members in _COMMANDS.items():
    _group = Group.create_ordered(_title)
    for _number, _command in enumerate(_members):
        app.command(_command, group=_group, sort_key=_number)


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out a command line; the exit code. Errors are one clear sentence, unless SELFTIMER_DEBUG is set."""
    try:
        code = app(argv, exit_on_error=False, print_error=True, result_action="return_value")
    except CycloptsError:
        return USAGE  # it is printed already
    except SelftimerError as error:
        if debugging():
            raise
        complain(str(error))
        return exit_code(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `selftimer log | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    return code if isinstance(code, int) else OK


def exit_code(error: SelftimerError) -> int:
    """What a shell is told of an error."""
    match error:
        case RuleFileError():
            return PROBLEMS
        case ConfigError() | WorkspaceError():
            return USAGE
        case StudioError():
            return STUDIO
        case StoreError():
            return STORE
        case _:
            return PROBLEMS
