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
