"""Who plays what: between the books, which only announce, and whoever lives in the studio and reacts.

A happening that falls due is carried out by its act; a deed in the books is told to the ears that listen for its kind.
Each module of actors writes its part, and whoever builds a world joins the parts into one script.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., None]")


class Script:
    """A register of acts and ears. It is kept with a saved world, so both must be functions of a module."""

    def __init__(self, *parts: Script) -> None:
        self._acts: dict[str, Callable[..., None]] = {}
        self._ears: dict[str, list[Callable[..., None]]] = {}
        for part in parts:
            self.join(part)

    def on(self, kind: str) -> Callable[[F], F]:
        """Register who carries out happenings of that kind: `act(world, person_key, *args)`; there is one per kind."""

        def register(act: F) -> F:
            self._acts[kind] = act
            return act

        return register

    def hears(self, kind: str) -> Callable[[F], F]:
        """Register who reacts to deeds of that kind: `react(world, record)`."""

        def register(react: F) -> F:
            self._ears.setdefault(kind, []).append(react)
            return react

        return register

    def join(self, part: Script) -> None:
        """Take in another part; one that was taken in before changes nothing."""
        self._acts.update(part._acts)
        for kind, reactions in part._ears.items():
            ears = self._ears.setdefault(kind, [])
            ears.extend(react for react in reactions if react not in ears)

    def happen(self, world: Any, person: str, kind: str, args: tuple[Any, ...]) -> None:
        """Carry out one happening."""
        self._acts[kind](world, person, *args)

    def noticed(self, world: Any, kind: str, record: Any) -> None:
        """Tell whoever listens that something was done."""
        for react in self._ears.get(kind, ()):
            react(world, record)
