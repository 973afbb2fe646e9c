"""A compiled text: words, or a value of a step such as `from:` and `set:`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from selftimer.rulebook.condition import Read
    from selftimer.rulebook.scope import Scope


class MissingWord(ValueError):  # noqa: N818 - a state of a text, not a fault of the program
    """A value that the text prints is missing and has no fallback: the message is held, never sent with a blank."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is missing and has no fallback")
        self.path = path


class TextTemplate(Protocol):
    """Checked and compiled at load."""

    @property
    def source(self) -> str:
        """The text as it was written."""
        ...

    @property
    def reads(self) -> frozenset[Read]:
        """What has to be read afresh before it is rendered."""
        ...

    def render(self, scope: Scope) -> str:
        """The text with its values; `MissingWord` for one that is missing, `ConditionError` for a wrong type."""
        ...

    def value(self, scope: Scope) -> Any:
        """Like `render`, but a text that is one `{{ }}` keeps its type (rule-language.md 16)."""
        ...
