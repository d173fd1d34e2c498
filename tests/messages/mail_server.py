"""A real SMTP server (aiosmtpd) that behaves as it is told, message by message."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


class MailServer:
    """`behave` holds what to do with the coming messages: "451", "550", "rcpt 450", "rcpt 550", "hang", "drop"; else take."""

    def __init__(self) -> None:
        self.behave: list[str] = []
        self.taken: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.logins: list[bytes] = []
        self.encrypted: list[bool] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}?timeout=1"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if self.behave and self.behave[0].startswith("rcpt "):
            return self.behave.pop(0).removeprefix("rcpt ") + " not now, ana@example.com"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        mode = self.behave.pop(0) if self.behave else "take"
        if mode.isdigit():
            return f"{mode} no, ana@example.com"
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.taken.append(mail)
        self.recipients.append(list(envelope.rcpt_tos))
        self.encrypted.append(session.ssl is not None)
        if mode == "hang":
            await asyncio.sleep(3)
        if mode == "drop":
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 taken"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, auth_data: Any) -> AuthResult:
        self.logins.append(auth_data.password)
        return AuthResult(success=auth_data.password == b"right", handled=True)


@asynccontextmanager
async def serving(server: MailServer, *, tls: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[MailServer]:
    """Open at `server.port` (chosen when it is 0, kept for a second opening)."""
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(
        lambda: SMTP(server, loop=loop, authenticator=server.authenticate, enable_SMTPUTF8=True, **options),
        "127.0.0.1",
        server.port,
        ssl=tls,
    )
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
