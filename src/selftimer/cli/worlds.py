"""`demo` and `sandbox`: a studio to try things on."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from selftimer.cli.options import AsJson


def demo(
    *,
    days: Annotated[
        int, Parameter(help="How many days of the studio's life (60).", validator=Number(gte=1, lte=730))
    ] = 60,
    seed: Annotated[int, Parameter(help="The same seed is the same story (7).")] = 7,
    speed: Annotated[
        float, Parameter(help="Simulated hours a second at most; 0 is as fast as it goes (0).", validator=Number(gte=0))
    ] = 0.0,
    quiet: Annotated[bool, Parameter(help="Only the result.")] = False,
    keep: Annotated[bool, Parameter(help="Leave the studio running and the workspace in place at the end.")] = False,
    ledger: Annotated[Path | None, Parameter(help="Write all that the studio accepted to this file.")] = None,
    folder: Annotated[Path | None, Parameter(help="An empty or new folder for the workspace; it stays.")] = None,
    as_json: AsJson = False,
) -> int:
    """Watch weeks of a studio's life pass in a minute: leads, bookings, invoices, and what the rules send.

    A sandbox and the service run side by side over HTTP, with the starter rules; nothing leaves this machine. In the
    end what was sent is judged by the sandbox's own ledger; exits with 1 if anything was sent twice or wrong.
    """
    from selftimer.simulation.demo import DemoOptions, run_demo

    return run_demo(
        DemoOptions(
            days=days,
            seed=seed,
            speed=speed,
            json=as_json,
            quiet=quiet,
            keep=keep,
            ledger=ledger,
            workspace=folder,
        )
    )


def sandbox(
    *,
    seed: Annotated[int, Parameter(help="The same seed is the same story (7).")] = 7,
    port: Annotated[int, Parameter(help="0 takes a free one (8765).")] = 8765,
    population: Annotated[int, Parameter(help="Clients with a past at the start (60).")] = 60,
    real: Annotated[
        bool,
        Parameter(
            negative="--stepped", help="The clock is the machine's, or stepped: it moves when it is told to (stepped)."
        ),
    ] = False,
    state: Annotated[Path | None, Parameter(help="Go on from this file, and save to it at the end.")] = None,
) -> int:
    """Serve a faithful local Studio API with a studio that lives, and a page to watch it and act as its clients.

    For this machine only. It prints the page's address, the login, and which faults can be ordered.
    """
    from selftimer.cli.serving import serve_sandbox

    return serve_sandbox(seed=seed, port=port, population=population, real=real, state=state)
