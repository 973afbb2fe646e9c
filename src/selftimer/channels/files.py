"""The files that messages carry: read from the workspace and nowhere else, each put into the studio once."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import replace
from mimetypes import guess_type
from typing import TYPE_CHECKING

from selftimer.errors import Refused
from selftimer.plan.attempt import NotSent
from selftimer.rulebook.files import FILES, MAX_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from selftimer.plan.state import Delivery
    from selftimer.ports import StudioApi

_REMEMBERED = 500


class FileError(ValueError):
    """A file that can't be sent, as a sentence."""


class Attachments:
    """Reads files below `automations/files` and uploads them.

    What was uploaded is noted in the delivery's body (`uploaded`: name to digest and attachment id), which is stored
    with its intent, and in memory until then: a retry uploads nothing again, unless the file is another by then.
    """

    def __init__(self, api: StudioApi, workspace: Path) -> None:
        self._api = api
        self._root = (workspace / FILES).resolve()
        self._workspace = workspace.resolve()
        self._done: OrderedDict[tuple[str, str], str] = OrderedDict()

    def wanted(self, delivery: Delivery) -> list[str]:
        """The names of the files that go with a message."""
        return list((delivery.body or {}).get("attach") or ())

    def ids(self, delivery: Delivery) -> list[str]:
        """The attachment ids of its files, once they are uploaded."""
        uploaded = (delivery.body or {}).get("uploaded") or {}
        return [uploaded[name][1] for name in self.wanted(delivery)]

    async def upload(self, delivery: Delivery) -> Delivery | NotSent:
        """The delivery with its files in the studio. In a dry run they are only looked at.

        `NotSent` where a file can't be sent; the studio's errors where it can't take one now.
        """
        uploaded: dict[str, tuple[str, str]] = dict((delivery.body or {}).get("uploaded") or {})
        for name in self.wanted(delivery):
            try:
                content = await asyncio.to_thread(self._read, name)
            except FileError as error:
                return NotSent(reason=str(error), permanent=True)
            digest = hashlib.blake2b(content, digest_size=16).hexdigest()
            if delivery.dry or (name in uploaded and uploaded[name][0] == digest):
                continue
            key = (delivery.key, f"{name}:{digest}")
            try:
                ident = self._done.get(key) or await self._api.upload(name.rpartition("/")[2], content, _type(name))
            except Refused as error:
                if error.status != 413 and error.code != "file_too_large":
                    raise
                return NotSent(reason=f"{FILES}{name} is too large for the studio", permanent=True)
            self._done[key] = ident
            uploaded[name] = (digest, ident)
            while len(self._done) > _REMEMBERED:
                self._done.popitem(last=False)
        return delivery if delivery.dry else replace(delivery, body={**(delivery.body or {}), "uploaded": uploaded})

    def _read(self, name: str) -> bytes:
        """The content of a file below the folder; `FileError` for one that is elsewhere or too large."""
        try:
            path = (self._root / name).resolve(strict=True)
            if not path.is_relative_to(self._root) or not self._root.is_relative_to(self._workspace):
                raise FileError(f"{FILES}{name} leads out of the workspace")
            if not path.is_file():
                raise FileError(f"{FILES}{name} is no file")
            with path.open("rb") as file:
                content = file.read(MAX_FILE + 1)
        except (OSError, ValueError) as error:
            if isinstance(error, FileError):
                raise
            why = error.strerror if isinstance(error, OSError) else "is no name of a file"
            raise FileError(f"{FILES}{name} can't be read: {why}") from error
        if len(content) > MAX_FILE:
            raise FileError(f"{FILES}{name} has more than 10 MiB, the most that the studio takes")
        return content


def _type(name: str) -> str:
    return guess_type(name)[0] or "application/octet-stream"
