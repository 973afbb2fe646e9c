"""Big studios at once, for benchmarks: records without people behind them, so nothing happens by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.sandbox import names
from selftimer.sandbox.book import money, people

if TYPE_CHECKING:
    from selftimer.sandbox.model import Client, ClientType, Invoice
    from selftimer.sandbox.studio import Studio


def add_clients(
    world: Studio, count: int, *, client_type: ClientType = "client", conversations: bool = True, spread_days: int = 0
) -> list[Client]:
    """That many clients, each with a canary surname and, if wanted, a conversation that they began.

    They were made at the world's now, or spread evenly over the `spread_days` before it.
    """
    made = []
    step = spread_days * 86_400_000 // max(count, 1)
    for place in range(count):
        number = world.next_number("person") - 1
        random = world.random("bulk", number)
        last_name = names.surname(world.seed, number)
        client = people.add_client(
            world,
            first_name=names.first_name(random, hostile=0.0),
            last_name=last_name,
            email=names.email(random, last_name),
            client_type=client_type,
        )
        client.created_at = world.now.subtract(milliseconds=step * (count - place))
        made.append(client)
        if conversations:
            people.client_says(world, client.id, "Hello, we would like to book a session.")
    return made


def add_invoices(
    world: Studio, clients: list[Client], count: int, *, due_in_days: int = 14, amount: int = 25_000
) -> list[Invoice]:
    """That many invoices, sent, dealt out to the clients in turn; due days differ by a week around `due_in_days`."""
    today = world.now.to_tz(world.profile.zone).date()
    made = []
    for place in range(count):
        client = clients[place % len(clients)]
        item = money.line(world, client.id, "Session", amount + 100 * (place % 97))
        due = today.add(days=due_in_days + place % 7 - 3)
        made.append(money.add_invoice(world, client.id, [item], due, by="studio"))
    return made
