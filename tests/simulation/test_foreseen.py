"""`selftimer check` holds the files against the records that are known: kinds, and more than the caps let out."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from tests.simulation.studio_day import StudioDay

from selftimer import wiring
from selftimer.cli.main import main
from selftimer.plan.state import DeliveryState
from selftimer.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

MAILING = """
- id: mailing
  title: A mailing on Monday
  when: every monday at 10:00
  for_each: client
  if: client.type == 'client'
  purpose: marketing
  late: 2 days
  limits: {per_day: 3}
  then:
    - send: mailing
"""
SOON = """
- id: soon
  title: The day before
  if: session.confirmed and session.kind == 'wedding'
  then:
    - when: 1 day before session.start_at at 09:00
      send: soon
"""
HELD = "so many at once wait for your yes first"
KINDS = """
[kinds]
wedding = ["*wedding*", "Elopement*"]
party = ["*party*", "Birthday*"]
"""


async def check(day: StudioDay, capsys: pytest.CaptureFixture[str], *more: str, code: int = 0) -> str:
    """What the command says, while the service has the database open."""
    capsys.readouterr()
    assert await asyncio.to_thread(main, ["check", "-w", str(day.workspace), *more]) == code
    said = capsys.readouterr()
    return said.out + said.err


async def problems(day: StudioDay, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """`rules/test.yaml:2:5: …`: the warnings that only the records give cause for."""
    found = json.loads(await check(day, capsys, "--json"))["problems"]
    assert {one["severity"] for one in found} <= {"warning"}
    of_files = {(one.file, one.message) for one in wiring.load_rules(Settings.load(day.workspace)).problems}
    return [
        f"{one['file']}:{one['line']}:{one['column']}: {one['message']}"
        for one in found
        if (one["file"], one["message"]) not in of_files
    ]


async def capped(day: StudioDay) -> int:
    """How many were skipped, since a cap let them out too late."""
    return len([one for one in await day.deliveries(DeliveryState.SKIPPED) if one.reason == "capped"])


def dump(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.iterdump())


# --- more than the caps let out ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "toml", "said", "skipped"),
    [
        pytest.param(
            MAILING,
            "",
            "matches 10 clients now; 3 a day is 4 days, and 'late: 2 days' is shorter: 4 would be skipped",
            4,
            id="the rule's own limit",
        ),
        pytest.param(
            MAILING.replace("  late: 2 days\n", "").replace("3}", "50}"),
            "[caps]\nstudio_per_day = 6",
            "matches 10 clients now; 6 a day in all is 2 days, and 'late', 24 hours where nothing is said, is shorter: "
            "4 would be skipped",
            4,
            id="the studio's limit, with the usual late",
        ),
        pytest.param(
            MAILING.replace("2 days", "2 hours").replace("3}", "50}"),
            "[caps]\nrule_per_hour = 2",
            "matches 10 clients now; 2 an hour is 5 hours, and 'late: 2 hours' is shorter: 6 would be skipped",
            6,
            id="an hour's limit",
        ),
        pytest.param(
            MAILING.replace("2 days", "4 hours").replace("3}", "50}").replace("at 10:00", "at 19:00"),
            'quiet_hours = "21:00-08:00"\n[caps]\nrule_per_hour = 2',
            "matches 10 clients now; 2 an hour is 5 hours, and 'late: 4 hours' is shorter: 2 would be skipped",
            2,
            id="a night between, which isn't late",
        ),
        pytest.param(
            MAILING + "    - send: again\n",
            "",
            "matches 10 clients now, with 20 messages or documents; 3 a day is 7 days, and 'late: 2 days' is shorter: "
            "11 would be skipped",
            11,
            id="two messages to each",
        ),
        pytest.param(MAILING.replace("2 days", "4 days"), "", None, 0, id="late enough for all"),
        pytest.param(MAILING + "      if: client.first_name == 'Anna1'\n", "", None, 0, id="a step for one of them"),
        pytest.param(MAILING.replace("per_day: 3", "per_day: 10"), "", None, 0, id="within the limit"),
    ],
)
async def test_what_check_says_the_caps_will_skip_is_what_they_skip(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rule: str, toml: str, said: str | None, skipped: int
) -> None:
    day = StudioDay(tmp_path, rule, toml=toml, start="2026-03-09 08:00")
    for number in range(10):
        day.known(f"Anna{number}")
    day.lead("Ben")
    async with day:
        await day.until("2026-03-09 09:30")
        assert await problems(day, capsys) == ([f"rules/test.yaml:2:5: {said}"] if said else [])
        await day.until("2026-03-15 12:00")
        assert await capped(day) == skipped


async def test_moments_of_the_next_day_and_what_a_rule_looks_back_for_are_counted_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = """
- id: soon
  title: The day before
  if: session.confirmed
  then:
    - when: 1 day before session.start_at at 09:00
      send: soon
