from __future__ import annotations

import pytest

from selftimer.cli.pasted import cookies_in
from selftimer.errors import ConfigError

HOST = "studio.pixieset.com"
WANTED = "studio_session=abc%3D; XSRF-TOKEN=x.y"
BASH = f"""curl 'https://{HOST}/api/v1/clients/?page=1' \\
  -H 'accept: application/json' \\
  -b '{WANTED}' \\
  -H 'x-requested-with: XMLHttpRequest' --compressed"""
OLDER = f"""curl "https://{HOST}/api/v1/clients/" -H "Cookie: {WANTED}" --compressed"""
QUOTED = f"curl 'https://{HOST}/' \\\n  -H $'cookie: {WANTED}'"
WINDOWS = f"""curl ^"https://{HOST}/api/v1/clients/^" ^\r
  -H ^"accept: */*^" ^\r
  -b ^"{WANTED.replace("%", "^%")}^" ^\r
  --compressed"""
POWERSHELL = f'curl.exe "https://{HOST}/" `\n  -H "cookie: {WANTED}"'


@pytest.mark.parametrize(
    "text",
    [
        WANTED,
        f"Cookie: {WANTED}",
        f"cookie:{WANTED};\n\n",
        f"  -H 'Cookie: {WANTED}'",
        BASH,
        OLDER,
        QUOTED,
        WINDOWS,
        POWERSHELL,
    ],
    ids=[
        "value",
        "header",
        "lower case",
        "curl's option",
        "bash",
        "older",
        "bash's own quotes",
        "Windows",
        "PowerShell",
    ],
)
def test_cookies_are_found_in_whatever_a_browser_copies(text: str) -> None:
    assert cookies_in(text, HOST) == WANTED


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "nothing was pasted"),
        ("hello there", "no Cookie header"),
        ("a=b\r\nX-Evil: 1", "no Cookie header"),
        ("a=b; c=ü", "no Cookie header"),
        (f"curl 'https://{HOST}/'", "carries no cookies"),
        (f"curl 'https://{HOST}/' -b 'a=b", "isn't whole"),
        ("curl 'https://other.example/' -b 'a=b'", "went to other.example"),
    ],
)
def test_what_holds_no_cookies_is_refused_without_being_repeated(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence) as caught:
        cookies_in(text, HOST)
    assert "Evil" not in str(caught.value)
    assert "a=b" not in str(caught.value)
