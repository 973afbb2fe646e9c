"""The account that is signed in (studio-api.md, Conventions)."""

from __future__ import annotations

from selftimer.studio.calls import Group, call
from selftimer.studio.models.galleries import Notifications


class Me(Group):
    """Requests about the account itself."""

    @call("account")
    async def notifications(self) -> Notifications:
        """`GET /notifications/all` (documented): the cheap request that tells whether a session is alive."""
        return await self._told("account", Notifications)
