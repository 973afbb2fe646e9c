"""Message files: an optional head with `subject:` and `attach:`, and the text (rule-language.md, Words).

A head stands between two lines `---`, or before the first one. Its lines are literal text after the colon, not YAML.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from selftimer.errors import Problem
from selftimer.rulebook.build_text import doubts
from selftimer.rulebook.build_verbs import not_a_file
from selftimer.rulebook.expression import ExpressionError
from selftimer.rulebook.limits import MAX_FOUND, MAX_SAID, words_in
from selftimer.rulebook.model import Where, Words
from selftimer.rulebook.sentences import similar
from selftimer.rulebook.textcompile import compile_text
from selftimer.rulebook.yaml12 import decode

if TYPE_CHECKING:
    from selftimer.rulebook.names import Names
    from selftimer.rulebook.textcompile import CompiledText

FOLDER = "automations/messages/"
SUFFIXES = (".md", ".txt")
MAX_SUBJECT = 200
MAX_BODY = 10_000
_HEAD_LINE = re.compile(r"(?P<key>[A-Za-z_]+) *:(?P<value>.*)\Z")
_TAG = re.compile(r"\{[{%].*?[%}]\}", re.DOTALL)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")
_MARKUP = (
    (re.compile(r"(?<![*\w])\*\*\S(?:[^*\n]*\S)?\*\*"), "**"),
    (re.compile(r"(?m)^#{1,6} \S"), "#"),
    (re.compile(r"\[[^\]\[\n]+\]\((?:https?:|mailto:|\{\{)[^)\n]{0,300}\)"), "[text](link)"),
    (re.compile(r"</?(?:a|b|i|p|br|div|em|strong|ul|li|img|span|h[1-6])\b[^>\n]{0,300}>", re.IGNORECASE), "HTML"),
)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a message with the place of its first character."""

    text: str
    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsSource:
    """A message as it stands in its file."""

    name: str
    file: str
    subject: Part | None
    body: Part
    attach: tuple[Part, ...] = ()
    text: str = ""
    """The whole file."""

    def parts(self) -> tuple[Part, ...]:
        """Subject, if there is one, and body."""
        return (self.body,) if self.subject is None else (self.subject, self.body)


def read_words(content: bytes | str, file: str) -> tuple[WordsSource | None, list[Problem]]:
    """The message of a file, or what is wrong with it."""
    stem, _, _ = file.removeprefix(FOLDER).rpartition(".")
    if not _NAME.match(stem):
        return None, [
            Problem(
                file, 1, 1, f"{stem[:60]!r} can't be the name of a message", hint="use small letters, digits, - and _"
            )
        ]
    text, problem = decode(content, file)
    if text is None:
        return None, [problem] if problem else []
    lines = text.replace("\r\n", "\n").split("\n")
    head, first = _head(lines)
    subject, attach, problems = _read_head(head, file)
    body = "\n".join(lines[first:])
    skipped = len(body) - len(body.lstrip("\n"))
    part = Part(body.strip("\n").rstrip(), first + 1 + skipped, 1)
    if not part.text:
        problems.append(
            Problem(file, min(first + 1, len(lines)), 1, "the message has no text", hint="write some below the head")
        )
    if len(part.text) > MAX_BODY:
        problems.append(
            Problem(file, part.line, 1, f"the text has {len(part.text):,} characters; {MAX_BODY:,} are allowed")
        )
    if problems:
        return None, problems
    return WordsSource(name=stem, file=file, subject=subject, body=part, attach=attach, text=text), []


def _head(lines: list[str]) -> tuple[list[tuple[int, str]], int]:
    """The numbered lines of the head, and the index of the body's first line."""
    marks = [n for n, line in enumerate(lines) if line.rstrip() == "---"]
    if marks and not any(line.strip() for line in lines[: marks[0]]) and len(marks) > 1:
        start, end = marks[0] + 1, marks[1]
    elif marks and lines and re.match(r"(?:subject|attach) *:", lines[0], re.IGNORECASE):
        start, end = 0, marks[0]
    else:
        return [], 0
    return [(n + 1, lines[n]) for n in range(start, end) if lines[n].strip()], end + 1


