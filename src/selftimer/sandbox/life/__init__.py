"""The life of the studio: what people do by themselves, and how they take what they are sent.

Two registers tie it together: `@on` says who carries out a happening that stands on the world's heap, `@hears` who
reacts to a deed in the studio's books. The actors register themselves when `life.cast` is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from selftimer.sandbox.world import World

_ACTS: dict[str, Callable[..., None]] = {}
_EARS: dict[str, list[Callable[..., None]]] = {}
F = TypeVar("F", bound="Callable[..., None]")


def on(kind: str) -> Callable[[F], F]:
    """Register who carries out happenings of that kind: `act(world, person_key, *args)`."""

    def register(act: F) -> F:
        _ACTS[kind] = act
        return act

    return register


def hears(kind: str) -> Callable[[F], F]:
    """Register who reacts to deeds of that kind: `react(world, record)`."""

    def register(react: F) -> F:
        _EARS.setdefault(kind, []).append(react)
        return react

    return register


def happen(world: World, person: str, kind: str, args: tuple[Any, ...]) -> None:
    """Carry out one happening."""
    _ACTS[kind](world, person, *args)


def noticed(world: World, kind: str, record: Any) -> None:
    """Tell whoever listens that something was done."""
    for react in _EARS.get(kind, ()):
        react(world, record)
