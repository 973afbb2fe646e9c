"""The cookies in what somebody pastes: a Cookie header, or a request that a browser copied as a cURL command."""

from __future__ import annotations

import re
import shlex
from urllib.parse import urlsplit

from selftimer.errors import ConfigError

_PAIR = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+=[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e\", \\]*\Z")
"""A cookie's name and value (RFC 6265), with what browsers let pass besides."""
_HOW = (
    "in the browser's developer tools, under Network, choose a request to the studio and copy its Cookie header, or "
    "the whole request as cURL"
)


def cookies_in(text: str, host: str) -> str:
    """The `Cookie` header's value; `ConfigError` where there is none, or where it is another host's."""
    text = text.strip().removeprefix("\ufeff").strip()
    if re.match(r"curl(\.exe)?\s", text):
        text = _of_curl(text, host)
    text = re.sub(r"\A-?-?(H )?['\"]?cookie\s*:\s*", "", text, flags=re.IGNORECASE).strip().strip("'\"").strip()
    pairs = [pair.strip() for pair in text.split(";") if pair.strip()]
    if not pairs:
        raise ConfigError(f"nothing was pasted: {_HOW}")
    if not all(_PAIR.match(pair) for pair in pairs):
        raise ConfigError(f"this is no Cookie header: {_HOW}")
    return "; ".join(pairs)


def _of_curl(text: str, host: str) -> str:
    words = _words(text)
    found, asked = "", ""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word in {"-b", "--cookie"}:
            found = following
        elif word in {"-H", "--header"} and following.lower().startswith("cookie:"):
            found = following.partition(":")[2]
        elif re.match(r"https?://", word):
            asked = urlsplit(word).hostname or ""
    if asked and asked != host:
        raise ConfigError(f"that request went to {asked}, but the studio is at {host}: copy one that went there")
    if not found.strip():
        raise ConfigError(f"that request carries no cookies: choose one to {host} that was made while signed in")
    return found


def _words(text: str) -> list[str]:
    """The command's words, as any of the shells that browsers copy for would read them."""
    if '^"' in text:  # Windows' command line: carets before signs, and at the ends of lines
        text = re.sub(r"\^\r?\n", " ", text)
        text = re.sub(r"\^(.)", r"\1", text)
    text = re.sub(r"\\\r?\n", " ", text)
    text = re.sub(r"(?<=\s)\$'", "'", text)  # bash's own quotes, around what has signs in it
    text = re.sub(r"`\r?\n", " ", text)  # PowerShell's lines
    try:
        return shlex.split(text)
    except ValueError:
        raise ConfigError(f"this cURL command isn't whole: {_HOW}") from None
