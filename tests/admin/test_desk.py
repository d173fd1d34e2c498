"""The officers' pages without scripts: a request from the queue to its approval, one person whole, the record."""

import re
from datetime import timedelta

import httpx2

from portal import audit, cases, jobs, subjects
from portal.lib import clock
from tests.cases.shops import Company, answer, ask, prove
from tests.cases.shops import collected as searched
from tests.people import ANA, BEN, Browser


async def test_a_copy_goes_from_the_queue_to_the_second_person(olga: Browser, petra: Browser) -> None:
    opened = await ask("access", details={"message": "Everything since 2020, please.", "country": "RO"})
    await prove(opened)
    desk = f"/admin/cases/{opened.id}"
    queue = await olga.get("/admin/cases")
    assert f'href="{desk}"' in queue.text and "To be started" in queue.text
    page = await olga.get(desk)
    assert ANA in page.text and "Everything since 2020" in page.text
    page = await olga.post(desk + "/start")
    assert page.url.path == desk and "Web shop" in page.text
    await jobs.run_due()
    found = await olga.get(desk + "/findings")
    assert "Ana Pop" in found.text and "Ben Lee" not in found.text
    page = await olga.post(desk + "/proposal", data={"answer": "partly", "reasons": ""})
    assert page.status_code == 422 and "Please give the reasons." in page.text
    page = await olga.post(desk + "/proposal", data={"answer": "partly", "reasons": "One note is about somebody else."})
    assert "Waits for a second person" in page.text and "Approve exactly this" not in page.text
    assert (await cases.case(opened.id)).state == "approving"
    digest = _digest(await petra.get(desk))
    assert (await olga.post(desk + "/approval", data={"digest": digest})).status_code == 403
    page = await petra.post(desk + "/approval", data={"digest": digest})
    assert "Being carried out" in page.text and (await cases.case(opened.id)).state == "fulfilling"


async def test_a_copy_that_takes_two_says_why_and_is_not_proposed_unopened(
    company: Company, olga: Browser, petra: Browser, vik: Browser
) -> None:
    company.run("shop", "INSERT INTO purchase VALUES (20, 1, 'For mallory@example.com')")
    case_id = await searched("access")
    desk, why = f"/admin/cases/{case_id}", "It names an address that was not proven."
    page = await olga.get(desk)
    assert why in page.text and "it takes a second person" in page.text and "Make the package" not in page.text
    assert why not in (await vik.get(desk)).text
    refused = await olga.post(desk + "/proposal", data={"answer": "fulfilled"})
    assert refused.status_code == 409 and "look at what was found first" in refused.text and why in refused.text
    await olga.get(desk + "/findings")
    await olga.post(desk + "/proposal", data={"answer": "fulfilled"})
    page = await petra.get(desk)
    assert "Waits for a second person" in page.text and why in page.text
    await petra.post(desk + "/approval", data={"digest": _digest(page)})
    assert (await cases.case(case_id)).state == "fulfilling"


async def test_a_deletion_that_waits_says_until_when_and_nobody_is_asked_to_hurry_it(olga: Browser) -> None:
    case_id = await searched("erasure", details={"delete": "later"})
    await answer(case_id)
    page = (await olga.get(f"/admin/cases/{case_id}")).text
    assert "Nothing is deleted before" in page and "Not answered yet" not in page and f"{case_id}/retry" not in page
    with clock.at(clock.now() + timedelta(days=4)):
        assert "Nothing is deleted before" not in (await olga.get(f"/admin/cases/{case_id}")).text


async def test_who_approves_reads_what_a_row_loses_beyond_what_the_map_says(
    olga: Browser, petra: Browser, company: Company
) -> None:
    """Her account stays because of an invoice, and the map would let it keep a name that nobody else has."""
    rules = company.folder / "shop.toml"
    rules.write_text(rules.read_text().replace("correctable = { phone", 'keep = ["name"]\ncorrectable = { phone'))
    case_id = await searched("erasure")
    assert "it would single the person out" in (await olga.get(f"/admin/cases/{case_id}/findings")).text
    await olga.post(f"/admin/cases/{case_id}/proposal", data={"answer": "fulfilled"})
    page = await petra.get(f"/admin/cases/{case_id}")
    assert "it would single the person out" in page.text
    await petra.post(f"/admin/cases/{case_id}/approval", data={"digest": _digest(page)})
    await jobs.run_due()
    assert company.rows("shop", "SELECT name, phone FROM customer WHERE id = 1") == [(None, None)]


async def test_approving_something_else_than_was_proposed_is_refused(olga: Browser, petra: Browser) -> None:
    case_id = await searched("erasure")
    await olga.post(f"/admin/cases/{case_id}/proposal", data={"answer": "fulfilled"})
    page = await petra.post(f"/admin/cases/{case_id}/approval", data={"digest": "0" * 64})
    assert page.status_code == 409 and "not what is proposed now" in page.text
    assert (await cases.case(case_id)).state == "approving"


async def test_looking_at_findings_is_recorded_and_the_person_sees_it(olga: Browser) -> None:
    case_id = await searched("access")
    before = len(await audit.search(case=case_id, event="case.findings_read"))
    await olga.get(f"/admin/cases/{case_id}/findings")
    assert len(await audit.search(case=case_id, event="case.findings_read")) == before + 1


