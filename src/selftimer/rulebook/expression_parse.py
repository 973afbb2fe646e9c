"""Jinja2's own parser, made to tell where things stand, and kind words for what it can't read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from jinja2 import Environment
from jinja2.exceptions import TemplateSyntaxError
from jinja2.lexer import Lexer, TokenStream
from jinja2.parser import Parser

from selftimer.rulebook.expression import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jinja2 import nodes

T = TypeVar("T")
Lexeme = tuple[int, str, str]
"""(offset, type, text) as the lexer has it."""

MAX_LENGTH = 2_000
MAX_NODES = 200
MAX_BRACKETS = 25
_ENV = Environment(autoescape=False, keep_trailing_newline=True)  # noqa: S701 - it only parses; nothing is rendered
_WORDS = frozenset({"whitespace", "float", "integer", "name", "string"})
"""What Jinja2 calls the pieces of an expression but for operators."""
_STRING = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_UNCLOSED = re.compile(r"innermost block that needs to be closed is '(\w+)'\.?\Z")
_UNKNOWN_TAG = re.compile(r"Encountered unknown tag '(\w+)'")
_STRANGE = re.compile(r"unexpected char ['\"](.*)['\"] at \d+", re.DOTALL)
_TOKENS = (
    ("'end of template'", "end of the text"),
    ("end of template", "end of the text"),
    ("end of print statement", "}}"),
    ("end of statement block", "%}"),
)
_KEYWORD = re.compile(r"(?<=[(,])\s*\w+\s*=(?!=)")

_HINTS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        re.compile(r"\{\{|\}\}|\{%|%\}"),
        "a condition stands without braces",
        "take them away: names are known as they are",
    ),
    (re.compile("[\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb]"), "curly quotes", "write straight quotes: 'lead'"),
    (re.compile(r"&&?"), "'&&' is not a word here", "write and"),
    (re.compile(r"\|\|"), "'||' is not a word here", "write or"),
    (re.compile(r"<>"), "'<>' is not a comparison here", "write !="),
    (re.compile(r"===|!=="), "three signs are too many", "write == or !="),
    (re.compile(r"=<|=>"), "the signs stand the wrong way round", "write <= or >="),
    (re.compile(r"!(?!=)"), "'!' is not a word here", "write not"),
    (re.compile(r"(?<![=!<>])=(?![=<>])"), "'=' doesn't compare", "write =="),
    (re.compile(r"\bcontains\b", re.IGNORECASE), "'contains' is not a word here", "write `is containing`"),
    (re.compile(r"\b(?:AND|OR|NOT)\b"), "words of the language stand in small letters", "write and, or, not"),
    (re.compile(r"\bis\s+(?:not\s+)?(?:empty|null|blank)\b"), "that is not a test here", "write `is none`"),
)


class SyntaxFault(Exception):  # noqa: N818 - carries a Fault
    """The source can't be read."""

    def __init__(self, offset: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.fault = Fault(0, offset, message, hint)


def _quick(lexer: Lexer) -> Lexer:
    """A lexer of its own with one pattern for the pieces that Jinja2 tries one after the other: the same, sooner."""
    for state in ("variable_begin", "block_begin"):
        rules = lexer.rules[state]
        words = [rule for rule in rules if rule.tokens in _WORDS]
        pattern = re.compile("|".join(f"(?P<{rule.tokens}>{_scoped(rule.pattern)})" for rule in words))
        one = words[0]._replace(pattern=pattern, tokens=("#bygroup",))
        lexer.rules[state] = [one, *(rule for rule in rules if rule not in words)]
    return lexer


def _scoped(pattern: re.Pattern[str]) -> str:
    """A pattern's source with its flags, to stand within another."""
    letters = {re.IGNORECASE: "i", re.DOTALL: "s", re.VERBOSE: "x"}
    flags = "".join(letter for flag, letter in letters.items() if pattern.flags & flag)
    return f"(?{flags}:{pattern.pattern}\n)" if "x" in flags else f"(?{flags}:{pattern.pattern})"


_LEXER = _quick(Lexer(_ENV))


def lexemes(source: str, state: str | None) -> Iterator[Lexeme]:
    """The lexer's pieces with their offsets; blanks are left out by `{%-` and found again by looking."""
    position = 0
    try:
        for _, kind, text in _LEXER.tokeniter(source, None, None, state):
            position = max(position, source.find(text, position))
            yield position, kind, text
            position += len(text)
    except TemplateSyntaxError as error:
        raise SyntaxFault(position, _plainly(error)) from None


def _plainly(error: TemplateSyntaxError) -> str:
    """Jinja2's complaint, without words that only a programmer knows."""
    if open_tag := _UNCLOSED.search(error.message or ""):
        return f"{{% {open_tag[1]} %}} is never closed: {{% end{open_tag[1]} %}} is missing"
    if unknown := _UNKNOWN_TAG.match(error.message or ""):
        return f"{{% {unknown[1]} %}} is not known here, or stands in the wrong place"
    if char := _STRANGE.match(error.message or ""):
        return "a quote is never closed" if char[1] in {"'", '"'} else f"{char[1]!r} means nothing here"
    message = (error.message or "this can't be read").replace("token ", "").rstrip(".")
    for theirs, ours in _TOKENS:
        message = message.replace(theirs, ours)
    return message


def parsed(pieces: list[Lexeme], end: int, parse: Callable[[Parser], T]) -> T:
    """What `parse` gets of a parser whose line numbers are offsets; `end` is where the source ends."""
    parser = Parser(_ENV, "")
    try:
        parser.stream = TokenStream(_LEXER.wrap(iter(pieces)), None, None)
        return parse(parser)
    except TemplateSyntaxError as error:
        raise SyntaxFault(end if parser.stream.eos else min(error.lineno, end), _plainly(error)) from None
    except RecursionError:
        raise SyntaxFault(0, "this is nested too deeply", "make it simpler") from None


def check_brackets(pieces: list[Lexeme]) -> None:
    """Refuse brackets that are nested too deeply for any reader."""
    depth = 0
    for offset, kind, text in pieces:
        if kind == "operator":
            depth += (text in "([{") - (text in ")]}")
            if depth > MAX_BRACKETS:
                raise SyntaxFault(offset, "the brackets are nested too deeply", "split it into several conditions")


def parse_expression(source: str) -> tuple[nodes.Expr, list[Lexeme]]:
    """Jinja2's tree of one expression, its `lineno`s being offsets; `SyntaxFault` if there is none."""
    if len(source) > MAX_LENGTH:
        raise SyntaxFault(0, f"a condition may have at most {MAX_LENGTH} characters; this has {len(source)}")
    if not source.strip():
        raise SyntaxFault(0, "there is nothing here", "write a condition or leave the key out")
    try:
        pieces = list(lexemes(source, "variable"))
        check_brackets(pieces)
        return parsed(pieces, len(source), lambda parser: _whole(parser, source)), pieces
    except SyntaxFault as fault:
        raise _hinted(source) or fault from None


def _whole(parser: Parser, source: str) -> nodes.Expr:
    tree = parser.parse_expression()
    if not parser.stream.eos:
        extra = parser.stream.current
        raise SyntaxFault(extra.lineno, f"unexpected {str(extra.value)!r} after {source[: extra.lineno].strip()!r}")
    return tree


def hint_within(source: str, at: int) -> SyntaxFault | None:
    """What is said of the tag of a text in which `at` stands, or None."""
    begins = max(source.rfind("{{", 0, at), source.rfind("{%", 0, at))
    if begins < 0:
        return None
    ends = min((end for end in (source.find("}}", begins), source.find("%}", begins)) if end >= 0), default=len(source))
    found = _hinted(source[begins + 2 : ends])
    return (
        None if found is None else SyntaxFault(begins + 2 + found.fault.offset, found.fault.message, found.fault.hint)
    )


def _hinted(source: str) -> SyntaxFault | None:
    """The first of the habits of other languages that is found outside quotes."""
    bare = _STRING.sub(lambda match: " " * len(match[0]), source)
    bare = _KEYWORD.sub(lambda match: " " * len(match[0]), bare)
    found = [
        (match.start(), -order, message, hint)
        for order, (pattern, message, hint) in enumerate(_HINTS)
        if (match := pattern.search(bare)) is not None
    ]
    if not found:
        return None
    offset, _, message, hint = min(found, key=lambda entry: (entry[0], -entry[1]))
    return SyntaxFault(offset, message, hint)


def mixed_connectives(pieces: list[Lexeme]) -> int | None:
    """Where `and` stands beside `or` on the same level without brackets, or None."""
    levels: list[set[str]] = [set()]
    for offset, kind, text in pieces:
        if kind == "operator":
            if text in "([{":
                levels.append(set())
            elif text in ")]}":
                if len(levels) > 1:
                    levels.pop()
            elif text == ",":
                levels[-1] = set()
        elif kind == "name" and text in {"and", "or"}:
            levels[-1].add(text)
            if len(levels[-1]) == 2:
                return offset
    return None
