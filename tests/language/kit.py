"""An example of the language is one file: rules, what they use, and either a diary or the sentences that refuse it.

Each section is given to the program as a file of its own in which all other lines are empty, so that places are those
of the example.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import yaml

from selftimer.rulebook.loader import load_workspace
from selftimer.settings import Settings

if TYPE_CHECKING:
    from selftimer.rulebook.loader import LoadResult

HERE = Path(__file__).parent
OK = sorted(HERE.glob("*/*.ok.yaml"))
REFUSED = sorted(HERE.glob("*/*.refused.yaml"))
_EXPECTED = re.compile(r"^# expect: (.+)$", re.MULTILINE)
_SAID = re.compile(r"(?:send|notify): ([a-z][a-z0-9-]*)")
_PLAIN = {"hello": "Hello.\n", "again": "Hello again.\n", "last": "The last one.\n", "note": "A note.\n"}


@dataclass(frozen=True, slots=True)
class Example:
    """One file."""

    path: Path
    text: str

    @property
    def expected(self) -> list[str]:
        """The sentences that it must be refused with, places first."""
        return _EXPECTED.findall(self.text)

    def section(self, *keys: str) -> str:
        """The lines of these top-level keys, at their own numbers."""
        kept, inside = [], False
        for line in self.text.split("\n"):
            if line[:1] not in {"", " ", "#", "-"}:
                inside = line.partition(":")[0] in keys
            kept.append(line if inside else "")
        return "\n".join(kept)

    def files(self) -> dict[str, str]:
        """The files of the workspace that it is."""
        words = yaml.safe_load(self.section("words")) or {}
        said = {name: _PLAIN[name] for name in _SAID.findall(self.text) if name in _PLAIN}
        files = {f"automations/messages/{name}.md": text for name, text in {**said, **words.get("words", {})}.items()}
        files["rules/example.yaml"] = self.section("rules", "all_rules")
        if (automations := self.section("automations")).strip():
            files["automations/example.yaml"] = automations
        return files

    def load(self) -> LoadResult:
        """What the program makes of it."""
        return load_workspace(self.files(), settings().facts())


def example(path: Path) -> Example:
    return Example(path, path.read_text("utf-8"))


def name_of(path: Path) -> str:
    return path.relative_to(HERE).as_posix().removesuffix(".yaml")


def settings() -> Settings:
    """The studio of the examples; its webhook is never called."""
    secret = "whsec_" + "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
    variables = {"SELFTIMER_WEBHOOKS__BOOKS__SECRET": secret, "SELFTIMER_WEBHOOKS__CONTACT_FORM__TOKEN": "t" * 24}
    with mock.patch.dict(os.environ, variables):
        return Settings.load(HERE)
