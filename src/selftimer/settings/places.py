"""Where a setting came from, and the sentences about what is wrong with it."""

from __future__ import annotations

import difflib
import os
import re
from io import StringIO
from typing import TYPE_CHECKING, Any, get_args, get_origin

from dotenv.parser import Binding, parse_stream
from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic_core import ErrorDetails

FILE = "selftimer.toml"
PREFIX = "SELFTIMER_"
_NOT_SETTINGS = frozenset({"debug", "workspace", "crash_at"})
"""Variables that the commands and the tests of recovery read themselves."""
_SECRETS = frozenset({"password", "cookie", "token", "secret", "api_key"})


def similar(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'time_zone'?`, or nothing."""
    found = difflib.get_close_matches(word, list(known), 1, 0.6)
    return f"; did you mean {found[0]!r}?" if found else ""


class Origin:
    """Where a setting came from, for the sentences about it."""

    def __init__(self, text: str, dotenv: str) -> None:
        self._lines = text.splitlines()
        self._bindings = list(parse_stream(StringIO(dotenv)))
        self._dotenv = {one.key.upper(): _place(one) for one in self._bindings if one.key and not one.error}

    def _line(self, *path: str) -> int | None:
        """The line of a key, or of its nearest table, in the TOML text: tomllib keeps no places."""
        table: list[str] = []
        nearest: int | None = None
        for number, line in enumerate(self._lines, 1):
            if header := re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line):
                table = [part.strip(" \"'") for part in header[1].split(".")]
                if table[: len(path)] == list(path):
                    return number
                if table == list(path[: len(table)]) and nearest is None:
                    nearest = number
            elif key := re.match(r"""\s*("[^"]+"|'[^']+'|[\w.-]+)\s*=""", line):
                name = key[1].strip("\"'")
                here, wanted = f"{'.'.join([*table, name])}.", f"{'.'.join(path)}."
                if here.startswith(wanted) or wanted.startswith(here):
                    return number
        return nearest

    def where(self, *path: str) -> str:
        """`selftimer.toml:7`, `.env:2` or the variable's name."""
        names = [PREFIX + "__".join(path[:depth]).upper().replace("-", "_") for depth in range(len(path), 0, -1)]
        here = {name.upper() for name in os.environ}
        for name in names:
            if name in here:
                return f"the variable {name}"
            if name in self._dotenv:
                return f".env:{self._dotenv[name]}"
        line = self._line(*path)
        return f"{FILE}:{line}" if line else FILE

    def spot(self, *path: str) -> tuple[int, int]:
        """Line and column of a key in the TOML text; of the nearest table, or the first line, where it isn't there."""
        line = self._line(*path) or 1
        text = self._lines[line - 1] if self._lines else ""
        key = re.search(rf"""(?<![\w.-])["']?{re.escape(path[-1])}["']?(?=\s*[=.\]])""", text)
        return line, (key.start() if key is not None else len(text) - len(text.lstrip())) + 1

    def secrets(self, document: Mapping[str, Any]) -> list[str]:
        """A sentence for every secret in the file that people share and put under version control."""
        spots: list[tuple[str, ...]] = [(name,) for name in document]
        spots += [("account", name) for name in _table(document, "account")]
        for section in ("webhooks", "notify"):
            inner = _table(document, section)
            spots += [(section, part, name) for part in inner for name in _table(inner, part)]
        return [
            f"{FILE}:{self._line(*spot)}: a {spot[-1]} doesn't belong in {FILE}, which gets shared and copied: "
            f"put it in .env as {_variable(spot)}=…, remove it here, and change it if others saw the file"
            for spot in spots
            if spot[-1].lower() in _SECRETS
        ]

    def torn_lines(self) -> list[str]:
        """A sentence for every line of `.env` that says nothing."""
        return [
            f".env:{_place(one)}: this can't be read; write one NAME=value a line, in quotes if it has blanks or #"
            for one in self._bindings
            if one.error
        ]

    def unknown_variables(self, known: set[str]) -> list[str]:
        """A sentence for every SELFTIMER_ variable that means nothing."""
        found = {name.upper(): f"the variable {name}" for name in os.environ}
        found = {name: f".env:{line}: the variable {name}" for name, line in self._dotenv.items()} | found
        sentences = []
        for name, where in found.items():
            first = name.removeprefix(PREFIX).lower().partition("__")[0]
            if name.startswith(PREFIX) and first not in known | _NOT_SETTINGS:
                meant = similar(name, [PREFIX + one.upper() for one in known])
                sentences.append(f"{where} means nothing to Selftimer{meant}")
        return sentences

    def sentences(self, settings: type[BaseModel], errors: Iterable[ErrorDetails]) -> list[str]:
        """All mistakes, those of the file by line."""
        said = {self._sentence(settings, one): None for one in errors}
        return sorted(said, key=lambda text: [int(part) if part.isdigit() else 0 for part in text.split(":")[1:2]])

    def _sentence(self, settings: type[BaseModel], error: ErrorDetails) -> str:
        """One mistake as people read it."""
        path = [str(part) for part in error["loc"]]
        section, key = f"[{'.'.join(path[:-1] or path)}]" if path else "", path[-1] if path else ""
        where = self.where(*path) if path else FILE
        match error["type"]:
            case "extra_forbidden" if len(path) == 1:
                return f"{where}: there is no section [{key}]{similar(key, settings.model_fields)}"
            case "extra_forbidden":
                model = _model_at(settings, path[:-1])
                known = model.model_fields if model is not None else ()
                return f"{where}: {section} has no key {key!r}{similar(key, known) or '; it has ' + ', '.join(known)}"
            case "missing" if len(path) == 1:
                return f"{FILE}: the section [{key}] is missing; it needs at least name and time_zone"
            case "missing":
                return f"{where}: {section} needs {key!r}"
            case "value_error":
                said = str(error["ctx"]["error"])
                return f"{where}: {f'{key}: ' if key else ''}{said}"
            case _:
                return f"{where}: {key}: {error['msg'][0].lower()}{error['msg'][1:]}"


def _variable(spot: tuple[str, ...]) -> str:
    """The variable that a secret of the file belongs in; the account's have short ones."""
    path = spot if len(spot) > 2 else spot[-1:]
    return PREFIX + "__".join(path).upper().replace("-", "_")


def _model_at(settings: type[BaseModel], path: list[str]) -> type[BaseModel] | None:
    """The section that a path leads to: a field's own model, one of `X | None`, or the values of a table by name."""
    model: type[BaseModel] | None = settings
    step = iter(path)
    for part in step:
        found = model.model_fields.get(part) if model is not None else None
        options = [] if found is None else [found.annotation, *get_args(found.annotation)]
        if found is not None and get_origin(found.annotation) is dict:
            next(step, None)  # the name
        model = next((one for one in options if isinstance(one, type) and issubclass(one, BaseModel)), None)
    return model


def _table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def _place(binding: Binding) -> int:
    """The line that it begins on: dotenv counts the empty lines before it in."""
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")
