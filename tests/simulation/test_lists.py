"""`lists`: records of a kind that meet a condition, for a step's `if` and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.studio_day import StudioDay

from selftimer.plan.state import DeliveryState

if TYPE_CHECKING:
    from pathlib import Path

RULE = """
- id: digest
  title: What is unpaid and who asked
  when: session.confirmed
  lists:
    unpaid: {each: invoice, if: invoice.outstanding, sort: invoice.due_date}
    asked: {each: client, if: "client.type == 'lead'", sort: client.first_name}
  then:
    - notify: digest
      if: unpaid or asked
    - notify: many
      if: unpaid | count > 1
    - stop: nothing to do
      if: not unpaid
    - notify: rest
"""
WORDS = {
    "digest": "{% if unpaid %}Unpaid, {{ unpaid | length }}:\n{% for i in unpaid %}"
    "- {{ i.client.first_name }}, {{ i.balance | money }}, due {{ i.due_date | date }}\n{% endfor %}{% endif %}"
    "{% for c in asked %}? {{ c.first_name }}\n{% endfor %}",
    "many": "{{ unpaid | sum('balance') | money }} in all\n",
    "rest": "{{ unpaid | where(status='unpaid') | count }} unpaid\n",
}


async def told(day: StudioDay) -> dict[str, str]:
    """The notes by name, as they were worded."""
    return {d.words or "": d.text or "" for d in await day.deliveries(DeliveryState.SENT)}


async def test_a_list_is_what_is_true_when_the_step_comes_sorted_and_in_words(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, RULE, words=WORDS) as day:
        anna, ben = day.known("Anna"), day.known("Ben")
        day.lead("Zoe")
        day.lead("Cleo")
        late = day.invoice(ben, "2026-05-20", 20_000)
        day.invoice(anna, "2026-03-20")
        day.invoice(anna, "2026-03-19", sent=False)
        day.pay(day.invoice(anna, "2026-03-21"))
        await day.until("2026-03-02 09:01")
        day.pay(late, 5_000)
        day.session(ben, "2026-04-01 12:00")
        await day.poll()
        notes = await told(day)
        assert notes["digest"].split("\n") == [
            "Unpaid, 2:",
            "- Anna, €100.00, due 20 March 2026",
            "- Ben, €150.00, due 20 May 2026",
            "? Cleo",
            "? Zoe",
            "",
        ]
        assert notes["many"] == "€250.00 in all"
        assert notes["rest"] == "1 unpaid"


async def test_an_empty_list_is_false_and_skips_the_step(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, RULE, words=WORDS) as day:
        anna = day.known("Anna")
        await day.until("2026-03-02 09:01")
        day.session(anna, "2026-04-01 12:00")
        await day.poll()
        assert await day.states() == ["digest skipped: if", "many skipped: if"]
        assert await day.ends() == ["nothing to do"]


async def test_those_whom_rules_leave_out_are_left_out_unless_included(tmp_path: Path) -> None:
    rule = RULE.replace("  lists:\n", "  include: [sample]\n  lists:\n")
    for text, wanted in ((RULE, "? Cleo"), (rule, "? Cleo\n? Demo")):
        async with StudioDay(tmp_path / str(len(text)), text, words=WORDS) as day:
            anna = day.known("Anna")
            day.lead("Cleo")
            day.lead("Demo", sample=True)
            day.lead("Old", archived=True)
            await day.until("2026-03-02 09:01")
            day.session(anna, "2026-04-01 12:00")
            await day.poll()
            assert (await told(day))["digest"].strip() == wanted


async def test_a_value_that_is_missing_sorts_last_and_an_unknown_one_is_left_out(tmp_path: Path) -> None:
    rule = """
- id: people
  title: People
  when: session.confirmed
  lists:
    people: {each: client, sort: client.company}
    slow: {each: client, if: client.silent_days > 3}
  then:
    - notify: people
"""
    words = {
        "people": "{% for c in people %}{{ c.first_name }} {% endfor %}/"
        "{% for c in slow %}{{ c.first_name }}{% endfor %}\n"
    }
    async with StudioDay(tmp_path, rule, words=words) as day:
        for name, company in (("Anna", ""), ("Ben", "Zeta"), ("Cleo", "Alpha")):
            day.client(name, company=company)
        await day.until("2026-03-02 09:01")
        day.session(day.client("Dora", company="beta"), "2026-04-01 12:00")
        await day.poll()
        assert (await told(day))["people"] == "Cleo Dora Ben Anna /"
