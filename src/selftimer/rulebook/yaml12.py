"""YAML as rule files use it: 1.2 words, a place for every value, and faults told in sentences.

Built from libyaml's events, not from a loader, so that nothing of YAML's object machinery is reachable: no tags, no
aliases, no anchors, one document (rule-language.md, YAML's traps). A text that can be mended by quotes is reported and
read as if it had them, so that all faults of a file are found at once.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from selftimer.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Path = tuple[str | int, ...]
"""Where a value stands: `("rules", 0, "when")`; a key itself is at `(*path, KEY)`."""
KEY = "#key"

MAX_BYTES = 256 * 1024
MAX_DEPTH = 40
MAX_REPAIRS = 20
MAX_DIGITS = 15
MAX_READ_AGAIN = 1024 * 1024
"""Characters that are read again after mendings, all together."""

_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_ILLEGAL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_INT = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_WORDS: dict[str, bool | None] = dict.fromkeys(("", "~", "null", "Null", "NULL"))
_WORDS |= dict.fromkeys(("true", "True", "TRUE"), True)
_WORDS |= dict.fromkeys(("false", "False", "FALSE"), False)
_LINE = re.compile(r"(?P<head> *(?:- +)*(?:[A-Za-z_][\w.-]*: +)?)(?P<value>\S.*)\Z")
"""Of a line without the blanks at its end."""
_FLOW = re.compile(r"[\[{].*[\]}]\Z")
_QUOTED = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')(?: +#.*)?\Z""")
_INNER = re.compile(r"(?:\{\{.*?\}\})?[^,}\]]*")
_COMMENT = re.compile(r"( *)#(.?)")
_STARTS = ("{{", "{%", "!", "*", "&", "@", "%", "`", '"', "'")


@dataclass(frozen=True, slots=True)
class Most:
    """How large a file may be: its values, and the faults until it is put down."""

    values: int
    faults: int


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a value begins (both count from 1), and for a text how it was written (`'`, `"`, `|`, `>` or '')."""

    line: int
    column: int
    style: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a file says: plain data (dict, list, str, int, float, bool, None), the spot of each path, and its faults.

    `readable` is False where the file could not be read to its end; `data` is None then.
    """

    file: str
    data: Any = None
    spots: Mapping[Path, Spot] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    readable: bool = True
    lines: tuple[str, ...] = ()

    def spot(self, path: Path) -> Spot:
        """Where the value at `path` begins, or the nearest thing around it."""
        while path and path not in self.spots:
            path = path[:-1]
        return self.spots.get(path, Spot(1, 1))

    def key_spot(self, path: Path) -> Spot:
        """Where the key of `path` stands, or its value where it has none (a list's entry)."""
        return self.spots.get((*path, KEY)) or self.spot(path)

    def within(self, path: Path, value: str, offset: int) -> Spot:
        """The place of one character of a text, where that can be known; else where the text begins."""
        start = self.spot(path)
        if not 0 <= offset <= len(value):
            return start
        if start.style == "|":
            return self._within_block(start, value, offset)
        column = start.column - 1 + (start.style in {"'", '"'})
        line = self.lines[start.line - 1] if start.line <= len(self.lines) else ""
        if "\n" in value or line[column : column + len(value)] != value:
            return start
        return Spot(start.line, column + 1 + offset)

    def _within_block(self, start: Spot, value: str, offset: int) -> Spot:
        before = value[:offset]
        number = start.line + 1 + before.count("\n")
        text = value.split("\n")[before.count("\n")]
        if number > len(self.lines) or not self.lines[number - 1].endswith(text):
            return start
        indent = len(self.lines[number - 1]) - len(text)
        return Spot(number, indent + 1 + offset - (before.rfind("\n") + 1))


