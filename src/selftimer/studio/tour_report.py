"""What a look at the studio's API came to: one row an endpoint, and what differs from what Selftimer knows.

Nothing personal is in it, whatever was read: names of fields, types, counts, and words that look like an enum's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

What = Literal[
    "new field",
    "missing field",
    "null list",
    "other type",
    "unknown word",
    "other id",
    "shorter id",
    "unreadable record",
    "other order",
    "page size ignored",
    "not whole",
    "no rate limit told",
    "clock skew",
    "not readable",
    "other answer",
]
_MEANS: dict[What, str] = {
    "new field": "is new: it is kept, and no rule sees it",
    "missing field": "is missing",
    "null list": "is null where a list was; it is read as empty",
    "other type": "has another type",
    "unknown word": "has a word that Selftimer doesn't know",
    "other id": "is no id as Selftimer knows them",
    "shorter id": "has 29 characters after its prefix instead of 30; both are taken",
    "unreadable record": "can't be understood",
    "other order": "is not newest first: what is new may be seen only when the list is read whole",
    "page size ignored": "came in pages of another size than asked for; the pages are read as they come",
    "not whole": "came without pages and yet not whole: the rest is not read",
    "no rate limit told": "tells no rate limit; Selftimer keeps to its own",
    "clock skew": "has a clock that disagrees with this machine's",
    "not readable": "can't be read",
    "other answer": "answers with something else than Selftimer expects",
}
_SET_ASIDE: frozenset[What] = frozenset({"unknown word", "other id", "unreadable record"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that differs. `matters`: Selftimer would miss or misread something because of it."""

    subject: str
    """A field (`client.type`), an endpoint (`client.list`) or `the studio`."""
    what: What
    matters: bool
    detail: str = ""
    count: int = 0
    of: int = 0
    seen_at: tuple[str, ...] = ()
    """The endpoints that showed it."""

    @property
    def sentence(self) -> str:
        """It in plain words."""
        detail = f" ({self.detail})" if self.detail else ""
        aside = ": such records are set aside" if self.matters and self.what in _SET_ASIDE else ""
        share = f", in {self.count} of {self.of}" if self.of else ""
        return f"{self.subject} {_MEANS[self.what]}{detail}{aside}{share}"


@dataclass(slots=True, kw_only=True)
class FieldSeen:
    """A field of the records of one endpoint: how often it was there, and the types that it had."""

    name: str
    count: int
    types: dict[str, int]
    new: bool = False


@dataclass(slots=True, kw_only=True)
class Row:
    """One endpoint. What couldn't be told is None."""

    endpoint: str
    path: str
    documented: bool
    status: int | None = None
    error_shape: int | None = None
    """Which of the four known shapes an error came in (studio-api.md, Errors); 0 for none of them."""
    note: str = ""
    """Why there is nothing to say: not visited, an empty list, no whole answer."""
    records: int | None = None
    total: bool | None = None
    """Whether the list tells how many there are in all."""
    page_size: str | None = None
    newest_first: bool | None = None
    conditional: tuple[str, ...] = ()
    """Headers by which a request could ask for changes only (`etag`, `last-modified`)."""
    links: tuple[str, ...] = ()
    """Fields that hold a web address: of a document, the client's own (delivery.md §1.6)."""
    fields: list[FieldSeen] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def readable(self) -> bool:
        """Whether it answered as it should."""
        return self.status is not None and 200 <= self.status < 300 and not self.error_shape


@dataclass(slots=True, kw_only=True)
class Session:
    """What can be known of how long a session lasts."""

    kind: Literal["password", "cookie", "unknown"] = "unknown"
    seconds_so_far: int | None = None
    """How long the present one has lasted."""
    cookie_seconds: int | None = None
    """How long its longest cookie says it will last from now."""


@dataclass(slots=True, kw_only=True)
class Report:
    """All of it."""

    source: str
    """`studio`, or `har`."""
    rows: list[Row]
    findings: list[Finding]
    rate_headers: tuple[str, ...]
    requests: int
    """Made for it, the sign-in's among them; from a file, the answers in it."""
    skew: int | None = None
    """Seconds that the studio's clock is ahead of ours."""
    session: Session = field(default_factory=Session)
    notes: list[str] = field(default_factory=list)

    @property
    def differs(self) -> bool:
        """Whether something differs that matters."""
        return any(finding.matters for finding in self.findings)
