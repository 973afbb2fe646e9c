"""When galleries are looked for: once a day a client, at an hour of their own: a studio's looks are spread over it."""

from __future__ import annotations

from hashlib import blake2b

from whenever import Instant

GALLERY_DAYS = 120
"""So long after a session its gallery is looked for."""
NEW_HOURS = 24
"""At the first look at a client a gallery is new if it came to be in the last hours; an older one was there."""
_DAY = 86_400


def slot_after(client_id: str, instant: Instant) -> Instant:
    """The next time of the client's own second of the day (UTC), after that instant."""
    own = int.from_bytes(blake2b(client_id.encode(), digest_size=4).digest(), "big") % _DAY
    second = instant.timestamp(unit="second")
    at = second - second % _DAY + own
    return Instant.from_timestamp(at if at > second else at + _DAY)
