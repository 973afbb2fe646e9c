"""What a person may ask for, as the engine asks it of the store: no more advertising, and to be forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from whenever import Instant

    from selftimer.facts.records import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """Somebody who gets no advertising any more; a client has one entry by id and one by address."""

    digest: str
    """Keyed with a secret of the workspace: whom it stands for can only be told by who knows them already."""
    entry: str
    """What was put on the list together and is taken off together."""
    what: str
    """`client` or `email`."""
    at: Instant
    why: str = ""


class People(Protocol):
    """What a person may ask for: no more advertising, and to be forgotten."""

    def suppress(self, entries: Sequence[Suppression]) -> None:
        """Add those that aren't there."""
        ...

    def unsuppress(self, digests: Sequence[str]) -> int:
        """Take those away, and what was put on the list with them; how many there were."""
        ...

    def is_suppressed(self, digests: Sequence[str]) -> bool:
        """Whether one of them is there."""
        ...

    def suppressions(self) -> list[Suppression]:
        """All of them, in the order they were put on the list."""
        ...

    def records_of(self, client_id: str) -> list[tuple[Kind, str]]:
        """The client's own record, what belongs to them, and what is within that; also what is gone."""
        ...

    def deliveries_about(self, phrases: Sequence[str]) -> list[str]:
        """Ids of the deliveries, whomever they are for, that hold one of the phrases in their words. Looks at all."""
        ...

    def forget_traces_about(self, phrases: Sequence[str]) -> None:
        """Delete the decisions, about whomever, that hold one of the phrases. Looks at all."""
        ...

    def forget_records(self, client_id: str, records: Sequence[tuple[Kind, str]]) -> None:
        """Delete those with all their versions, events, moments and traces, and what else names the client."""
        ...

    def empty_runs(self, client_id: str, at: Instant, sealed: Callable[[str], str]) -> list[str]:
        """End the client's runs and leave of them what keeps them from beginning again; their ids.

        `sealed` makes of a repeat key (it may be an address) what the next occurrence is still compared with.
        """
        ...

    def forget_notices(self, ids: Collection[str], phrases: Sequence[str]) -> int:
        """Delete the notices that hold one of the ids as a word, or one of the phrases anywhere; how many."""
        ...

    def forget_orders(self, ids: Collection[str], phrases: Sequence[str]) -> None:
        """Empty the orders that hold one of the ids as a word, or one of the phrases anywhere; done or not."""
        ...

    def forget_named(self, name: str) -> None:
        """Delete a small fact."""
        ...
