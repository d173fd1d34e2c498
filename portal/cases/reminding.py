"""A copy that waits and was not fetched: its person is reminded once, some days before it goes (GDPR Art. 12(2), 15(3)).

Not while somebody's "that wasn't me" keeps it back, and not where no mail goes. Where copies are kept for
two weeks or less, there is none.
"""

from datetime import timedelta
from zoneinfo import ZoneInfo

from portal import audit, db, jobs
from portal.cases import closing, events, handover, models, moves, states
from portal.lib import clock
from portal.settings import get

BEFORE = timedelta(days=7)


@jobs.verb("cases.remind_of_packages", every=timedelta(hours=6), at_once=1)
async def remind_job(job: jobs.Job) -> None:
    """One transaction for each, so a crash reminds nobody twice."""
    now = clock.now()
    found = await db.rows(
        "SELECT p.id, p.case_id FROM case_package p JOIN case_file c ON c.id = p.case_id"
        " WHERE c.state = ? AND c.reach = 'mail' AND p.kind = 'package' AND p.opened_at IS NULL"
        " AND p.keep_until > ? AND p.keep_until <= ? AND p.keep_until - p.made_at > ? ORDER BY p.keep_until",
        *(states.DELIVERING, clock.micros(now), clock.micros(now + BEFORE), 2 * BEFORE // timedelta(microseconds=1)),
    )
    for each in found:
        async with db.writing():
            await job.hold()
            row = await moves.lock(each["case_id"])
            if await _waits(row, each["id"]):
                await _remind(row, each["id"])


async def _waits(row: models.CaseRow, package_id: str) -> bool:
    """Whether it is still theirs to fetch, and nobody reminded them yet."""
    package = await handover.package_of(row.id)
    if package is None or package.id != package_id or package.opened_at is not None or row.state != states.DELIVERING:
        return False
    if await models.Hold.filter(case_id=row.id, kind="freeze", lifted_at=None).exists():
        return False
    return not await audit.search(case=row.id, event=events.FETCH_REMINDED.name, object=package_id, limit=1)


async def _remind(row: models.CaseRow, package_id: str) -> None:
    package = await models.PackageRow.get(id=package_id)
    until = package.keep_until.astimezone(ZoneInfo(get().time_zone)).date()
    await audit.record(events.FETCH_REMINDED, actor="system", subject=row.subject, case=row.id, object=package_id)
    await closing.tell(row, "mail/case-waiting", {"until": until})
