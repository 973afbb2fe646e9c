"""Rules played again over a studio's past: by the rules that were at work, what was really sent is found again."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from tests.simulation.studio_day import StudioDay, berlin
from whenever import Instant

from selftimer.errors import WorkspaceError
from selftimer.plan.state import DeliveryState
from selftimer.settings import Settings
from selftimer.simulation.compare import What, differences
from selftimer.simulation.harness import Simulation
from selftimer.simulation.replay import play_again
from selftimer.simulation.trial import rules_of

if TYPE_CHECKING:
    from pathlib import Path

    from selftimer.simulation.replay import Replay
    from selftimer.simulation.story import Story

RULES = """
- id: hello
  when: lead.created
  if: client.type == 'lead'
  repeat: after 30 days per client.email
  ignore_quiet_hours: true
  then:
    - send: hello
- id: follow
  when: lead.created
  if: client.type == 'lead'
  until: client.replied or client.contacted
  then:
    - wait: until 2 days after start at 10:00
    - send: nudge
    - wait: until 4 days after start at 10:00
    - send: call
      approve: true
- id: bill
  if: invoice.outstanding
  then:
    - when: 3 days before invoice.due_date at 10:00
      send: soon
    - when: 1 day after invoice.due_date at 10:00
      send: late
- id: thanks
  when: invoice.paid
  then:
    - wait: 1 day
    - send: thanks
      if: invoice.settled
- id: form
  if: session.confirmed
  then:
    - when: 2 days before session.start_at at 09:00
      run: ask
- id: silent
  when: no reply for 3 days
  repeat: once per client
  then:
    - notify: silent
"""
PARTNER = """
- id: partner
  when: session.confirmed
  then:
    - create: lead
      set: {email: pat@example.com, first_name: Pat}
"""
AUTOMATIONS = """
- id: ask
  subject: session
  then:
    - create: questionnaire
      from: Portrait questionnaire
    - wait: 1 day
    - send: remind
      if: questionnaire.outstanding
"""


def studio(folder: Path) -> StudioDay:
    return StudioDay(folder, RULES, automations=AUTOMATIONS)


async def lived(day: StudioDay) -> None:
    """Two weeks with leads, replies, the owner's own words, invoices, payments, a session, answers and removals."""
    await day.until("2026-03-02 09:00")
    old = day.known("Old")
    day.invoice(old, "2026-03-06")
    await day.until("2026-03-02 12:00")
    anna, ben, cleo = day.lead("Anna"), day.lead("Ben"), day.lead("Cleo", text=None)
    await day.until("2026-03-03 15:00")
    day.says(anna)
    paid = day.invoice(day.known("Dora"), "2026-03-07", 20_000)
    day.session(ben, "2026-03-12 14:00")
    await day.until("2026-03-04 09:58")
    day.pay(paid)
    await day.until("2026-03-05 10:00")
    day.kim_says(anna)
    await day.until("2026-03-06 11:00")
    for number, one in enumerate(await day.held()):
        await (day.skip(one.id) if number % 2 else day.approve(one.id, seen=one.text))
    await day.until("2026-03-08 09:57")
    day.says(cleo, "No, thank you")
    gone = day.session(old, "2026-03-20 09:00")
    await day.until("2026-03-09 12:00")
    day.vanish("sessions", gone.id)
    await day.until("2026-03-16 12:00")


async def replayed(day: StudioDay, since: Instant = Instant.MIN) -> Replay:
    settings = Settings.load(day.workspace)
    return await play_again(settings, rules_of(settings), since)


def lines(story: Story) -> list[str]:
    return [
        f"{one.at.round('minute').format_iso()} {one.delivery.verb} {one.delivery.words} {one.delivery.text}"
        for one in story.effects
        if one.delivery.state is DeliveryState.SENT
    ]


async def test_rules_that_were_at_work_find_what_was_really_sent(tmp_path: Path) -> None:
    async with studio(tmp_path) as day:
        await lived(day)
        replay = await replayed(day)
        assert lines(replay.told) == lines(replay.real)
        assert differences(replay.real, replay.told, within=60) == []
        sent = [line.split(" ", 2)[2] for line in day.sent()]
        assert {"hello Anna", "nudge Cleo", "call Cleo", "late Old", "remind Ben", "thanks Dora"} <= set(sent)
        assert not {"nudge Anna", "nudge Ben"} & set(sent), "she replied, and he booked"
        assert len(day.made("questionnaire")) == 1


async def test_a_living_studio_with_the_starter_rules_is_found_again(tmp_path: Path) -> None:
    async with Simulation(tmp_path, seed=11, days=2) as simulation:
        await simulation.run_days(2)
        settings = Settings.load(simulation.workspace)
        replay = await play_again(settings, rules_of(settings), Instant.MIN)
        assert differences(replay.real, replay.told, within=60) == []
        assert len(lines(replay.told)) == len(lines(replay.real)) > 2