def load(content: bytes | str, file: str, most: Most | None = None) -> Document:
    """The document of a file's content, at most so large. Never raises: whatever is wrong is in `problems`."""
    text, problem = decode(content, file)
    if text is None:
        return Document(file=file, problems=(problem,) if problem else (), readable=False)
    lines = _BREAK.split(text)
    found: list[Problem] = _forbidden(lines, file)
    if found:
        return Document(file=file, problems=tuple(found), readable=False, lines=tuple(lines))
    read = 0
    for _ in range(min(MAX_REPAIRS, 1 + MAX_READ_AGAIN // len(text or " "))):
        reader = _Reader(file, lines, most)
        try:
            data = reader.read()
        except yaml.YAMLError as error:
            problem, mended = _explain(error, file, lines)
            found.append(problem)
            if mended is None:
                break
            lines[mended[0]] = mended[1]
            read += len(reader.spots)
            if most is not None and read > most.values:
                break  # each mending is another reading
        except _Stopped as stopped:
            found += reader.problems
            found.append(Problem(file, stopped.spot.line, stopped.spot.column, stopped.message, hint=stopped.hint))
            break
        else:
            found += reader.problems
            return Document(
                file=file, data=data, spots=reader.spots, problems=tuple(sorted(set(found))), lines=tuple(lines)
            )
    return Document(file=file, problems=tuple(sorted(set(found))), readable=False, lines=tuple(lines))


def decode(content: bytes | str, file: str) -> tuple[str | None, Problem | None]:
    """The text of a file, or what is wrong with it: too large, not UTF-8, control characters in it."""
    size = len(content) if isinstance(content, bytes) else len(content.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        return None, Problem(
            file, 1, 1, f"the file has {size:,} bytes; {MAX_BYTES:,} are allowed", hint="split it into several files"
        )
    if isinstance(content, bytes):
        try:
            content = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            lines = _BREAK.split(error.object[: error.start].decode("utf-8", "replace"))
            return None, Problem(
                file, len(lines), len(lines[-1]) + 1, "this is not UTF-8 text", hint="save the file as UTF-8"
            )
    content = content.removeprefix("\ufeff")
    if bad := _ILLEGAL.search(content):
        lines = _BREAK.split(content[: bad.start()])
        name = f"U+{ord(bad[0]):04X}"
        return None, Problem(
            file, len(lines), len(lines[-1]) + 1, f"an invisible control character ({name})", hint="delete it"
        )
    return content, None


def _forbidden(lines: list[str], file: str) -> list[Problem]:
    return [
        Problem(file, number, line.index("\t") + 1, "a tab", hint="YAML wants blanks: two for each level")
        for number, line in enumerate(lines, 1)
        if "\t" in line
    ][:MAX_REPAIRS]


class _Stopped(Exception):  # noqa: N818 - never leaves this module
    """The file is not read any further."""

    def __init__(self, spot: Spot, message: str, hint: str = "") -> None:
        self.spot, self.message, self.hint = spot, message, hint


class _Reader:
    """Turns the events of one document into plain data, noting where everything stands."""

    def __init__(self, file: str, lines: list[str], most: Most | None) -> None:
        self.file = file
        self.lines = lines
        self.most = most
        self.values = 0
        self.spots: dict[Path, Spot] = {}
        self.problems: list[Problem] = []

    def read(self) -> Any:
        events: Iterator[yaml.Event] = yaml.parse("\n".join(self.lines), Loader=yaml.CSafeLoader)
        data: Any = None
        documents = 0
        for event in events:
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            documents += 1
            if documents > 1:
                self._fault(event, "a second document begins here", "take the line '---' out")
                break
            data = self._node(next(events), events, ())
        return data

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event], path: Path) -> Any:
        spot = _spot(event)
        self.spots[path] = spot
        if len(path) > MAX_DEPTH:
            raise _Stopped(spot, f"nested more than {MAX_DEPTH} levels deep")
        if (
            isinstance(event, yaml.AliasEvent)
            or getattr(event, "anchor", None) is not None
            or getattr(event, "tag", None) is not None
        ):
            self._skip(event, events)
            return self._unquoted(event)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Any] = []
            while not isinstance(inner := next(events), yaml.SequenceEndEvent):
                items.append(self._node(inner, events, (*path, len(items))))
            return items
        if self._raw(event).startswith("{{"):
            self._skip(event, events)
            return self._unquoted(event)
        return self._mapping(events, path)

    def _mapping(self, events: Iterator[yaml.Event], path: Path) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        while not isinstance(key := next(events), yaml.MappingEndEvent):
            if not isinstance(key, yaml.ScalarEvent) or key.anchor is not None or key.tag is not None:
                self._skip(key, events)
                self._skip(next(events), events)
                self._fault(key, "a key must be a plain word", "write it like 'title: …'")
                continue
            name = key.value
            if name in mapping:
                first = self.spots[*path, name, KEY].line
                self._fault(key, f"the key {name!r} stands twice (first on line {first})", "keep one of them")
                self._skip(next(events), events)
                continue
            self.spots[*path, name, KEY] = _spot(key)
            mapping[name] = None
            mapping[name] = self._node(next(events), events, (*path, name))
        return mapping

    def _count(self, event: yaml.Event) -> None:
        """Stop where the file is larger than any that people write."""
        self.values += 1
        if self.most is not None and self.values > self.most.values:
            message = f"the file has more than {self.most.values:,} values"
            raise _Stopped(_spot(event), message, "split it into several files")

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        value: str = event.value
        self._count(event)
        if event.style or not event.implicit[0]:
            return value
        self._check_comment(event)
        if value in _WORDS:
            return _WORDS[value]
        if _INT.match(value):
            return int(value) if len(value) <= MAX_DIGITS else value
        if _FLOAT.match(value) and math.isfinite(number := float(value)):
            return number
        return value

    def _check_comment(self, event: yaml.ScalarEvent) -> None:
        number, column = _at(event.end_mark)
        line = self.lines[number] if number < len(self.lines) else ""
        if not event.value or not (comment := _COMMENT.match(line, column)):
            return
        blanks, after = comment.groups()
        if len(blanks) >= 2 and after in {"", " "}:
            return
        self.problems.append(
            Problem(
                self.file,
                number + 1,
                column + len(blanks) + 1,
                "text or comment? YAML drops everything from ' #' on",
                hint="if it is text, put all of it in double quotes; if a comment, two blanks before # and one after",
            )
        )

    def _unquoted(self, event: yaml.Event) -> str:
        """Report a text that YAML takes for something else; it is read as the text that it looks like."""
        value = self._raw(event).rstrip()
        number, column = _at(event.start_mark)
        line = _LINE.match(self.lines[number].rstrip(" "))
        if line is None or line.start("value") != column:  # inside { } or [ ]: it ends there
            value = _INNER.match(value)[0].rstrip()  # type: ignore[index]  # every part of it may be empty
        self._fault(event, *_begins(value, value))
        return value

    def _raw(self, event: yaml.Event) -> str:
        number, column = _at(event.start_mark)
        return self.lines[number][column:] if number < len(self.lines) else ""

    def _skip(self, event: yaml.Event, events: Iterator[yaml.Event]) -> None:
        depth = 0
        while True:
            depth += isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent)
            depth -= isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent)
            if depth <= 0:
                return
            if depth > MAX_DEPTH:  # libyaml takes the square of the depth
                raise _Stopped(_spot(event), f"nested more than {MAX_DEPTH} levels deep")
            event = next(events)

    def _fault(self, event: yaml.Event, message: str, hint: str) -> None:
        spot = _spot(event)
        self.problems.append(Problem(self.file, spot.line, spot.column, message, hint=hint))
        if self.most is not None and len(self.problems) >= self.most.faults:
            raise _Stopped(spot, "there are too many faults to read on", "mend these first, and check again")


