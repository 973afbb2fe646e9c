"""Addresses outside of the studio: webhooks that rules call, and ways to the owner. Their secrets stand elsewhere."""

from __future__ import annotations

import base64
import re
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from selftimer.settings.sections import LOOPBACK, Section

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


class _Called(Section):
    """Something that is called by https."""

    url: Url
    allow_local: bool = False

    @model_validator(mode="after")
    def _safe(self) -> Self:
        parts = urlsplit(self.url)
        local = parts.hostname in LOOPBACK
        if local and not self.allow_local:
            raise ValueError("this address is on this machine: add allow_local = true if that is meant")
        if not local and self.allow_local:
            raise ValueError("allow_local is for addresses on this machine, like http://127.0.0.1:8000/hook")
        if parts.scheme != "https" and not local:
            raise ValueError("the address must begin with https://")
        return self


class Webhook(_Called):
    """An address that rules call by `webhook: name`, signed with `secret`."""

    secret: Annotated[SecretStr | None, AfterValidator(_secret)] = None


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


class NotifyWebhook(_Called):
    """Notes as JSON to an address: Slack's incoming webhooks, ntfy, or anything that takes `{subject, text}`."""

    format: Literal["slack", "ntfy", "json"] = "json"
    topic: str | None = None
    token: SecretStr | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.format == "ntfy" and not self.topic:
            raise ValueError('ntfy needs a topic: add topic = "…"')
        return self


class Notify(Section):
    """The ways to the owner, besides `selftimer status` and the log."""

    email: NotifyEmail | None = None
    webhook: NotifyWebhook | None = None


Webhooks = Annotated[dict[str, Webhook], BeforeValidator(named)]
