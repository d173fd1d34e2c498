"""A call, a visit, a letter, a list, an e-mail: how requests come in by our own hands, and who sees what of them."""

import re
from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest

from portal import cases, messages
from portal.cases import mail_in, models
from portal.lib import clock
from tests.cases.shops import Company
from tests.people import ANA, Browser, code_for, go_to_work, hire

DESK = "desk@example.com"
CALL = {"rights": "access", "address": ANA, "how": "call", "received_on": "2026-01-15", "message": "She wants to know all."}


@pytest.fixture
async def front(company: Company) -> AsyncIterator[Browser]:
    """Somebody at the front desk."""
    async with Browser() as browser:
        await go_to_work(browser, await hire(DESK, "front-desk"))
        yield browser


async def test_the_front_desk_writes_a_call_down_and_reads_nobodys_request(front: Browser) -> None:
    page = await front.get("/admin/entering")
    assert page.status_code == 200 and "/admin/cases" not in page.text and "/admin/people" not in page.text
    done = await front.post("/admin/entering", data=CALL | {"once": "1"})
    row = await models.CaseRow.get()
    assert done.status_code == 200 and f"{row.id[-8:-4]} {row.id[-4:]}".upper() in done.text
    assert "16 February 2026" in done.text and ANA not in done.text
    assert (row.state, row.source, row.received_at.date()) == ("verifying", "call", date(2026, 1, 15))
    assert "case.opened" in [each.event for each in await cases.timeline(row.id)]
    assert (await front.post("/admin/entering", data=CALL | {"once": "1"})).status_code == 409
    for path in (f"/admin/cases/{row.id}", "/admin", "/admin/lists", "/admin/mail", "/admin/people"):
        assert (await front.get(path)).status_code == 403, path
    again = await front.post("/admin/entering", data=CALL | {"once": "2"})
    assert again.status_code == 200 and "asked for already" not in again.text  # says nothing about anybody


async def test_an_officer_is_told_that_the_same_is_open_and_may_open_another(olga: Browser) -> None:
    first = await cases.open("access", ANA, language="en")
    told = await olga.post("/admin/entering", data=CALL | {"rights": ["access", "erasure"]})
    assert told.status_code == 409 and f"/admin/cases/{first.id}" in told.text and await models.CaseRow.all().count() == 1
    assert "She wants to know all." in told.text
    done = await olga.post("/admin/entering", data=CALL | {"rights": ["access", "erasure"], "anyway": "yes"})
    assert done.status_code == 200 and await models.CaseRow.all().count() == 3
    assert [each.template for each in await messages.mailbox() if each.to == ANA].count("mail/case-entered") == 1


async def test_a_deletion_by_telephone_waits_unless_they_want_it_at_once(front: Browser) -> None:
    for said, kept in (({}, "later"), ({"delete": "now"}, "now")):
        await front.post("/admin/entering", data=CALL | {"rights": "erasure", "once": kept} | said)
        row = await models.CaseRow.all().order_by("-id").first()
        assert row is not None and (await cases.case(row.id)).details["delete"] == kept


@pytest.mark.parametrize(
    ("address", "kind"), [("+40 722 123 456", "phone"), ("Strada Lungă 5, 500035 Brașov", "post"), ("0722 123 456", "phone")]
)
async def test_whoever_has_no_mailbox_is_entered_all_the_same(address: str, kind: str, front: Browser) -> None:
    done = await front.post("/admin/entering", data=CALL | {"address": address})
    row = await models.CaseRow.get()
    assert done.status_code == 200 and (row.address_kind, row.state, row.challenge) == (kind, "verifying", None)
    assert "letter" in done.text and [each for each in await messages.mailbox() if each.case] == []


async def test_what_is_missing_or_cannot_be_is_said_beside_its_field(front: Browser) -> None:
    page = await front.post("/admin/entering", data={"address": "nobody", "received_on": "2999-01-01"})
    assert page.status_code == 422
    assert set(re.findall(r'id="(\w+)-error"', page.text)) == {"address", "received_on", "rights", "how"}
    page = await front.post("/admin/entering", data=CALL | {"rights": "rectification"})
    assert page.status_code == 422 and 'id="value-error"' in page.text and await models.CaseRow.all().count() == 0


async def test_the_mailed_page_sends_a_code_and_the_code_starts_the_request(front: Browser, company: Company) -> None:
    await front.post("/admin/entering", data=CALL)
    row = await models.CaseRow.get()
    [mail] = await messages.of_case(row.id)
    link = re.search(r"(/requests/[\w-]+)", mail.letter.text if mail.letter else "")
    assert link and link[1].endswith(await cases.reference_of(row.id))
    async with Browser() as ana:
        page = await ana.get(link[1])
        assert f'action="{link[1]}/proof"' in page.text
        page = await ana.post(link[1] + "/proof")
        page = await ana.post(page.url.path, data={"code": await code_for(ANA)})
    assert (await cases.case(row.id)).state == "triage"


async def test_a_list_is_looked_at_before_it_opens_anything_and_its_report_has_no_formula(olga: Browser) -> None:
    file = f"address,right,received\n{ANA},copy,2026-01-02\nnobody,copy,2026-01-02\n".encode()
    page = await olga.post("/admin/lists", files={"file": ("=backlog.csv", file, "text/csv")})
    assert page.status_code == 200 and "2 February 2026" in page.text and await models.CaseRow.all().count() == 0
    action = re.search(r'action="(/admin/lists/[^"]+)"', page.text)
    assert action
    report = await olga.post(action[1], data={"report": "yes"})
    assert report.headers["content-disposition"].startswith("attachment") and ANA not in report.text
    assert await models.CaseRow.all().count() == 1
    assert (await olga.post(action[1])).status_code == 409
    assert (await olga.post("/admin/lists", data={"x": "y"})).status_code == 422
    assert (await olga.post("/admin/lists/nothing")).status_code == 404


async def test_a_mail_that_waits_is_read_fetched_with_a_fresh_code_and_written_down(company: Company) -> None:
    raw = b"From: ana@example.com\nSubject: <b>Hello</b>\nContent-Type: text/html\n\n<p>I am<script>x</script> angry</p>"
    assert await mail_in.take(raw) == "waiting"
    async with Browser() as olga:
        officer = await hire("olga@example.com", "privacy-officer")
        await go_to_work(olga, officer)
        listed = await olga.get("/admin/mail")
        path = re.search(r'href="(/admin/mail/[\w-]+)"', listed.text)
        assert path and ANA not in listed.text
        page = await olga.get(path[1])
        assert "&lt;b&gt;Hello&lt;/b&gt;" in page.text and "I am angry" in page.text
        with clock.at(clock.now() + timedelta(minutes=12)):
            refused = await olga.post(path[1] + "/file")
            assert refused.status_code == 403 and "I am angry" in refused.text
            fetched = await olga.post(path[1] + "/file", data={"code": officer.code()})
            assert fetched.content == raw and fetched.headers["x-content-type-options"] == "nosniff"
            assert fetched.headers["content-disposition"] == 'attachment; filename="message.eml"'
            form = await olga.get(f"/admin/entering?mail={path[1].rpartition('/')[2]}")
            assert ANA in form.text and "I am angry" in form.text
            saved = await olga.post("/admin/entering", data=CALL | {"how": "mail", "mail": path[1].rpartition("/")[2]})
            assert saved.status_code == 200 and "None." in (await olga.get("/admin/mail")).text
            assert (await olga.post(path[1] + "/done")).status_code == 409