def _spot(event: yaml.Event) -> Spot:
    number, column = _at(event.start_mark)
    return Spot(number + 1, column + 1, getattr(event, "style", None) or "")


def _at(mark: Any) -> tuple[int, int]:
    """Line and column of a mark, from 0; libyaml's events all have one, whatever their type says."""
    return (mark.line, mark.column) if mark is not None else (0, 0)


def _begins(value: str, shown: str) -> tuple[str, str]:
    start = next((start for start in _STARTS if value.startswith(start)), value[:1])
    message = f"a text that begins with {start} must stand in double quotes"
    write = f"write {_quoted(shown.strip())}"
    if start == "!":
        return message, f"{write}; in a condition say 'not …' instead of '!…'"
    if start in {"*", "&"}:
        return message, f"YAML takes it for an alias; {write}"
    if start in {'"', "'"}:
        return "the text goes on after its closing quote, or has none: all of it must stand in double quotes", write
    return message, write


def _quoted(value: str) -> str:
    return json.dumps(value[:120], ensure_ascii=False)


Mended = tuple[int, str] | None


def _explain(error: yaml.YAMLError, file: str, lines: list[str]) -> tuple[Problem, Mended]:
    """A sentence for a parser's error, and (line index, line) that would have been read, where quotes are the cure."""
    mark = getattr(error, "problem_mark", None)
    context = getattr(error, "context_mark", None)
    if mark is None:
        return Problem(file, 1, 1, "this file can't be read as YAML", hint=str(error).splitlines()[0]), None
    scanning = "quoted scalar" in (getattr(error, "context", None) or "")
    wanted = [context] if scanning and context is not None else [mark]
    numbers = [m.line for m in wanted] + ([mark.line - 1] if not scanning else [])
    for number in numbers:
        if 0 <= number < len(lines) and (cure := _cure(lines[number])):
            column, message, hint, line = cure
            return Problem(file, number + 1, column, message, hint=hint), (number, line)
    here = wanted[0]
    line = min(here.line + 1, max(len(lines), 1))
    message, hint = _sentence(getattr(error, "problem", None) or "", scanning=scanning)
    return Problem(file, line, here.column + 1, message, hint=hint), None


