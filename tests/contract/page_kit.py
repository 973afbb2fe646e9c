"""What the tests of the sandbox's page share: a browser without scripts that fills in forms."""

from __future__ import annotations

import html
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
from tests.contract.sandbox_kit import API, sign_in

from selftimer.sandbox.app import create_app
from selftimer.sandbox.transport import FaultTransport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from selftimer.sandbox.model import Client
    from selftimer.sandbox.world import World

HERE = "http://127.0.0.1:8765"


@asynccontextmanager
async def browser(world: World, base_url: str = HERE) -> AsyncIterator[httpx.AsyncClient]:
    transport = FaultTransport(create_app(world))
    async with httpx.AsyncClient(transport=transport, base_url=base_url) as client:
        await sign_in(client, world)
        yield client


def path_of(client: Client | None) -> str:
    return f"/_sandbox/clients/{client.id}" if client else "/_sandbox/"


def forms(page: str) -> list[dict[str, str]]:
    """Every POST form of a page as a browser would send it untouched: hidden and typed values, first choices."""
    found = []
    for form in re.findall(r'<form method="post".*?</form>', page, re.DOTALL):
        values: dict[str, str] = {}
        for tag in re.findall(r"<input[^>]*>", form):
            kind = re.search(r'type="(\w+)"', tag)
            name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
            if name and (kind is None or kind[1] != "checkbox"):
                values[name[1]] = html.unescape(value[1]) if value else ""
        for name_of, options in re.findall(r'<select[^>]*name="([^"]*)".*?>(.*?)</select>', form, re.DOTALL):
            first = re.search(r'<option value="([^"]*)"', options)
            values[name_of] = first[1] if first else ""
        for name_of in re.findall(r'<textarea[^>]*name="([^"]*)"', form):
            values[name_of] = ""
        found.append(values)
    return found


async def send(http: httpx.AsyncClient, where: str, do: str, deed: str = "", **typed: str) -> httpx.Response:
    """Fill in the form for a deed on a page and send it, as a person would."""
    page = await http.get(where)
    assert page.status_code == 200, page.text
    actor = typed.pop("as_", "")
    fitting = [
        f for f in forms(page.text) if f["do"] == do and f.get("deed", "") == deed and actor in {"", f.get("as", "")}
    ]
    assert fitting, f"{where} has no form for {do} {deed}"
    answer = await http.post("/_sandbox/do", data={**fitting[0], **typed})
    if answer.status_code == 303:
        return await http.get(answer.headers["location"])
    return answer


async def shown(http: httpx.AsyncClient, path: str, **params: Any) -> Any:
    answer = await http.get(API + path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]
