"""The same look as a tour's, from a browser's HAR export: no request is made, and nothing of the account is touched.

A HAR is a web archive in JSON (HAR 1.2): a browser writes all requests of its developer tools into it. It holds the
session's cookie, so it is read and never kept.
"""

from __future__ import annotations

import base64
import binascii
import re
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson
from whenever import Instant

from selftimer.errors import ConfigError
from selftimer.studio.answers import MAX_BYTES, Answer
from selftimer.studio.api import BASE_URL, GALLERY_URL
from selftimer.studio.endpoints import ENDPOINTS, Endpoint
from selftimer.studio.tour_judge import Judge, Look
from selftimer.studio.tour_plan import is_list, visited

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selftimer.studio.endpoints import Api
    from selftimer.studio.tour_report import Report

MOST_BYTES = 200 * 1024 * 1024
"""A larger file is refused: it is read whole."""
_HOW = "export it again from the browser's developer tools (Network, save all as HAR with content)"
_BELOW = "/api/v1"
_SECONDS = re.compile(r"max-age=(\d+)", re.IGNORECASE)
_EXPIRES = re.compile(r"expires=([^;]+)", re.IGNORECASE)


def judge_har(path: Path, *studios: str) -> Report:
    """Judge every answer of the studio's API in the file; `ConfigError` for a file that is none, or too large.

    `studios` are addresses of the studio besides its usual one; its galleries may be there too.
    """
    apis: dict[str, frozenset[Api]] = {
        _host(BASE_URL): frozenset({"studio"}),
        _host(GALLERY_URL): frozenset({"gallery"}),
    }
    for address in studios:
        apis.setdefault(_host(address), frozenset({"studio", "gallery"}))
    return _Archive(apis).judge(_entries(path))


def _entries(path: Path) -> list[Any]:
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise ConfigError(
                f"{path} has {size // 1_048_576:,} MB, more than {MOST_BYTES // 1_048_576}: record less, "
                "only the pages that matter"
            )
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}") from error
    try:
        found = orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        raise ConfigError(f"{path} is no whole JSON: {_HOW}") from None
    log = found.get("log") if isinstance(found, dict) else None
    entries = log.get("entries") if isinstance(log, dict) else None
    if not isinstance(entries, list):
        raise ConfigError(f"{path} is no HAR file (it has no log.entries): {_HOW}")
    return entries


