"""What derived fields and conditions may look at: the studio as it is known at one instant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from whenever import Date, Instant

    from selftimer.facts.records import Kind, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioFacts:
    """The studio itself, from `selftimer.toml`: what `studio.*` means in rules and words."""

    name: str
    zone: str
    currency: str = "usd"
    locale: str = "en_GB"
    owner: str = ""
    phone: str = ""
    email: str = ""
    website: str = ""
    review_link: str = ""
    signature: str = ""
    country: str = ""
    kinds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Session kinds: name to patterns of session type names (`[kinds]`)."""
    fallbacks: Mapping[str, str] = field(default_factory=dict)
    """`kind.field` to the words used where a client's own are missing or unfit (`[fallbacks]`)."""
    webhooks: tuple[str, ...] = ()
    """Names of the addresses that rules may call (`[webhooks]`)."""
    hooks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Webhooks that come in, each with the fields that it brings, as rules say them (`[webhooks]`)."""
    mails: Mapping[str, str] = field(default_factory=dict)
    """The studio's own automatic mails: name to the sentence that says when each goes out (`[studio_mails]`)."""


class World(Protocol):
    """Stored records and what is known of them. Reading is lazy and indexed; nothing here fetches."""

    @property
    def now(self) -> Instant:
        """The instant that is judged for."""
        ...

    @property
    def studio(self) -> StudioFacts:
        """The studio itself."""
        ...

    def get(self, kind: Kind, record_id: str) -> Record | None:
        """The record by id, or None where it isn't known."""
        ...

    def of_client(self, kind: Kind, client_id: str) -> Sequence[Record]:
        """All known records of a kind that belong to a client, oldest first."""
        ...

    def of_invoice(self, invoice_id: str) -> Sequence[Record]:
        """All known payments of an invoice, oldest first."""
        ...

    def payments_readable(self) -> bool:
        """Whether payments can be read at all; where not, an invoice's status decides (rule-language.md 2)."""
        ...

    def is_ours(self, message_id: str) -> bool:
        """Whether Selftimer wrote that message."""
        ...

    def is_working_day(self, date: Date) -> bool:
        """Monday to Friday and no public holiday of the studio's country."""
        ...
