"""Two copies of the bot over one studio: a client gets one message (delivery.md §1.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.studio_day import StudioDay

if TYPE_CHECKING:
    from pathlib import Path

RULES = """
- id: lead
  title: Answer a lead
  when: lead.created
  repeat: after 30 days per client.email
  then:
    - send: hello
- id: bill
  title: Remind
  if: invoice.outstanding
  then:
    - when: on invoice.due_date at 10:00
      send: due
"""


async def test_of_two_copies_the_second_finds_what_the_first_has_sent(tmp_path: Path) -> None:
    one = StudioDay(tmp_path / "one", RULES)
    two = StudioDay(tmp_path / "two", RULES, world=one.world)
    ben = one.known("Ben")
    one.invoice(ben, "2026-03-03")
    async with one, two:
        await one.poll()
        await two.until("2026-03-02 08:05")
        one.lead("Anna")
        for at in ("2026-03-02 08:10", "2026-03-02 12:00", "2026-03-03 10:00", "2026-03-03 12:00"):
            await one.until(at)
            await two.clock.wait(two.world.now, 300)
            two.service.observe.poll_at = two.world.now
            await two.until(at)
        assert sorted(row[12:] for row in one.sent()) == ["due Ben", "hello Anna"]
        assert sorted(await two.states()) == ["due sent: found", "hello sent: found"]


PAPERS = """
- id: papers
  title: All papers for every lead
  when: lead.created
  repeat: after 30 days per client.email
  then:
    - create: invoice
      items: [{name: Sitting fee, amount: 50}]
      due: 14 days
    - create: contract
      from: Portrait agreement
    - create: questionnaire
      from: Portrait questionnaire
    - create: quote
      from: Business day
"""
KINDS = ("invoice", "contract", "questionnaire", "quote")


async def test_of_two_copies_the_second_finds_the_documents_that_the_first_has_made(tmp_path: Path) -> None:
    one = StudioDay(tmp_path / "one", PAPERS)
    two = StudioDay(tmp_path / "two", PAPERS, world=one.world)
    async with one, two:
        await one.poll()
        await two.until("2026-03-02 08:05")
        anna = one.lead("Anna")
        await one.until("2026-03-02 08:10")
        await two.clock.wait(two.world.now, 300)
        two.service.observe.poll_at = two.world.now
        await two.until("2026-03-02 09:00")
        assert [len(one.made(kind)) for kind in KINDS] == [1, 1, 1, 1]
        assert [d.reason for d in await two.deliveries()] == ["found"] * 4
        (run,) = await two.runs()
        made = dict(run.made.values())
        rows = {row["kind"]: row["id"] for row in one.ledger["writes"] if row["client_id"] == anna.id}
        assert made == {kind: rows[kind] for kind in KINDS}


async def test_two_bookings_of_one_day_get_a_paper_each_though_the_papers_are_alike(tmp_path: Path) -> None:
    """What another effect of ours has made is no twin."""
    rule = """
    - id: paper
      title: A form for each booking
      when: session.confirmed
      then:
        - create: questionnaire
          from: Portrait questionnaire
    """
    async with StudioDay(tmp_path, rule) as day:
        anna = day.known("Anna")
        await day.poll()
        for at in ("2026-06-01 10:00", "2026-06-02 10:00"):
            day.session(anna, at)
        await day.until("2026-03-02 09:00")
        assert len(day.made("questionnaire")) == 2


async def test_what_the_owner_has_just_made_by_hand_is_not_made_again(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, PAPERS.replace("lead.created", "session.confirmed")) as day:
        ben, cleo = day.known("Ben"), day.known("Cleo")
        day.contract(cleo)
        await day.until("2026-03-04 10:00")
        day.contract(ben)
        day.invoice(ben, "2026-03-18", 4_999)
        for number, client in enumerate((ben, cleo)):
            day.session(client, f"2026-06-0{number + 1} 10:00")
        await day.until("2026-03-04 11:00")
        by_bot = [row for row in day.ledger["writes"] if row["by"] == "bot"]
        made = {client.first_name: [r["kind"] for r in by_bot if r["client_id"] == client.id] for client in (ben, cleo)}
        assert made == {"Ben": ["invoice", "questionnaire", "quote"], "Cleo": list(KINDS)}