def _read_head(head: list[tuple[int, str]], file: str) -> tuple[Part | None, tuple[Part, ...], list[Problem]]:
    """Its subject, the files that it attaches (a line for each), and what is wrong with it."""
    subject: Part | None = None
    attach: list[Part] = []
    problems: list[Problem] = []
    for number, line in head:
        if len(problems) >= MAX_FOUND:
            break
        match = _HEAD_LINE.match(line)
        key = match["key"].lower() if match else ""
        if match is None or key not in {"subject", "attach"}:
            hint = similar(key, ("subject", "attach")) or "a head has 'subject: …' and 'attach: …' only"
            problems.append(Problem(file, number, 1, f"{line.strip()[:40]!r} is no line of a head", hint=hint))
        elif key == "attach":
            name = _value(match, number)
            attach.append(name)
            if wrong := not_a_file(name.text):
                problems.append(Problem(file, number, name.column, wrong[0], hint=wrong[1]))
        elif subject is not None:
            problems.append(Problem(file, number, 1, "a second subject", hint=f"the first is on line {subject.line}"))
        else:
            subject = _value(match, number)
            if not 0 < len(subject.text) <= MAX_SUBJECT:
                problems.append(
                    Problem(
                        file, number, subject.column, f"a subject has 1 to {MAX_SUBJECT} characters", hint="or no line"
                    )
                )
    return subject, tuple(attach), problems


def _value(match: re.Match[str], number: int) -> Part:
    """What stands after the colon."""
    value = match["value"]
    return Part(value.strip(), number, match.start("value") + 1 + len(value) - len(value.lstrip()))


Compiled = tuple["CompiledText | ExpressionError", ...]
"""Subject, if there is one, and body: each compiled, or what is wrong with it."""


def compile_words(source: WordsSource, names: Names, present: frozenset[str]) -> tuple[Words | None, list[Problem]]:
    """The message compiled for what can be said where a rule sends it; doubts are warnings."""
    return checked_words(source, compile_parts(source, names), present)


def compile_parts(source: WordsSource, names: Names) -> Compiled:
    """Its parts for these names: what takes the time."""
    return tuple(_compiled(part, names) for part in source.parts())


def _compiled(part: Part, names: Names) -> CompiledText | ExpressionError:
    try:
        return compile_text(part.text, names)
    except ExpressionError as error:
        return error


def checked_words(
    source: WordsSource, compiled: Compiled, present: frozenset[str]
) -> tuple[Words | None, list[Problem]]:
    """The message where these paths can't be missing."""
    problems: list[Problem] = []
    good: list[CompiledText] = []
    for part, template in zip(source.parts(), compiled, strict=True):
        if isinstance(template, ExpressionError):
            problems += [_placed(source, part, f.offset, f.message, f.hint, "error") for f in template.faults]
        else:
            found = doubts(template, present)
            problems += [_placed(source, part, f.offset, f.message, f.hint, "warning") for f in found]
            good.append(template)
    if len(good) < len(compiled):
        return None, problems
    where = Where(source.file, source.body.line, source.body.column)
    attach = tuple(part.text for part in source.attach)
    subject = good[0] if len(good) > 1 else None
    words = Words(name=source.name, subject=subject, attach=attach, body=good[-1], where=where, text=source.text)
    return words, problems


@dataclass(slots=True)
class Saying:
    """A message and the situations in which rules say it: compiled once for those where the same can be said."""

    source: WordsSource
    _known: list[tuple[Names, Compiled]] = field(default_factory=list)
    _size: int = 0

    def words(self, names: Names, present: frozenset[str]) -> tuple[Words | None, list[Problem]]:
        """As `compile_words`; a problem where it is too long to be compiled once more."""
        for known, compiled in self._known:
            if known == names:
                return checked_words(self.source, compiled, present)
        self._size = self._size or sum(words_in("".join(_TAG.findall(part.text))) for part in self.source.parts())
        if self._size * (len(self._known) + 1) > MAX_SAID:
            many = f"{self._size:,} words and signs in braces, for {len(self._known) + 1} different situations"
            hint = "make it shorter, or write another message for some of the rules"
            return None, [_placed(self.source, self.source.body, 0, f"this is too much to say: {many}", hint, "error")]
        self._known.append((names, compile_parts(self.source, names)))
        return checked_words(self.source, self._known[-1][1], present)


def markup(source: WordsSource) -> list[Problem]:
    """Markup that would reach the client as signs: a message is plain text."""
    found: list[Problem] = []
    for pattern, what in _MARKUP:
        if match := pattern.search(source.body.text):
            found.append(
                _placed(
                    source,
                    source.body,
                    match.start(),
                    f"{what} looks like markup, and a message is plain text",
                    "the client would see the signs: take them out",
                    "warning",
                )
            )
    return found


def _placed(source: WordsSource, part: Part, offset: int, message: str, hint: str, severity: str) -> Problem:
    before = part.text[: max(offset, 0)]
    line = part.line + before.count("\n")
    column = (part.column if "\n" not in before else 1) + len(before) - (before.rfind("\n") + 1)
    return Problem(source.file, line, column, message, severity, hint)
