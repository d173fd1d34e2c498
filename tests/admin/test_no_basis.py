"""Officers see for whom no basis is left and why, and open a deletion or keep the data, without JavaScript."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from portal import audit, cases, jobs, subjects
from portal.lib import clock
from portal.paper import in_language
from tests.cases.shops import Company, letters_to
from tests.cases.test_no_basis import search
from tests.consent.people import known, say
from tests.people import ANA, PETRA, Browser, hire


@pytest.fixture
async def left(company: Company) -> AsyncIterator[subjects.Identifier]:
    """Ana took her only yes back; six weeks later it is noticed, and the test goes on from there."""
    ana = await known("email", ANA)
    await say(ana, "yes")
    await say(ana, "no")
    with clock.at(clock.now() + timedelta(days=45)):
        await search()
        yield ana


async def test_the_list_says_who_and_why_and_masks_the_address(left: subjects.Identifier, olga: Browser) -> None:
    assert "For some people no basis is left" in (await olga.get("/admin")).text
    page = (await olga.get("/admin/no-basis")).text
    assert re.search(r"Tell me when it is back \(E-mail, .{1,60}\): they took their yes back on", page)
    assert "a•••@example.com" in page and ANA not in page
    assert re.findall(r"/admin/people/([\w-]+)/no-basis", page) == [left.subject]
    assert "no word of this person" in (await olga.get(f"/admin/people/{left.subject}")).text


async def test_the_page_says_what_the_portal_cannot_see(left: subjects.Identifier, olga: Browser, vik: Browser) -> None:
    path = f"/admin/people/{left.subject}/no-basis"
    page = (await olga.get(path)).text
    assert "only the connected systems know" in page and "Your orders: Needed to do what you ordered from us." in page
    assert ANA not in page and "Printed catalogue" not in page  # no postal address is known
    looked = await audit.search(event="person.looked", object="no basis")
    assert [each.subject for each in looked] == [left.subject]
    seen = await vik.get(path)
    assert seen.status_code == 200 and "Open a deletion" not in seen.text and "Keep until then" not in seen.text
    for end in ("erasure", "keeping"):
        assert (await vik.post(f"{path}/{end}", data={"why": "A guarantee runs."})).status_code == 403


async def test_keeping_takes_a_reason_and_a_day(left: subjects.Identifier, olga: Browser) -> None:
    path = f"/admin/people/{left.subject}/no-basis"
    for said in ({"why": "because"}, {"why": "A guarantee runs until then.", "until": "soon"}):
        refused = await olga.post(f"{path}/keeping", data=said)
        assert refused.status_code == 422 and said["why"] in refused.text
    page = await olga.post(f"{path}/keeping", data={"why": "A guarantee runs until then."})
    assert page.url.path == "/admin/no-basis" and "None." in page.text
    assert "A guarantee runs until then." in (await olga.get(f"/admin/people/{left.subject}")).text
    assert (await olga.get(path)).url.path == f"/admin/people/{left.subject}"


async def test_a_deletion_is_opened_by_the_company_and_says_so_everywhere(left: subjects.Identifier, olga: Browser) -> None:
    page = await olga.post(f"/admin/people/{left.subject}/no-basis/erasure", data={"note": "keep"})
    case_id = page.url.path.removeprefix("/admin/cases/")
    assert "Nobody asked for this deletion" in page.text and "Nobody: opened by the company" in page.text
    assert "Search all systems" in page.text and "A letter with a code" not in page.text
    assert (await olga.post(f"/admin/people/{left.subject}/no-basis/erasure", data={"note": "keep"})).status_code == 409
    refused = await olga.post(f"/admin/cases/{case_id}/messages", data={"text": "Hello, we delete your data."})
    assert "nobody is written to" in refused.text
    assert "None." in (await olga.get("/admin/no-basis")).text
    assert ((await cases.figures())["open"], (await cases.figures(asked_for=True))["open"]) == (1, 0)
    assert "Nobody: opened by the company" in (await olga.get("/admin/cases")).text
    await olga.post(f"/admin/cases/{case_id}/start")
    await jobs.run_due()
    page = await olga.post(f"/admin/cases/{case_id}/proposal", data={"answer": "fulfilled"})
    assert "Waits for a second person" in page.text
    waiting = await cases.proposal(case_id)
    assert waiting is not None
    await cases.approve(case_id, waiting.digest, officer=(await hire(PETRA, "approver")).id)
    await jobs.run_due()
    page = await olga.get(f"/admin/cases/{case_id}")
    assert "evidence file is being made" in page.text and "certificate is being made" not in page.text
    with in_language("en"):
        assert "Nobody asked." in cases.plain_words.requester((await cases.case(case_id)).requester)
    assert (await letters_to(ANA)) == [] and await subjects.is_suppressed("email", ANA)
    assert [each.received for each in await cases.statistics.of_year(clock.now().year, exact=True)] == [0]


async def test_an_officer_ends_such_a_deletion_and_no_other(left: subjects.Identifier, olga: Browser) -> None:
    page = await olga.post(f"/admin/people/{left.subject}/no-basis/erasure", data={"note": "none"})
    assert "End this deletion" in page.text
    page = await olga.post(f"{page.url.path}/ending")
    assert "End this deletion" not in page.text and await subjects.find("email", ANA) is not None
