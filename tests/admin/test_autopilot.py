"""The page on which an owner lets the portal answer by itself: watching first, the officers' record beside it, an end."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from portal import audit, cases, db, jobs, subjects
from portal.lib import clock
from tests.cases.shops import BEN, Company, visit
from tests.people import Browser, go_to_work, hire

PAGE = "/admin/autopilot"
SWITCHES = tuple(f"access/{system}" for system in ("shop", "news", "portal"))


@pytest.fixture
async def owner(company: Company) -> AsyncIterator[Browser]:
    async with Browser() as browser:
        await go_to_work(browser, await hire("owner@example.com", "owner"))
        yield browser


async def asked_for_a_copy() -> str:
    async with db.writing():
        await subjects.ensure("email", BEN, by="import", own=True)
    return (await cases.open_for(await visit(BEN), "access", language="en")).id


async def test_an_owner_lets_it_watch_for_a_month_and_then_act(owner: Browser, olga: Browser) -> None:
    assert "Answering by itself" in (await owner.get("/admin/systems")).text
    for switch in SWITCHES:
        page = await owner.post(PAGE, data={"do": "watch", "switch": switch})
        assert page.status_code == 200 and "It has not watched for a month yet." in page.text
    assert (await owner.post(PAGE, data={"do": "act", "switch": SWITCHES[0]})).status_code == 409
    case_id = await asked_for_a_copy()
    await olga.post(f"/admin/cases/{case_id}/start")
    await jobs.run_due()
    await olga.post(f"/admin/cases/{case_id}/proposal", data={"answer": "fulfilled"})
    with clock.at(clock.now() + timedelta(days=31)):
        async with Browser() as later:  # a month later the first session is over
            boss = await hire("boss@example.com", "owner")
            await go_to_work(later, boss)
            page = await later.get(PAGE)
            assert "Officers answered the same</dt><dd>1</dd>" in page.text and "Let it act" in page.text
            for switch in SWITCHES:
                page = await later.post(PAGE, data={"do": "act", "switch": switch})
            assert page.text.count('<span class="state done">Acts</span>') == 3
            mine = await asked_for_a_copy()
            await jobs.run_due()
            assert (await cases.case(mine)).state == "delivering"
            assert "Answered by itself in the last 30 days</dt><dd>1</dd>" in (await later.get(PAGE)).text
            page = await later.post(PAGE, data={"do": "stop", "switch": SWITCHES[1]})
            assert page.text.count('<span class="state done">Acts</span>') == 2
    assert [len(await audit.search(event=f"autopilot.{each}")) for each in ("watches", "acts", "off")] == [3, 3, 1]


async def test_to_let_it_act_takes_a_fresh_code_and_the_owners_role(owner: Browser, olga: Browser, vik: Browser) -> None:
    assert (await vik.get(PAGE)).status_code == 200 and "Let it watch" not in (await vik.get(PAGE)).text
    assert (await olga.post(PAGE, data={"do": "watch", "switch": SWITCHES[0]})).status_code == 403
    for data in ({"do": "watch", "switch": "access/nowhere"}, {"do": "watch", "switch": "erasure/shop"}, {"do": "x"}, {}):
        assert (await owner.post(PAGE, data=data)).status_code == 404
    with clock.at(clock.now() + timedelta(minutes=20)):
        page = await owner.post(PAGE, data={"do": "act", "switch": SWITCHES[0], "code": "000000"})
        assert page.status_code == 403
        assert (await owner.post(PAGE, data={"do": "watch", "switch": SWITCHES[0]})).status_code == 200
