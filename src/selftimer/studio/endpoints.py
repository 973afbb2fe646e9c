"""Every path that the client knows, in one table (studio-api.md).

Trailing slashes matter as written. `documented` tells what reference material shows from what is inferred; an inferred
path that turns out to be another one is changed in the settings (`[account.endpoints]`), not in code.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from selftimer.errors import ConfigError, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selftimer.facts.records import Kind

Api = Literal["studio", "gallery"]
"""Which of the two addresses a path is below: the Studio API's, or the Gallery API's."""
Paging = Literal["page", "offset"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One call: method and path, `{…}` where ids go, and how its pages and related objects are asked for.

    `paging` is None where all comes at once. With `offset` the page parameter counts records, not pages.
    """

    path: str
    method: str = "GET"
    documented: bool = True
    api: Api = "studio"
    paging: Paging | None = None
    page_param: str = "page"
    size_param: str | None = None
    size: int = 100
    expand: str | None = None

    @property
    def request(self) -> str:
        """Method and path as they are written in errors and in the reference."""
        return f"{self.method} {self.path}"

    def at(self, **parts: str) -> str:
        """The path with its ids filled in, each escaped so that it stays one segment.

        A time zone's slash stays a slash (studio-api.md, Session types: `check-day-avail/2025-8-7-Europe/London`).
        `Refused` for an empty or dotted id, which would name another path.
        """
        for name, value in parts.items():
            if not value.strip("."):
                raise Refused(f"{value!r} is not an id ({name} of {self.path})", code="invalid_id_format")
        return self.path.format_map(
            {name: quote(value, safe="/+" if name == "when" else "") for name, value in parts.items()}
        )

    def page(self, number: int, size: int | None = None) -> dict[str, str]:
        """The query for page `number` (from 1)."""
        if self.paging is None:
            return self.expanded()
        many = min(size or self.size, self.size)
        query = {self.page_param: str(number if self.paging == "page" else (number - 1) * many)}
        if self.size_param is not None:
            query[self.size_param] = str(many)
        return query | self.expanded()

    def expanded(self) -> dict[str, str]:
        """The query that asks for related objects."""
        return {} if self.expand is None else {"expand": self.expand}


def _e(request: str, **rest: Any) -> Endpoint:
    method, _, path = request.partition(" ")
    return Endpoint(method=method, path=path, **rest)


_INFERRED: dict[str, Any] = {"documented": False}
_ONE_BY_ONE: dict[str, Any] = {"paging": "page"}
"""A page parameter alone: how many a page holds can't be asked for."""
_PER_PAGE: dict[str, Any] = {"paging": "page", "size_param": "per_page"}
_PAGE_SIZE: dict[str, Any] = {"paging": "page", "size_param": "page_size"}
_GALLERY: dict[str, Any] = {"api": "gallery"}
_OFFSET: dict[str, Any] = _GALLERY | {"paging": "offset", "page_param": "offset", "size_param": "limit"}
_TEMPLATES = ("email", "contract", "invoice", "questionnaire", "quote")

