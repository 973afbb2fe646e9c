"""Outside of the studio: webhooks, those that rules call and those that come in, and ways to the owner.

Their secrets stand elsewhere.
"""

from __future__ import annotations

import base64
import re
from ipaddress import ip_address, ip_network
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from selftimer.settings.sections import LOOPBACK, Section

_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}\Z")
_MOST_FIELDS = 50
_TOKEN = re.compile(r"[A-Za-z0-9._~-]{24,200}\Z")
_LISTEN = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[A-Za-z0-9.-]+):(?P<port>\d{1,5})\Z")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")
_ADDRESS = re.compile(r"[^@\s,<>]+@[^@\s,<>]+\Z")
SECRET_PREFIX = "whsec_"  # noqa: S105 - how secrets begin, not one


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.username or parts.fragment:
        raise ValueError(f"{text[:60]!r} is not an address like https://example.com/hook")
    return text


def _secret(value: SecretStr | None) -> SecretStr | None:
    if value is None:
        return None
    text = value.get_secret_value()
    try:
        size = len(base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True))
    except ValueError:
        size = 0
    if not text.startswith(SECRET_PREFIX) or not 24 <= size <= 64:
        raise ValueError(
            f"a webhook's secret is {SECRET_PREFIX!r} and 24 to 64 bytes in base64; make one with: "
            "python3 -c \"import base64, os; print('whsec_' + base64.b64encode(os.urandom(32)).decode())\""
        )
    return value


def _token(value: SecretStr | None) -> SecretStr | None:
    if value is not None and not _TOKEN.match(value.get_secret_value()):
        raise ValueError(
            "a webhook's token is 24 to 200 letters, digits and . _ ~ -; make one with: "
            'python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
    return value


def spoken_field(field: str) -> str:
    """A field of a form as rules say it: `first-name` is `webhook.first_name`."""
    return field.replace("-", "_")


def _fields(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not _FIELD.match(name) or not spoken_field(name).isidentifier():
            raise ValueError(f'{name[:60]!r} can\'t be a field; use letters, digits, _ and -, like "email"')
    spoken = [spoken_field(name) for name in names]
    if twice := next((name for name in spoken if spoken.count(name) > 1), None):
        raise ValueError(f"{twice!r} stands twice")
    if len(names) > _MOST_FIELDS:
        raise ValueError(f"{len(names)} fields are too many: {_MOST_FIELDS} at most")
    return names


def _networks(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        try:
            ip_network(name)
        except ValueError:
            raise ValueError(f"{name[:60]!r} is no IP address or network, like 127.0.0.1 or 172.18.0.0/16") from None
    return names


def _listen(text: str) -> str:
    found = _LISTEN.match(text)
    if found is None or not 0 <= int(found["port"]) <= 65_535:
        raise ValueError(f'{text[:60]!r} is no address to listen at; write one like "127.0.0.1:8425"')
    host = found["host"].strip("[]")
    if host != "localhost":
        try:
            ip_address(host)
        except ValueError:
            raise ValueError(f"{host[:60]!r} is no IP address of this machine; write one like 127.0.0.1") from None
    return text


def _mail_address(text: str) -> str:
    if not _ADDRESS.match(text):
        raise ValueError(f"{text[:60]!r} is no e-mail address; write one like me@example.com")
    return text


def named(value: Any) -> Any:
    """Webhooks by name. A variable's name has `_` where the section's has `-`: both mean the same webhook."""
    if not isinstance(value, dict):
        return value
    real = {
        str(name).replace("-", "_"): str(name) for name in sorted(value, key=lambda name: "-" not in str(name))[::-1]
    }
    found: dict[str, Any] = {}
    for name, fields in value.items():
        known = real[str(name).replace("-", "_")]
        if not _NAME.match(known):
            raise ValueError(f"{known[:60]!r} can't be a webhook's name; use small letters, digits, - and _")
        mine = found.get(known, {})
        found[known] = {**mine, **fields} if isinstance(fields, dict) and isinstance(mine, dict) else fields
    return found


Url = Annotated[str, AfterValidator(_url)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]


def _check_called(url: str, *, allow_local: bool) -> None:
    """`ValueError` where nothing may be called by that address."""
    parts = urlsplit(url)
    local = parts.hostname in LOOPBACK
    if local and not allow_local:
        raise ValueError("this address is on this machine: add allow_local = true if that is meant")
    if not local and allow_local:
        raise ValueError("allow_local is for addresses on this machine, like http://127.0.0.1:8000/hook")
    if parts.scheme != "https" and not local:
        raise ValueError("the address must begin with https://")


class Webhook(Section):
    """Either an address that rules call by `webhook: name`, or calls of the service, which bring `fields`.

    What goes out is signed with `secret`; what comes in is signed with it, or has `token` where a form can't sign.
    """

    url: Url | None = None
    allow_local: bool = False
    fields: Annotated[tuple[str, ...], AfterValidator(_fields)] = ()
    secret: Annotated[SecretStr | None, AfterValidator(_secret)] = None
    token: Annotated[SecretStr | None, AfterValidator(_token)] = None

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if self.url is None and not self.fields:
            raise ValueError("it needs 'url', an address to call, or 'fields', what a call of the service brings")
        if self.url is not None and self.fields:
            raise ValueError("'url' is for what goes out and 'fields' for what comes in: make two webhooks of it")
        if self.url is not None:
            if self.token is not None:
                raise ValueError("'token' is for calls that come in; what goes out is signed with 'secret'")
            _check_called(self.url, allow_local=self.allow_local)
        elif self.allow_local:
            raise ValueError("'allow_local' belongs to 'url'")
        return self


class Receiver(Section):
    """Where calls of webhooks with `fields` come in, and how many from one address."""

    listen: Annotated[str, AfterValidator(_listen)] = "127.0.0.1:8425"
    per_minute: Annotated[int, Field(ge=1, le=6_000)] = 30
    proxies: Annotated[tuple[str, ...], AfterValidator(_networks)] = ("127.0.0.1", "::1")
    """Who is believed when it says for whom it calls (`X-Forwarded-For`)."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port; port 0 takes a free one."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)


class NotifyEmail(Section):
    """Notes by e-mail; the password is a secret and stands elsewhere."""

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65_535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: MailAddress
    to: MailAddress
    username: str | None = None
    password: SecretStr | None = None

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if self.security == "none" and self.host not in LOOPBACK:
            raise ValueError('mail goes in the clear to this machine only: write security = "starttls" or "tls"')
        if self.username is not None and self.password is None:
            raise ValueError("the password is missing: put it into .env as SELFTIMER_NOTIFY__EMAIL__PASSWORD=…")
        return self


class NotifyWebhook(Section):
    """Notes as JSON to an address: Slack's incoming webhooks, ntfy, or anything that takes `{subject, text}`."""

    url: Url
    allow_local: bool = False
    format: Literal["slack", "ntfy", "json"] = "json"
    topic: str | None = None
    token: SecretStr | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        _check_called(self.url, allow_local=self.allow_local)
        if self.format == "ntfy" and not self.topic:
            raise ValueError('ntfy needs a topic: add topic = "…"')
        return self


class Notify(Section):
    """The ways to the owner, besides `selftimer status` and the log."""

    email: NotifyEmail | None = None
    webhook: NotifyWebhook | None = None


Webhooks = Annotated[dict[str, Webhook], BeforeValidator(named)]
