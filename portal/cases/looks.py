"""Who looked at a person's data: date, purpose and role, never an employee's name (GDPR Art. 15(1); CJEU C-579/21).

The record is the only source of it, for looks in answering a request and for those outside of any.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from portal import audit, identity, subjects
from portal.cases import events, looking, mine, models, moves, silence
from portal.lib import clock
from portal.settings import get

IN_A_CASE = (events.SEEN, events.LOOKED, events.MESSAGES_READ)
AT_MOST = 200


@dataclass(frozen=True)
class Look:
    """What somebody in this role did that day, `times` over; `right`: in answering which request, empty outside of any."""

    day: date
    event: str
    object: str
    role: str
    right: str
    times: int


async def opened(case_id: str, *, officer: str) -> None:
    """An officer opened the request's page, which shows the address and what was asked: once a day, however often."""
    known = await audit.search(actor=f"officer:{officer}", case=case_id, event=events.SEEN.name, limit=1)
    if not known or known[0].recorded_at is None or _day(known[0].recorded_at) < _day(clock.now()):
        await looking.note(await moves.load(case_id), events.SEEN, officer)


async def of_case(case_id: str) -> list[Look]:
    """For its person, newest first."""
    row = await moves.load(case_id)
    return await _told([(each, row.right) for each in await _in_case(row)])


async def of_person(session: identity.Session, elsewhere: Sequence[str]) -> list[Look]:
    """In all requests proven with this session's address, and outside of any: the events named in `elsewhere`."""
    rows = await models.CaseRow.filter(id__in=[each.id for each in await mine.cases_of(session)])
    found = [(each, row.right) for row in rows for each in await _in_case(row)]
    for subject in (await subjects.whole(session.subject or "")).subjects:
        silent = await silence.since_of(await models.CaseRow.filter(subject=subject))
        for event in elsewhere:
            entries = await audit.search(subject=subject, case="", event=event, limit=AT_MOST)
            found += [(each, "") for each in entries if not _withheld(each, silent)]
    return await _told(found)


async def _in_case(row: models.CaseRow) -> list[audit.Entry]:
    silent = await silence.since_of([row])
    found = [entry for each in IN_A_CASE for entry in await audit.search(case=row.id, event=each.name, limit=AT_MOST)]
    return [each for each in found if not _withheld(each, silent)]


def _withheld(entry: audit.Entry, silent: Sequence[datetime]) -> bool:
    return any(entry.recorded_at is None or entry.recorded_at >= since for since in silent)


async def _told(found: Sequence[tuple[audit.Entry, str]]) -> list[Look]:
    """Newest first; what was done several times on a day by the same role stands once."""
    counted: dict[tuple[date, str, str, str, str], int] = {}
    for entry, right in sorted(found, key=lambda each: each[0].id, reverse=True)[:AT_MOST]:
        if await subjects.evidence.closed_entry(entry):
            continue
        said = await audit.open_payload(entry) or {}
        place = (
            _day(entry.recorded_at or clock.now()),
            entry.event,
            entry.object if entry.case is None else "",
            str(said.get("role", "")),
            right,
        )
        counted[place] = counted.get(place, 0) + 1
    return [Look(*place, times) for place, times in counted.items()]


def _day(moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(get().time_zone)).date()
