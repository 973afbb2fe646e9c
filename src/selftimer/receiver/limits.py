"""How many calls are taken: so many a minute from one source, and in all."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address

MOST_SOURCES = 10_000
"""Sources that are remembered; beyond, those heard of longest ago are forgotten."""


def source_of(host: str) -> str:
    """Whom an address counts for: of IPv6 the whole network of 64 bits, which one caller has to himself."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host[:64]
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped is not None else f"{int(address) >> 64:x}"
    return str(address)


@dataclass(slots=True)
class Bucket:
    """Calls that may still come: `full` at most, refilled in a minute."""

    full: float
    left: float
    at: float


@dataclass(slots=True)
class Rate:
    """So many calls a minute for each source. `monotonic` times are seconds."""

    per_minute: int
    _buckets: OrderedDict[str, Bucket] = field(default_factory=OrderedDict)

    def wait(self, source: str, now: float) -> float:
        """Count a call; the seconds until another one may come where this is one too many, else 0."""
        bucket = self._buckets.get(source)
        if bucket is None:
            bucket = self._buckets[source] = Bucket(self.per_minute, self.per_minute, now)
            if len(self._buckets) > MOST_SOURCES:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(source)
        speed = self.per_minute / 60
        bucket.left = min(bucket.full, bucket.left + max(now - bucket.at, 0.0) * speed)
        bucket.at = now
        if bucket.left < 1:
            return (1 - bucket.left) / speed
        bucket.left -= 1
        return 0.0
