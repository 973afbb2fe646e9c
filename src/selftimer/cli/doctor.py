"""`doctor`: whether the studio still answers as Selftimer expects."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from selftimer.cli.options import HERE, AsJson, Workspace
from selftimer.cli.serve import SandboxClock


def doctor(
    *,
    fields: Annotated[bool, Parameter(help="List every field of every endpoint, with its types.")] = False,
    sandbox_clock: SandboxClock = None,
    har: Annotated[Path | None, Parameter(help="Judge a browser's HAR export instead; no request is made.")] = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> int:
    """Make every call of the studio's API that only reads, and say what differs from what Selftimer knows.

    About 70 requests, within the requests per minute that a service needs too: half a minute. Prints names of fields,
    types and counts, never what stands in them. Exits with 1 if something differs that matters.
    """
    from selftimer.cli.checkup import examine, examine_har

    if har is not None:
        return examine_har(har, workspace, fields=fields, as_json=as_json)
    return examine(workspace, sandbox_clock, fields=fields, as_json=as_json)