async def test_something_is_taken_out_with_a_reason_and_put_back(olga: Browser) -> None:
    case_id = await searched("access")
    findings = f"/admin/cases/{case_id}/findings"
    place = re.search(
        r'name="finding" value="(.+?)">.+?name="row" value="(.+?)">.+?name="field" value="(.+?)"', (await olga.get(findings)).text
    )
    assert place
    where = {"finding": place[1], "row": place[2], "field": place[3]}
    page = await olga.post(f"/admin/cases/{case_id}/redactions", data=where | {"reason": "third party"})
    assert page.url.path == findings and "Taken out: third party" in page.text
    page = await olga.post(f"/admin/cases/{case_id}/redactions", data=where | {"do": "put back"})
    assert "Taken out" not in page.text
    page = await olga.post(f"/admin/cases/{case_id}/redactions", data=where | {"row": "-1", "reason": "third party"})
    assert page.status_code == 422


async def test_one_person_is_found_by_an_exact_address_and_each_look_is_recorded(olga: Browser) -> None:
    await searched("access")
    person = await subjects.find("email", ANA)
    assert person
    page = await olga.post("/admin/people", data={"address": " Ana@Example.com "})
    assert page.url.path == f"/admin/people/{person.subject}" and ANA in page.text and "newsletter" in page.text.lower()
    looked = await audit.search(event="person.looked", subject=person.subject)
    assert len(looked) == 1 and looked[0].actor.startswith("officer:")
    nobody = await olga.post("/admin/people", data={"address": BEN})
    assert nobody.status_code == 404 and "We hold nothing under this address." in nobody.text
    assert (await olga.post("/admin/people", data={"address": "ana"})).status_code == 422
    assert (await olga.get("/admin/people/nobody")).status_code == 404


async def test_the_record_can_be_searched_opened_and_checked(olga: Browser) -> None:
    case_id = await searched("access")
    await audit.sequence_all()
    page = await olga.get("/admin/audit", params={"event": "case.opened", "case": case_id})
    entries = re.findall(r'href="/admin/audit/([0-9a-f-]{36})"', page.text)
    assert len(entries) == 1 and "A request came in." in page.text
    entry = await olga.get(f"/admin/audit/{entries[0]}")
    assert case_id in entry.text and "case.opened" in entry.text
    proof = await olga.get(f"/admin/audit/{entries[0]}/proof")
    assert audit.verify_receipt(proof.text, [await audit.log_key()]).ok
    assert proof.headers["content-disposition"].startswith("attachment")
    page = await olga.post("/admin/audit/check")
    assert "The record is whole" in page.text
    checked = await audit.search(event="log.checked")
    assert len(checked) == 1 and (await audit.open_payload(checked[0]) or {})["ok"] is True


async def test_the_queue_filters_and_an_unknown_filter_breaks_nothing(olga: Browser) -> None:
    access, erasure = await searched("access"), await searched("erasure", BEN)
    both = (await olga.get("/admin/cases")).text
    assert access in both and erasure in both
    only = (await olga.get("/admin/cases", params={"right": "erasure"})).text
    assert erasure in only and access not in only
    assert (await olga.get("/admin/cases", params={"state": "no such state"})).status_code in (200, 422)


async def test_an_auditor_reads_and_finds_no_button_that_would_be_refused(vik: Browser) -> None:
    case_id = await searched("erasure")
    for path in (f"/admin/cases/{case_id}", f"/admin/cases/{case_id}/findings", "/admin/audit", "/admin", "/admin/people"):
        page = await vik.get(path)
        assert page.status_code == 200
        actions = set(re.findall(r'method="post" action="([^"]+)"', page.text))
        assert actions <= {"/admin/sign-out", "/admin/audit/check", "/admin/people"}, path
    for act in ("start", "proposal", "approval", "notes", "holds", "closing"):
        assert (await vik.post(f"/admin/cases/{case_id}/{act}", data={"answer": "fulfilled"})).status_code == 403


async def test_an_approver_never_reads_an_address_that_is_not_on_a_case(petra: Browser) -> None:
    assert (await petra.get("/admin/people")).status_code == 403
    assert 'href="/admin/people"' not in (await petra.get("/admin")).text


async def test_the_papers_of_a_deletion_are_links_only_when_they_are_made(olga: Browser, petra: Browser) -> None:
    case_id = await searched("erasure")
    desk = f"/admin/cases/{case_id}"
    assert "being made" not in (await olga.get(desk)).text
    await olga.post(desk + "/proposal", data={"answer": "fulfilled"})
    await petra.post(desk + "/approval", data={"digest": _digest(await petra.get(desk))})
    await jobs.run_due()
    page = (await olga.get(desk)).text
    assert "The evidence file is being made." in page and f'href="{desk}/proof"' not in page  # its steps are not signed yet
    await audit.sequence_all()
    with clock.at(clock.now() + timedelta(minutes=1)):
        await jobs.run_due()
        page = (await olga.get(desk)).text
        assert "being made" not in page
        for paper in ("proof", "certificate"):
            assert f'href="{desk}/{paper}"' in page
            assert (await olga.get(f"{desk}/{paper}")).content.startswith(b"%PDF-")


def _digest(page: httpx2.Response) -> str:
    found = re.search(r'name="digest" value="(\w{64})"', page.text)
    assert found, page.text
    return found[1]


async def test_a_record_that_is_not_signed_any_more_is_told_on_the_first_page(olga: Browser) -> None:
    told = "has been signed"
    await audit.sequence_all()
    with clock.at(clock.now() - timedelta(minutes=5)):
        await ask("access")
    assert told in (await olga.get("/admin")).text and "degraded" in (await olga.get("/readyz")).json()
    await audit.sequence_all()
    assert told not in (await olga.get("/admin")).text and (await olga.get("/readyz")).json() == {"ready": True}
