"""The Studio API client: sessions, paging, limits, wire models and the mapping of errors (studio-api.md)."""

from __future__ import annotations

from selftimer.studio import lean  # noqa: F401 - for what it does, before httpx is imported
from selftimer.studio.api import Studio
from selftimer.studio.endpoints import Endpoints
from selftimer.studio.memory import Credentials

__all__ = ["Credentials", "Endpoints", "Studio"]
