"""The client as others use it: the guide's example over a real socket, and a Studio made with nothing but a login."""

from __future__ import annotations

import ast
import asyncio
import re
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import selftimer.studio
from selftimer.errors import ConfigError
from selftimer.sandbox.server import serve
from selftimer.sandbox.world import World
from selftimer.studio import Studio, models

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[3]
GUIDE = ROOT / "docs" / "guide" / "library.md"
BLOCKS = re.findall(r"^```python(?: title=\"(.+)\")?\n(.*?)^```$", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@asynccontextmanager
async def served(world: World) -> AsyncIterator[str]:
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(world, ready=ready.set_result, stop=stop))
    try:
        yield await ready
    finally:
        stop.set()
        await serving


async def test_the_guides_example_runs_as_it_stands(tmp_path: Path) -> None:
    ((name, text),) = [(name, text) for name, text in BLOCKS if name]
    (tmp_path / name).write_text(text, "utf-8")
    world = World(population=40, living=False)
    async with served(world) as origin:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "error", tmp_path / name, f"{origin}/api/v1",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env={"PYTHONPATH": str(ROOT / "src"), "PATH": ""},
        )  # fmt: skip
        output, _ = await process.communicate()
    lines = output.decode()
    assert process.returncode == 0, lines
    unpaid = [row for row in world.tables.invoices if row.status in {"unpaid", "partially_paid", "past_due"}]
    assert all(row.number in lines for row in unpaid)
    assert f"billed and unpaid: {sum(row.amount for row in unpaid)}" in lines
    (message,) = [write for write in world.ledger.writes if write.kind == "message"]
    assert f"sent {message.id}" in lines
    assert "no such coupon: resource_not_found" in lines


@pytest.mark.parametrize("text", [text for _, text in BLOCKS])
def test_each_block_of_the_guide_is_python_that_names_what_there_is(text: str) -> None:
    tree = compile(text, "library.md", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    assert isinstance(tree, ast.Module)
    studio = Studio(cookie="session=x", base_url="http://127.0.0.1/api/v1")
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Attribute(value=ast.Name(id="studio"), attr=group), attr=call):
                assert callable(getattr(getattr(studio, group), call))
            case ast.Attribute(value=ast.Name(id="studio"), attr=group):
                assert hasattr(studio, group)


async def test_a_login_is_all_that_is_needed() -> None:
    world = World.empty()
    async with (
        served(world) as origin,
        Studio(email=world.profile.email, password=world.profile.password, base_url=f"{origin}/api/v1") as studio,
    ):
        assert (await studio.me.notifications()).account_id == world.profile.account_id
        assert await studio.clients.list() == ()


@pytest.mark.parametrize("login", [{}, {"email": "a@b.example"}, {"password": "x"}, {"cookie": ""}])
def test_without_a_login_it_says_what_is_missing(login: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="missing; check the email and password, or the cookie"):
        Studio(**login)  # type: ignore[arg-type]  # texts by name


def test_what_is_exported_is_there() -> None:
    for module in (selftimer.studio, models):
        assert len(module.__all__) == len(set(module.__all__))
        assert all(hasattr(module, name) for name in module.__all__)
