"""How the runs that a call from outside begins are told apart (rule-language.md, Exact meaning 13)."""

from __future__ import annotations

PREFIX = "webhook:"
"""How the occurrences of such runs begin; the call's id follows."""
SEPARATOR = "/"
"""Between name and id in what such a run is about; no webhook's name has it."""


def subject_of_call(name: str, call_id: str) -> str:
    """What a run is about that a call began: that call, so that two calls at once don't stand in each other's way."""
    return f"{name}{SEPARATOR}{call_id}"


def occurrence_of_call(call_id: str) -> str:
    """The occurrence of a call: the same id twice is one."""
    return f"{PREFIX}{call_id}"


def call_of(occurrence: str, subject_id: str) -> tuple[str, str] | None:
    """Name and id of the call that began a run, if one did."""
    name, separator, call_id = subject_id.partition(SEPARATOR)
    ours = bool(separator) and occurrence == occurrence_of_call(call_id)
    return (name, call_id) if ours else None
