"""Rules compiled from their YAML and judged over a handful of records, for tests of what is decided."""

from __future__ import annotations

from textwrap import dedent, indent
from typing import TYPE_CHECKING

from tests.unit.facts.small_world import NORD, SmallWorld
from whenever import PlainDateTime

from selftimer.facts.derive import session_zone
from selftimer.plan.program import Zones
from selftimer.primitives.time import weekday_only
from selftimer.rulebook.loader import load_workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whenever import Instant

    from selftimer.facts.world import StudioFacts
    from selftimer.rulebook.model import Rule, Words

WORDS = {
    f"automations/messages/{name}.md": f"{name} for {{{{ client.first_name }}}}.\n"
    for name in ("hello", "again", "note")
}


def book(
    body: str, automations: str = "", studio: StudioFacts = NORD, *, words: Mapping[str, str] | None = None
) -> tuple[Rule, dict[str, Words]]:
    """The rule of a body that lacks its id and title, and the words it can say."""
    rules = "rules:\n  - id: r\n    title: R\n" + indent(dedent(body).strip("\n"), "    ") + "\n"
    files = {**WORDS, "rules/a.yaml": rules}
    files |= {f"automations/messages/{name}.md": text for name, text in (words or {}).items()}
    if automations:
        files["automations/b.yaml"] = "automations:\n" + indent(dedent(automations).strip("\n"), "  ") + "\n"
    loaded = load_workspace(files, studio)
    assert loaded.errors == (), "\n".join(map(str, loaded.errors))
    assert loaded.rulebook is not None
    return loaded.rulebook.rules["r"], dict(loaded.rulebook.words)


def rule_of(body: str, automations: str = "") -> Rule:
    """The rule alone."""
    return book(body, automations)[0]


def zones_of(world: SmallWorld) -> Zones:
    """The zones and working days of a small world."""
    return Zones(
        studio=world.studio.zone, of_session=lambda session: session_zone(session, world), is_working=weekday_only
    )


def berlin(text: str, zone: str = "Europe/Berlin") -> Instant:
    """A local time: `2026-03-04 10:00`."""
    return PlainDateTime.parse_iso(text.replace(" ", "T")).assume_tz(zone, disambiguation="compatible").to_instant()
