"""Legal dates at the desk: the picture, more time, another law, and the officer's own calendar."""

import re

import icalendar

from portal import cases
from tests.cases.shops import ANA, ask, collected, newest_to
from tests.people import Browser


async def test_a_clock_explains_itself_and_its_picture_needs_no_colours(olga: Browser, vik: Browser) -> None:
    case_id = await collected("access")
    case = await cases.case(case_id)
    page = (await olga.get(f"/admin/cases/{case_id}")).text
    for sentence in case.due_because:
        assert sentence in page
    grids = re.findall(r'<table class="month"><caption>(.+?)</caption>(.+?)</table>', page, re.S)
    assert len(grids) >= 2 and all(grid.count('<th scope="col"') == 7 for _month, grid in grids)
    last = re.search(r"<td class=\"(.*?\bdue\b.*?)\">(.+?)</td>", grids[-1][1], re.S)
    assert last and f'datetime="{case.due_on}"' in last[2] and "■" in last[2] and re.search(r'class="unseen"> .*due', last[2])
    assert "Take more time and tell the person" in page and "Change the law" in page and "/admin/calendar" in page
    auditors = (await vik.get(f"/admin/cases/{case_id}")).text
    assert 'class="month"' in auditors and "Change the law" not in auditors and "Take more time" not in auditors


async def test_more_time_needs_a_reason_that_the_person_reads(olga: Browser) -> None:
    case_id = await collected("access")
    desk = f"/admin/cases/{case_id}"
    page = await olga.post(desk + "/extension", data={"more-reason": "busy", "more-text": "Much to do these days."})
    assert page.status_code == 422 and "That we are busy is none." in page.text and "Much to do these days." in page.text
    page = await olga.post(desk + "/extension", data={"more-reason": "complex", "more-text": "Twelve years of orders."})
    assert page.url.path == desk and "The first period ends on" in page.text and "Take more time" not in page.text
    assert "Twelve years of orders." in await newest_to(ANA, "mail/case-extended")


async def test_another_law_needs_a_reason(olga: Browser) -> None:
    case_id = await collected("access")
    desk = f"/admin/cases/{case_id}"
    page = await olga.post(desk + "/law", data={"law": "vn-pdpl", "law-why": ""})
    assert page.status_code == 422 and "Please give the reason." in page.text
    assert (await olga.post(desk + "/law", data={"law": "atlantis", "law-why": "Lives there."})).status_code == 422
    page = await olga.post(desk + "/law", data={"law": "vn-pdpl", "law-why": "She moved to Hanoi."})
    assert "We changed the law to PDPL" in page.text and "gdpr → vn-pdpl: She moved to Hanoi." in page.text
    assert "Confirming receipt and telling the procedure" in page.text


async def test_the_calendar_is_read_without_signing_in_until_its_officer_ends_it(olga: Browser, vik: Browser) -> None:
    case_id = (await ask("access")).id
    assert "Make an address" in (await olga.get("/admin/calendar")).text
    made = await olga.post("/admin/calendar")
    found = re.search(r'value="(http[^"]+/calendars/[\w-]{43})"', made.text)
    assert found
    path = re.sub(r"^https?://[^/]+", "", found[1])
    async with Browser() as program:
        feed = await program.get(path)
        assert feed.headers["content-type"].startswith("text/calendar") and feed.headers["cache-control"] == "no-store"
        (event,) = icalendar.Calendar.from_ical(feed.content).walk("VEVENT")
        assert event.decoded("dtstart") == (await cases.case(case_id)).due_on
        entry = re.sub(r"^https?://[^/]+", "", str(event["url"]))
        assert (await program.get(entry)).url.path == "/admin/sign-in"
        assert (await olga.get(entry)).url.path == f"/admin/cases/{case_id}"
        assert (await olga.get(entry[:-8] + "%%%%%%%%")).url.path == "/admin/cases"
        assert path.rsplit("/", 1)[1] not in (await olga.get("/admin/calendar")).text
        await olga.post("/admin/calendar/end")
        assert (await program.get(path)).status_code == 404
    assert (await vik.get("/admin/calendar")).status_code == 403
