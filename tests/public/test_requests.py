"""The page behind a request's reference, for whoever holds it and is not signed in; and what it offers where a proof is due."""

import re
from pathlib import Path

import pytest

from portal import cases, db, jobs, subjects
from tests.cases.shops import Company, answer, collected, found_company, newest_to
from tests.conftest import House
from tests.people import ANA, Browser, code_for, sign_in


@pytest.fixture
def company(published_house: House, tmp_path: Path) -> Company:
    return found_company(published_house, tmp_path / "company")


async def test_whoever_was_deleted_gets_the_certificate_by_the_link_in_the_mail(company: Company) -> None:
    await answer(await collected("erasure"))
    link = re.search(r"(/requests/[\w-]+)", await newest_to(ANA, "mail/case-erased"))
    assert link
    async with Browser() as nobody:
        page = await nobody.get(link[1])
        assert page.status_code == 200 and "Sign in with the address" not in page.text
        assert f'href="{link[1]}/certificate"' in page.text
        paper = await nobody.get(link[1] + "/certificate")
    assert paper.content.startswith(b"%PDF-")
    assert paper.headers["content-type"] == "application/pdf"
    assert paper.headers["content-disposition"] == 'attachment; filename="certificate-of-deletion.pdf"'
    assert "no-store" in paper.headers["cache-control"]


async def test_a_certificate_that_is_not_there_yet_is_said_to_be_made(company: Company) -> None:
    case_id = await collected("erasure")
    reference = await cases.reference_of(case_id)
    await answer(case_id)
    async with db.writing():
        await db.run("DELETE FROM case_package WHERE case_id = ?", case_id)
        await jobs.later("cases.certificate", {"case": case_id})
    async with Browser() as nobody:
        page = await nobody.get(f"/requests/{reference}")
        assert "It is being made." in page.text and "/certificate" not in page.text
        assert (await nobody.get(f"/requests/{reference}/certificate")).status_code == 404
        await jobs.run_due()
        assert (await nobody.get(f"/requests/{reference}/certificate")).status_code == 200


async def test_no_other_request_opens_a_certificate(company: Company) -> None:
    copy = await cases.reference_of(await collected("access"))
    async with Browser() as nobody:
        assert "ertificate" not in (await nobody.get(f"/requests/{copy}")).text
        for reference in (copy, "A" * 22):
            assert (await nobody.get(f"/requests/{reference}/certificate")).status_code == 404


async def test_who_telephoned_is_offered_no_code_by_mail(company: Company) -> None:
    called = await cases.open("access", "+40712345678", language="en", source="call", actor="officer:olga", kind="phone")
    async with Browser() as nobody:
        page = (await nobody.get(f"/requests/{await cases.reference_of(called.id)}")).text
        assert "Send me a code" not in page and "mailbox" not in page and "A letter: we post a code" in page
        mailed = await cases.open("access", ANA, language="en", source="call", actor="officer:olga")
        page = (await nobody.get(f"/requests/{await cases.reference_of(mailed.id)}")).text
        assert "Send me a code" in page and "No access to that mailbox?" in page


async def test_a_code_to_another_address_on_file_lifts_the_careful_freeze(company: Company) -> None:
    work, added = "ana.work@example.com", "new@example.com"
    async with db.writing():
        ana = await subjects.ensure("email", ANA, by="import")
        other = await subjects.ensure("email", work, by="import", subject=ana.subject)
        await subjects.mark_verified(other.id)
    case_id = await collected("access")
    async with db.writing():
        later = await subjects.ensure("email", added, by="import", subject=ana.subject)
        await subjects.mark_verified(later.id)
    path = f"/requests/{await cases.reference_of(case_id)}"
    async with Browser() as visitor:
        await sign_in(visitor, ANA)
        assert "another address of yours. With it" not in (await visitor.get(path)).text
        await cases.not_me((await newest_to(work, "mail/case-notice")).split("/requests/notices/")[1].split()[0])
        page = (await visitor.get(path)).text
        assert "a•••@example.com" in page and other.id in page and later.id not in page
        for wrong in (later.id, ana.id, "", "nobody"):
            assert (await visitor.post(path + "/second-proof", data={"address": wrong})).status_code == 404
        async with Browser() as stranger:
            assert "Send the code to" not in (await stranger.get(path)).text
        asked = await visitor.post(path + "/second-proof", data={"address": other.id})
        assert [each.kind for each in (await cases.case(case_id)).holds] == ["freeze"]
        done = await visitor.post(asked.url.path, data={"code": await code_for(work)})
        assert done.url.path == path and (await cases.case(case_id)).holds == ()


async def test_the_page_promises_no_more_of_a_second_proof_than_it_does(company: Company) -> None:
    work = "ana.work@example.com"
    async with db.writing():
        ana = await subjects.ensure("email", ANA, by="import")
        other = await subjects.ensure("email", work, by="import", subject=ana.subject)
        await subjects.mark_verified(other.id)
    case_id = await collected("access")
    await cases.not_me((await newest_to(work, "mail/case-notice")).split("/requests/notices/")[1].split()[0])
    path = f"/requests/{await cases.reference_of(case_id)}"
    async with Browser() as visitor:
        await sign_in(visitor, ANA)
        page = (await visitor.get(path)).text
        assert "at once" not in page and "Then the request goes on from where it stands." in page
        doubt = await cases.hold(case_id, "identity", "The mailbox is shared.", officer="olga")
        page = (await visitor.get(path)).text
        assert "The request then still waits, for the other reason named above." in page
        assert "We are not sure yet that it is you who asks." in page and "goes on from where" not in page
        asked = await visitor.post(path + "/second-proof", data={"address": other.id})
        done = await visitor.post(asked.url.path, data={"code": await code_for(work)})
        assert "We are not sure yet that it is you who asks." in done.text and "Send the code to" not in done.text
        await cases.lift(doubt, officer="olga")
        await answer(case_id)
        assert "Download my data" in (await visitor.get(path)).text
