"""`portal mail-in`: one e-mail from the mail server's pipe becomes a request, joins its thread, or waits for an officer.

The sender's address proves nothing: a new request gets the same mail as every other that did not come by the form, and what
joins a thread opens nothing. Loops end here (RFC 3834): nothing that a machine wrote is ever answered.
"""

import hashlib
import re

from portal import db, messages, settings, subjects, vault
from portal.cases import conversation, cooling, letterbox, models
from portal.cases.intake import open_case
from portal.cases.mail_reading import Mail, Unreadable, read
from portal.cases.mail_words import asked_for
from portal.lib import ids
from portal.lib.errors import Invalid, Refusal, Unavailable

LARGEST = 25_000_000
TO_OTHERS = ("mail/case-notice", "mail/case-doubt", "mail/system-question")  # whoever answers these is not the one who asked
_TRACE = re.compile(rb"(?i)(return-path|received|delivered-to|x-[a-z0-9-]*|envelope-to|delivery-date|from )")
_REFERENCE = re.compile(r"[\w-]{22}")


async def take(raw: bytes) -> str:
    """What became of it: case · thread · waiting · automatic; "again" for one that was taken before.

    One transaction: a crash in it leaves nothing, and the mail server tries again.
    """
    mark, ours = _mark(raw), settings.get().mail_from
    if await letterbox.known(mark):
        return "again"
    try:
        mail = read(raw, ours)
    except Unreadable as problem:
        return await _leave(mark, raw, problem.why)
    if mail.automatic:
        return await _leave(mark, raw, mail.automatic, became=letterbox.AUTOMATIC, asked=_asked(mail))
    try:
        async with db.writing():
            if await letterbox.known(mark):
                return "again"
            case_id = await _case_of(mail)
            if case_id is not None:
                await _join(case_id, mail)
                became = letterbox.THREAD
            else:
                case_id, became = await _open(mail), letterbox.CASE
            if mail.cut:
                await letterbox.keep(mark, raw, letterbox.WAITING, why="cut", case=case_id, asked=_asked(mail))
            else:
                await letterbox.keep(mark, raw, became, case=case_id, asked=_asked(mail), whole=False)
    except Unavailable:
        raise
    except Refusal as problem:  # no sender, no right, a request that is long over, too many a day: a person decides
        return await _leave(mark, raw, type(problem).__name__.lower(), asked=_asked(mail))
    return became


async def _leave(mark: bytes, raw: bytes, why: str, *, became: str = letterbox.WAITING, asked: bytes | None = None) -> str:
    async with db.writing():
        if await letterbox.known(mark):
            return "again"
        await letterbox.keep(mark, raw, became, why=why, asked=asked)
    return became


async def _case_of(mail: Mail) -> str | None:
    """The request that a mail belongs to, by what only somebody who had our letter can know. It proves nothing more."""
    answered = await messages.case_of(mail.answers, but=TO_OTHERS)
    if answered is not None:
        return answered
    digests = [ids.digest(each) for each in _REFERENCE.findall(mail.subject)[:5]]
    found = await models.CaseRow.filter(reference_digest__in=digests).first() if digests else None
    return None if found is None else found.id


async def _join(case_id: str, mail: Mail) -> None:
    attached = [conversation.Attachment(each.name, each.media, each.content) for each in mail.files]
    text = f"{mail.subject}\n\n{mail.text}".strip()
    if text or attached:
        await conversation.received(case_id, text, source="mail", attachments=attached)


async def _open(mail: Mail) -> str:
    right, language = asked_for(f"{mail.subject}\n{mail.text}")
    if not right or not mail.sender:
        raise Invalid("")
    opened = await open_case(
        right,
        mail.sender,
        language=language,
        details={"message": f"{mail.subject}\n\n{mail.text}".strip()[:5000], "country": "", **cooling.unless_said(right)},
        source="mail",
    )
    if mail.files or len(mail.text) > 4000:
        await _join(opened.id, mail)
    return opened.id


def _asked(mail: Mail) -> bytes | None:
    try:
        return vault.blind("case", subjects.canonical("email", mail.sender)) if mail.sender else None
    except Invalid:
        return None


def _mark(raw: bytes) -> bytes:
    """The same for every try of a mail server, which writes only its own lines on top."""
    head, _blank, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    lines = re.sub(rb"\n[ \t]+", b" ", head).split(b"\n")
    kept = b"\n".join(each for each in lines if not _TRACE.match(each))
    return hashlib.sha256(kept + b"\n\n" + body).digest()
