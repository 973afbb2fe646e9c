"""What makes an effect the same effect: keys of content, never of counters (delivery.md §1)."""

from __future__ import annotations

import hashlib
import unicodedata


def delivery_key(
    studio: str, rule_id: str, subject_id: str, entry_id: str, occurrence: str, step_id: str, *, dry: bool
) -> str:
    """(studio, rule, subject, occurrence, step) as one text.

    Neither version nor words are in it: an edit can't fire again. A dry run has keys of its own.
    """
    parts = [studio, rule_id, subject_id, f"{entry_id}@{occurrence}" if entry_id else occurrence, step_id]
    return ("dry|" if dry else "") + "|".join(part.replace("|", "%7C") for part in parts)


def normalised(text: str) -> str:
    """A text as it is compared when looking for it: NFC, white space folded, as an HTML round trip would leave it."""
    return " ".join(unicodedata.normalize("NFC", text).replace("\u00a0", " ").split())


def digest(text: str) -> str:
    """Of a body, for the journal and for comparing words: nothing of the text can be read from it."""
    return hashlib.blake2b(normalised(text).encode(), digest_size=16).hexdigest()
