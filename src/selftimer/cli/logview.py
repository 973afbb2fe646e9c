"""Reading the JSON log back."""

from __future__ import annotations

import logging
import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from whenever import Instant

from selftimer.cli.output import clean, console
from selftimer.cli.workspace import find_client, load_settings, open_reader
from selftimer.errors import ConfigError
from selftimer.log import clock_face, context
from selftimer.primitives.time import Span, TimeError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selftimer.settings import Settings

_STYLES = {"warning": "yellow", "error": "bold red", "critical": "bold red", "debug": "dim"}
_LOOK_EVERY = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which lines."""

    rule: str | None = None
    client: str | None = None
    level: str = "debug"
    event: str | None = None
    since: str | None = None


def show_log(workspace: Path, wanted: Wanted, *, file: Path | None, follow: bool, as_json: bool) -> int:
    """Print the lines that fit, as they stand with `as_json`."""
    settings = load_settings(workspace)
    source = file or settings.log_file
    if source is None:
        raise ConfigError(
            'no log file is set: write file = "selftimer.log" under [log] in selftimer.toml, '
            "or pipe a log in: journalctl -u selftimer -o cat | selftimer log --file -"
        )
    fits = _Filter(settings, wanted)
    screen = console()
    for text in _lines(source, follow=follow):
        line = _parse(text)
        if line is None or not fits(line):
            continue
        if as_json:
            sys.stdout.write(text.rstrip("\n") + "\n")
        else:
            screen.print(
                _sentence(line, settings.studio.time_zone), style=_STYLES.get(line.get("level", "")), soft_wrap=True
            )
        if follow:
            sys.stdout.flush()
    return 0


def _parse(text: str) -> dict[str, Any] | None:
    try:
        line = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None  # a torn line, or another program's
    return line if isinstance(line, dict) and "event" in line else None


class _Filter:
    def __init__(self, settings: Settings, wanted: Wanted) -> None:
        self._wanted = wanted
        self._level = logging.getLevelNamesMapping()[wanted.level.upper()]
        self._since = _since(wanted.since, settings.studio.time_zone) if wanted.since else None
        self._client = wanted.client
        if wanted.client and not wanted.client.startswith("cl_"):
            with open_reader(settings) as reader:
                self._client = find_client(reader, wanted.client).id

    def __call__(self, line: dict[str, Any]) -> bool:
        level = logging.getLevelNamesMapping().get(str(line.get("level", "info")).upper(), logging.INFO)
        return (
            level >= self._level
            and self._wanted.rule in {None, line.get("rule")}
            and (self._client is None or self._client in {line.get("client"), line.get("record"), line.get("subject")})
            and (self._wanted.event is None or str(line["event"]).startswith(self._wanted.event))
            and (self._since is None or _instant(line) >= self._since)
        )


def _instant(line: dict[str, Any]) -> Instant:
    try:
        return Instant.parse_iso(str(line.get("timestamp")))
    except ValueError:
        return Instant.MIN


def _since(text: str, zone: str) -> Instant:
    try:
        return Instant.parse_iso(text)
    except ValueError:
        pass
    try:
        span = Span.parse(text)
    except TimeError:
        raise ConfigError(
            f"--since {text!r}: write '2 hours', '3 days', or an instant like 2026-03-04T10:00Z"
        ) from None
    from selftimer.primitives.time import move

    return move(Instant.now(), span, -1, zone)


def _lines(source: Path, *, follow: bool) -> Iterator[str]:
    """The lines of a file; with `follow` also those to come, through a rotation too."""
    if str(source) == "-":
        yield from sys.stdin
        return
    try:
        file = source.open(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigError(f"the log {source} can't be read ({error.strerror}): has the service run?") from error
    rest = ""
    try:
        while True:
            for part in file:
                rest += part
                if rest.endswith("\n"):
                    yield rest
                    rest = ""
            if not follow:
                return
            time.sleep(_LOOK_EVERY)
            if source.exists() and source.stat().st_ino != os.fstat(file.fileno()).st_ino:
                file.close()
                file, rest = source.open(encoding="utf-8", errors="replace"), ""
    finally:
        file.close()


def _sentence(line: dict[str, Any], zone: str) -> str:
    try:
        when = clock_face(str(line.get("timestamp")), zone)
    except ValueError:
        when = str(line.get("timestamp", ""))
    exception = line.get("exception")
    rest = " ".join(
        f"{key}={value}" for key, value in context(line).items() if key != "exception" and value is not None
    )
    said = clean(f"{when} {line.get('level', '')!s:<8} {line['event']:<22} {rest}").rstrip()
    return said if not exception else "\n  ".join([said, *(clean(part) for part in str(exception).splitlines())])
