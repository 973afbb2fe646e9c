"""The time before the world's start: the first clients live it through with the same engine as everybody after them.

So old weddings, unpaid invoices and dead leads all hang together, and there is no second description of a studio.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.sandbox import catalog
from selftimer.sandbox.book import money, people
from selftimer.sandbox.clock import SandboxClock

if TYPE_CHECKING:
    from selftimer.sandbox.life.living import LivingStudio

DAYS = 450
"""How far back it goes, so that there are clients whose session was a year ago."""


def settle(world: LivingStudio, population: int) -> None:
    """Furnish a new world and let `population` people live until its start."""
    if world.end is not None and world.end < world.start:
        raise ValueError(f"the world would end ({world.end}) before it starts ({world.start})")
    mode = world.clock.mode
    world.clock = SandboxClock(world.start.subtract(hours=24 * DAYS), "stepped")
    catalog.stock(world)
    if population:
        _arrivals(world, population)
        _others(world)
    world.advance_to(world.start)
    world.clock = SandboxClock(world.start, mode)
    world.ledger.forget_past()
    world.changed_at = None


def _arrivals(world: LivingStudio, population: int) -> None:
    """More of them lately than long ago, as studios that live from recommendation know it."""
    for number in range(population):
        random = world.random("before", number)
        hours = 24 * (DAYS - 1) * random.random() ** 2 + 1
        least_keen = 0.85 if random.random() < 0.75 else 0.05
        at = world.start.subtract(milliseconds=int(hours * 3_600_000))
        world.at(at, f"before-{number:05}", "arrive", least_keen)


def _others(world: LivingStudio) -> None:
    """Contacts that aren't customers: the product's sample, a laboratory, an old draft."""
    sample = people.add_client(
        world, first_name="Sample", last_name="", email="sample@example.com", client_type="client", sample=True
    )
    item = money.line(world, sample.id, "Sample package", 10_000)
    today = world.now.to_tz(world.profile.zone).date()
    money.add_invoice(world, sample.id, [item], today.add(days=30), by="studio")
    for name in ("Print laboratory", "Bridal shop"):
        slug = name.split()[0].lower()
        people.add_client(
            world, first_name=name, last_name="", email=f"{slug}@example.org", client_type="other", company=name
        )
    draft = money.line(world, sample.id, "Album", 45_000)
    money.add_invoice(world, sample.id, [draft], today.add(days=60), by="studio", sent=False)
