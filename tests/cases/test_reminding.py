"""A copy that nobody fetched: one reminder, a week before it goes, to whoever can still fetch it."""

from datetime import datetime, timedelta

from portal import cases, db, jobs
from portal.cases import models
from portal.lib import clock
from tests.cases.shops import ANA, Company, letters_to, newest_to, visit
from tests.cases.test_handover import delivered
from tests.conftest import on_both

MAIL = "mail/case-waiting"
DAY = timedelta(days=1)


async def reminded(moment: datetime) -> int:
    """The job, twice; how many reminders there are now."""
    with clock.at(moment):
        for _again in range(2):
            async with db.writing():
                await jobs.later("cases.remind_of_packages", {})
            await jobs.run_due()
        return (await letters_to(ANA)).count(MAIL)


@on_both
async def test_it_comes_once_a_week_before_the_copy_goes(company: Company) -> None:
    await delivered()
    start = clock.now()
    assert await reminded(start + 22 * DAY) == 0
    assert await reminded(start + 23 * DAY + timedelta(hours=1)) == 1
    assert await reminded(start + 25 * DAY) == 1
    told = await newest_to(ANA, MAIL)
    assert "/requests" in told and "you have not fetched it yet" in told and ANA not in told
    assert await reminded(start + 31 * DAY) == 1


async def test_what_was_fetched_or_taken_back_is_not_reminded_of(company: Company) -> None:
    start, fetched = clock.now(), await delivered()
    session = await visit()
    await cases.download(await cases.hand_over(fetched, session), session)
    await cases.withdraw(await delivered(), actor="customer:ana")
    assert await reminded(start + 25 * DAY) == 0


async def test_nobody_is_asked_to_fetch_what_is_kept_back_and_the_reminder_comes_when_it_is_not(company: Company) -> None:
    case_id, start = await delivered(), clock.now()
    hold = await cases.hold(case_id, "freeze", "She said it was not her.", officer="olga")
    assert await reminded(start + 24 * DAY) == 0
    async with db.writing():
        await models.Hold.filter(id=hold).update(lifted_at=clock.now(), lifted_by="officer:olga")
    assert await reminded(start + 25 * DAY) == 1


async def test_whom_no_mail_reaches_gets_none(company: Company) -> None:
    case_id, start = await delivered(), clock.now()
    async with db.writing():
        await models.CaseRow.filter(id=case_id).update(reach="post")
    assert await reminded(start + 25 * DAY) == 0
