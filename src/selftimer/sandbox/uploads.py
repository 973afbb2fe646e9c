"""Files of messages: they are uploaded as a multipart form, and served to whoever is signed in.

`GET /conversation_message_attachments/upload_url` says where to and with which fields (studio-api.md, Conversations);
the storage's own answers, XML as such services give it, and the address of a file are inferred.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.formparsers import MultiPartException
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

    from selftimer.sandbox.auth import Logins
    from selftimer.sandbox.studio import Studio


@dataclass(frozen=True, slots=True)
class Uploads:
    """The storage of one sandbox."""

    world: Studio
    logins: Logins

    def routes(self) -> list[Route]:
        """Where files go, and where they are found again."""
        return [
            Route("/_uploads/{id}", self.store, methods=["POST"]),
            Route("/files/{id}", self.serve, methods=["GET"]),
        ]

    async def store(self, request: Request) -> Response:
        """Take a file: 204. 403 for other fields than were given, 400 for another size or kind than was announced."""
        try:
            return await self._store(request)
        except MultiPartException:
            return _refused(400, "MalformedPOSTRequest")

    async def _store(self, request: Request) -> Response:
        row = self.world.tables.attachments.get(request.path_params["id"])
        async with request.form() as form:
            file = form.get("file")
            if row is None or form.get("key") != row.id or form.get("policy") != "sandbox":
                return _refused(403, "AccessDenied")
            if file is None or isinstance(file, str):
                return _refused(400, "InvalidArgument")
            content = await file.read()
            if len(content) > row.file_size:
                return _refused(400, "EntityTooLarge")
            if len(content) < row.file_size:
                return _refused(400, "EntityTooSmall")
            if file.content_type not in {None, "application/octet-stream", row.content_type}:
                return _refused(400, "InvalidContentType")
        row.content = content
        return Response(status_code=204)

    async def serve(self, request: Request) -> Response:
        """A file that was uploaded; never shown as a page."""
        self.world.sync()
        row = self.world.tables.attachments.get(request.path_params["id"])
        if self.logins.current(request.headers.get("cookie", "")) is None:
            return Response(status_code=401)
        if row is None or row.content is None:
            return Response(status_code=404)
        headers = {
            "content-disposition": f"attachment; filename*=UTF-8''{quote(row.filename, safe='')}",
            "x-content-type-options": "nosniff",
        }
        return Response(row.content, media_type=row.content_type, headers=headers)


def _refused(status: int, code: str) -> Response:
    return Response(f"<Error><Code>{code}</Code></Error>", status, media_type="application/xml")
