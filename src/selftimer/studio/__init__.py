"""The Studio API client: sessions, paging, limits, wire models and the mapping of errors (studio-api.md).

A library of its own: `from selftimer.studio import Studio`; docs/guide/library.md shows how.
"""

from __future__ import annotations

from selftimer import lean  # noqa: F401 - for what it does, before httpx is imported
from selftimer.studio import models
from selftimer.studio.api import Studio
from selftimer.studio.endpoints import ENDPOINTS, Endpoint, Endpoints
from selftimer.studio.memory import Credentials
from selftimer.studio.stream import SetAside, Stream

__all__ = ["ENDPOINTS", "Credentials", "Endpoint", "Endpoints", "SetAside", "Stream", "Studio", "models"]
