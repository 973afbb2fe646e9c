"""What a call of the API is made of: its path, who answers it, and all that its description says (`/openapi.json`).

Resources declare their calls as `Route`s. Dispatch finds them and holds queries to what they declare; the description
is generated from them, so it can't say anything else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from selftimer.sandbox.http import invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from selftimer.sandbox.http import Answer, Call, Refused


class TotalMeta(TypedDict):
    """The `meta` of a list that comes whole."""

    total: int


class ShortPageMeta(TotalMeta):
    """The `meta` of a list that doesn't count what is on its page."""

    current_page: int
    per_page: int
    last_page: int


_FromTo = TypedDict("_FromTo", {"from": "int | None", "to": "int | None"})  # `from` can't be a field of a class


class PageMeta(ShortPageMeta, _FromTo):
    """Which page of a list this is; `from` and `to` count its records from 1 and are null on an empty page."""


class PageLinks(TypedDict):
    """The `links` of a page: addresses of other pages, null where there is none."""

    first: str
    last: str
    prev: str | None
    next: str | None


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of the query. `type` is what its text stands for: `int`, `bool`, a `Literal[…]`, annotated or not."""

    name: str
    type: Any = str
    about: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """One call of the API.

    `body` is a TypedDict of the JSON body, `data` the type of what stands under `data` in the answer (a TypedDict, or a
    `list` of one, which makes it a list with `meta`); None where there is none. `errors` are the statuses that the call
    can answer besides those of every call (401, 429; for writes 419). `documented` is as studio-api.md says.

    `meta` is the type of a list's `meta` where it isn't a whole `PageMeta`; `links` says that a list has `links`;
    `media` is what the answer is made of. `refuse` is the shape of the error for a query that isn't as declared.
    """

    method: str
    path: str
    answer: Callable[[Call], Answer]
    documented: bool = True
    query: tuple[Param, ...] = ()
    body: Any = None
    data: Any = None
    status: int = 200
    errors: tuple[int, ...] = ()
    meta: Any = None
    links: bool = False
    media: str = "application/json"
    refuse: Callable[[Mapping[str, list[str]]], Refused] = invalid
    _adapters: dict[str, TypeAdapter[Any]] = field(default_factory=dict, repr=False, compare=False)

    def check_query(self, query: Mapping[str, str]) -> None:
        """Refuse a query whose values aren't what is declared; parameters that nobody declared mean nothing."""
        wrong = {}
        for param in self.query:
            text = query.get(param.name)
            if text is None:
                if param.required:
                    wrong[param.name] = [f"The {param.name} field is required."]
            elif fault := self._fault(param, text):
                wrong[param.name] = [fault]
        if wrong:
            raise self.refuse(wrong)

    def _fault(self, param: Param, text: str) -> str:
        adapter = self._adapters.get(param.name)
        if adapter is None:
            adapter = self._adapters[param.name] = TypeAdapter(param.type)
        try:
            adapter.validate_strings(text)
        except ValidationError as error:
            said = error.errors(include_url=False, include_context=False, include_input=False)[0]["msg"]
            return f"The {param.name} parameter is invalid: {said[0].lower()}{said[1:]}."
        return ""
