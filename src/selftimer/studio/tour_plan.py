"""What a tour visits, in which order, and what each endpoint shows."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from selftimer.studio.clients import ALL_TYPES
from selftimer.studio.endpoints import ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Mapping

LEFT_OUT: dict[str, str] = {
    "attachment.upload_url": "it makes ready to send a file: whoever asks for it begins a write",
}
"""The GETs that aren't visited, each with its reason. What isn't a GET is never visited."""
OF_A_CLIENT = ("client.collections", "client.documents")
"""A client's own lists."""
CLIENTS_TRIED = 5
"""Clients at most for whom each of those is asked, until one has some."""
QUERIES: dict[str, dict[str, str]] = {
    "client.list": {"types": ALL_TYPES},
    "client.search": {"q": "a", "types": "all"},
    "coupon.list": {"filter": "all"},
    "gift_card.list": {"status": "all"},
    "template.email.content": {"variables": "{}", "format": "text"},
}
"""What is asked for besides pages and related objects."""
COUNTS = {"session.inquiries": ("count", "inquiry_count"), "payment.disputed": ("count",)}
"""Endpoints that answer with one number, and its names."""
CODES = frozenset({"invoice.currencies", "invoice.summary_currencies"})
"""Endpoints that answer with currencies' codes."""
EXPORT = "client.csv"
"""The endpoint that answers with a text."""
DOCUMENTS = "client.documents"
"""The list that holds records of several kinds."""
ANY_FORM = frozenset(
    {
        "account",
        "collection.edit",
        "collection.before_show",
        "collection.before_download_settings",
        "session_type.day",
        "session_type.month",
    }
)
"""Endpoints of whose answers nothing is documented: a list is as good there as an object."""
TEXTS = frozenset({"collection.visitor_emails"})
"""Lists that may hold bare texts instead of objects."""
_LISTS = {
    "client.search": "client",
    "client.collections": "collection",
    DOCUMENTS: None,
    "schedule.overrides": "schedule_interval",
    "schedule.overrides_list": "schedule_interval",
    "coupon.activity": "coupon_activity",
    "collection.galleries": "gallery",
    "collection.clients": "collection_client",
    "collection.visitor_emails": "visitor",
    "collection.photo_downloads": "download",
    "collection.video_downloads": "download",
    "collection.downloads": "download",
    "collection.sharing_links": "sharing_link",
    "collection.favorites": "favorite",
    "photo.starred": "photo",
}
"""The lists that aren't named so, and the kind of record in them."""
_SUBJECTS: Mapping[str, str | None] = _LISTS | {
    "account": "account",
    "invoice.summary": "invoice_summary",
    "invoice.totals": "invoice_summary",
    "conversation.unread": "unread_count",
    "template.email.content": "email_content",
    "session_type.day": "day_availability",
    "session_type.month": "month_availability",
    "collection.edit": "collection_settings",
    "collection.before_show": "before_show",
    "collection.before_download_settings": "before_download",
    "bootstrap": "bootstrap",
}
_SOURCES = {"invoice.totals": "invoice.list", **dict.fromkeys(OF_A_CLIENT, "client.list")}


def subject_of(name: str) -> str | None:
    """The kind of record that an endpoint shows; None for one that shows none, or several."""
    found, _, tail = name.rpartition(".")
    if found.startswith("template.") and tail in {"list", "get"}:
        return f"{found.removeprefix('template.')}_template"
    return found if tail in {"list", "get"} else _SUBJECTS.get(name)


def is_list(name: str) -> bool:
    """Whether an endpoint shows a list of records."""
    return name.endswith(".list") or name in _LISTS


def source_of(name: str) -> str:
    """The list whose records say what goes into the path's places."""
    family = name.rpartition(".")[0]
    if family == "collection":
        return "client.collections"
    return _SOURCES.get(name, f"{family}.list")


@cache
def visited() -> tuple[str, ...]:
    """The endpoints that a tour visits: the account first, and each list before what is read by the ids in it."""

    def depth(name: str) -> int:
        return 1 + depth(source_of(name)) if "{" in ENDPOINTS[name].path else 0

    found = [name for name, one in ENDPOINTS.items() if one.method == "GET" and name not in LEFT_OUT]
    return tuple(sorted(found, key=lambda name: (name != "account", depth(name))))
