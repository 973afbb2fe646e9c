"""`create: coupon`: each client gets a code of their own, made once whatever happens (delivery.md §1.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.simulation.studio_day import StudioDay, berlin

from selftimer.plan.state import DeliveryState

if TYPE_CHECKING:
    from pathlib import Path

    from selftimer.sandbox.model import Client, Coupon

RULE = """
- id: back
  title: Come back
  when: invoice.paid
  then:
    - create: coupon
      code: BACK-{{ unique }}
      discount: 10%
      uses: 1
      expires: 60 days
    - send: back
"""
WORDS = {"back": "{{ coupon.code }} takes {{ coupon.discount }} off until {{ coupon.expires_at | date }}.\n"}
APPLIED: list[dict[str, Any]] = [
    {"kind": "drop_after"},
    {"kind": "status", "status": 500, "commit": True},
    {"kind": "html200", "commit": True},
    {"kind": "bad_json"},
    {"kind": "late_apply", "seconds": 30.0},
]
NOT_APPLIED: list[dict[str, Any]] = [
    {"kind": "drop_before"},
    {"kind": "status", "status": 503, "shape": "html"},
    {"kind": "status", "status": 429, "headers": {"Retry-After": "30"}},
]


def names(fault: dict[str, Any]) -> str:
    return " ".join(str(value) for value in fault.values())


def coupons(day: StudioDay) -> list[Coupon]:
    """Those that the bot made."""
    ours = {row["id"] for row in day.ledger["writes"] if row["kind"] == "coupon"}
    return [row for row in day.world.tables.coupons if row.id in ours]


async def paid(day: StudioDay, client: Client) -> None:
    day.pay(day.invoice(client, "2026-03-20"))
    await day.poll()


async def test_a_coupon_is_made_and_said_in_the_next_message(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, RULE, words=WORDS) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        await paid(day, anna)
        (coupon,) = coupons(day)
        assert coupon.code.startswith("BACK-")
        assert (coupon.discount_type, coupon.value, coupon.usage_limit) == ("percentage", 10, 1)
        assert coupon.expires_at == berlin("2026-05-02 00:00").subtract(seconds=1)  # the whole last day counts
        assert day.sent() == [f"03-02 09:05 {coupon.code} takes 10% off until 1 May 2026."]


async def test_every_client_gets_another_code(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, RULE, words=WORDS) as day:
        people = [day.known(name) for name in ("Anna", "Ben", "Cleo")]
        await day.until("2026-03-02 09:01")
        for one in people:
            await paid(day, one)
        assert len({coupon.code for coupon in coupons(day)}) == 3


@pytest.mark.parametrize("fault", [*APPLIED, *NOT_APPLIED], ids=names)
async def test_an_attempt_that_is_unclear_or_failed_ends_in_one_coupon_with_one_code(
    tmp_path: Path, fault: dict[str, Any]
) -> None:
    async with StudioDay(tmp_path, RULE, words=WORDS) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.fault(fault["kind"], method="POST", path="/coupons", **{k: v for k, v in fault.items() if k != "kind"})
        await paid(day, anna)
        await day.until("2026-03-02 10:00")
        (coupon,) = coupons(day)
        assert [row[12:] for row in day.sent()] == [f"{coupon.code} takes 10% off until 1 May 2026."]
        judged = await day.matched()
        assert (judged.unowned, judged.unsent, judged.unsettled) == ((), (), ())


async def test_a_coupon_with_our_code_and_our_values_is_ours(tmp_path: Path) -> None:
    async with StudioDay(
        tmp_path, RULE.replace("BACK-{{ unique }}", "WELCOME10").replace("uses: 1", "uses: 100")
    ) as day:
        anna = day.known()
        welcome = next(row for row in day.world.tables.coupons if row.code == "WELCOME10")
        welcome.expires_at = berlin("2026-05-01 20:00")
        await day.until("2026-03-02 09:01")
        await paid(day, anna)
        made = (await day.deliveries())[0]
        assert (made.state, made.result_id) == (DeliveryState.SENT, welcome.id)
        assert coupons(day) == []


async def test_a_code_that_another_coupon_has_fails_and_is_told(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, RULE.replace("BACK-{{ unique }}", "welcome10")) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        await paid(day, anna)
        failed = await day.one()
        assert (failed.state, failed.reason) == (DeliveryState.FAILED, "the code welcome10 is taken by another coupon")
        assert "back: welcome10 needs you" in await day.notices()
        assert day.sent() == []


async def test_an_amount_is_in_main_units_and_can_be_worked_out(tmp_path: Path) -> None:
    rule = RULE.replace("discount: 10%", 'discount: "{{ invoice.amount / 4 }}"').replace("      expires: 60 days\n", "")
    words = {"back": "{{ coupon.discount }} off, {{ coupon.uses }} time\n"}
    async with StudioDay(tmp_path, rule, words=words) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        await paid(day, anna)
        (coupon,) = coupons(day)
        assert (coupon.discount_type, coupon.value, coupon.expires_at) == ("fixed_amount", 2_500, None)
        assert [row[12:] for row in day.sent()] == ["€25.00 off, 1 time"]


async def test_a_discount_that_cannot_be_is_held_and_not_made(tmp_path: Path) -> None:
    rule = RULE.replace("discount: 10%", 'discount: "{{ client.notes }}"')
    async with StudioDay(tmp_path, rule, words=WORDS) as day:
        anna = day.known(notes="a lot")
        await day.until("2026-03-02 09:01")
        await paid(day, anna)
        (held,) = await day.held()
        assert held.reason == "discount: 'a lot' is neither a percentage nor an amount"
        assert coupons(day) == []


async def test_a_dry_run_makes_none_and_says_what_it_would(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, RULE.replace("  when:", "  mode: dry_run\n  when:"), words=WORDS) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        await paid(day, anna)
        assert coupons(day) == []
        assert day.sent() == []
        made, message = await day.deliveries()
        assert (made.state, message.state) == (DeliveryState.SENT, DeliveryState.SENT)
        assert (made.words or "") in (message.text or "")


async def test_the_id_of_a_step_names_its_coupon_where_there_are_two(tmp_path: Path) -> None:
    rule = RULE.replace("    - create: coupon\n", "    - create: coupon\n      id: mine\n", 1).replace(
        "    - send: back",
        "    - create: coupon\n      id: theirs\n      code: FRIEND-{{ unique }}\n      discount: 20\n      uses: 3\n"
        "      expires: 1 year\n    - send: back",
    )
    words = {"back": "{{ steps.mine.code }} and {{ coupon.code }}\n"}
    async with StudioDay(tmp_path, rule, words=words) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        await paid(day, anna)
        mine, theirs = (coupon.code for coupon in coupons(day))
        assert [row[12:] for row in day.sent()] == [f"{mine} and {theirs}"]
