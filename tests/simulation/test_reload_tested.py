"""Rule files that change while the service runs, and have tests: they count once those pass."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from tests.simulation.studio_day import StudioDay
from tests.simulation.test_reload import ANSWER, degraded, write

from selftimer.ruletests.tryout import ChildTryOut
from selftimer.runtime.reload import Reloader

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from selftimer.runtime.tried import Tried

TEST = """\
tests:
  - name: a lead is answered
    rule: answer
    diary:
      - {at: 2026-03-02 12:00, lead.created: {id: anna, first_name: Anna}}
      - {at: 2026-03-02 12:00, send: hello, to: anna}
      - {at: 2026-03-03 12:00}
"""
LATER = ANSWER.replace("    - send: hello", "    - wait: 2 hours\n    - send: hello\n      if: client.type == 'lead'")


class Remembered:
    """Runs the tests as the service does, and remembers what came of it."""

    def __init__(self, day: StudioDay) -> None:
        self.inner = ChildTryOut(workspace=day.workspace)
        self.came: list[Tried] = []

    async def __call__(self, files: dict[str, bytes], changed: Mapping[str, bytes | None]) -> Tried:
        self.came.append(await self.inner(files, changed))
        return self.came[-1]


def give_tests(day: StudioDay) -> None:
    (day.workspace / "rules/tests").mkdir()
    write(day, "rules/tests/answer.yaml", TEST)


async def test_a_change_that_fails_its_test_is_refused_and_mended_with_the_test_counts(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, ANSWER) as day:
        give_tests(day)
        trial = Remembered(day)
        reloader = Reloader(day.service, try_out=trial)

        write(day, "rules/test.yaml", "rules:" + LATER)
        assert not await reloader.reload()
        (said,) = degraded(day)
        assert said.startswith(
            "rules/tests/answer.yaml:6:9: the test 'a lead is answered' fails with the change of rules/test.yaml: it "
            "expects send hello to anna at 2026-03-02 12:00; what comes is send hello to anna at 2026-03-02 14:00; "
        )
        assert "A change of the rules can't be used" in await day.notices()
        await day.until("2026-03-02 09:00")
        day.lead("Ben")
        await day.until("2026-03-02 09:30")
        assert [row[12:] for row in day.sent()] == ["hello Ben"], "answered as before, at once"

        before = sorted(path.name for path in day.workspace.rglob("*"))
        write(day, "rules/tests/answer.yaml", TEST.replace("03-02 12:00, send", "03-02 14:00, send"))
        assert await reloader.reload(), "the rule that waits for its test comes with it"
        assert not degraded(day)
        assert [(one.ran, one.wanted, len(one.failed)) for one in trial.came] == [(1, 1, 1), (1, 1, 0)]
        assert sorted(path.name for path in day.workspace.rglob("*")) == before, "tests leave nothing behind"


async def test_what_fails_is_kept_as_it_was_and_what_is_left_of_the_change_counts(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, ANSWER) as day:
        give_tests(day)
        reloader = Reloader(day.service, try_out=Remembered(day))
        write(day, "rules/test.yaml", "rules:" + LATER)
        write(
            day, "rules/more.yaml", "rules:" + ANSWER.replace("answer", "more").replace("hello", "hello\n      id: m")
        )
        assert await reloader.reload()
        book = day.service.context.next_rules
        assert book is not None
        assert {rule.id: rule.where.file for rule in book.book.rules.values()} == {
            "answer": "rules/test.yaml",
            "more": "rules/more.yaml",
        }
        assert len(degraded(day)) == 1


async def test_a_test_that_is_broken_or_fails_changes_nothing_and_is_told(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, ANSWER) as day:
        give_tests(day)
        reloader = Reloader(day.service, try_out=Remembered(day))
        write(day, "rules/tests/answer.yaml", TEST.replace("to: anna}", "to: bert}"))
        assert not await reloader.reload()
        (said,) = degraded(day)
        assert said.startswith("rules/tests/answer.yaml:6:")
        write(day, "rules/tests/answer.yaml", TEST)
        assert not await reloader.reload(), "as it was"
        assert not degraded(day)


async def test_tests_that_take_too_long_are_told_and_the_change_counts(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, ANSWER) as day:
        give_tests(day)
        reloader = Reloader(day.service, try_out=ChildTryOut(workspace=day.workspace, seconds=0.05))
        write(day, "rules/test.yaml", "rules:" + LATER)
        assert await reloader.reload()
        assert not degraded(day)
        assert "A change of the rules counts without all of its tests" in await day.notices()


async def test_a_child_that_dies_is_told(tmp_path: Path) -> None:
    dies = ChildTryOut(workspace=tmp_path, command=(sys.executable, "-c", "print('{\"wanted\": 3}')"))
    told = await dies({"rules/a.yaml": b"x" * 1_000_000}, {})
    assert (told.wanted, told.untried) == (3, "the process that runs them ended by itself")
    assert (await ChildTryOut(workspace=tmp_path, command=("/nowhere/python",))({}, {})).untried.startswith(
        "no process could be started"
    )


async def test_a_service_that_stops_waits_for_no_test(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, ANSWER) as day:
        give_tests(day)
        sleeps = ChildTryOut(workspace=day.workspace, command=(sys.executable, "-c", "import time; time.sleep(60)"))
        reloader, stop = Reloader(day.service, try_out=sleeps), asyncio.Event()
        watch = asyncio.create_task(reloader.watch(stop))
        await asyncio.sleep(0.3)  # the watch begins
        write(day, "rules/test.yaml", "rules:" + LATER)
        await asyncio.sleep(0.7)  # the tests run
        stop.set()
        async with asyncio.timeout(15):  # less than tests may take
            await watch
        assert day.service.context.next_rules is None
