"""Workspaces for the bench: one rule that answers every lead, or the starter's rules."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from selftimer.sandbox.profile import StudioProfile
from selftimer.settings import FILE
from selftimer.simulation.workspace import copy_starter, point_to, write_files

if TYPE_CHECKING:
    from collections.abc import Iterator

PROFILE = StudioProfile()
_SETTINGS = """
[studio]
name = "Studio Nord"
owner = "Kim"
signature = "Kim, Studio Nord"
time_zone = "Europe/Berlin"
country = "DE"
currency = "eur"
locale = "en_GB"
"""
_RULE = """
rules:
  - id: answer
    title: Answer every new lead
    when: lead.created
    if: client.type == 'lead' and client.status == 'active' and not client.contacted
    repeat: after 30 days per client.email
    then:
      - send: answer
"""
_WORDS = """subject: Your inquiry
---
Hi {{ client.first_name }},

thank you for writing to {{ studio.name }}. Your message has arrived.
You have my answer by {{ event.at | next_working_day | day }}.
"""
_LEADS = {FILE: _SETTINGS, "rules/leads.yaml": _RULE, "automations/messages/answer.md": _WORDS}


@contextmanager
def workspace(origin: str, *, starter: bool) -> Iterator[Path]:
    """A workspace in a temporary folder, signed in to the sandbox at `origin`."""
    with tempfile.TemporaryDirectory(prefix="selftimer-bench-") as folder:
        path = Path(folder)
        if starter:
            copy_starter(path)
        else:
            write_files(path, _LEADS)
        point_to(path, origin, email=PROFILE.email, password=PROFILE.password)
        yield path
