"""Mails that come back, and complaints of people who called one spam, become stops (RFC 3464 and RFC 5965 reports).

A report is only believed where it can do no harm: it closes an address for advertising and never opens one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage, Message

from portal import db, subjects
from portal.consent.stops import suppress_address
from portal.consent.unsubscribing import read_unsubscribe_token
from portal.lib import clock
from portal.lib.errors import Invalid, NotFound

BOUNCE, COMPLAINT = "hard bounce", "spam complaint"

# Permanent failures that say nothing about the address: mailbox full, message too long or not liked, we are not trusted.
_NOT_THE_ADDRESS = re.compile(r"5\.(2\.[23]|3\.\d+|4\.\d+|6\.\d+|7\.\d+)$")
_OUR_LINK = re.compile(r"/u/([\w-]+)>")


@dataclass(frozen=True, slots=True)
class Report:
    """What a report says of one address: why it must not be written to any more, and whose identifier it is, if known."""

    why: str
    identifier: str | None


async def take_report(raw: bytes, *, by: str) -> list[Report]:
    """Stop what a bounce or a complaint, as a mail server hands it in, is about; answers what it said, [] for any other mail."""
    mail = message_from_bytes(raw, policy=policy.default)
    found = [*_bounced(mail), *_complained(mail)]
    ours = await _by_our_link(mail) if found else None
    return [await _stop(why, address, ours if len(found) == 1 else None, by) for why, address in found]


async def take_bounce(address: str, *, why: str, by: str) -> Report:
    """The same for one address, as a sending system reports it. Raises Invalid for what is no address."""
    subjects.canonical("email", address)
    return await _stop(why, address, None, by)


async def _stop(why: str, address: str, ours: str | None, by: str) -> Report:
    """Twice the same bounce is one stop, unless the person said something in between; unknown addresses are left alone."""
    try:
        known = await subjects.find("email", address)
    except Invalid:  # a report whose address was blacked out
        known = None
    identifier = known.id if known is not None else ours
    if identifier is None:
        return Report(why, None)
    async with db.writing():
        found = await subjects.get(identifier)
        if found.erased_at is None and not (why == BOUNCE and await _stands(identifier)):
            await suppress_address(identifier, "email", by=by, why=why)
    return Report(why, identifier)


async def _stands(identifier: str) -> bool:
    stood = await db.row(
        "SELECT max(since) AS since FROM stop WHERE holder = ? AND kind = 'suppressed' AND scope = 'email' AND lifted_at IS NULL",
        identifier,
    )
    if stood is None or stood["since"] is None:
        return False
    since = int(stood["since"])
    said = await db.row("SELECT 1 AS one FROM decision WHERE identifier = ? AND recorded_at >= ? LIMIT 1", identifier, since)
    return said is None and since <= clock.micros(clock.now())


def _bounced(mail: EmailMessage) -> Iterator[tuple[str, str]]:
    """RFC 3464: each recipient the mail could not be delivered to, for good and because of the address."""
    for block in _blocks(mail, "message/delivery-status"):
        status = str(block.get("Status", "")).strip().split(" ")[0]
        failed = str(block.get("Action", "")).strip().lower() == "failed"
        if failed and re.match(r"5\.\d+\.\d+$", status) and not _NOT_THE_ADDRESS.match(status):
            recipient = block.get("Original-Recipient") or block.get("Final-Recipient") or ""
            yield BOUNCE, _address(str(recipient))


def _complained(mail: EmailMessage) -> Iterator[tuple[str, str]]:
    """RFC 5965: each recipient who called a mail of ours unwanted; `not-spam` and the like are no complaints."""
    for block in _blocks(mail, "message/feedback-report"):
        if str(block.get("Feedback-Type", "")).strip().lower() in {"abuse", "fraud", "opt-out"}:
            addresses = [_address(str(each)) for each in block.get_all("Original-Rcpt-To", [])]
            for address in addresses or [_recipient(mail)]:
                yield COMPLAINT, address


def _blocks(mail: EmailMessage, kind: str) -> Iterator[Message]:
    """The groups of fields in the parts of that kind, however the reader came to see them."""
    for part in mail.walk():
        if part.get_content_type() != kind:
            continue
        payload = part.get_payload()
        if isinstance(payload, list):
            yield from (each for each in payload if isinstance(each, Message))
        else:
            text = part.get_payload(decode=True)
            for group in re.split(rb"\r?\n\r?\n", text if isinstance(text, bytes) else b""):
                yield message_from_bytes(group.strip() + b"\n\n", policy=policy.compat32)


def _recipient(mail: EmailMessage) -> str:
    original = _original(mail)
    return _address(str(original.get("To", ""))) if original is not None else ""


def _original(mail: EmailMessage) -> Message | None:
    """The mail that came back: whole, or its headers alone."""
    for part in mail.walk():
        if part.get_content_type() == "message/rfc822":
            payload = part.get_payload()
            return payload[0] if isinstance(payload, list) and isinstance(payload[0], Message) else None
        if part.get_content_type() == "text/rfc822-headers":
            text = part.get_payload(decode=True)
            return message_from_bytes(text, policy=policy.default) if isinstance(text, bytes) else None
    return None


async def _by_our_link(mail: EmailMessage) -> str | None:
    """Providers black out addresses; our own link in the mail that came back names the identifier, and cannot be made up."""
    original = _original(mail)
    found = _OUR_LINK.search(str(original.get("List-Unsubscribe", ""))) if original is not None else None
    try:
        return (await read_unsubscribe_token(found[1])).identifier if found else None
    except NotFound:
        return None


def _address(field: str) -> str:
    """`rfc822; ana@example.com`, `<ana@example.com>` and `Ana <ana@example.com>` alike."""
    value = field.rpartition(";")[2].strip()
    inside = re.search(r"<([^<>]+)>", value)
    return (inside[1] if inside else value).strip()
