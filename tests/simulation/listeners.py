"""Servers on this machine that stand for the owner's own: one that takes HTTP calls, one that takes mail."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator
    from email.message import EmailMessage


@dataclass(slots=True)
class Call:
    """A request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    """Takes calls; answers with `answers` one after the other, then 204. 0 closes the connection without a word."""

    port: int = 0
    calls: list[Call] = field(default_factory=list)
    answers: list[int | tuple[int, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *rest = head.rstrip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (row.partition(": ") for row in rest)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.calls.append(Call(line, headers, body))
        answer = self.answers.pop(0) if self.answers else 204
        status, more = (answer, "") if isinstance(answer, int) else answer
        if status:
            writer.write(f"HTTP/1.1 {status} Said\r\n{more}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()


@dataclass(slots=True)
class Mailbox:
    """Takes mail. `offers` are the extensions that it names; `refuses` is what it answers to MAIL, if anything."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    offers: tuple[str, ...] = ()
    refuses: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())

        say("220 here")
        while line := (await reader.readline()).decode().strip():
            self.said.append(line)
            match line.split()[0].upper():
                case "EHLO":
                    say("250-here")
                    for offer in self.offers:
                        say(f"250-{offer}")
                    say("250 OK")
                case "MAIL" if self.refuses:
                    say(self.refuses.pop(0))
                case "AUTH":
                    say("235 welcome")
                case "DATA":
                    say("354 go on")
                    raw = (await reader.readuntil(b"\r\n.\r\n")).removesuffix(b".\r\n")
                    mail = message_from_bytes(raw, policy=default)
                    self.mails.append(mail)
                    say("250 taken")
                case "QUIT":
                    say("221 bye")
                    return
                case _:
                    say("250 OK")


@asynccontextmanager
async def listening(what: Receiver | Mailbox, tls: ssl.SSLContext | None = None) -> AsyncIterator[None]:
    """On a port of this machine that is free."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await what.serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", what.port, ssl=tls)
    what.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def receiver(*answers: int | tuple[int, str]) -> AsyncIterator[Receiver]:
    """A receiver of calls."""
    one = Receiver(answers=list(answers))
    async with listening(one):
        yield one


@asynccontextmanager
async def mailbox(*offers: str) -> AsyncIterator[Mailbox]:
    """A receiver of mail."""
    one = Mailbox(offers=offers)
    async with listening(one):
        yield one
