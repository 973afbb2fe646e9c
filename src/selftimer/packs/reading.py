"""From a pack's files to a `Pack`: `pack.yaml` is checked, and every file is asked only for inputs that there are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from selftimer.errors import Problem, RuleFileError
from selftimer.packs.contents import ABOUT, HEAD
from selftimer.packs.filling import check_placeholders
from selftimer.packs.model import CATALOGUE, Input, InputType, Pack
from selftimer.rulebook.yaml12 import load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selftimer.rulebook.yaml12 import Document

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}\Z")
_Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
_Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
_Word = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,29}$")]


class _InputSource(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    ask: _Line
    type: InputType = "text"
    default: _Line | int | None = None
    min: int | None = None
    max: int | None = None


class _PackSource(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: _Name
    title: _Line
    summary: _Line = Field(alias="for")
    version: Annotated[int, Field(ge=1, le=100_000)]
    needs: Annotated[list[_Name], Field(max_length=10)] = []
    starter: Annotated[list[str], Field(max_length=50)] = []
    inputs: dict[_Word, _InputSource] = {}


def read_pack(
    files: Mapping[str, bytes], *, origin: str = CATALOGUE, starter: Mapping[str, bytes] | None = None
) -> Pack:
    """The pack of these files. `starter` are the starter's, which packs of the catalogue may name.

    `RuleFileError` with all that is wrong with it.
    """
    document = load(files[HEAD], HEAD)
    problems = list(document.problems)
    source = _source(document, problems)
    if source is None or problems:
        raise RuleFileError(problems)
    inputs = tuple(_input(name, one) for name, one in source.inputs.items())
    own = {name: content for name, content in files.items() if name not in {HEAD, ABOUT}}
    for name in source.starter:
        if starter is None or name not in starter:
            problems.append(Problem(HEAD, 1, 1, f"the starter has no {name}", hint="take the line out"))
        else:
            own[name] = starter[name]
    if not own:
        problems.append(Problem(HEAD, 1, 1, "this pack has no files", hint="add rules/NAME.yaml"))
    problems += check_placeholders(own, {one.name: one.type for one in inputs})
    if problems:
        raise RuleFileError(problems)
    return Pack(
        name=source.name,
        title=source.title,
        summary=source.summary,
        version=source.version,
        files=dict(sorted(own.items())),
        inputs=inputs,
        needs=tuple(source.needs),
        about=files.get(ABOUT, b"").decode("utf-8", "replace"),
        origin=origin,
    )


def _source(document: Document, problems: list[Problem]) -> _PackSource | None:
    data: Any = document.data
    if not document.readable:
        return None
    try:
        return _PackSource.model_validate(data)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            spot = document.spot(tuple(one["loc"]))
            where = ".".join(map(str, one["loc"])) or "it"
            problems.append(Problem(HEAD, spot.line, spot.column, f"{where}: {one['msg']}"))
        return None


def _input(name: str, source: _InputSource) -> Input:
    default = None if source.default is None else str(source.default)
    return Input(name=name, ask=source.ask, type=source.type, default=default, least=source.min, most=source.max)