- id: back
  title: Answer the leads of last week
  when: lead.created
  if: client.type == 'lead'
  repeat: after 30 days per client.email
  backfill: 7 days
  late: 3 hours
  limits: {per_hour: 1}
  then:
    - send: answer
"""
    day = StudioDay(tmp_path, "", toml="[caps]\nrule_per_hour = 2", start="2026-02-28 08:00")
    for number in range(6):
        day.lead(f"Ben{number}")
    for number in range(7):
        day.session(day.known(f"Anna{number}"), "2026-03-03 10:00")
    day.session(day.known("Late"), "2026-03-05 10:00")
    day.session(day.known("Never"), "2026-03-03 12:00", "declined")
    async with day:
        await day.until("2026-03-02 08:20")
        day.known("Zoe")
        await day.until("2026-03-02 08:30")
        assert await problems(day, capsys) == []
        day.rules(rules)
        before = dump(day.database)
        (said,) = await problems(day, capsys)
        late = "and 'late: 3 hours' is shorter: 3 would be skipped"
        assert said == f"rules/test.yaml:8:5: looks back at 6 clients; 1 an hour is 6 hours, {late}"
        assert dump(day.database) == before
        day.rules(rules.replace("  if: session.confirmed\n", "  if: session.confirmed\n  late: 2 hours\n"))
        late = "and 'late: 2 hours' is shorter: 3 would be skipped"
        said, _ = await problems(day, capsys)
        assert said == f"rules/test.yaml:2:5: matches 7 sessions of the next 24 hours; 2 an hour is 4 hours, {late}"
        await day.restart()
        await day.until("2026-03-02 20:00")
        assert await capped(day) == 3 + 3


async def test_a_moment_that_its_date_ends_is_told_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rule = """
- id: soon
  title: Just before
  if: session.confirmed
  then:
    - when: 1 hour before session.start_at
      send: soon
"""
    day = StudioDay(tmp_path, rule, toml="[caps]\nrule_per_hour = 2")
    for number in range(5):
        day.session(day.known(f"Anna{number}"), "2026-03-02 15:00")
    async with day:
        await day.until("2026-03-02 08:30")
        (said,) = await problems(day, capsys)
        late = "and their date comes before that: 3 would be skipped"
        assert said == f"rules/test.yaml:2:5: matches 5 sessions of the next 24 hours; 2 an hour is 3 hours, {late}"
        await day.until("2026-03-02 20:00")
        assert await capped(day) == 3


async def test_what_one_client_may_get_counts_and_what_waits_for_a_yes_doesnt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = """
- id: bills
  title: Every open bill
  when: every monday at 10:00
  for_each: invoice
  if: invoice.outstanding
  purpose: marketing
  then:
    - send: bill
