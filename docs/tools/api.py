"""Writes the table of the API's calls: docs/reference/api.md.

`python docs/tools/api.py` writes it; a test compares it with what stands there. Each column is made of what does the
work: the client's table of endpoints and its methods, the sandbox's routes, the marks of the contract tests (which fail
if they don't make the calls that they name).
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from selftimer.sandbox.dispatch import CALLS
from selftimer.studio import ENDPOINTS, Studio
from selftimer.studio.calls import Group, calls_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "api.md"
TESTS = ROOT / "tests" / "contract" / "api"
_HEAD = """\
# Calls of the API

Every call that is known of the Studio API and its Gallery API. There is no official description: *documented* is what
reference material of others shows, *inferred* what follows from the API's own conventions and may turn out different. A
wrong path is put right in [the settings](../guide/settings.md#account), by the name below it.

The client's methods are those of `selftimer.studio.Studio`, see [As a library](../guide/library.md). The sandbox's are
functions of `selftimer.sandbox.resources`. Tests are in `tests/contract/api`, how many in which file; each fails if it
doesn't make the calls that it is counted for.
"""
_GROUPS: Mapping[str, tuple[str, ...]] = {
    "Clients and leads": ("client",),
    "Session types, availability, sessions": ("session_type", "schedule", "session"),
    "Invoices and payments": ("invoice", "payment"),
    "Contracts, questionnaires, quotes": ("contract", "questionnaire", "quote"),
    "Conversations": ("conversation", "message", "attachment"),
    "Templates": ("template",),
    "Coupons and gift cards": ("coupon", "gift_card"),
    "Gallery API": ("collection", "photo", "bootstrap"),
    "The account": ("account", "login"),
}


class Row(NamedTuple):
    """A line of the table."""

    name: str
    request: str
    known: str
    client: str
    sandbox: str
    tests: str


_BESIDES = (
    ("attachment.upload", "POST *the upload_url*", "`conversations.attach`", "`app.upload`"),
    ("login", "POST /login *on the origin*", "by itself, before the first request", "`app.login`"),
)
"""Calls that are no paths below the API's address."""


def rows() -> list[Row]:
    """Every call, in the order of the client's table."""
    methods, routes, tests = _methods(), _routes(), _tests()
    made = [
        Row(
            name,
            f"{endpoint.method} {endpoint.path}",
            "documented" if endpoint.documented else "inferred",
            ", ".join(f"`{method}`" for method in methods[name]),
            routes.get((endpoint.method, _blank(endpoint.path)), ""),
            tests[name],
        )
        for name, endpoint in ENDPOINTS.items()
    ]
    return [*made, *(Row(name, request, "documented", *rest, tests[name]) for name, request, *rest in _BESIDES)]


def api() -> str:
    """api.md."""
    text, every = _HEAD, rows()
    for title, kinds in _GROUPS.items():
        text += f"\n## {title}\n\n| call | | client | sandbox | tests |\n|---|---|---|---|---|\n"
        for row in every:
            if row.name.split(".")[0] in kinds:
                request = re.sub(r"^(\w+) (\S+)", r"`\1 \2`", row.request)
                text += f"| {request}<br>*{row.name}* | {row.known} | {row.client} | {row.sandbox} | {row.tests} |\n"
    return text


def pages() -> dict[str, str]:
    """File name to content."""
    return {PAGE.name: api()}


def _blank(path: str) -> str:
    return re.sub(r"\{[^}]+\}", "{}", path)


def _methods() -> dict[str, list[str]]:
    """Call to the methods that make it, those of the same name first."""
    studio = Studio(cookie="nobody=signs in", base_url="http://127.0.0.1/api/v1")
    found: dict[str, list[str]] = defaultdict(list)
    for group, calls in vars(studio).items():
        if isinstance(calls, Group):
            for method in dir(type(calls)):
                for name in calls_of(getattr(calls, method)):
                    found[name.replace("{kind}", getattr(calls, "kind", ""))].append(f"{group}.{method}")
    return found


def _routes() -> dict[tuple[str, str], str]:
    """Method and path to the function that answers."""
    return {(route.method, _blank(route.path)): f"`{_function(route.answer)}`" for route in CALLS}


def _function(answer: object) -> str:
    whole = getattr(answer, "func", answer)  # templates' functions are given their kind
    return f"{whole.__module__.rpartition('.')[2]}.{whole.__name__}"


def _tests() -> dict[str, str]:
    """Call to the tests that are marked with it: how many in which file."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for file in sorted(TESTS.glob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for name in set(_marks(node)):
                    found[name][file.name] += 1
    shown = {name: ", ".join(f"{file}: {count}" for file, count in files.items()) for name, files in found.items()}
    return defaultdict(str, shown)


def _marks(test: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for mark in test.decorator_list:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.calls":
            yield from (ast.literal_eval(name) for name in mark.args)


if __name__ == "__main__":
    PAGE.write_text(api(), "utf-8")
