"""`log`: the service's log file, to be read."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from selftimer.cli.options import HERE, AsJson, Workspace

Levels = Literal["debug", "info", "warning", "error", "critical"]


def log(
    *,
    rule: Annotated[str | None, Parameter(help="Only lines about this rule.")] = None,
    client: Annotated[str | None, Parameter(help="Only about this client: id, e-mail address or name.")] = None,
    level: Annotated[Levels, Parameter(help="This level and above.")] = "debug",
    event: Annotated[str | None, Parameter(help="Only events that begin so, like delivery or delivery.sent.")] = None,
    since: Annotated[str | None, Parameter(help="'2 hours', '3 days', or an instant like 2026-03-04T10:00Z.")] = None,
    follow: Annotated[bool, Parameter(name=["--follow", "-f"], help="Wait for more.")] = False,
    file: Annotated[Path | None, Parameter(help="Another file than [log] file; '-' is standard input.")] = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> int:
    """Show the log that [log] file names, filtered and readable."""
    from selftimer.cli.logview import Wanted, show_log

    wanted = Wanted(rule=rule, client=client, level=level, event=event, since=since)
    return show_log(workspace, wanted, file=file, follow=follow, as_json=as_json)
