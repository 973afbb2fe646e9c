"""`webhook: name`: a signed call of the owner's own address, at least once within `late` (delivery.md §1.9)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from tests.simulation.listeners import Receiver, listening, receiver
from tests.simulation.studio_day import ProcessDied, StudioDay

from selftimer.plan.state import DeliveryState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
RULE = """
- id: paid
  title: Tell the bookkeeping
  when: invoice.paid
  late: 6 hours
  then:
    - webhook: books
      with:
        number: "{{ invoice.invoice_number }}"
        amount: "{{ invoice.amount }}"
        first_name: "{{ client.first_name }}"
    - notify: told
"""


def toml(url: str, *, local: bool = True) -> str:
    return f'\n[webhooks.books]\nurl = "{url}"\n' + ("allow_local = true\n" if local else "")


@asynccontextmanager
async def calling(folder: Path, here: Receiver, rule: str = RULE) -> AsyncIterator[StudioDay]:
    day = StudioDay(folder, rule, toml=toml(here.url))
    with (day.workspace / ".env").open("a") as file:
        file.write(f"SELFTIMER_WEBHOOKS__BOOKS__SECRET={SECRET}\n")
    async with day:
        yield day


async def paid(day: StudioDay, until: str = "2026-03-02 09:06", **given: Any) -> None:
    anna = day.known()
    await day.until("2026-03-02 09:01")
    day.pay(day.invoice(anna, "2026-03-20"), **given)
    await day.until(until)


def verify(headers: dict[str, str], body: bytes) -> None:
    """As a receiver does it, by the words of Standard Webhooks."""
    signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    wanted = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{wanted}"


async def test_a_call_is_signed_and_tells_what_the_rule_names(tmp_path: Path) -> None:
    async with receiver() as here, calling(tmp_path, here) as day:
        await paid(day)
        (call,) = here.calls
        assert call.line == "POST /hook HTTP/1.1"
        verify(call.headers, call.body)
        told = json.loads(call.body)
        invoice = next(iter(day.world.tables.invoices))
        assert told["type"] == "selftimer.books"
        assert told["data"]["values"] == {
            "number": invoice.number,
            "amount": "100.00 EUR",
            "first_name": "Anna",
        }
        assert (told["data"]["rule"], told["data"]["subject"]) == ("paid", {"kind": "invoice", "id": invoice.id})
        assert call.headers["host"] == f"127.0.0.1:{here.port}"
        assert [d.state for d in await day.deliveries()] == [DeliveryState.SENT] * 2


async def test_a_call_that_is_not_taken_goes_out_again_with_the_same_id_and_body(tmp_path: Path) -> None:
    async with receiver(500, 0, (429, "Retry-After: 900\r\n"), 302) as here, calling(tmp_path, here) as day:
        await paid(day, "2026-03-02 12:00")
        assert len(here.calls) == 5
        assert len({call.headers["webhook-id"] for call in here.calls}) == 1
        assert len({call.body for call in here.calls}) == 1
        times = [int(call.headers["webhook-timestamp"]) for call in here.calls]
        assert times == sorted(set(times))
        assert times[3] - times[2] >= 900
        for call in here.calls:
            verify(call.headers, call.body)
        assert [d.state for d in await day.deliveries()] == [DeliveryState.SENT] * 2


async def test_nothing_is_redirected(tmp_path: Path) -> None:
    async with receiver() as elsewhere, receiver((307, "")) as here:
        here.answers = [(307, f"Location: {elsewhere.url}\r\n")]
        async with calling(tmp_path, here) as day:
            await paid(day, "2026-03-02 09:05")
            assert len(here.calls) == 1
            assert elsewhere.calls == []
            assert (await day.one()).reason == "webhook books answered 307"


async def test_a_receiver_that_is_away_is_called_until_it_is_too_late(tmp_path: Path) -> None:
    async with receiver() as here:
        pass  # nobody listens there any more
    async with calling(tmp_path, here) as day:
        await paid(day, "2026-03-02 12:00")
        assert (await day.deliveries())[0].attempt > 6  # more than other effects are tried
        await day.until("2026-03-02 18:00")
        late, note = await day.deliveries()
        assert (late.state, late.reason, note.state) == (DeliveryState.SKIPPED, "late", DeliveryState.SENT)
        assert "paid: books was not sent" in await day.notices()


async def test_a_receiver_that_comes_back_in_time_is_told(tmp_path: Path) -> None:
    async with receiver() as here:
        pass
    async with calling(tmp_path, here) as day:
        await paid(day)
        async with listening(here):
            await day.until("2026-03-02 10:00")
        assert len(here.calls) == 1
        assert (await day.deliveries())[0].state is DeliveryState.SENT


async def test_a_receiver_that_wants_no_more_fails_it_and_the_owner_is_told(tmp_path: Path) -> None:
    async with receiver(410) as here, calling(tmp_path, here) as day:
        await paid(day, "2026-03-02 10:00")
        assert len(here.calls) == 1
        assert (await day.one()).state is DeliveryState.FAILED
        assert "paid: books needs you" in await day.notices()


async def test_a_call_that_may_have_arrived_when_the_process_died_goes_out_again(tmp_path: Path) -> None:
    async with receiver() as here, calling(tmp_path, here) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.pay(day.invoice(anna, "2026-03-20"))

        def die(name: str) -> None:
            if name == "deliver.after_post":
                raise ProcessDied

        day.service.context.crash_point = die
        with pytest.raises(BaseExceptionGroup):
            await day.until("2026-03-02 09:10")
        await day.restart()
        await day.until("2026-03-02 09:30")
        assert len(here.calls) == 2
        assert len({call.headers["webhook-id"] for call in here.calls}) == 1


async def test_a_dry_run_calls_nobody(tmp_path: Path) -> None:
    async with receiver() as here, calling(tmp_path, here, RULE.replace("  when:", "  mode: dry_run\n  when:")) as day:
        await paid(day)
        assert here.calls == []


async def test_a_pause_keeps_it_back(tmp_path: Path) -> None:
    async with receiver() as here, calling(tmp_path, here) as day:
        (day.workspace / "PAUSE").touch()
        await paid(day)
        assert here.calls == []
        (day.workspace / "PAUSE").unlink()
        await day.until("2026-03-02 09:30")
        assert len(here.calls) == 1


async def test_a_yes_is_asked_with_what_would_be_told(tmp_path: Path) -> None:
    rule = RULE.replace("    - webhook: books\n", "    - webhook: books\n      approve: true\n")
    async with receiver() as here, calling(tmp_path, here, rule) as day:
        await paid(day)
        (held,) = await day.held()
        assert (held.text or "").startswith("books\nnumber: ")
        await day.approve(held.id)
        await day.until("2026-03-02 09:30")
        assert len(here.calls) == 1
