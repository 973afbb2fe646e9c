"""What a step made is known to the later ones from the studio's answer on (rule-language.md 21)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.studio_day import StudioDay

if TYPE_CHECKING:
    from pathlib import Path

ASK = """
- id: ask
  title: Ask once, and once more
  when: session.confirmed
  if: session.confirmed
  then:
    - create: questionnaire
      from: Portrait questionnaire
    - wait: 5 days
      or_until: not questionnaire.outstanding
    - send: once-more
      if: questionnaire.outstanding
"""


async def test_a_wait_for_what_a_step_made_is_not_over_before_a_poll_has_seen_it(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, ASK) as day:
        await day.until("2026-03-02 09:58")
        day.session(day.known("Anna"), "2026-06-10 14:00")
        await day.until("2026-03-12 12:00")
        assert day.made("questionnaire") == ["03-02 10:00 Portrait questionnaire"]
        assert day.sent() == ["03-07 10:00 once-more Anna"]


SIGN = """
- id: sign
  title: A contract, and a word about it
  when: session.confirmed
  then:
    - create: contract
      from: Portrait agreement
    - if: contract.outstanding
      then:
        - send: please-sign
"""


async def test_what_was_found_to_be_there_is_known_to_the_next_step_too(tmp_path: Path) -> None:
    """The owner makes it by hand a moment before we would, and no poll has seen it."""
    async with StudioDay(tmp_path, SIGN) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:58")

        def by_hand(point: str) -> None:
            if point == "deliver.asked" and not day.world.tables.contracts.rows:
                day.contract(anna)

        day.service.context.crash_point = by_hand
        day.session(anna, "2026-06-10 14:00")
        await day.until("2026-03-02 12:00")
        assert day.made("contract") == []
        assert day.sent() == ["03-02 10:00 please-sign Anna"]


async def test_it_is_over_once_the_client_has_answered(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, ASK) as day:
        await day.until("2026-03-02 09:58")
        day.session(day.known("Anna"), "2026-06-10 14:00")
        await day.until("2026-03-04 12:00")
        day.fill_in(next(iter(day.world.tables.questionnaires.rows.values())))
        await day.until("2026-03-12 12:00")
        assert day.sent() == []
        assert await day.ends() == ["done"]


async def test_what_was_made_is_an_event_like_any_other_though_it_was_known_before(tmp_path: Path) -> None:
    chase = """
- id: chase
  title: Tell me of each questionnaire
  when: questionnaire.sent
  then:
    - notify: sent-one
"""
    async with StudioDay(tmp_path, ASK + chase) as day:
        await day.until("2026-03-02 09:58")
        day.session(day.known("Anna"), "2026-06-10 14:00")
        await day.until("2026-03-02 12:00")
        assert "sent-one sent" in await day.states()
