"""What every model of the library has: the object as it came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from pydantic import PrivateAttr, model_validator

from selftimer.studio.wire import Wire

if TYPE_CHECKING:
    from pydantic import ModelWrapValidatorHandler


class Entry(Wire):
    """Something that the studio told, typed as far as it is known; `raw` is all of it, unknown fields included."""

    _raw: dict[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def raw(self) -> dict[str, Any]:
        """The object as the studio sent it."""
        return self._raw

    @model_validator(mode="wrap")
    @classmethod
    def _keep(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        made = handler(value)
        if isinstance(value, dict):
            made._raw = value  # noqa: SLF001 - its own
        return made
