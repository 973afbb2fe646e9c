"""Effects in the words of a diary: `send lead-nudge`, `create invoice`, `update client`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.plan.effects import verb_of, words_of
from selftimer.plan.state import Verb
from selftimer.rulebook.model import BranchStep, RunStep, StopStep, WaitStep
from selftimer.rulebook.models import VERBS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from selftimer.plan.state import Delivery
    from selftimer.rulebook.model import EffectStep, Rule, Step

ACTIONS = tuple(verb for verb in VERBS if verb not in {"wait", "run", "stop"})
"""The verbs that do something outside; a diary says them as steps do."""
OUTCOMES = ("held", "skipped")
"""What else a diary can expect of an effect."""


def spoken(verb: Verb, words: str | None) -> tuple[str, str] | None:
    """Verb and name as the diary has them; None for what is part of another effect."""
    match verb:
        case Verb.CONVERSATION:
            return None
        case Verb.MESSAGE:
            return "send", words or ""
        case Verb.UPDATE:
            return "update", "client"
        case _ if verb.value in ACTIONS:
            return verb.value, words or ""
        case _:
            return "create", verb.value


def of_delivery(delivery: Delivery) -> tuple[str, str] | None:
    """The same of a delivery."""
    return spoken(delivery.verb, delivery.words)


def of_step(step: EffectStep) -> tuple[str, str]:
    """The same of a step."""
    said = spoken(verb_of(step), words_of(step))
    assert said is not None
    return said


def effects(steps: Iterable[Step]) -> Iterator[EffectStep]:
    """All effects among the steps, those of branches and automations too."""
    for step in steps:
        match step:
            case BranchStep(then=then, otherwise=otherwise):
                yield from effects((*then, *otherwise))
            case RunStep(steps=inner):
                yield from effects(inner)
            case WaitStep() | StopStep():
                pass
            case _:
                yield step


def effects_of(rule: Rule) -> Iterator[EffectStep]:
    """All effects of a rule."""
    for entry in rule.entries:
        yield from effects(entry.steps)
