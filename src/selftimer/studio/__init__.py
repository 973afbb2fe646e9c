"""The Studio API client: sessions, paging, limits, wire models and the mapping of errors (studio-api.md)."""

from __future__ import annotations

from selftimer.studio import lean  # noqa: F401 - for what it does, before httpx is imported
from selftimer.studio.api import Studio
from selftimer.studio.auth import Credentials
from selftimer.studio.endpoints import Endpoints

__all__ = ["Credentials", "Endpoints", "Studio"]
