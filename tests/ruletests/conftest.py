"""Tests of rules in tests: a workspace of a few lines, and one database for all of them."""

from __future__ import annotations

import asyncio
from textwrap import dedent, indent
from typing import TYPE_CHECKING

import pytest
from tests.diaries import ground, silence

from selftimer.ruletests.workspace import Suite, load_suite
from selftimer.settings import FILE, Settings
from selftimer.simulation.harness import SETTINGS
from selftimer.simulation.workspace import write_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from selftimer.ruletests.runner import Outcome
    from selftimer.ruletests.stage import Ground

__all__ = ["ground", "silence"]

RULES = """
- id: nudge
  title: Nudge a silent lead after two days, and once more when I say so
  when: lead.created
  if: client.type == 'lead'
  until: client.replied
  then:
    - wait: until 2 days after start at 10:00
    - send: nudge
    - wait: 3 days
    - send: last-call
      approve: true
      late: 2 days
- id: soon
  title: Remind of an invoice
  if: invoice.outstanding
  then:
    - when: 7 days before invoice.due_date at 10:00
      send: soon
    - when: 1 day after invoice.due_date at 10:00
      notify: call-them
- id: welcome
  title: Say hello to whoever books, at once
  when: session.confirmed
  repeat: once per client
  then:
    - send: welcome
"""
WORDS = {
    "nudge": "Hi {{ client.first_name }}, are you still there?\n",
    "last-call": "Hi {{ client.first_name }}, shall I release your date?\n",
    "soon": "Hi {{ client.first_name }}, {{ invoice.balance | money }} is due soon.\n",
    "call-them": "{{ client.first_name }} hasn't paid.\n",
    "welcome": "Hi {{ client.first_name }}, see you {{ session.start_at | date }}.\n",
}
MORE = 'quiet_hours = "21:00-08:00"\n[fallbacks]\n"client.first_name" = "there"\n'


def listed(text: str, key: str) -> str:
    """The entries of a list as a file: `key:` above them."""
    return f"{key}:\n{indent(dedent(text).strip(chr(10)), '  ')}\n"


@pytest.fixture
def suite(tmp_path: Path) -> Callable[..., Suite]:
    """The tests of a workspace: the entries of `tests:`, and of `rules:` where they aren't `RULES`."""

    def make(tests: str, *, rules: str = RULES, words: dict[str, str] | None = None, toml: str = "") -> Suite:
        files = {f"automations/messages/{name}.md": text for name, text in {**WORDS, **(words or {})}.items()}
        files |= {FILE: SETTINGS + MORE + toml, "rules/rules.yaml": listed(rules, "rules")}
        write_files(tmp_path, {**files, "rules/tests/one.yaml": listed(tests, "tests")})
        return load_suite(Settings.load(tmp_path))

    return make


@pytest.fixture
def outcome(suite: Callable[..., Suite], ground: Ground) -> Callable[..., Outcome]:
    """What becomes of one test."""

    def run(test: str, **more: object) -> Outcome:
        from selftimer.ruletests.runner import run_test

        found = suite(test, **more)
        assert [str(problem) for problem in found.errors] == []
        (only,) = found.tests
        return asyncio.run(run_test(only, found.book, found.settings, ground))

    return run
