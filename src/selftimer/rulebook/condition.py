"""A compiled condition: what rules hold and the engine judges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from selftimer.facts.records import Kind
    from selftimer.rulebook.scope import Scope

Truth = bool | None
"""True, False, or None: unknown, because something it asks about is absent (Kleene; rule-language.md 3)."""

Read = tuple["Kind", "Kind"]
"""(from, to): judging follows records of kind `to` from a record of kind `from`; (k, k) is the record k itself.

`(client, invoice)`: the client's invoices; `(session, invoice)`: the session's invoice by id; `(invoice, payment)`: an
invoice's payments; `(client, conversation)`: the client's conversations with their messages.
"""


class ConditionError(ValueError):
    """A wrong type at run time: an error, which is not False. `path` names what failed."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


class Condition(Protocol):
    """Judged fast, traced on demand; both come from the same checked tree and agree."""

    @property
    def source(self) -> str:
        """The text as it was written (a list's parts joined)."""
        ...

    @property
    def reads(self) -> frozenset[Read]:
        """What has to be read afresh for a judgement on fresh data."""
        ...

    @property
    def names(self) -> frozenset[str]:
        """The dotted paths it says: `client.replied`, `invoice.outstanding`, `now`."""
        ...

    def judge(self, scope: Scope) -> Truth:
        """True, False or None (unknown); `ConditionError` for a wrong type."""
        ...

    def trace(self, scope: Scope) -> dict[str, Any]:
        """The same judgement with its path: `{"text", "is", "value"?, "why"?, "parts"?: […]}`, plain JSON data."""
        ...
