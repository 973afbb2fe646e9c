"""Jinja2's parser for whole texts. A line that holds only tags leaves no empty line behind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from selftimer.rulebook.expression_parse import Lexeme, SyntaxFault, check_brackets, hint_within, lexemes, parsed

if TYPE_CHECKING:
    from jinja2 import nodes

MAX_TEXT = 20_000
_OPENS = {"block_begin": "block_end", "comment_begin": "comment_end"}
_BEFORE = re.compile(r"(?:^|\n)[ \t]*\Z")
_AFTER = re.compile(r"[ \t]*(?:\n|\Z)")


def parse_text(source: str) -> list[nodes.Node]:
    """The statements of a text, their `lineno`s being offsets; `SyntaxFault` if it can't be read."""
    if len(source) > MAX_TEXT:
        raise SyntaxFault(0, f"a text may have at most {MAX_TEXT} characters; this has {len(source)}")
    try:
        pieces = list(lexemes(source, None))
        check_brackets(pieces)
        return parsed(_without_tag_lines(pieces), len(source), lambda parser: parser.subparse())
    except SyntaxFault as fault:
        raise hint_within(source, fault.fault.offset) or fault from None


def _without_tag_lines(pieces: list[Lexeme]) -> list[Lexeme]:
    """The pieces, but for the blanks and the line end of each line that holds nothing but tags."""
    kept = list(pieces)
    index = 0
    while index < len(pieces):
        if pieces[index][1] not in _OPENS:
            index += 1
            continue
        end = _run_of_tags(pieces, index)
        before = index - 1 if index and pieces[index - 1][1] == "data" else None
        after = end if end < len(pieces) and pieces[end][1] == "data" else None
        begins = index == 0 if before is None else _line_start(pieces, before)
        ends = end == len(pieces) if after is None else bool(_AFTER.match(pieces[after][2]))
        if begins and ends:
            if before is not None:
                offset, kind, text = kept[before]
                kept[before] = (offset, kind, text.rstrip(" \t"))
            if after is not None:
                offset, kind, text = kept[after]
                kept[after] = (offset, kind, _AFTER.sub("", text, count=1))
        index = end
    return kept


def _line_start(pieces: list[Lexeme], index: int) -> bool:
    """Whether a line begins where this piece of data ends."""
    text = pieces[index][2]
    return bool(_BEFORE.search(text)) and ("\n" in text or index == 0)


def _run_of_tags(pieces: list[Lexeme], index: int) -> int:
    """The index after the tags that follow each other from here."""
    while index < len(pieces) and pieces[index][1] in _OPENS:
        closing = _OPENS[pieces[index][1]]
        while index < len(pieces) and pieces[index][1] != closing:
            index += 1
        index += 1
    return min(index, len(pieces))
