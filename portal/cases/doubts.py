"""Somebody answered a warning with "it wasn't me": the handover waits, and an officer decides within two working days.

The request's own clock runs on (GDPR Art. 12(3), (6)); a second proof by whoever asked ends the wait without an officer. What
was done already stays as it is until its person says otherwise: then an officer looks, and writes to whoever answered.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from portal import db, documents, messages, subjects
from portal.cases import deadlines, models
from portal.lib import clock
from portal.lib.errors import Invalid
from portal.paper import _
from portal.settings import get

WORKING_DAYS = 2


@dataclass(frozen=True)
class Doubt:
    """One that waits for an officer; `decide_by` is a working day of the company's country. `done`: the request had ended before
    it was said, so nothing could be kept back."""

    case: str
    since: datetime
    decide_by: date
    late: bool
    done: bool


async def waiting(case_id: str = "") -> list[Doubt]:
    """The oldest first, at most fifty; of one request, or of all."""
    one, values = (" AND h.case_id = ?", [case_id]) if case_id else ("", [])
    found = await db.rows(
        "SELECT h.case_id, h.since, c.is_open FROM case_hold h JOIN case_file c ON c.id = h.case_id"
        " WHERE h.kind = 'freeze' AND h.lifted_at IS NULL AND (c.is_open = 1 OR (h.by = 'notice' AND h.since >= c.closed_at))"
        f"{one} ORDER BY h.since, h.id LIMIT 50",
        *values,
    )
    today = deadlines.today(get().time_zone)
    since = [clock.from_micros(each["since"]) for each in found]
    days = [decide_by(each) for each in since]
    return [
        Doubt(each["case_id"], at, day, day < today, not each["is_open"])
        for each, at, day in zip(found, since, days, strict=True)
    ]


def is_late(row: models.CaseRow, hold: models.Hold) -> bool:
    """Whether it was said after the request had ended; one that an officer refused is decided."""
    return hold.kind == "freeze" and hold.by == "notice" and row.closed_at is not None and hold.since >= row.closed_at


async def answer(row: models.CaseRow, hold: models.Hold, words: str) -> int:
    """Inside `writing()`: what an officer found, to the address whose owner said that it was not them; answers to how many.

    Raises Invalid without words. An address that was deleted since can be told nothing.
    """
    if len(words.strip()) < 10:
        raise Invalid(_("Please write an answer."), {"lift-words": _("Whoever said that it was not them reads it.")})
    told = 0
    for notice in await models.Notice.filter(case_id=row.id, answered_at=hold.since):
        identifier = await subjects.get(notice.identifier)
        address = await subjects.value_of(identifier)
        if address is None:
            continue
        await messages.send_later(
            template="mail/case-doubt",
            to=address,
            language=row.language,
            context={"text": words.strip()},
            subject=identifier.home,
            key=f"case-doubt {hold.id} {identifier.id}",
        )
        told += 1
    return told


def decide_by(since: datetime) -> date:
    try:
        works = deadlines.working_days(documents.company().country)
    except Invalid:
        works = deadlines.working_days("none")
    day, left = since.astimezone(ZoneInfo(get().time_zone)).date(), WORKING_DAYS
    while left:
        day += timedelta(days=1)
        left -= works(day)
    return day
