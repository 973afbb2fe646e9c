"""A test made of a real run does what was done then, and holds nobody's name or words."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.simulation.studio_day import StudioDay

from selftimer.ruletests.reading import read_tests
from selftimer.ruletests.recording import Recorder
from selftimer.ruletests.report import rows_of
from selftimer.ruletests.runner import run_test
from selftimer.ruletests.workspace import load_suite
from selftimer.settings import Settings
from selftimer.store.reader import SqlReader

if TYPE_CHECKING:
    from selftimer.ruletests.model import RuleTest
    from selftimer.ruletests.stage import Ground

ROOT = Path(__file__).resolve().parents[2]
SUITE = load_suite(Settings.load(ROOT))
ZONE = "Europe/Berlin"
_SAID = ("after my yes", "no is a no", "within three days", "a reply ends it", "once it is filled in", "moved after")
FEW = [test for test in SUITE.tests if any(said in test.name for said in _SAID)]
"""Leads with answers, approvals and none; moments, documents that the rules make, dates that move."""


@pytest.mark.parametrize("test", FEW, ids=lambda test: test.name)
def test_what_a_starter_s_test_did_is_recorded_as_a_test_that_passes(test: RuleTest, ground: Ground) -> None:
    asyncio.run(run_test(test, SUITE.book, SUITE.settings, ground))
    texts = [Recorder(ground.reader, run, ZONE).text() for run in ground.reader.runs(limit=1_000)]

    for text in texts[:1]:
        read = read_tests({"rules/tests/recorded.yaml": text}, SUITE.book, SUITE.settings.facts())
        assert [str(problem) for problem in read.problems] == [], text
        outcome = asyncio.run(run_test(read.tests[0], SUITE.book, SUITE.settings, ground))
        assert outcome.passed, [text, *rows_of(outcome, ZONE)]


RULES = """
- id: thanks
  title: Thank who pays
  when: payment.received
  until: client.replied
  then:
    - wait: 2 days
    - send: thanks
"""


async def test_a_run_of_a_real_store_is_written_without_names_addresses_and_words(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, RULES) as day:
        await day.poll()
        client = day.known("Josephine", last_name="Canary", notes="an heiress", phone="+49 171 4711", company="Acme")
        invoice = day.invoice(client, "2026-04-10", 45_600)
        await day.until("2026-03-03 10:00")
        day.pay(invoice, 12_300)
        await day.until("2026-03-04 10:00")
        day.says(client, "My secret is safe")
        await day.until("2026-03-08 10:00")
        reader = SqlReader(day.database)
        (run,) = reader.runs()
        text = Recorder(reader, run, ZONE).text()
        reader.close()

    for private in ("Josephine", "Canary", "heiress", "4711", "Acme", "secret", "josephine1", client.id, invoice.id):
        assert private not in text
    assert "amount: 456.00" in text
    assert "payment.received: {id: p1, invoice: i1, amount: 123.00}" in text
    assert "message.received: {client: anna, content: Hello}" in text
    assert "send: thanks" not in text, "the reply ended it"
