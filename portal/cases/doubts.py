"""Somebody answered a warning with "it wasn't me": the handover waits, and an officer decides within two working days.

The request's own clock runs on (GDPR Art. 12(3), (6)); a second proof by whoever asked ends the wait without an officer.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from portal import documents
from portal.cases import deadlines, models
from portal.lib.errors import Invalid
from portal.settings import get

WORKING_DAYS = 2


@dataclass(frozen=True)
class Doubt:
    """One that waits for an officer; `decide_by` is a working day of the company's country."""

    case: str
    since: datetime
    decide_by: date
    late: bool


async def waiting(case_id: str = "") -> list[Doubt]:
    """The oldest first; of one request, or of all that are open."""
    holds = models.Hold.filter(kind="freeze", lifted_at=None)
    holds = holds.filter(case_id=case_id) if case_id else holds
    found = await holds.order_by("since").limit(50)
    running = models.CaseRow.filter(id__in=[each.case_id for each in found], is_open=1)
    open_ones = {each.id for each in await running}
    today = deadlines.today(get().time_zone)
    return [
        Doubt(each.case_id, each.since, day, day < today)
        for each, day in ((hold, decide_by(hold.since)) for hold in found)
        if each.case_id in open_ones
    ]


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
