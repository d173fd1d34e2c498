"""After a deletion its person has no sign-in any more, and still gets a certificate that names nobody."""

import io
import re

import pikepdf
import pytest

from portal import audit, cases, db, jobs
from portal.cases.handover import File
from portal.lib.errors import Conflict, NotFound
from tests.cases.shops import ANA, BEN, OLGA, Company, answer, collected, newest_to


async def test_a_deletion_ends_with_a_certificate_that_the_mail_leads_to(company: Company) -> None:
    case_id = await collected("erasure")
    await answer(case_id)
    reference = _reference(await newest_to(ANA, "mail/case-erased"))
    status = await cases.status_for_person(reference)
    assert (status.id, status.certificate) == (case_id, True)
    content = await _read(await cases.paper_of(case_id, "certificate"))
    assert content.startswith(b"%PDF-")
    said = await audit.search(case=case_id, event="case.certified")
    assert len(said) == 1 and said[0].actor == "system"


async def test_the_certificate_names_nobody_not_even_masked(company: Company) -> None:
    case_id = await collected("erasure")
    await answer(case_id)
    with pikepdf.open(io.BytesIO(await _read(await cases.paper_of(case_id, "certificate")))) as paper:
        parts = [each.read_bytes() for each in paper.objects if isinstance(each, pikepdf.Stream)]
        parts.append(str(dict(paper.docinfo)).encode())
    held = b"\n".join(parts).decode("utf-8", "replace")
    reference = _reference(await newest_to(ANA, "mail/case-erased"))
    assert [each for each in (ANA, "a•••", "@example.com", "Ana", reference) if each in held] == []


async def test_before_it_is_made_the_pages_know_that_it_is_on_its_way(company: Company) -> None:
    case_id = await collected("erasure")
    reference = await cases.reference_of(case_id)
    assert (await cases.status_for_person(reference)).certificate is None
    assert (await answer(case_id)).papers == {"proof": False, "certificate": True}  # evidence waits for the signed log
    async with db.writing():
        await db.run("DELETE FROM case_package WHERE case_id = ?", case_id)
        await jobs.later("cases.certificate", {"case": case_id})
    assert (await cases.status_for_person(reference)).certificate is False
    assert (await cases.case(case_id)).papers == {"proof": False, "certificate": False}
    with pytest.raises(NotFound):
        await cases.paper_of(case_id, "certificate")
    await jobs.run_due()
    assert (await cases.status_for_person(reference)).certificate is True


async def test_a_deletion_that_is_done_is_not_opened_again(company: Company) -> None:
    """Nothing could ever be searched for: its systems would be waited for without end."""
    case_id = await collected("erasure")
    await answer(case_id)
    with pytest.raises(Conflict, match="nothing left to search"):
        await cases.reopen(case_id, officer=OLGA)
    assert (await cases.case(case_id)).state == "closed"


async def test_only_a_deletion_has_a_certificate(company: Company) -> None:
    refused = await collected("erasure", BEN)
    await answer(refused, "refused", "We need it for a claim in court.")
    assert (await cases.case(refused)).outcome == "refused"
    assert "certificate" not in (await cases.case(refused)).papers
    with pytest.raises(NotFound):
        await cases.paper_of(refused, "certificate")


async def test_a_request_that_was_taken_back_gets_its_evidence_too(company: Company) -> None:
    case_id = await collected("access")
    await cases.withdraw(case_id, actor="customer:ana")
    assert (await cases.case(case_id)).papers == {"proof": False}
    await audit.sequence_all()
    await jobs.run_due()
    assert (await cases.case(case_id)).papers == {"proof": True}
    assert (await _read(await cases.paper_of(case_id, "proof", officer=OLGA))).startswith(b"%PDF-")


async def test_an_officers_look_at_the_certificate_is_recorded(company: Company) -> None:
    case_id = await collected("erasure")
    await answer(case_id)
    await cases.paper_of(case_id, "certificate")
    assert await audit.search(case=case_id, event="case.certificate_read") == []
    await cases.paper_of(case_id, "certificate", officer=OLGA)
    assert len(await audit.search(case=case_id, event="case.certificate_read")) == 1


def _reference(letter: str) -> str:
    found = re.search(r"/requests/([\w-]+)", letter)
    assert found, letter
    return found[1]


async def _read(opened: File) -> bytes:
    return b"".join([piece async for piece in opened.content])
