"""The law: what is compiled, what is traced and the reference say the same of every accepted condition."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from chaos.reference import interpreter, product
from selftimer.rulebook.compiler import compile_condition
from selftimer.rulebook.condition import ConditionError
from selftimer.rulebook.expression import ExpressionError
from selftimer.rulebook.expression_eval import Run
from selftimer.rulebook.textcompile import compile_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType

    from chaos.reference.plain import Situation
    from selftimer.rulebook.compiler import CompiledCondition

HELD_BY_NAME = {"true": True, "false": False, "unknown": None}


@dataclass(frozen=True, slots=True)
class Judged:
    """What one condition came to in one situation."""

    outcome: str
    """`true`, `false`, `unknown`, `error`, or `refused` by the loader."""
    violation: str | None = None
    """What must not be, in a sentence."""


def judged(source: str, about: str, at: Situation) -> Judged:
    """A condition compiled, and held to the reference."""
    try:
        condition = compile_condition(source, product.names(about))
    except ExpressionError:
        return Judged("refused")
    except Exception as error:  # noqa: BLE001 - whatever it is: a condition is accepted or refused with a reason
        return Judged("refused", f"{source!r} made the loader fail: {error!r}")
    _outcome(lambda: condition.judge(product.scope(at)))  # the function is made when it is first wanted
    hidden = [name for name in _names_in(condition.judge.__code__) if name.startswith("_")]
    if hidden:
        return Judged("refused", f"{source!r} was accepted and reads {', '.join(hidden)}")
    return compared(source, condition, at)


def compared(source: str, condition: CompiledCondition, at: Situation) -> Judged:
    """A compiled condition held to the reference's reading of its source."""
    scope = product.scope(at)
    wanted = _outcome(lambda: interpreter.judge(source, at))
    found = {
        "compiled": _outcome(lambda: condition.judge(scope)),
        "judged step by step": _outcome(lambda: Run(scope).judge(condition.tree)),
        "traced": _outcome(lambda: condition.trace(scope)["is"]),
    }
    wrong = ", ".join(f"{how} it is {said}" for how, said in found.items() if said != wanted)
    if not wrong:
        return Judged(wanted)
    return Judged(wanted, f"{source!r} is {wanted} by the specification; {wrong}; in {at}")


def _outcome(judge: Callable[[], Any]) -> str:
    try:
        return _said(judge())
    except (ConditionError, interpreter.Failed):
        return "error"
    except Exception as error:  # noqa: BLE001 - a fault is an outcome that no other side has
        return repr(error)


def _said(truth: Any) -> str:
    return next((name for name, held in HELD_BY_NAME.items() if held is truth), str(truth))


def _names_in(code: CodeType) -> Iterator[str]:
    """The names and attributes that a function reads, inner ones too."""
    yield from code.co_names
    for constant in code.co_consts:
        if hasattr(constant, "co_names"):
            yield from _names_in(constant)


def escaped(attempt: str, about: str) -> str | None:
    """What must not be, if an attempt to reach beyond the records is accepted: in a condition, or in words."""
    names = product.names(about)
    for what, load in (
        ("as a condition", lambda: compile_condition(attempt, names)),
        ("in a text", lambda: compile_text("{{ " + attempt + " }}", names)),
    ):
        try:
            load()
        except ExpressionError:
            continue
        except Exception as error:  # noqa: BLE001 - refused without a reason
            return f"{attempt!r} {what} made the loader fail: {error!r}"
        return f"{attempt!r} is accepted {what}"
    return None


def misread(attempt: str, about: str, at: Situation) -> str | None:
    """What must not be, if an attempt that somebody typed into a record is anything but a text."""
    if at.names["client"] is None:
        return None
    typed = f"{{{{ {attempt} }}}}"
    scope = product.scope(at)
    assert scope.client is not None
    scope.client = replace(scope.client, notes=typed)
    names = product.names(about)
    text = compile_text("<{{ client.notes or '' }}>", names).render(scope)
    if text != f"<{' '.join(typed.split())}>":
        return f"{typed!r} in a record's notes is printed as {text!r}"
    if compile_condition(f"client.notes == {typed!r}", names).judge(scope) is not True:
        return f"{typed!r} in a record's notes isn't equal to itself"
    return None
