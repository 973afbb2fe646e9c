"""What strangers typed, made fit to be printed (delivery.md, 6)."""

from __future__ import annotations

import re
import unicodedata

MAX_NAME = 40
_TOP = "com|net|org|info|biz|app|dev|shop|site|online|xyz|link|click|top|club|store|live|page|work|cloud|pro|vip|win"
_UNFIT = re.compile(
    rf"[@<>{{}}\x00-\x1f\x7f-\x9f\u2028\u2029]|://|\bwww\.|\w{{2}}\.(?:[a-z]{{2}}|{_TOP})\b", re.IGNORECASE
)
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_JOINERS = frozenset("\u200c\u200d")
"""Invisible, but part of how some scripts and emoji are written."""


def fit_name(text: str) -> str | None:
    """The name without blanks around it, or None if it can't be printed.

    Unfit is what is longer than 40 characters or holds an address, an `@`, markup, a line break or braces.
    """
    name = clean(text).strip()
    if not name or len(name) > MAX_NAME:
        return None
    looks = (text.strip(), unicodedata.normalize("NFKC", name))
    return None if any(_UNFIT.search(look) for look in looks) else name


def clean(text: str) -> str:
    """A value without line breaks, control characters and invisible signs that turn text around."""
    flat = _BREAKS.sub(" ", text)
    if flat.isascii():
        return flat
    return "".join(sign for sign in flat if unicodedata.category(sign) not in {"Cf", "Cs", "Co"} or sign in _JOINERS)
