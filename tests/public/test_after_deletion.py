"""What a person keeps of a deletion: told before that proofs end with it, and 30 days to fetch those of its steps."""

import io
import re
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest

from portal import audit, cases
from portal.lib import clock
from portal.paper import date_text
from tests.cases.shops import Company, answer, collected, found_company, newest_to
from tests.cases.test_handover import run_tidy
from tests.conftest import House
from tests.people import ANA, Browser


@pytest.fixture
def company(published_house: House, tmp_path: Path) -> Company:
    return found_company(published_house, tmp_path / "company")


async def test_the_person_is_told_before_and_fetches_the_proofs_of_the_deletion_for_thirty_days(company: Company) -> None:
    async with Browser() as anyone:
        assert "cannot be made again afterwards" in (await anyone.get("/requests/new")).text
        case_id = await collected("erasure")
        reference = await cases.reference_of(case_id)
        assert "once your data is deleted we cannot make them again" in (await anyone.get(f"/requests/{reference}")).text
        assert (await anyone.get(f"/requests/{reference}/proofs")).status_code == 404
        await answer(case_id)
        await audit.sequence_all()
        link = re.search(r"/requests/[\w-]+", await newest_to(ANA, "mail/case-erased"))
        assert link and link[0].endswith(reference)
        page = await anyone.get(link[0])
        until = date_text(clock.now() + timedelta(days=30))
        assert "Download the certificate (PDF)" in page.text and f"You can download it until {until}" in page.text
        packed = await anyone.get(link[0] + "/proofs")
        with zipfile.ZipFile(io.BytesIO(packed.content)) as file:
            receipts = {name: file.read(name).decode() for name in file.namelist()}
        assert "01-case.opened.txt" in receipts and {"case.erased", "case.closed"} <= {name[3:-4] for name in receipts}
        reports = [audit.verify_receipt(each, await audit.log_keys()) for each in receipts.values()]
        assert all(each.ok and (each.statement or {})["case"] == case_id for each in reports)
        assert [each for each in (ANA, "a•••", "Ana") if each in "".join(map(str, receipts.values()))] == []
        with clock.at(clock.now() + timedelta(days=30, minutes=1)):
            assert (await anyone.get(link[0] + "/proofs")).status_code == 404
            await run_tidy()  # the address goes, and nothing brings the proofs back
            page = await anyone.get(link[0])
            assert "Download the proofs" not in page.text and "Download the certificate (PDF)" in page.text
            assert (await anyone.get(link[0] + "/proofs")).status_code == 404
