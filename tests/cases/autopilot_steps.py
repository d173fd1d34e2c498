"""What the tests of the autopilot do over and over: let it watch, let it act, and let Ben ask."""

from datetime import timedelta

from portal import cases, db, jobs, subjects
from portal.cases import states, switches
from portal.lib import clock
from tests.cases.shops import BEN, OLGA, Company, answer, visit

OWNER = "owner"
SYSTEM_NAMES = ("shop", "news", "portal")
LATER = timedelta(days=31)


async def known(address: str = BEN) -> None:
    async with db.writing():
        await subjects.ensure("email", address, by="import", own=True)


async def asked(right: str = "access", message: str = "", **changes: str) -> str:
    """By Ben, who has just signed in."""
    await known()
    details = ({"message": message} if message else {}) | ({"changes": changes} if changes else {})
    return (await cases.open_for(await visit(BEN), right, language="en", details=details)).id


async def state(case_id: str) -> str:
    return (await cases.case(case_id)).state


async def searched(case_id: str) -> str:
    """By an officer."""
    await cases.collect(case_id, officer=OLGA)
    await jobs.run_due()
    return case_id


async def watching(right: str = "access") -> None:
    for system in SYSTEM_NAMES:
        await switches.watch(right, system, officer=OWNER)


async def acting(right: str = "access", **changes: str) -> None:
    """More than a month ago it began to watch, and saw one request that an officer answered alike."""
    with clock.at(clock.now() - LATER):
        await watching(right)
        case_id = await searched(await asked(right, **changes))
        for field in changes:
            await cases.decide_correction(case_id, field, True, officer=OLGA)
        await answer(case_id)
    for system in SYSTEM_NAMES:
        await switches.act(right, system, officer=OWNER)


async def watched() -> switches.Watched:
    return await switches.watched("access", clock.now() - LATER)


async def waits_for_news(company: Company, case_id: str) -> None:
    company.take_down("news")
    await jobs.run_due()
    assert await state(case_id) == states.COLLECTING


async def comes_back(company: Company) -> None:
    company.bring_back("news")
    with clock.at(clock.now() + timedelta(minutes=61)):
        await jobs.run_due()


async def an_hour_later() -> None:
    """A correction waits so long."""
    await jobs.run_due()
    with clock.at(clock.now() + timedelta(minutes=61)):
        await jobs.run_due()