"""
    day = StudioDay(tmp_path, rule, start="2026-03-09 08:00", toml="[flood]\nby_moments = 2")
    anna = day.known("Anna")
    for _ in range(3):
        day.invoice(anna, "2026-04-20")
    async with day:
        await day.until("2026-03-09 09:00")
        (said,) = await problems(day, capsys)
        late = "and 'late', 24 hours where nothing is said, is shorter: 2 would be skipped"
        assert said == f"rules/test.yaml:2:5: matches 3 invoices now; one client gets 1 a day of marketing, {late}"
        (found,) = [
            one for one in json.loads(await check(day, capsys, "--json"))["problems"] if "invoices" in one["message"]
        ]
        assert found["hint"] == "add a 'late' that is long enough, narrow 'if', or raise the limit; " + HELD
        for mode in ("approve", "dry_run", "off"):
            day.rules(rule.replace("  purpose", f"  mode: {mode}\n  purpose"))
            assert await problems(day, capsys) == []
        day.rules(rule)
        await day.until("2026-03-09 10:05")
        for one in await day.held():
            await day.approve(one.id)
        await day.until("2026-03-11 12:00")
        assert await capped(day) == 2


# --- kinds ------------------------------------------------------------------------------------------------------------


async def test_a_kind_without_session_types_and_a_type_without_a_kind_are_told_at_their_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day = StudioDay(tmp_path, SOON, toml=KINDS)
    for number, kind in enumerate(("portrait", "portrait", "wedding")):
        day.session(day.known(f"Anna{number}"), f"2026-04-0{number + 1} 10:00", kind=kind)
    names = {type_.key: type_.name for type_ in day.world.tables.session_types}
    lines = (day.workspace / "selftimer.toml").read_text().splitlines()
    table, party = (next(n for n, line in enumerate(lines, 1) if line.startswith(word)) for word in ("[kinds", "party"))
    async with day:
        assert await problems(day, capsys) == []
        await day.until("2026-03-02 08:30")
        without, empty = await problems(day, capsys)
        unknown = "conditions on session.kind are unknown for it"
        assert without == f"selftimer.toml:{table}:2: {names['portrait']!r} (2 sessions) is of no kind: {unknown}"
        known = f"{names['portrait']}, {names['wedding']}; rules about session.kind == 'party' never happen"
        fits = "(`*party*`, `Birthday*`) fits none of the session types that are known"
        assert empty == f"selftimer.toml:{party}:1: kind 'party' {fits}: {known}"
        said = await check(day, capsys)
        assert f'{party:>5} | party = ["*party*", "Birthday*"]' in said
        assert "3 warnings" in said
        said = await check(day, capsys, "--format", "github")
        assert f"selftimer.toml,line={party},col=1::kind 'party'" in said
        results = json.loads(await check(day, capsys, "--format", "sarif"))["runs"][0]["results"]
        assert party in {one["locations"][0]["physicalLocation"]["region"]["startLine"] for one in results}
        day.rules(SOON.replace(" and session.kind == 'wedding'", ""))
        assert [one.split(": ")[1][:12] for one in await problems(day, capsys)] == ["kind 'party'"]


async def test_a_kind_that_another_takes_everything_from_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day = StudioDay(tmp_path, "", toml='[kinds]\nall = "*"\nportrait = "*portrait*"')
    day.session(day.known(), "2026-04-01 10:00")
    async with day:
        await day.until("2026-03-02 08:30")
        (said,) = await problems(day, capsys)
        assert "kind 'portrait': all that fits it is of another kind, which comes first" in said


async def test_kinds_of_a_variable_are_told_with_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    day = StudioDay(tmp_path, "")
    day.session(day.known(), "2026-04-01 10:00")
    async with day:
        await day.until("2026-03-02 08:30")
        monkeypatch.setenv("SELFTIMER_KINDS", '{"party": ["*party*"]}')
        (said,) = await problems(day, capsys)
        assert said.startswith("selftimer.toml:1:1: the variable SELFTIMER_KINDS: kind 'party' (`*party*`) fits none")


async def test_a_database_of_another_version_is_a_note_and_the_files_are_checked_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day = StudioDay(tmp_path, MAILING)
    async with day:
        await day.until("2026-03-02 08:30")
    with closing(sqlite3.connect(day.database)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
        connection.commit()
    said = json.loads(await check(day, capsys, "--json"))
    assert said["rules"] == 1
    assert [note.startswith("the rules weren't held against your studio's records: ") for note in said["notes"]] == [
        True
    ]
