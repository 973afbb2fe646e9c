"""Short stories, one for each thing that the service does: rules, words, who is there, what happens, and until when."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import dedent, indent
from typing import TYPE_CHECKING
from unittest import mock

from whenever import Instant, PlainDateTime

from selftimer.facts.stored import HookCall
from selftimer.rulebook.loader import load_workspace
from selftimer.sandbox.book import people, sessions
from selftimer.sandbox.world import World
from selftimer.settings import FILE, Settings
from selftimer.simulation.harness import SETTINGS
from selftimer.simulation.workspace import write_files

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos.stage import Stage
    from selftimer.rulebook.model import Rulebook
    from selftimer.sandbox.model import Client, ClientType

NAMES = ("Anna", "Bela")
"""Who comes: more than one, so that one's effects meet another's."""
BEGINS = "2026-03-02 09:00"
MORE = """
[webhooks.form]
fields = ["email", "name"]

[polling]
signals = 0
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One of them. `happens` is called when the service has seen the studio as it was."""

    name: str
    rules: str
    happens: Callable[[Stage], None]
    hours: float = 3.0
    calls: tuple[tuple[str, str], ...] = ()
    """Forms that come in by the webhook: who fills them in, and their address."""


def _comes(stage: Stage, name: str, kind: ClientType = "lead") -> Client:
    return people.add_client(
        stage.world,
        first_name=name,
        last_name=f"Canary{name}",
        email=f"{name.lower()}@example.com",
        person=name,
        client_type=kind,
    )


def leads_write(stage: Stage) -> None:
    """They ask for the first time."""
    for name in NAMES:
        people.client_says(stage.world, _comes(stage, name).id, "Are you free in June?")


def leads_without_a_thread(stage: Stage) -> None:
    """They are entered by the studio; nobody has written yet."""
    for name in NAMES:
        _comes(stage, name)


def sessions_tomorrow(stage: Stage) -> None:
    """A booking each, of which the reminders fall due within the story."""
    kind = next(one for one in stage.world.tables.session_types if one.status == "published")
    for number, name in enumerate(NAMES):
        client = _comes(stage, name, "client")
        people.client_says(stage.world, client.id, "Hello")
        start = stage.world.now.add(hours=25, minutes=20 * number)
        sessions.add_session(stage.world, client.id, kind, start, "confirmed")


def nothing(stage: Stage) -> None:
    """What happens comes from outside."""


STORIES = (
    Story(
        name="message",
        happens=leads_write,
        rules="""
        - id: answer
          title: Answer
          when: lead.created
          repeat: after 30 days per client.email
          until: client.replied
          then: [{send: hello}, {wait: 1 hours}, {send: again}]
        """,
    ),
    Story(
        name="conversation",
        happens=leads_without_a_thread,
        rules="""
        - id: welcome
          title: Welcome
          when: lead.created
          repeat: after 30 days per client.email
          until: client.replied
          then: [{send: hello}]
        """,
    ),
    *(
        Story(
            name=kind,
            happens=leads_write,
            rules=f"""
            - id: paper
              title: A paper, then a word
              when: lead.created
              repeat: after 30 days per client.email
              until: client.replied
              then: [{{create: {kind}, {what}}}, {{send: hello}}]
            """,
        )
        for kind, what in (
            ("invoice", "items: [{name: Sitting fee, amount: 50}], due: 14 days"),
            ("quote", "from: Business day"),
            ("contract", "from: Portrait agreement"),
            ("questionnaire", "from: Portrait questionnaire"),
        )
    ),
    Story(
        name="coupon",
        happens=leads_write,
        rules="""
        - id: gift
          title: A coupon, then a word
          when: lead.created
          repeat: after 30 days per client.email
          until: client.replied
          then: [{create: coupon, code: "HI-{{ unique }}", discount: 10%, uses: 1}, {send: hello}]
        """,
    ),
    Story(
        name="update",
        happens=leads_write,
        rules="""
        - id: mark
          title: Mark, then tell
          when: lead.created
          repeat: after 30 days per client.email
          until: client.replied
          then: [{update: client, set: {notes: "asked us"}}, {notify: note}, {send: hello}]
        """,
    ),
    Story(
        name="lead",
        happens=nothing,
        calls=tuple((name, f"{name.lower()}@example.com") for name in NAMES),
        rules="""
        - id: enter
          title: Enter who fills in the form
          when: webhook form
          then:
            - {create: lead, set: {email: "{{ webhook.email }}", first_name: "{{ webhook.name }}"}}
            - {notify: formed}
        """,
    ),
    Story(
        name="moments",
        happens=sessions_tomorrow,
        hours=4,
        rules="""
        - id: remind
          title: The day before
          if: session.confirmed
          then:
            - {when: 24 hours before session.start_at, send: hello, id: day}
            - {when: 23 hours before session.start_at, send: again, id: hours}
        """,
    ),
)


def story_named(name: str) -> Story:
    """The one of that name."""
    return next(story for story in STORIES if story.name == name)


WORDS = {
    "hello": "Hi {{ client.first_name }}, hello.\n",
    "again": "Hi {{ client.first_name }}, once more.\n",
    "note": "{{ client.first_name }} asked.\n",
    "formed": "{{ webhook.name }} filled in the form.\n",
}


@cache
def settings() -> Settings:
    """Those of the studio in all of them."""
    with tempfile.TemporaryDirectory(prefix="selftimer-chaos-") as folder:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SELFTIMER_")}
        clean["SELFTIMER_WEBHOOKS__FORM__TOKEN"] = "0123456789abcdef0123456789abcdef"
        write_files(Path(folder), {FILE: SETTINGS + MORE})
        with mock.patch.dict(os.environ, clean, clear=True):
            return Settings.load(Path(folder))


@cache
def book_of(rules: str) -> Rulebook:
    """The rulebook of a story's rules."""
    files = {"rules/story.yaml": "rules:\n" + indent(dedent(rules).strip("\n"), "  ") + "\n"}
    used = {name: text for name, text in WORDS.items() if name in rules}
    files |= {f"automations/messages/{name}.md": text for name, text in used.items()}
    loaded = load_workspace(files, settings().facts())
    if loaded.rulebook is None:
        raise ValueError("; ".join(map(str, loaded.errors)))
    return loaded.rulebook


def world(seed: int) -> World:
    """A quiet studio in Berlin on a Monday morning."""
    start: Instant = PlainDateTime.parse_iso(BEGINS.replace(" ", "T")).assume_tz("Europe/Berlin").to_instant()
    return World.empty(seed=seed, start=start)


def call_of(stage: Stage, name: str, email: str) -> HookCall:
    """A form as the receiver takes it."""
    return HookCall(name="form", id=f"call of {name}", at=stage.world.now, fields={"name": name, "email": email})
