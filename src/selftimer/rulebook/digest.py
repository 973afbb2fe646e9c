"""Digests of rules: what makes a version, and what makes an activation (rule-language.md, Exact meaning 9 and 19)."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_TODAYS = frozenset({"title", "mode", "limits"})
"""Keys of a rule that are always today's, whatever version a run is pinned to."""


def digest(data: object) -> str:
    """32 hex characters, the same for the same plain data whatever the order of its keys."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def version_of(rule: Mapping[str, Any], automations: Mapping[str, Mapping[str, Any]]) -> str:
    """The version of a rule with the automations that it runs, as raw data of their files."""
    return digest(
        {
            "rule": {key: value for key, value in rule.items() if key not in _TODAYS},
            "automations": {
                name: {key: value for key, value in raw.items() if key not in _TODAYS}
                for name, raw in automations.items()
            },
        }
    )


def activation_of(rule: Mapping[str, Any], everywhere: Any = None) -> str:
    """What makes old records count anew when it changes: triggers, conditions, and leaving or entering a dry run.

    `everywhere` is the `if` of `all_rules`.
    """
    steps = rule.get("then")
    entries = [step for step in steps if isinstance(step, dict) and "when" in step] if isinstance(steps, list) else []
    return digest(
        {
            "when": rule.get("when"),
            "if": rule.get("if"),
            "for_each": rule.get("for_each"),
            "entries": [[entry.get("id"), entry["when"], entry.get("if")] for entry in entries],
            "dry_run": rule.get("mode") == "dry_run",
        }
        | ({} if everywhere is None else {"everywhere": everywhere})
    )