ENDPOINTS: dict[str, Endpoint] = {
    # Clients and leads
    "client.list": _e("GET /clients/", **_PER_PAGE),
    "client.get": _e("GET /clients/{id}"),
    "client.create": _e("POST /clients/"),
    "client.update": _e("PUT /clients/{id}"),
    "client.search": _e("GET /clients/search", paging="page", size_param="pageSize"),
    "client.collections": _e("GET /clients/{id}/cgCollections/", **_PAGE_SIZE),
    "client.documents": _e("GET /clients/{id}/documents", expand="all", **_ONE_BY_ONE),
    "client.csv": _e("GET /clients/download_csv"),
    # Session types, availability, sessions; the paging of both lists and the session's record are inferred
    "session_type.list": _e("GET /session_types/", **_PER_PAGE),
    "session_type.get": _e("GET /session_types/{id}"),
    "session_type.create": _e("POST /session_types"),
    "session_type.update": _e("PUT /session_types/{id}"),
    "session_type.delete": _e("DELETE /session_types/{id}"),
    "session_type.update_status": _e("PUT /session_types/{id}/update_status"),
    "session_type.day": _e("GET /session_types/{id}/check-day-avail/{when}"),
    "session_type.month": _e("GET /session_types/{id}/check-month-avail/{when}"),
    "session_type.contract": _e("PUT /session_types/{id}/templates/contract/{template_id}"),
    "session_type.questionnaire": _e("PUT /session_types/{id}/templates/questionnaire/{template_id}"),
    "session_type.taxes": _e("POST /session_types/{id}/taxes"),
    "schedule.list": _e("GET /session_type_schedules/"),
    "schedule.overrides": _e("GET /session_type_schedules/{id}/interval_overrides/"),
    "schedule.overrides_list": _e("GET /session_type_schedules/{id}/interval_overrides_list/", **_PER_PAGE),
    "schedule.update_interval": _e("PUT /session_type_schedules/{id}/session_type_schedule_intervals/{interval_id}"),
    "session.list": _e("GET /sessions", expand="client,session_type", **_PER_PAGE),
    "session.get": _e("GET /sessions/{id}", expand="client,session_type", **_INFERRED),
    "session.inquiries": _e("GET /sessions/inquiry/count"),
    # Invoices and payments
    "invoice.list": _e("GET /invoices/", expand="all", **_PER_PAGE),
    "invoice.get": _e("GET /invoices/{id}", expand="all"),
    "invoice.create": _e("POST /invoices/"),
    "invoice.summary": _e("GET /invoices/invoice_summary"),
    "invoice.currencies": _e("GET /invoices/currencies/list"),
    "invoice.summary_currencies": _e("GET /invoices_summary/currencies"),
    "invoice.totals": _e("GET /invoices_summary/totals/{currency}"),
    "payment.list": _e("GET /invoices/payments/list/", expand="all", **_PAGE_SIZE),
    "payment.get": _e("GET /invoices/{invoice_id}/payments/{id}/"),
    "payment.disputed": _e("GET /invoices/payments/disputed,needs-response/count"),
    # Contracts, questionnaires, quotes
    "contract.list": _e("GET /contracts/", expand="client,template", **_PER_PAGE),
    "contract.get": _e("GET /contracts/{id}", expand="client,template"),
    "contract.create": _e("POST /contracts/", **_INFERRED),
    "questionnaire.list": _e("GET /questionnaires/", expand="client,template,responses", **_PER_PAGE),
    "questionnaire.get": _e("GET /questionnaires/{id}", expand="client,template,responses"),
    "questionnaire.create": _e("POST /questionnaires/", **_INFERRED),
    "quote.list": _e("GET /quotes/", expand="client,template", **_PER_PAGE, **_INFERRED),
    "quote.get": _e("GET /quotes/{id}", expand="client,template", **_INFERRED),
    "quote.create": _e("POST /quotes/", **_INFERRED),
    # Conversations
    "conversation.list": _e("GET /conversations/", **_PAGE_SIZE),
    "conversation.get": _e("GET /conversations/{id}/"),
    "conversation.create": _e("POST /conversations/", **_INFERRED),
    "conversation.unread": _e("GET /conversations/unread/count"),
    "message.create": _e("POST /conversation_messages"),
    "attachment.upload_url": _e("GET /conversation_message_attachments/upload_url"),
    # Templates
    **{f"template.{kind}.list": _e(f"GET /templates/{kind}s", **_PER_PAGE) for kind in _TEMPLATES},
    **{f"template.{kind}.get": _e(f"GET /templates/{kind}s/{{id}}") for kind in _TEMPLATES},
    **{f"template.{kind}.preview": _e(f"POST /templates/{kind}s/{{id}}/preview") for kind in _TEMPLATES},
    "template.email.content": _e("GET /templates/emails/{id}/fetch_content"),
    "template.contract.update": _e("PUT /templates/contracts/{id}"),
    # Coupons and gift cards
    "coupon.list": _e("GET /coupons", **_ONE_BY_ONE),
    "coupon.get": _e("GET /coupons/{id}/"),
    "coupon.create": _e("POST /coupons"),
    "coupon.update": _e("PUT /coupons/{id}"),
    "coupon.delete": _e("DELETE /coupons/{id}"),
    "coupon.disable": _e("PUT /coupons/{id}/disable"),
    "coupon.activity": _e("GET /coupons/{id}/activity", **_PER_PAGE),
    "gift_card.list": _e("GET /gift_cards", **_PER_PAGE),
    # The Gallery API; "some lists" take limit and offset: which ones is inferred
    "collection.get": _e("GET /collections/{id}", expand="video_cover", **_GALLERY),
    "collection.update": _e("PUT /collections/{id}", **_GALLERY),
    "collection.edit": _e("GET /collections/{id}/edit", **_GALLERY),
    "collection.before_show": _e("GET /collections/{id}/before_show", **_GALLERY),
    "collection.before_download_settings": _e("GET /collections/{id}/before_download_settings", **_GALLERY),
    "collection.galleries": _e("GET /collections/{id}/galleries", **_OFFSET),
    "collection.clients": _e("GET /collections/{id}/clients", **_OFFSET),
    "collection.visitor_emails": _e("GET /collections/{id}/visitor_emails", **_OFFSET),
    "collection.photo_downloads": _e("GET /collections/{id}/photo_downloads", **_OFFSET),
    "collection.video_downloads": _e("GET /collections/{id}/gallery_video_downloads", **_OFFSET),
    "collection.downloads": _e("GET /collections/{id}/downloads/", **_OFFSET),
    "collection.sharing_links": _e("GET /collections/{id}/photo_sharing_links", **_OFFSET),
    "collection.favorites": _e("GET /collections/{id}/favorites", **_OFFSET),
    "photo.starred": _e("GET /photos/starred", **_OFFSET),
    "bootstrap": _e("GET /data/bootstrap", **_GALLERY),
    # The account
    "account": _e("GET /notifications/all"),
}
"""Name → endpoint. What lists, gets and creates a kind of record is named `<kind>.list`, `.get`, `.create`."""

