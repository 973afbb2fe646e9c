"""Whether a list that was read page by page was read whole (delivery.md §2). Pure.

Lists tear while they are read: records move between pages. A certificate says that this one didn't.
"""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ABSENCES = 2
"""From how many sweeps running a record has to be absent before it is asked for by its id."""


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What a certificate needs of a page: its ids and digests in order, the total it claimed, its created_at texts."""

    ids: tuple[str, ...]
    digests: tuple[bytes, ...]
    total: int | None
    created: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Certificate:
    """The judgement on one sweep."""

    certified: bool
    ordered: bool
    digest: bytes
    why: str = ""


def certify(pages: Sequence[PageFacts], again: PageFacts) -> Certificate:
    """`pages` in order, `again` page one read once more at the end.

    Certified: the total equal on every page, ids unique and as many as the total, page one identical. `ordered`:
    created_at never increases and there is a total; else two identical certified sweeps are needed by the caller.
    """
    ids = [record_id for page in pages for record_id in page.ids]
    totals = {page.total for page in (*pages, again)}
    created = [text for page in pages for text in page.created]
    falling = all(a >= b for a, b in itertools.pairwise(created) if a is not None and b is not None)
    ordered = falling and None not in created and None not in totals
    digest = hashlib.blake2b(b"".join(d for p in pages for d in p.digests), digest_size=16).digest()
    why = ""
    if len(totals) > 1:
        why = f"the total changed while it was read: {sorted(map(str, totals))}"
    elif len(set(ids)) != len(ids):
        why = "a record came twice"
    elif None not in totals and len(ids) not in totals:
        why = f"{len(ids)} records came, the total says {totals.pop()}"
    elif pages and (again.ids, again.digests) != (pages[0].ids, pages[0].digests):
        why = "page one changed while the rest was read"
    return Certificate(not why, ordered, digest, why)


def stands(certificate: Certificate, before: bytes | None) -> bool:
    """Whether a sweep says what the list holds; `before` is the digest of the last certified one.

    One sweep is enough for a list that is newest-first and tells its total; any other has to come out the same twice.
    """
    return certificate.certified and (certificate.ordered or before == certificate.digest)


def too_many(absent: int, known: int) -> bool:
    """Whether so many of the known records vanished at once that none is taken for removed."""
    return absent > max(3, known * 0.02)


def to_ask_for(absent: Sequence[str], known: int, missing: Callable[[str], int]) -> list[str] | None:
    """Of those that a sweep that stands lacks: who may be gone, and is asked for by id. None: too many at once.

    `missing` says in how many such sweeps running one was absent, this one included.
    """
    if too_many(len(absent), known):
        return None
    return [ident for ident in absent if missing(ident) >= ABSENCES]
