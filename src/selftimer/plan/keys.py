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
    when = _part(occurrence)
    if entry_id:
        when = f"{_part(entry_id).replace('@', '%40')}@{when}"
    key = "|".join((_part(studio), _part(rule_id), _part(subject_id), when, _part(step_id)))
    return f"dry|{key}" if dry else key


def _part(text: str) -> str:
    """A part that can't be mistaken for two."""
    return text.replace("%", "%25").replace("|", "%7C")


_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Letters and digits that can't be taken for one another when they are typed in."""


def unique_of(key: str) -> str:
    """`unique` in a coupon's code: eight letters and digits of the effect's key, the same whenever it is tried."""
    number = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8, person=b"coupon").digest(), "big")
    return "".join(_LETTERS[number >> (5 * place) & 31] for place in range(8))


def normalised(text: str) -> str:
    """A text as it is compared when looking for it: NFC, white space folded, as an HTML round trip would leave it."""
    return " ".join(unicodedata.normalize("NFC", text).replace("\u00a0", " ").split())


def digest(text: str) -> str:
    """Of a body, for the journal and for comparing words: nothing of the text can be read from it."""
    return hashlib.blake2b(normalised(text).encode(), digest_size=16).hexdigest()


def sealed(secret: str, what: str, value: str) -> str:
    """A keyed digest of an id or address: nothing can be read from it, nor guessed without the secret (in hex)."""
    plain = unicodedata.normalize("NFKC", value).strip().casefold()
    return hashlib.blake2b(f"{what}:{plain}".encode(), key=bytes.fromhex(secret), digest_size=20).hexdigest()