LOGIN_PATH = "/login"
"""On the origin, outside the base URL's path."""
_CHANGEABLE: dict[str, tuple[type, ...]] = {
    "path": (str,),
    "page_param": (str,),
    "size_param": (str, type(None)),
    "size": (int,),
    "expand": (str, type(None)),
}
"""What a studio's own corrections may change of an endpoint, and to what."""


class Endpoints:
    """The table with a studio's own corrections.

    `overrides` maps a name to another path, or to `path`, `page_param`, `size_param`, `size` and `expand`; an unknown
    name or field, or a path without its slash or placeholders, is a `ConfigError`.
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


def _overridden(name: str, change: object) -> Endpoint:
    if name not in ENDPOINTS:
        close = get_close_matches(name, ENDPOINTS, 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ConfigError(f"there is no endpoint {name!r}{hint}")
    default = ENDPOINTS[name]
    given = {"path": change} if isinstance(change, str) else change
    if not isinstance(given, dict):
        raise ConfigError(f"endpoint {name!r} can't be {change!r}: write another path, or a table of what is different")
    for field, value in given.items():
        if field not in _CHANGEABLE:
            raise ConfigError(f"endpoint {name!r} has no {field!r} to change; it has {', '.join(_CHANGEABLE)}")
        if not isinstance(value, _CHANGEABLE[field]) or isinstance(value, bool) or value == 0:
            raise ConfigError(f"endpoint {name!r}: {field} can't be {value!r}")
    endpoint = replace(default, **given)
    asked = [part.split("}")[0] for part in default.path.split("{")[1:]]
    try:
        filled = endpoint.at(**dict.fromkeys(asked, "x"))
    except (KeyError, ValueError, IndexError, AttributeError) as error:
        raise ConfigError(f"endpoint {name!r}: the path may hold {_marks(asked)}; got {endpoint.path!r}") from error
    if not filled.startswith("/"):
        raise ConfigError(f"endpoint {name!r}: the path starts with a slash; got {endpoint.path!r}")
    if missing := [part for part in asked if f"{{{part}}}" not in endpoint.path]:
        raise ConfigError(f"endpoint {name!r}: the path must hold {_marks(missing)}; got {endpoint.path!r}")
    return endpoint


def _marks(parts: list[str]) -> str:
    return " and ".join(f"{{{part}}}" for part in parts) or "no {…}"
