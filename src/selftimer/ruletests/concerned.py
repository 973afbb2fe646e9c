"""Which tests concern changed files: those of rules that stand in them, run an automation or say a message of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from selftimer.plan.effects import words_of
from selftimer.rulebook.words import FOLDER as MESSAGES
from selftimer.rulebook.yaml12 import load
from selftimer.ruletests.spoken import effects_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selftimer.rulebook.model import Rule, Rulebook
    from selftimer.ruletests.model import RuleTest


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerned:
    """For each rule the changed files that it rests on; and the rules that are switched off."""

    rules: Mapping[str, frozenset[str]]
    changed: frozenset[str]
    off: frozenset[str]

    @classmethod
    def by(cls, book: Rulebook, files: Mapping[str, bytes], changed: Mapping[str, bytes | None]) -> Self:
        """`changed` has each changed file as it was before, None where it is new."""
        everywhere = {
            name
            for name, before in changed.items()
            if name.startswith("rules/") and _all_rules(before, name) != _all_rules(files.get(name), name)
        }
        automations = {unit: name for name in changed if name in files for unit in _automations(files[name], name)}
        rules = {
            rule.id: frozenset(everywhere | (_files(rule, automations) & changed.keys()))
            for rule in book.rules.values()
        }
        off = frozenset(rule.id for rule in book.rules.values() if rule.mode == "off")
        return cls(rules=rules, changed=frozenset(changed), off=off)

    def files_of(self, test: RuleTest) -> frozenset[str]:
        """The changed files that a test has something to say about; none, and it needn't run.

        None either where a rule of the test that changed is off: who switches a rule off wants it quiet at once, and
        a test that waits for what it did must not keep it running.
        """
        rules = set(test.rules or self.rules)
        touched = {rule for rule in rules if self.rules[rule]}
        if (touched if not test.rules else rules) & self.off:
            return frozenset()
        own = {test.file} & self.changed
        return frozenset(own.union(*(self.rules[rule] for rule in touched)))


def _files(rule: Rule, automations: Mapping[str, str]) -> set[str]:
    said = {words for effect in effects_of(rule) if (words := words_of(effect)) is not None}
    messages = {f"{MESSAGES}{name}{suffix}" for name in said for suffix in (".md", ".txt")}
    ran = {automations[name] for name in rule.source["automations"] if name in automations}
    return {rule.where.file} | messages | ran


def _automations(content: bytes, name: str) -> list[str]:
    """The ids of the automations that a file holds."""
    data = load(content, name).data if name.startswith("automations/") and name.endswith(".yaml") else None
    found = data.get("automations") if isinstance(data, dict) else None
    return [str(one["id"]) for one in found or () if isinstance(one, dict) and "id" in one]


def _all_rules(content: bytes | None, name: str) -> object:
    data = load(content, name).data if content is not None and name.endswith(".yaml") else None
    return data.get("all_rules") if isinstance(data, dict) else None
