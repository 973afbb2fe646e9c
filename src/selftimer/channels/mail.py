"""Notes to the owner by e-mail: smtplib in a thread, never in the clear but to this machine."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import TYPE_CHECKING, Literal

from selftimer.errors import TellError

if TYPE_CHECKING:
    from selftimer.ports import Note
    from selftimer.primitives.clock import Clock

TIMEOUT = 20.0
"""Seconds that each exchange with the server may take. Real seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """The server that takes the mail, and whose it is from and to."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    sender: str
    receiver: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)


class MailTeller:
    """Sends each note as one mail."""

    name = "email"

    def __init__(self, mailbox: Mailbox, clock: Clock) -> None:
        self._mailbox = mailbox
        self._clock = clock

    async def tell(self, note: Note) -> None:
        """Send it; `TellError` where the server doesn't take it."""
        mail = self._mail(note)
        try:
            await asyncio.to_thread(self._send, mail)
        except smtplib.SMTPResponseException as error:
            raise TellError(f"the mail server answered {error.smtp_code}") from error
        except smtplib.SMTPException as error:
            raise TellError(_said(error)) from error
        except ssl.SSLError as error:
            raise TellError(f"the mail server's TLS is not to be trusted ({error.reason})") from error
        except OSError as error:
            raise TellError(f"the mail server can't be reached ({error.strerror or type(error).__name__})") from error

    def _mail(self, note: Note) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = " ".join(note.subject.split())[:200]
        mail["From"], mail["To"] = self._mailbox.sender, self._mailbox.receiver
        mail["Date"] = format_datetime(self._clock.now().to_stdlib())
        mail["Message-ID"] = make_msgid(domain=self._mailbox.sender.rpartition("@")[2])
        mail["Auto-Submitted"] = "auto-generated"  # so that nobody's holiday notice answers it
        mail.set_content(note.text)
        return mail

    def _send(self, mail: EmailMessage) -> None:
        box = self._mailbox
        context = ssl.create_default_context() if box.security != "none" else None
        if box.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(box.host, box.port, timeout=TIMEOUT, context=context)
        else:
            server = smtplib.SMTP(box.host, box.port, timeout=TIMEOUT)
        with server:
            if box.security == "starttls":
                server.starttls(context=context)  # raises where the server can't: nothing goes in the clear
            if box.username is not None:
                server.login(box.username, box.password or "")
            server.send_message(mail)


def _said(error: smtplib.SMTPException) -> str:
    """What went wrong, without addresses, which are in smtplib's own texts."""
    match error:
        case smtplib.SMTPNotSupportedError():
            return (
                "the mail server offers neither STARTTLS nor a sign-in that is known; look at [notify.email] security"
            )
        case smtplib.SMTPRecipientsRefused():
            return "the mail server refuses the address that notes go to"
        case smtplib.SMTPServerDisconnected():
            return "the mail server closed the connection"
        case _:
            return f"the mail server refused the mail ({type(error).__name__})"
