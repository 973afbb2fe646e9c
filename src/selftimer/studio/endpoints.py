"""Every path that the client knows, in one table (studio-api.md).

Trailing slashes matter as written. `documented` tells what reference material shows from what is inferred; an inferred
path that turns out to be another one is changed in the settings (`[studio.endpoints]`), not in code.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING
from urllib.parse import quote

from selftimer.errors import ConfigError, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selftimer.facts.records import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One path below the base URL, `{…}` where ids go, and how its pages and related objects are asked for."""

    path: str
    documented: bool = True
    page_param: str = "page"
    size_param: str | None = "per_page"
    size: int = 100
    expand: str | None = None

    def at(self, **ids: str) -> str:
        """The path with its ids filled in, each escaped so that it stays one segment.

        `Refused` for an empty or dotted id, which would name another path.
        """
        for name, value in ids.items():
            if not value.strip("."):
                raise Refused(f"{value!r} is not an id ({name} of {self.path})", code="invalid_id_format")
        return self.path.format_map({name: quote(value, safe="") for name, value in ids.items()})

    def page(self, number: int, size: int | None = None) -> dict[str, str]:
        """The query for page `number` (from 1)."""
        query = {self.page_param: str(number)}
        if self.size_param is not None:
            query[self.size_param] = str(min(size or self.size, self.size))
        return query | self.expanded()

    def expanded(self) -> dict[str, str]:
        """The query that asks for related objects."""
        return {} if self.expand is None else {"expand": self.expand}


def _e(path: str, **rest: object) -> Endpoint:
    return replace(Endpoint(path=path), **rest)  # type: ignore[arg-type]  # keywords of Endpoint, checked by replace


_INFERRED = {"documented": False}
_PAGE_SIZE = {"size_param": "page_size"}

ENDPOINTS: dict[str, Endpoint] = {
    # Clients and leads
    "client.list": _e("/clients/"),
    "client.get": _e("/clients/{id}"),
    "client.create": _e("/clients/"),
    "client.update": _e("/clients/{id}"),
    "client.search": _e("/clients/search", size_param="pageSize"),
    "client.collections": _e("/clients/{id}/cgCollections/", **_PAGE_SIZE),
    "client.documents": _e("/clients/{id}/documents", size_param=None, expand="all"),
    # Session types and sessions; the paging of the session list and its record are inferred
    "session_type.list": _e("/session_types/"),
    "session_type.get": _e("/session_types/{id}"),
    "session.list": _e("/sessions", expand="client,session_type"),
    "session.get": _e("/sessions/{id}", expand="client,session_type", **_INFERRED),
    "session.inquiries": _e("/sessions/inquiry/count"),
    # Invoices and payments
    "invoice.list": _e("/invoices/", expand="all"),
    "invoice.get": _e("/invoices/{id}", expand="all"),
    "invoice.create": _e("/invoices/"),
    "invoice.summary": _e("/invoices/invoice_summary"),
    "invoice.currencies": _e("/invoices/currencies/list"),
    "invoice.totals": _e("/invoices_summary/totals/{currency}"),
    "payment.list": _e("/invoices/payments/list/", expand="all", **_PAGE_SIZE),
    "payment.get": _e("/invoices/{invoice_id}/payments/{id}/"),
    "payment.disputed": _e("/invoices/payments/disputed,needs-response/count"),
    # Contracts, questionnaires, quotes
    "contract.list": _e("/contracts/", expand="client,template"),
    "contract.get": _e("/contracts/{id}", expand="client,template"),
    "contract.create": _e("/contracts/", **_INFERRED),
    "questionnaire.list": _e("/questionnaires/", expand="client,template,responses"),
    "questionnaire.get": _e("/questionnaires/{id}", expand="client,template,responses"),
    "questionnaire.create": _e("/questionnaires/", **_INFERRED),
    "quote.list": _e("/quotes/", expand="client,template", **_INFERRED),
    "quote.get": _e("/quotes/{id}", expand="client,template", **_INFERRED),
    "quote.create": _e("/quotes/", **_INFERRED),
    # Conversations
    "conversation.list": _e("/conversations/", **_PAGE_SIZE),
    "conversation.get": _e("/conversations/{id}/"),
    "conversation.create": _e("/conversations/", **_INFERRED),
    "conversation.unread": _e("/conversations/unread/count"),
    "message.create": _e("/conversation_messages"),
    "attachment.upload_url": _e("/conversation_message_attachments/upload_url"),
    # Templates
    "template.email.list": _e("/templates/emails"),
    "template.email.content": _e("/templates/emails/{id}/fetch_content"),
    "template.contract.list": _e("/templates/contracts"),
    "template.invoice.list": _e("/templates/invoices"),
    "template.questionnaire.list": _e("/templates/questionnaires"),
    "template.quote.list": _e("/templates/quotes"),
    # Coupons
    "coupon.list": _e("/coupons", size_param=None),
    "coupon.create": _e("/coupons"),
    # The account
    "account": _e("/notifications/all"),
}
"""Name → endpoint. What lists, gets and creates a kind of record is named `<kind>.list`, `.get`, `.create`."""

LOGIN_PATH = "/login"
"""On the origin, outside the base URL's path."""


class Endpoints:
    """The table with a studio's own corrections.

    `overrides` maps a name to another path, or to any of the endpoint's fields; an unknown name or field, or a path
    without its slash or placeholders, is a `ConfigError`.
    """

    def __init__(self, overrides: Mapping[str, str | Mapping[str, object]] | None = None) -> None:
        self._table = dict(ENDPOINTS)
        for name, change in (overrides or {}).items():
            self._table[name] = _overridden(name, change)

    def __getitem__(self, name: str) -> Endpoint:
        return self._table[name]

    def listing(self, kind: Kind) -> Endpoint:
        """Where a kind of record is listed; `KeyError` for messages, which come with their conversation."""
        return self._table[f"{kind.value}.list"]


def _overridden(name: str, change: str | Mapping[str, object]) -> Endpoint:
    if name not in ENDPOINTS:
        close = get_close_matches(name, ENDPOINTS, 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ConfigError(f"studio.endpoints: there is no endpoint {name!r}{hint}")
    default = ENDPOINTS[name]
    try:
        fields = {"path": change} if isinstance(change, str) else dict(change)
        endpoint = replace(default, **fields)
        asked = {part.split("}")[0] for part in default.path.split("{")[1:]}
        filled = endpoint.at(**dict.fromkeys(asked, "x"))
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise ConfigError(f"studio.endpoints: {name!r} can't be {change!r}: {error}") from error
    if not filled.startswith("/"):
        raise ConfigError(f"studio.endpoints: the path of {name!r} starts with a slash; got {endpoint.path!r}")
    return endpoint
