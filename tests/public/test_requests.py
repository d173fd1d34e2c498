"""The page behind a request's reference, for whoever holds it and is not signed in."""

import re
from pathlib import Path

import pytest

from portal import cases, db, jobs
from tests.cases.shops import Company, answer, collected, found_company, newest_to
from tests.conftest import House
from tests.people import ANA, Browser


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
