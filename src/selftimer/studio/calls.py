"""What the groups of calls share: a request by its name in the table, and which calls a method makes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from selftimer.errors import Drifted
from selftimer.studio.pages import data_of, sheet_of
from selftimer.studio.stream import PAGES_AT_ONCE, Stream, understood

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from selftimer.studio.http import Http
    from selftimer.studio.models.base import Entry
    from selftimer.studio.pages import Sheet

    T = TypeVar("T", bound=Entry)
F = TypeVar("F")
_NAMES = "calls"


def call(*names: str) -> Callable[[F], F]:
    """Says which of `endpoints.ENDPOINTS` a method asks for: the table of the reference is made of it."""

    def told(method: F) -> F:
        setattr(method, _NAMES, names)
        return method

    return told


def calls_of(method: object) -> tuple[str, ...]:
    """The endpoints that a method was said to ask for."""
    names: tuple[str, ...] = getattr(method, _NAMES, ())
    return names


@dataclass(frozen=True, slots=True)
class Body:
    """What an answer holds, and which request it answers."""

    content: Any
    request: str

    @property
    def inside(self) -> Any:
        """What is in the envelope, whatever it is."""
        return self.content.get("data", self.content) if isinstance(self.content, dict) else self.content

    @property
    def data(self) -> dict[str, Any]:
        """The object in the envelope; `Drifted` where there is none."""
        return data_of(self.content, self.request)


class Group:
    """The calls on one kind of thing."""

    def __init__(self, http: Http, *, page_size: int = 100, pages_at_once: int = PAGES_AT_ONCE) -> None:
        self._http = http
        self._page_size = page_size
        self._pages_at_once = pages_at_once

    async def _read(self, name: str, query: Mapping[str, str] | None = None, **parts: str) -> Body:
        """GET the endpoint of that name, tried again where that is safe."""
        endpoint = self._http.endpoints[name]
        path = endpoint.at(**parts)
        wanted = endpoint.expanded() | dict(query or {})
        return Body(await self._http.read(path, wanted, api=endpoint.api), f"GET {path}")

    async def _write(self, name: str, fields: Mapping[str, Any] | None = None, **parts: str) -> Body:
        """POST, PUT or DELETE to the endpoint of that name, once."""
        endpoint = self._http.endpoints[name]
        path = endpoint.at(**parts)
        content = await self._http.write(endpoint.method, path, fields, api=endpoint.api)
        return Body(content, f"{endpoint.method} {path}")

    async def _get(self, name: str, model: type[T], query: Mapping[str, str] | None = None, **parts: str) -> T:
        """One thing by its id; `Drifted` where the answer is another one."""
        body = await self._read(name, query, **parts)
        data = body.data
        wanted = parts.get("id")
        if wanted is not None and str(data.get("id")) != wanted:
            raise Drifted("the studio's answer is not what was asked for", request=body.request)
        return understood(model, data, body.request)

    async def _told(self, name: str, model: type[T], query: Mapping[str, str] | None = None, **parts: str) -> T:
        """What is told about something: another thing than the id names, or one without an id; a list too."""
        body = await self._read(name, query, **parts)
        return understood(model, body.inside, body.request)

    async def _put(self, name: str, model: type[T], fields: Mapping[str, Any] | None = None, **parts: str) -> T:
        """Write, and read the answer; `Drifted` where it can't be understood: the write was applied all the same."""
        body = await self._write(name, fields, **parts)
        if body.content is None:
            raise Drifted("the studio took it, but its answer is empty: read it back", request=body.request)
        return understood(model, body.inside, body.request, written=True)

    def _list(
        self,
        name: str,
        model: type[T] | Callable[[object], type[T]],
        query: Mapping[str, str] | None = None,
        **parts: str,
    ) -> Stream[T]:
        """The list of that name. `model` may be a function of the entry, where a list holds several kinds."""
        endpoint = self._http.endpoints[name]
        path = endpoint.at(**parts)
        size = min(self._page_size, endpoint.size)
        used: int | None = None

        async def fetch(number: int) -> Sheet:
            nonlocal used
            # A server that gives less than it is asked for moves the offset of what follows.
            page = endpoint.page(number, used if endpoint.paging == "offset" and used else size)
            body = await self._http.read(path, page | dict(query or {}), api=endpoint.api)
            sheet = sheet_of(number, size, body, f"GET {path}", used)
            if number == 1 and not (sheet.last and sheet.told):
                used = len(sheet.entries) or None
            return sheet if endpoint.paging is not None else replace(sheet, last=True, told=True)

        chosen = (lambda _entry: model) if isinstance(model, type) else model
        return Stream(fetch, chosen, name.removesuffix(".list"), self._pages_at_once)


def given(**fields: Any) -> dict[str, Any]:
    """The fields that were given: None is left out, since to the API it would mean *empty this*."""
    return {name: value for name, value in fields.items() if value is not None}


def asked(**filters: str | bool | None) -> dict[str, str]:
    """The filters of a query that were given; yes and no as the API has them."""
    said = {True: "true", False: "false"}
    return {
        name: said[value] if isinstance(value, bool) else value for name, value in filters.items() if value is not None
    }
