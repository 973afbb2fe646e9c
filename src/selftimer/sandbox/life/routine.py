"""The days of the studio: who comes in, when the inbox is read, what falls due."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from whenever import Date, Time

from selftimer.primitives.time import local, start_of_day
from selftimer.sandbox.book import money, papers, people
from selftimer.sandbox.script import Script

if TYPE_CHECKING:
    from random import Random

    from selftimer.sandbox.life.living import LivingStudio

PART = Script()


def begin(world: LivingStudio) -> None:
    """Let the daily round begin on the day of the world's now."""
    _day(world, world.now.to_tz(world.profile.zone).date())


@PART.on("day")
def new_day(world: LivingStudio, _key: str, date: str) -> None:
    """At midnight the day's arrivals are decided; a busy day brings several within two hours."""
    _day(world, Date.parse_iso(date))


def _day(world: LivingStudio, date: Date) -> None:
    random = world.random("arrivals", date)
    rush = random.random() < 0.1
    count = _poisson(random, world.pace.leads_per_day * (2.0 if rush else 0.9))
    rush_hour = random.uniform(9, 20)
    for number in range(count):
        hour = rush_hour + random.uniform(0, 2) if rush else _hour(random)
        at = local(date, Time(), world.profile.zone).to_instant().add(milliseconds=int(hour * 3_600_000))
        if at >= world.now:
            key = f"{date}-{number}"
            world.at(at, key, "arrive", 0.0)
    evening = local(date, Time(18, 5), world.profile.zone).to_instant()
    if evening >= world.now:
        world.at(evening, "studio", "inbox")
    tomorrow = date.add(days=1)
    world.at(start_of_day(tomorrow, world.profile.zone), "studio", "day", str(tomorrow))


def _hour(random: Random) -> float:
    """Hour of the day: mostly daytime and evening, one in seven at night."""
    if random.random() < 0.15:
        return random.choice((random.uniform(0, 5), random.uniform(22, 23.9)))
    return random.triangular(7, 22, 19)


def _poisson(random: Random, mean: float) -> int:
    limit, count, product = math.exp(-mean), 0, random.random()
    while product > limit:
        count += 1
        product *= random.random()
    return count


@PART.on("inbox")
def inbox(world: LivingStudio, _key: str) -> None:
    """The owner reads what came in."""
    people.read_inbox(world)


@PART.on("runs_out")
def runs_out(world: LivingStudio, key: str, code: str) -> None:
    """A coupon's or gift card's last moment: the API shows another status from now on."""
    row = world.tables.coupons.get(key) or world.tables.gift_cards.get(key)
    if row is None or row.expires_at is None or row.expires_at > world.now:
        return  # deleted, or given another date
    world.changed()
    world.tell("runs_out", "", f"{code} runs out")


@PART.on("invoice_due")
def invoice_due(world: LivingStudio, _key: str, invoice_id: str) -> None:
    """Midnight after the due date: an open invoice is past due now."""
    if (invoice := world.tables.invoices.get(invoice_id)) is not None:  # it may have been deleted since
        money.refresh_status(world, invoice)


@PART.on("contract_due")
def contract_due(world: LivingStudio, _key: str, contract_id: str) -> None:
    """An unsigned contract expires."""
    if (contract := world.tables.contracts.get(contract_id)) is not None:
        papers.expire_contract(world, contract)


@PART.on("questionnaire_due")
def questionnaire_due(world: LivingStudio, _key: str, form_id: str) -> None:
    """A questionnaire nobody filled in expires."""
    if (form := world.tables.questionnaires.get(form_id)) is not None:
        papers.expire_questionnaire(world, form)


@PART.on("quote_due")
def quote_due(world: LivingStudio, _key: str, quote_id: str) -> None:
    """An offer nobody took runs out."""
    if (quote := world.tables.quotes.get(quote_id)) is not None:
        papers.expire_quote(world, quote)
