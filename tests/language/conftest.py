"""One database for all diaries, and a service that says nothing."""

from tests.diaries import ground, silence

__all__ = ["ground", "silence"]
