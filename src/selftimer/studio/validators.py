"""Answers that the studio says may be asked about again instead of sent again (`ETag`, `Last-Modified`).

Nothing is known of such headers in the real API; where a server offers them, an unchanged list costs a 304. The answer
kept is the last one of that address with its query, so what is returned is never older than the server vouches for.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selftimer.studio.answers import Answer

MAX_ANSWERS = 64
MAX_KEPT = 4 * 1024 * 1024
"""Bytes of all bodies together."""
_Key = tuple[str, str, tuple[tuple[str, str], ...]]


class Validators:
    """The answers that are kept, the least recently used going first; all of them go with another account."""

    def __init__(self) -> None:
        self._owner: object = None
        self._kept: OrderedDict[_Key, Answer] = OrderedDict()
        self._size = 0

    def of(self, owner: object, api: str, path: str, query: Mapping[str, str] | None) -> Known:
        """What is known of a GET. `owner` is the account that is signed in, or its session where it isn't told."""
        if owner != self._owner:
            self._owner, self._size = owner, 0
            self._kept.clear()
        key = (api, path, tuple(sorted((query or {}).items())))
        return Known(self, key, self._kept.get(key), owner)

    def keep(self, key: _Key, answer: Answer, owner: object) -> None:
        """Keep an answer, and let older ones go."""
        if owner != self._owner:
            return  # it was asked for by somebody else, before a sign-in
        if (old := self._kept.pop(key, None)) is not None:
            self._size -= len(old.body)
        told = answer.headers
        if ("etag" in told or "last-modified" in told) and not answer.html and not _private(told):
            self._kept[key] = answer
            self._size += len(answer.body)
        while self._kept and (len(self._kept) > MAX_ANSWERS or self._size > MAX_KEPT):
            self._size -= len(self._kept.popitem(last=False)[1].body)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one GET before it is made."""

    validators: Validators
    key: _Key
    answer: Answer | None
    owner: object

    @property
    def headers(self) -> dict[str, str]:
        """The conditions that the request carries."""
        if self.answer is None:
            return {}
        told = self.answer.headers
        wanted = {"if-none-match": told.get("etag", ""), "if-modified-since": told.get("last-modified", "")}
        return {name: value for name, value in wanted.items() if value}

    def settled(self, answer: Answer) -> Answer:
        """The answer that counts: the kept one where the studio says that it is as it was."""
        if answer.status == 304 and self.answer is not None:
            self.validators.keep(self.key, self.answer, self.owner)
            return self.answer
        if answer.status == 200:
            self.validators.keep(self.key, answer, self.owner)
        return answer


def _private(told: Mapping[str, str]) -> bool:
    return "no-store" in told.get("cache-control", "").lower()
