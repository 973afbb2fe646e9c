"""Options that several commands have. Annotations are read at run time, so nothing here is postponed."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

Workspace = Annotated[
    Path,
    Parameter(
        name=["--workspace", "-w"],
        env_var="SELFTIMER_WORKSPACE",
        help="The folder with selftimer.toml (here).",
    ),
]
AsJson = Annotated[bool, Parameter(name="--json", help="Print data as JSON, for programs.")]
Limit = Annotated[int, Parameter(name=["--limit", "-n"], help="At most so many lines (50).")]
HERE = Path()
