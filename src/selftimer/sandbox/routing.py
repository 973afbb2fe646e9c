"""What a call of the API is made of: its path, who answers it, and all that its description says (`/openapi.json`).

Resources declare their calls as `Route`s; dispatch finds them, the description is generated from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from selftimer.sandbox.http import Answer, Call


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