def _cure(line: str) -> tuple[int, str, str, str] | None:
    """For a line whose text must be quoted: column, message, hint and the line with quotes."""
    match = _LINE.match(line.rstrip(" "))
    if match is None:
        return None
    head, value = match["head"], match["value"]
    if value.startswith(("#", "|", ">")) or _QUOTED.match(value):
        return None
    if value[0] in "[{" and not value.startswith(_STARTS) and (_FLOW.match(value) or not {"]", "}"} & set(value)):
        return None
    mended = head + json.dumps(value, ensure_ascii=False)
    if value.startswith(_STARTS):
        return len(head) + 1, *_begins(value, value), mended
    if not head.rstrip().endswith((":", "-")):
        return None
    if value[0] in "[{":
        message = f"this begins like a {'list' if value[0] == '[' else 'mapping'} and isn't one"
        return len(head) + 1, message, f"if it is text, write {_quoted(value)}", mended
    if ": " in value or value.endswith(":"):
        return len(head) + 1, "a text that holds ': ' must stand in double quotes", f"write {_quoted(value)}", mended
    return None


def _sentence(problem: str, *, scanning: bool) -> tuple[str, str]:
    if scanning and "escape" in problem:
        return "a backslash in double quotes must be written twice", "write \\\\, or use single quotes"
    if scanning:
        return "the quote that begins here has no end", "close it, or put the whole text in double quotes"
    if "mapping values" in problem or "expected key" in problem:
        return (
            "this line doesn't fit the ones above",
            "begin it in the same column as its neighbours, and put a text with ': ' in it in double quotes",
        )
    if "'-' indicator" in problem:
        return (
            "a list's entry must begin with '- '",
            "indent the line to belong to the entry above, or begin it with '- '",
        )
    if "',' or" in problem:
        return "a bracket is opened and not closed", "close it on the same line"
    if "block sequence entries" in problem:
        return "a list can't begin on the same line as its key", "begin the '- ' on a line of its own"
    if "comment or line break" in problem:
        return "after | or > the text begins on the next line", "or put the text in double quotes"
    return "this can't be read as YAML", f"the parser says: {problem}" if problem else "put texts in double quotes"