async def test_other_rules_show_what_would_have_been_and_what_would_not(tmp_path: Path) -> None:
    async with studio(tmp_path) as day:
        await lived(day)
        changed = (
            RULES.replace("2 days after start at 10:00", "1 day after start at 10:00")
            .replace("    - when: 1 day after invoice.due_date at 10:00\n      send: late\n", "")
            .replace("when: invoice.paid\n  then:\n    - wait: 1 day\n", "when: invoice.paid\n  then:\n")
            + "- id: new\n  when: message.received\n  if: client.first_name == 'Anna'\n  then: [{send: new}]\n"
        )
        day.rules(changed, automations=AUTOMATIONS)
        replay = await replayed(day)
        assert told_apart(replay) == {
            ("moved", "nudge Cleo"),
            ("only_new", "nudge Anna"),  # her reply came a day later
            ("state", "nudge Ben"),  # and so did his booking
            ("only_new", "call Ben"),
            ("moved", "thanks Dora"),
            ("only_old", "late Old"),
            ("only_new", "new Anna"),
        }


def told_apart(replay: Replay) -> set[tuple[str, str]]:
    """How each message differs: `("moved", "nudge Anna")`."""
    return {
        (what.value, (one.any.delivery.text or "").splitlines()[0])
        for one in differences(replay.real, replay.told, within=60)
        for what in one.what
    }


async def test_what_the_service_wrote_then_is_nobodys_word_to_rules_that_would_not_have_written(tmp_path: Path) -> None:
    async with studio(tmp_path) as day:
        await day.until("2026-03-02 12:00")
        day.lead("Anna")
        await day.until("2026-03-05 12:00")
        assert [line.split(" ", 2)[2] for line in day.sent()] == ["hello Anna", "nudge Anna"]
        rules = RULES.replace("- id: hello\n  when: lead.created", "- id: hello\n  when: manual")
        day.rules(rules, automations=AUTOMATIONS)
        replay = await replayed(day)
        assert [line.split(" ")[2] for line in lines(replay.told)] == ["nudge"], "'contacted' is by people alone"
        assert [one.what for one in differences(replay.real, replay.told)] == [(What.ONLY_OLD,)]


async def test_a_lead_that_the_service_made_is_there_only_where_the_replay_makes_it(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, RULES + PARTNER, automations=AUTOMATIONS) as day:
        await day.until("2026-03-02 12:00")
        day.session(day.known("Ben"), "2026-03-25 14:00")
        await day.until("2026-03-05 12:00")
        replay = await replayed(day)
        assert [line.split(" ", 2)[2] for line in day.sent()] == ["hello Pat", "nudge Pat"]
        assert differences(replay.real, replay.told, within=60) == []
        day.rules(RULES, automations=AUTOMATIONS)
        replay = await replayed(day)
        assert lines(replay.told) == []


async def test_a_client_whom_the_service_only_found_is_there_in_any_case(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, RULES + PARTNER, automations=AUTOMATIONS) as day:
        await day.until("2026-03-02 12:00")
        day.lead("Pat", email="pat@example.com")
        await day.until("2026-03-02 13:00")
        day.session(day.known("Ben"), "2026-03-25 14:00")
        await day.until("2026-03-05 12:00")
        day.rules(RULES, automations=AUTOMATIONS)
        replay = await replayed(day)
        assert [line.split(" ")[2] for line in lines(replay.told)] == ["hello", "nudge"]


async def test_a_payment_seen_too_late_by_the_poll_counts_for_a_fresh_read(tmp_path: Path) -> None:
    async with studio(tmp_path) as day:
        await day.until("2026-03-02 09:00")
        invoice = day.invoice(day.known("Dora"), "2026-03-06", 20_000)
        await day.until("2026-03-03 09:58")
        day.pay(invoice)
        await day.until("2026-03-03 10:30")
        replay = await replayed(day)
        assert not [line for line in lines(replay.real) if "soon" in line]
        assert lines(replay.told) == lines(replay.real)


async def test_only_what_lies_after_the_day_asked_for_is_told_and_runs_from_before_count(tmp_path: Path) -> None:
    async with studio(tmp_path) as day:
        await day.until("2026-03-02 12:00")
        day.lead("Anna")
        await day.until("2026-03-05 12:00")
        replay = await replayed(day, berlin("2026-03-04 00:00"))
        assert [line.split(" ")[2] for line in lines(replay.told)] == ["nudge"]
        assert replay.told.begins == berlin("2026-03-04 00:00")


async def test_a_pause_of_then_is_a_pause_again(tmp_path: Path) -> None:
    async with studio(tmp_path) as day:
        await day.until("2026-03-02 12:00")
        await day.order("pause", scope="rule", id="hello")
        await day.until("2026-03-02 12:05")
        day.lead("Anna")
        await day.until("2026-03-02 15:00")
        await day.order("resume", scope="rule", id="hello")
        await day.until("2026-03-02 16:00")
        replay = await replayed(day)
        assert differences(replay.real, replay.told, within=60) == []
        assert lines(replay.told)[0].startswith("2026-03-02T14:0")


async def test_a_replay_only_reads_the_database(tmp_path: Path) -> None:
    async with studio(tmp_path) as day:
        await day.until("2026-03-02 12:00")
        day.lead("Anna")
        await day.until("2026-03-02 13:00")
    before = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in day.database.parent.iterdir()}
    await replayed(day)
    assert {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in day.database.parent.iterdir()
        if not path.name.endswith(("-wal", "-shm"))
    } == {name: digest for name, digest in before.items() if not name.endswith(("-wal", "-shm"))}


async def test_without_a_whole_look_at_the_studio_there_is_no_past(tmp_path: Path) -> None:
    async with studio(tmp_path) as day:
        with pytest.raises(WorkspaceError, match="no past"):
            await replayed(day)
