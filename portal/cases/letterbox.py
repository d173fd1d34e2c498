"""Mails as they came in, whole and sealed, until an officer has dealt with them; and which of them became what.

What could not be read, named no right, or came from a machine waits here, so that nothing is lost and nothing is answered
by mistake (GDPR Art. 12(2), 32). A mail that became part of a request waits here too if not all of it fits in there.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tortoise.expressions import Q

from portal import audit, db, jobs, settings, vault
from portal.cases import events, legal_holds, mail_reading, models
from portal.cases.mail_reading import Mail, Unreadable
from portal.lib import clock, ids
from portal.lib.errors import Conflict, NotFound
from portal.paper import _

CASE, THREAD, WAITING, AUTOMATIC, DONE = "case", "thread", "waiting", "automatic", "done"
KEPT = timedelta(days=90)  # after it was dealt with
KEPT_AUTOMATIC = timedelta(days=30)


@dataclass(frozen=True)
class Kept:
    """A mail in the list: nothing of what it says."""

    id: str
    became: str
    why: str
    case: str | None
    size: int
    at: datetime
    readable: bool


async def known(mark: bytes) -> bool:
    """Whether a mail server hands this mail over once more."""
    return await models.MailRow.exists(mark=mark)


async def keep(
    mark: bytes,
    raw: bytes,
    became: str,
    *,
    why: str = "",
    case: str | None = None,
    asked: bytes | None = None,
    whole: bool = True,
) -> str:
    """Inside `writing()`: note what became of a mail, and with `whole` the mail itself."""
    mail_id, now = ids.new(), clock.now()
    until = {AUTOMATIC: now + KEPT_AUTOMATIC, WAITING: None}.get(became, now + KEPT)
    blob = await vault.store_blob(await vault.key_for("portal"), raw) if whole else None  # it goes with its row (tidy)
    await models.MailRow.create(
        id=mail_id,
        mark=mark,
        became=became,
        why=why,
        case_id=case,
        asked=asked,
        blob_id=blob,
        size=len(raw),
        at=now,
        keep_until=until,
    )
    payload = {"became": became, "why": why, "size": len(raw)}
    await audit.record(events.MAIL_TAKEN, actor="system", case=case, object=mail_id, payload=payload)
    return mail_id


async def waiting(*, automatic: bool = False, limit: int = 100) -> list[Kept]:
    """The oldest first: their clocks run."""
    rows = await models.MailRow.filter(became=AUTOMATIC if automatic else WAITING).order_by("at", "id").limit(limit)
    return [_shown(each) for each in rows]


async def read(mail_id: str, *, officer: str) -> tuple[Kept, Mail | None]:
    """A mail for an officer's eyes, None where nobody can read it but from the file; the look is recorded."""
    row = await _find(mail_id)
    raw = b"".join([each async for each in vault.read_blob(row.blob_id)]) if row.blob_id else b""
    async with db.writing():
        await audit.record(events.MAIL_READ, actor=f"officer:{officer}", case=row.case_id, object=mail_id)
    try:
        return _shown(row), mail_reading.read(raw, settings.get().mail_from)
    except Unreadable:
        return _shown(row), None


async def file(mail_id: str, *, officer: str) -> AsyncIterator[bytes]:
    """The whole message with what was attached; the look is recorded."""
    row = await _find(mail_id)
    if row.blob_id is None:
        raise NotFound(_("There is no such mail, or its time is over."))
    async with db.writing():
        await audit.record(events.MAIL_FETCHED, actor=f"officer:{officer}", case=row.case_id, object=mail_id)
    return vault.read_blob(row.blob_id)


async def done(mail_id: str, *, officer: str) -> None:
    """It asks for nothing, or was dealt with elsewhere."""
    async with db.writing():
        await _settle(mail_id, DONE, None, officer)


async def became_case(mail_id: str, case_id: str, *, officer: str) -> None:
    """Inside `writing()`: an officer has written it down as a request."""
    await _settle(mail_id, CASE, case_id, officer)


async def forget(asked: bytes) -> None:
    """Inside `writing()`: the sender is erased; what they wrote and nobody dealt with goes too."""
    for each in await models.MailRow.filter(asked=asked):
        await _drop(each)


@jobs.verb("cases.tidy_mail", every=timedelta(days=1))
async def tidy(job: jobs.Job) -> None:
    """Mails whose time is over go, with their files; those of a request under a legal hold when it is lifted."""
    gone = 1
    while gone:
        async with db.writing():
            over = await _over((await legal_holds.covered()).cases)
            gone = len(over)
            for each in over:
                await _drop(each)


async def _over(held: Sequence[str]) -> list[models.MailRow]:
    over = models.MailRow.filter(keep_until__lte=clock.now())
    return await (over.filter(Q(case_id=None) | ~Q(case_id__in=list(held))) if held else over).limit(100)


async def _settle(mail_id: str, became: str, case_id: str | None, officer: str) -> None:
    row, now = await _find(mail_id), clock.now()
    changed = await db.run(
        "UPDATE case_mail SET became = ?, case_id = ?, done_by = ?, done_at = ?, keep_until = ?"
        " WHERE id = ? AND became IN (?, ?)",
        *(became, case_id or row.case_id, f"officer:{officer}", clock.micros(now), clock.micros(now + KEPT)),
        *(mail_id, WAITING, AUTOMATIC),
    )
    if not changed:
        raise Conflict(_("Somebody has dealt with this mail already."))
    await audit.record(events.MAIL_DONE, actor=f"officer:{officer}", case=case_id, object=mail_id, payload={"became": became})


async def _drop(row: models.MailRow) -> None:
    if row.blob_id is not None:
        await vault.drop_blob(row.blob_id)
    await row.delete()


async def _find(mail_id: str) -> models.MailRow:
    row = await models.MailRow.get_or_none(id=mail_id)
    if row is None:
        raise NotFound(_("There is no such mail, or its time is over."))
    return row


def _shown(row: models.MailRow) -> Kept:
    return Kept(row.id, row.became, row.why, row.case_id, row.size, row.at, row.blob_id is not None)
