"""A studio whose payloads change without notice: what the service makes of it (studio-api.md, top; delivery.md §4)."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from tests.simulation.studio_day import StudioDay

from selftimer.facts.records import Kind
from selftimer.store.reader import SqlReader

if TYPE_CHECKING:
    from pathlib import Path

    from selftimer.ports.reader import StatusView

BILL = """
- id: bill
  title: A bill went out
  when: invoice.sent
  if: invoice.outstanding
  then:
    - send: bill
"""
PAID = """
- id: thanks
  title: Thank those who pay
  when: invoice.paid
  then:
    - send: thanks
"""


def status(day: StudioDay) -> StatusView:
    with closing(SqlReader(day.database)) as reader:
        return reader.status()


async def test_a_field_that_nobody_knows_is_kept_and_counted_once_a_record(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        anna, ben = day.known("Anna"), day.known("Ben")
        await day.until("2026-03-02 09:01")
        assert status(day).new_fields == ()
        await day.drift(drift="extra_field", path="/clients/", field="loyalty", value=3)
        await day.until("2026-03-02 09:11")
        day.change(anna, phone="123")
        await day.until("2026-03-02 09:21")
        (field,) = status(day).new_fields
        assert (field.kind, field.name, field.records) == (Kind.CLIENT, "loyalty", 2)
        assert (await day.stored("client", ben.id)).raw["loyalty"] == 3


async def test_a_new_word_is_told_once_however_many_records_have_it(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        clients = [day.known(f"Client{n}") for n in range(40)]
        bills = [day.invoice(client, "2026-03-20") for client in clients]
        await day.until("2026-03-02 09:01")
        await day.drift(drift="new_word", path="/invoices/$", field="status", value="on_hold", every=20)
        await day.until("2026-03-02 10:00")
        assert [text for text in await day.notices() if "can't be understood" in text] == [
            "One of the studio's invoices can't be understood"
        ]
        assert [(one.kind, one.records) for one in status(day).set_aside] == [(Kind.INVOICE, 2)]
        aside = [bill for bill in bills if (await day.stored("invoice", bill.id)).quarantine]
        assert len(aside) == 2
        assert (await day.stored("invoice", aside[0].id)).raw["status"] == "Unpaid"


async def test_what_happened_while_a_record_was_set_aside_is_a_change_when_it_can_be_read_again(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, PAID) as day:
        bill = day.invoice(day.known("Anna"), "2026-03-20")
        await day.until("2026-03-02 09:01")
        await day.drift(drift="new_word", path="/invoices/", field="status", value="on_hold")
        day.pay(bill)
        await day.until("2026-03-02 09:30")
        assert day.sent() == []
        await day.no_drift()
        await day.until("2026-03-02 10:10")
        assert [row[12:] for row in day.sent()] == ["thanks Anna"]
        assert status(day).set_aside == ()


async def test_more_than_five_in_a_hundred_shut_the_list_and_its_last_good_state_stands(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        clients = [day.known(f"Client{n}") for n in range(30)]
        bills = [day.invoice(client, "2026-03-20") for client in clients]
        await day.until("2026-03-02 09:01")
        await day.drift(drift="new_word", path="/invoices/", field="status", value="on_hold", every=5)
        fresh = day.invoice(day.known("Zoe"), "2026-03-20")
        await day.until("2026-03-02 09:20")
        assert day.sent() == []
        assert fresh.id not in await day.ids("invoice")
        assert not (await day.stored("invoice", bills[-1].id)).quarantine
        assert "The studio's invoices can't be understood any more" in await day.notices()
        (shut,) = status(day).failing
        assert "'on_hold' is not known" in (shut.resource.error or "")
        await day.no_drift()
        await day.until("2026-03-02 10:00")
        assert [row[12:] for row in day.sent()] == ["bill Zoe"]
        assert "The studio's list of invoices can be read again" in await day.notices()


async def test_ids_of_another_form_leave_no_trace_once_they_are_as_before(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        anna = day.known("Anna")
        day.session(anna, "2026-04-01 12:00")
        await day.until("2026-03-02 09:01")
        await day.drift(drift="id_number", path="/sessions$")
        await day.until("2026-03-02 09:11")
        assert [one.kind for one in status(day).set_aside] == [Kind.SESSION]
        await day.no_drift()
        await day.until("2026-03-02 15:30")
        assert status(day).set_aside == ()
        assert len(await day.ids("session")) == 1


async def test_nothing_is_decided_on_a_clients_list_with_a_hole_in_it(tmp_path: Path) -> None:
    rules = """
    - id: free
      title: Offer something to those who owe nothing
      when: message.received
      if: client.open_invoices | count == 0
      then:
        - wait: 10 minutes
        - send: offer
          if: client.open_invoices | count == 0
    """
    async with StudioDay(tmp_path, rules) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")
        day.says(anna)
        await day.until("2026-03-02 09:06")
        day.invoice(anna, "2026-03-20")
        await day.drift(drift="new_word", path="/invoices/$", field="status", value="on_hold")
        await day.until("2026-03-02 09:40")
        assert day.sent() == []


@pytest.mark.parametrize("field", ["phone", "avatar_color"])
async def test_a_missing_optional_field_stops_nothing(tmp_path: Path, field: str) -> None:
    async with StudioDay(tmp_path, BILL) as day:
        await day.drift(drift="missing_field", path="/clients/", field=field)
        await day.until("2026-03-02 09:01")
        day.invoice(day.known("Anna"), "2026-03-20")
        await day.until("2026-03-02 09:30")
        assert [row[12:] for row in day.sent()] == ["bill Anna"]
        assert status(day).set_aside == ()
