"""Where log lines go and what may stand in them (docs/reference/logs.md lists every event).

JSON lines when nobody watches, coloured lines on a terminal. Secrets and the words of messages never pass, whatever
somebody logs by mistake.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import re
import sys
from typing import TYPE_CHECKING, Any, TextIO

import orjson
import structlog
from pydantic import SecretBytes, SecretStr
from structlog.stdlib import ProcessorFormatter
from whenever import Instant

from selftimer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from structlog.typing import EventDict, Processor, WrappedLogger

    from selftimer.primitives.clock import Clock
    from selftimer.settings import Log

FIRST = ("timestamp", "level", "event", "logger")
"""The keys that every line begins with."""
HIDDEN = "[hidden]"
_SECRET = re.compile(r"passw|cookie|token|authorization|csrf|secret|credential", re.IGNORECASE)
_WORDS = frozenset({"text", "content", "body", "html", "raw", "approved_text", "edited_text"})
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_TALKATIVE = ("httpx", "httpcore", "apscheduler", "asyncio", "alembic", "watchfiles")
"""Libraries that log each step, some with URLs in it."""
_DEPTH = 6


def configure(
    log: Log,
    *,
    file: Path | None = None,
    clock: Clock | None = None,
    zone: str = "UTC",
    stream: TextIO | None = None,
) -> None:
    """Send structlog's and the standard library's lines to `stream` (default: stderr) and to `file` as JSON.

    With `clock`, a simulated one, `timestamp` is its time and `wall` the machine's. `zone` is the zone of times on a
    terminal. May be called again. `ConfigError` where the file can't be written.
    """
    out = stream or sys.stderr
    level = logging.getLevelNamesMapping()[log.level.upper()]
    console = log.format == "console" or (log.format == "auto" and out.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _Stamp(clock),
        redact,
    ]
    handlers: list[logging.Handler] = [logging.StreamHandler(out)]
    handlers[0].setFormatter(_formatter(shared, _console(zone, colors=out.isatty()) if console else _json()))
    if file is not None:
        handlers.append(_open(file))
        handlers[1].setFormatter(_formatter(shared, _json()))
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if getattr(handler, "selftimer", False)]:
        root.removeHandler(old)
        if isinstance(old, logging.FileHandler):
            old.close()
    for handler in handlers:
        handler.selftimer = True  # type: ignore[attr-defined] # ours, so that the next call can take it away
        root.addHandler(handler)
    root.setLevel(level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    structlog.configure(
        processors=[*shared, ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,  # a later call must reach loggers that were used before it
    )


def silence() -> None:
    """Log nothing below critical from now on: for what tells by itself what happened, such as tests of rules."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The line without secrets and without the words of messages."""
    return {key: _fit(key, value, 0) for key, value in event.items()}


def _fit(key: str, value: Any, depth: int) -> Any:
    if isinstance(value, SecretStr | SecretBytes) or _SECRET.search(key) or key.lower() in _WORDS:
        return value if value is None else HIDDEN
    if depth > _DEPTH:
        return HIDDEN
    if isinstance(value, dict):
        return {str(name): _fit(str(name), inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_fit(key, inner, depth + 1) for inner in value]
    return value


class _Stamp:
    """Adds when it happened."""

    def __init__(self, clock: Clock | None) -> None:
        self._clock = clock

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        wall = _iso(Instant.now())
        event["timestamp"] = wall if self._clock is None else _iso(self._clock.now())
        if self._clock is not None:
            event["wall"] = wall
        return event


def _iso(instant: Instant) -> str:
    return instant.format_iso(unit="millisecond")


def _formatter(shared: list[Processor], last: list[Processor]) -> ProcessorFormatter:
    return ProcessorFormatter(
        processors=[ProcessorFormatter.remove_processors_meta, *last],
        foreign_pre_chain=shared,
    )


def _json() -> list[Processor]:
    return [structlog.processors.format_exc_info, _line]


def _line(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    known = {key: event[key] for key in FIRST if key in event}
    return orjson.dumps({**known, **event}, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _console(zone: str, *, colors: bool) -> list[Processor]:
    def local(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["timestamp"] = clock_face(event["timestamp"], zone)
        event["event"] = _CONTROLS.sub(" ", str(event.get("event", "")))
        event.pop("wall", None)
        event.pop("logger", None)
        return event

    renderer = structlog.dev.ConsoleRenderer(
        colors=colors,
        sort_keys=False,
        repr_native_str=True,  # as written in Python: what a client is called can't steer the terminal
        pad_event_to=20,
        exception_formatter=structlog.dev.plain_traceback,  # the pretty one prints local variables
    )
    return [local, renderer]


def clock_face(timestamp: str, zone: str) -> str:
    """`2026-03-04 10:05:00` in the zone, of a line's timestamp."""
    instant = Instant.parse_iso(timestamp)
    there = instant.to_tz(zone)
    return f"{there.date()} {there.hour:02}:{there.minute:02}:{there.second:02}"


class _File(logging.handlers.WatchedFileHandler):
    """Appends; opened again after a rotation; for its owner only, since ids and rules say something about people."""

    def _open(self) -> Any:
        def private(path: str, flags: int) -> int:
            return os.open(path, flags, 0o600)

        return open(self.baseFilename, self.mode, encoding=self.encoding, opener=private)


def _open(path: Path) -> logging.Handler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _File(path, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"[log] file: {path} can't be written ({error.strerror}); choose another place") from error


def context(line: Mapping[str, Any]) -> dict[str, Any]:
    """What a line says beyond the keys that all have."""
    return {key: value for key, value in line.items() if key not in {*FIRST, "wall"}}
