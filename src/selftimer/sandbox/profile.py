"""The settings of a sandbox: whose studio it is, and how its server behaves."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

InvoiceVocabulary = Literal["product", "reference"]
ExpiryStyle = Literal["401", "419", "redirect", "html"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioProfile:
    """The studio: its account, zone and currency. The login is no secret: it guards a toy on loopback.

    It bills in `currency`, and in `other_currencies` where asked to. `tax_rate` is what a taxable line costs on top, in
    percent.
    """

    name: str = "Studio Nord"
    owner: str = "Kim"
    email: str = "owner@studio-nord.example"
    password: str = "sandbox"  # noqa: S105 - the well-known login of a local toy
    zone: str = "Europe/Berlin"
    currency: str = "eur"
    other_currencies: tuple[str, ...] = ()
    tax_rate: Decimal = Decimal(19)
    account_id: str = "acc_studionord"
    website: str = "https://studio-nord.example"
    invoice_vocabulary: InvoiceVocabulary = "product"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How the served API treats its callers; times are seconds of the sandbox's clock.

    `rate_limit` is requests a minute of that clock (None: no limit); while the clock stands still the minute doesn't
    pass either, so the default is high. `idle_seconds` is how long a web login lives without a request. `forbidden` are
    paths below /api/v1, like `/invoices`, that the login may not use: an assistant's, who doesn't see the money. With
    `etags` an answer to a GET has one, and asking with it again costs a 304: not known of the real API.
    """

    expiry_style: ExpiryStyle = "401"
    idle_seconds: int = 12 * 3600
    rate_limit: int | None = 6000
    require_login: bool = True
    forbidden: tuple[str, ...] = ()
    etags: bool = False

    def forbids(self, path: str) -> bool:
        """Whether a path, without /api/v1, is one that the login may not use, or below one."""
        return any(f"{path.rstrip('/')}/".startswith(f"{prefix.rstrip('/')}/") for prefix in self.forbidden)
