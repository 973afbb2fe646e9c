"""Every option of a step, on every step that has an effect: id, if, approve, late, and all of them together."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.simulation.listeners import Receiver, receiver
from tests.simulation.studio_day import StudioDay
from tests.simulation.test_webhook_steps import SECRET, toml

from selftimer.plan.state import DeliveryState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from selftimer.plan.state import Delivery

STEPS = {
    "send": "send: hello\n      attach: [a.txt]",
    "invoice": "create: invoice\n      items: [{name: Print, amount: 20}]\n      due: 14 days",
    "contract": "create: contract\n      from: Portrait agreement",
    "questionnaire": "create: questionnaire\n      from: Portrait questionnaire",
    "quote": "create: quote\n      from: Business day",
    "coupon": "create: coupon\n      code: C-{{ unique }}\n      discount: 5%\n      uses: 1\n      expires: 9 days",
    "lead": "create: lead\n      set: {email: fred@example.com}",
    "update": "update: client\n      set: {company: Nord}",
    "notify": "notify: hello",
    "webhook": "webhook: books",
}
LEFT = set(STEPS) - {"notify"}
"""Those that leave a trace outside."""
WRITES = {"message": "send", "client": "lead", "client_update": "update"}
CAPS = "\n[caps]\nclient_per_day = 50\n"


@asynccontextmanager
async def studio(folder: Path, options: str, *, apart: bool = False) -> AsyncIterator[tuple[StudioDay, Receiver]]:
    """A rule with every step, each with these options; or (`apart`) a rule for each."""
    steps = [f"    - id: {name}\n      {step}\n{options}" for name, step in STEPS.items()]
    rules = steps if apart else ["".join(steps) + "    - notify: after\n"]
    head = "- id: r{}\n  title: R\n  when: session.confirmed\n  then:\n"
    rule = "".join(head.format(number) + text for number, text in enumerate(rules))
    async with receiver() as here:
        day = StudioDay(folder, rule, toml=toml(here.url) + CAPS)
        (day.workspace / "automations/files").mkdir(parents=True)
        (day.workspace / "automations/files/a.txt").write_text("a")
        with (day.workspace / ".env").open("a") as file:
            file.write(f"SELFTIMER_WEBHOOKS__BOOKS__SECRET={SECRET}\n")
        async with day:
            yield day, here


async def begun(day: StudioDay, notes: str = "yes, but ask") -> None:
    anna = day.known("Anna", notes=notes)
    await day.until("2026-03-02 09:01")
    day.session(anna, "2026-04-01 12:00")
    await day.poll()


def happened(day: StudioDay, here: Receiver) -> set[str]:
    """The steps that had an effect outside, by the ledger and by the receiver of calls."""
    kinds = [row["kind"] for row in day.ledger["writes"] if row["by"] == "bot"]
    assert len(kinds) == len(set(kinds))
    return {WRITES.get(kind, kind) for kind in kinds} | ({"webhook"} if here.calls else set())


async def by_step(day: StudioDay) -> dict[str, Delivery]:
    return {delivery.step_id: delivery for delivery in await day.deliveries()}


ALL = (
    "      if: client.notes is containing 'yes'\n"
    "      approve: client.notes is containing 'ask'\n"
    "      late: 30 hours\n"
)


async def test_with_all_of_them_each_step_is_asked_for_and_done_in_its_turn(tmp_path: Path) -> None:
    async with studio(tmp_path, ALL) as (day, here):
        await begun(day)
        for number, name in enumerate(STEPS):
            (held,) = await day.held()
            assert (held.step_id, bool(held.text)) == (name, True)
            assert len(happened(day, here)) == len(set(list(STEPS)[:number]) - {"notify"})
            await day.approve(held.id)
            await day.poll()
        assert happened(day, here) == LEFT
        rows = await by_step(day)
        assert {rows[name].state for name in STEPS} == {DeliveryState.SENT}
        assert {(rows[name].late_until - rows[name].allowed_at).total("hours") for name in STEPS} == {30}
        assert await day.ends() == ["done"]


async def test_without_any_each_is_done_at_once_and_may_be_a_day_late(tmp_path: Path) -> None:
    async with studio(tmp_path, "") as (day, here):
        await begun(day)
        assert happened(day, here) == LEFT
        rows = await by_step(day)
        assert {(rows[name].late_until - rows[name].allowed_at).total("hours") for name in STEPS} == {24}


async def test_a_condition_that_is_false_skips_the_step_and_nothing_else(tmp_path: Path) -> None:
    async with studio(tmp_path, ALL.replace("'yes'", "'no such thing'").replace("'ask'", "'nor this'")) as (day, here):
        await begun(day)
        rows = await by_step(day)
        assert {(rows[name].state, rows[name].reason) for name in STEPS} == {(DeliveryState.SKIPPED, "if")}
        assert rows["notify:after"].state is DeliveryState.SENT
        assert happened(day, here) == set()


async def test_a_no_skips_the_step_and_nothing_else(tmp_path: Path) -> None:
    async with studio(tmp_path, "      approve: true\n      late: 30 hours\n") as (day, here):
        await begun(day)
        for _ in STEPS:
            (held,) = await day.held()
            await day.skip(held.id)
            await day.poll()
        rows = await by_step(day)
        assert {rows[name].state for name in STEPS} == {DeliveryState.SKIPPED}
        assert rows["notify:after"].state is DeliveryState.SENT
        assert happened(day, here) == set()


async def test_what_could_not_be_done_in_time_is_skipped_and_said(tmp_path: Path) -> None:
    async with studio(tmp_path, "      late: 10 minutes\n", apart=True) as (day, here):
        (day.workspace / "PAUSE").touch()
        await begun(day)
        await day.until("2026-03-02 09:30")
        (day.workspace / "PAUSE").unlink()
        await day.until("2026-03-02 10:00")
        rows = await by_step(day)
        assert {(rows[name].state, rows[name].reason) for name in LEFT} == {(DeliveryState.SKIPPED, "late")}
        assert happened(day, here) == set()
        assert sum(text.endswith("was not sent") for text in await day.notices()) == len(LEFT)
