"""Speaks SMTP (RFC 5321) to the operator's mail server and says plainly what is known afterwards.

Three things can come of a try: accepted, certainly not accepted (`NotTaken`), or nobody knows because the connection
broke after the content was on its way (`Unclear`). Server replies are never repeated: they quote addresses.
"""

import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8, Policy
from email.utils import format_datetime
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib

from portal.messages.compose import Letter
from portal.settings import SettingsError


class NotTaken(Exception):
    """The server certainly did not take the message. `code` is its reply, 0 when there was no conversation."""

    def __init__(self, code: int, for_good: bool) -> None:
        super().__init__(f"The mail server said {code}." if code else "The mail server could not be reached.")
        self.code = code
        self.for_good = for_good


class Unclear(Exception):
    """The content was on its way and no answer came: the server may or may not have taken it."""


@dataclass(frozen=True)
class Server:
    """PORTAL_SMTP_URL: `smtp://` (STARTTLS where offered) or `smtps://`, with `?timeout=seconds` and `?verify=no`."""

    host: str
    port: int
    tls: bool
    user: str
    password: str
    timeout: float
    verify: bool


def server(url: str) -> Server:
    """Raises SettingsError when the address cannot be read."""
    parts = urlsplit(url)
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    try:
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ValueError
        tls = parts.scheme == "smtps"
        timeout = float(options.get("timeout", "30"))
        port = parts.port or (465 if tls else 587)
    except ValueError as problem:
        raise SettingsError("PORTAL_SMTP_URL must look like smtp://user:password@host:587 or smtps://host:465.") from problem
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Server(parts.hostname, port, tls, user, password, timeout, options.get("verify") != "no")


def envelope(letter: Letter, *, sender: str, to: str, message_id: str, at: datetime, language: str) -> EmailMessage:
    """The whole mail. The same message gives the same bytes at every try; a line break in a header raises ValueError."""
    mail = EmailMessage(policy=(SMTP if to.isascii() else SMTPUTF8).clone(cte_type="7bit", header_factory=_headers))
    mail["From"] = sender
    mail["To"] = to
    # "=?" begins an encoded word, which Python would decode here and other people's mail programs later.
    mail["Subject"] = letter.subject.replace("=?", "= ?")
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = message_id
    mail["Auto-Submitted"] = "auto-generated"
    if letter.unsubscribe:
        mail["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(letter.text)
    mail.add_alternative(letter.html, subtype="html")
    mail["Content-Language"] = language  # last: the parts would take it along
    mail.set_boundary("part-" + message_id.strip("<>").partition("@")[0])
    return mail


class _OneLine(UnstructuredHeader, BaseHeader):
    """A header that is never folded: Python would encode a long address as words, and no mail program reads that."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_headers = HeaderRegistry()
_headers.map_to_type("list-unsubscribe", _OneLine)


async def deliver(
    url: str, mail: EmailMessage, *, our_name: str, before_content: Callable[[], Awaitable[None]] | None = None
) -> None:
    """Hand one mail to the server; `before_content` is awaited at the point after which the outcome may stay unknown."""
    target = server(url)
    client = aiosmtplib.SMTP(
        hostname=target.host,
        port=target.port,
        use_tls=target.tls,
        timeout=target.timeout,
        validate_certs=target.verify,
        local_hostname=our_name,
    )
    try:
        await _introduce(client, target, mail)
        if before_content is not None:
            await before_content()
        try:
            await client.data(mail.as_bytes())
        except aiosmtplib.SMTPDataError as answer:
            raise NotTaken(answer.code, for_good=answer.code >= 500) from answer
        except (aiosmtplib.SMTPException, OSError) as problem:
            raise Unclear("The mail server did not answer after the message was on its way.") from problem
    finally:
        client.close()


async def _introduce(client: aiosmtplib.SMTP, target: Server, mail: EmailMessage) -> None:
    sender, recipient = (mail[name].addresses[0].addr_spec for name in ("From", "To"))
    utf8 = not (sender + recipient).isascii()
    encoding = "utf-8" if utf8 else "ascii"
    try:
        await client.connect()
        if target.user:
            if not target.tls and client.get_transport_info("sslcontext") is None and not _is_this_machine(target.host):
                raise NotTaken(538, for_good=False)  # RFC 4954: encryption required; the password is not sent in clear
            await client.login(target.user, target.password)
        await client.ehlo()
        if utf8 and not client.supports_extension("smtputf8"):
            raise NotTaken(553, for_good=True)  # RFC 6531: this server cannot write to such an address
        await client.mail(sender, options=["SMTPUTF8"] if utf8 else [], encoding=encoding)
    except (aiosmtplib.SMTPException, OSError) as problem:
        # Whatever the server says until here is about us, not about this message: it waits until the operator has
        # put it right.
        raise NotTaken(getattr(problem, "code", 0), for_good=False) from problem
    try:
        await client.rcpt(recipient, encoding=encoding)
    except aiosmtplib.SMTPRecipientRefused as answer:
        raise NotTaken(answer.code, for_good=answer.code >= 500) from answer
    except (aiosmtplib.SMTPException, OSError) as problem:
        raise NotTaken(getattr(problem, "code", 0), for_good=False) from problem


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