class _Archive:
    """One file."""

    def __init__(self, apis: dict[str, frozenset[Api]]) -> None:
        self._apis = apis
        self._judge = Judge("har")
        plain_first = sorted(visited(), key=lambda name: ENDPOINTS[name].path.count("{"))
        self._routes = [(_pattern(ENDPOINTS[name]), name) for name in plain_first]
        self._writes = self._elsewhere = self._unknown = self._bodiless = self._torn = 0
        self._cookie: int | None = None

    def judge(self, entries: list[Any]) -> Report:
        for entry in entries:
            if isinstance(entry, dict):
                self._take(entry)
        report = self._judge.report()
        report.session.cookie_seconds = self._cookie
        report.notes = list(self._notes())
        return report

    def _notes(self) -> Iterator[str]:
        if not self._judge.rows:
            yield "No answer of the studio's API is in the file: was the export made on a page of the studio?"
        for count, what in (
            (self._writes, "requests that write were passed over"),
            (self._elsewhere, "requests went elsewhere than to the studio's API"),
            (self._unknown, "answers came from endpoints that Selftimer doesn't use"),
            (self._bodiless, "answers were exported without their content: save with content"),
            (self._torn, "answers were cut off in the export"),
        ):
            if count:
                yield f"{count} {what}"

    def _take(self, entry: dict[str, Any]) -> None:
        request, response = _part(entry, "request"), _part(entry, "response")
        parts = urlsplit(str(request.get("url") or ""))
        apis = self._apis.get(parts.hostname or "")
        if apis is None or not parts.path.startswith(f"{_BELOW}/"):
            self._elsewhere += 1
            return
        if str(request.get("method")).upper() != "GET":
            self._writes += 1
            return
        name = self._named(parts.path.removeprefix(_BELOW), apis)
        if name is None:
            self._unknown += 1
            return
        headers, at = _headers(response), _instant(entry)
        self._learn_cookies(response, at)
        status = response.get("status")
        if not isinstance(status, int) or status < 100:
            return  # cancelled, blocked: the browser got no answer
        body = self._content(_part(response, "content"), status)
        if body is None:
            return
        endpoint = ENDPOINTS[name]
        query = dict(parse_qsl(parts.query))
        start = "0" if endpoint.paging == "offset" else "1"
        first = query.get(endpoint.page_param, start) == start  # the last page is shorter by rights
        asked = query.get(endpoint.size_param or "", "") if first else ""
        self._judge.take(
            Look(
                name=name,
                endpoint=endpoint,
                answer=Answer(status=status, headers=headers, body=body, request=f"GET {endpoint.path}"),
                asked=int(asked) if is_list(name) and asked.isdigit() else None,
                at=at,
            )
        )

    def _named(self, path: str, apis: frozenset[Api]) -> str | None:
        for pattern, name in self._routes:
            if ENDPOINTS[name].api in apis and pattern.fullmatch(unquote(path)):
                return name
        return None

    def _content(self, content: dict[str, Any], status: int) -> bytes | None:
        """The body as it was sent; None where the export hasn't got (all of) it, which says nothing of the studio."""
        text = content.get("text")
        if not isinstance(text, str) or not text:
            self._bodiless += 200 <= status < 300
            return None
        body = text.encode("utf-8", "replace")
        if content.get("encoding") == "base64":
            try:
                body = base64.b64decode(text, validate=False)
            except (binascii.Error, ValueError):
                self._torn += 1
                return None
        size = content.get("size")
        cut = isinstance(size, int) and len(body) < size
        if len(body) > MAX_BYTES or (cut and not _whole(body)):
            self._torn += 1
            return None
        return body

    def _learn_cookies(self, response: dict[str, Any], at: Instant | None) -> None:
        """How long the longest of the cookies that were set says it lasts."""
        for header in response.get("headers") or ():
            if not isinstance(header, dict) or str(header.get("name")).lower() != "set-cookie":
                continue
            text = str(header.get("value"))
            seconds = None
            if found := _SECONDS.search(text):
                seconds = int(found[1][:9])
            elif (found := _EXPIRES.search(text)) and at is not None:
                with suppress(ValueError, OverflowError):
                    seconds = round(parsedate_to_datetime(found[1].strip()).timestamp() - at.timestamp())
            if seconds is not None:
                self._cookie = max(self._cookie or 0, seconds)


def _pattern(endpoint: Endpoint) -> re.Pattern[str]:
    """Paths that the endpoint may have been asked by."""
    parts = re.split(r"\{(\w+)\}", endpoint.path)
    return re.compile("".join(re.escape(part) if place % 2 == 0 else _place(part) for place, part in enumerate(parts)))


def _place(name: str) -> str:
    """What may stand there: one segment, or a time zone with its slash."""
    return ".+" if name == "when" else "[^/]+"


def _host(address: str) -> str:
    return urlsplit(address).hostname or ""


def _part(outer: dict[str, Any], name: str) -> dict[str, Any]:
    found = outer.get(name)
    return found if isinstance(found, dict) else {}


def _headers(response: dict[str, Any]) -> dict[str, str]:
    found = response.get("headers")
    return {
        str(one.get("name")).lower(): str(one.get("value"))
        for one in (found if isinstance(found, list) else ())
        if isinstance(one, dict)
    }


def _instant(entry: dict[str, Any]) -> Instant | None:
    """When the answer came, by the browser's machine."""
    took = entry.get("time")
    try:
        begun = Instant.parse_iso(str(entry.get("startedDateTime")))
    except ValueError:
        return None
    return begun.add(milliseconds=int(took)) if isinstance(took, int | float) and 0 <= took < 1e8 else begun


def _whole(body: bytes) -> bool:
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return True
