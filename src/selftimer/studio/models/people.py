"""Clients and leads (studio-api.md, Clients and leads: documented)."""

from __future__ import annotations

from selftimer.studio import wire as w
from selftimer.studio.models.base import Entry
from selftimer.studio.wire_models import AddressWire, ClientWire


class Address(AddressWire, Entry):
    """Where a client lives, as far as they told."""

    address_line_1: w.Text = None
    address_line_2: w.Text = None
    postal_code: w.Text = None
    state: w.Text = None
    country_id: w.Text = None


class Client(ClientWire, Entry):
    """A client, a lead or another contact; there is no `updated_at`."""

    address_info: Address | None = None
    avatar_color: w.Text = None
    type_formatted: w.Text = None

    @property
    def name(self) -> str:
        """First and last name, as far as there are any."""
        return " ".join(part for part in (self.first_name, self.last_name) if part)
