"""After a deletion its person has no sign-in any more, and still gets a certificate that names nobody."""

import io
import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pikepdf
import pytest

from portal import audit, cases, db, jobs, subjects
from portal.cases.handover import File
from portal.custody.backup import KEEP_KEYS
from portal.lib import clock
from portal.lib.errors import Conflict, NotFound
from tests.cases.shops import ANA, BEN, OLGA, Company, answer, collected, newest_to
from tests.conftest import on_both
from tests.people import Browser


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


@on_both
async def test_the_certificate_and_the_page_say_when_the_last_backups_are_gone(company: Company) -> None:
    """The shop has told how long its backups live, the newsletter's system has not; what only lies there is not named."""
    listed = company.folder / "systems.toml"
    listed.write_text(listed.read_text().replace('map = "shop.toml"', 'map = "shop.toml"\nbackups = "35 days"'))
    case_id = await collected("erasure")
    with clock.at(datetime(2026, 11, 23, 23, tzinfo=UTC)):  # already the 24th where the company is
        await answer(case_id)
        told = {each.label: each.until for each in await cases.backups.of(case_id)}
    assert told == {"Web shop": date(2026, 12, 29), "Newsletter": None}
    with pikepdf.open(io.BytesIO(await _read(await cases.paper_of(case_id, "certificate")))) as paper:
        assert len(paper.pages) == 1
    async with Browser() as nobody:
        page = (await nobody.get(f"/requests/{await cases.reference_of(case_id)}")).text
    assert "Web shop: by 29 December 2026 the last backup" in page and "Newsletter: this system has not told us" in page


async def test_our_own_backups_are_said_to_be_readable_for_as_long_as_their_keys_live(company: Company) -> None:
    async with db.writing():
        await subjects.ensure("email", ANA, by="import")
    case_id = await collected("erasure")
    await answer(case_id)
    [ours] = [each for each in await cases.backups.of(case_id) if each.label == "Privacy portal"]
    assert ours.until == datetime.now(ZoneInfo("Europe/Bucharest")).date() + KEEP_KEYS


async def test_what_the_certificate_says_of_backups_stands_in_it(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    pages: list[str] = []

    async def as_text(page: str, **_more: object) -> bytes:
        pages.append(page)
        return b"%PDF-"

    monkeypatch.setattr("portal.cases.certificate.pdf", as_text)
    listed = company.folder / "systems.toml"
    listed.write_text(listed.read_text().replace('map = "shop.toml"', 'map = "shop.toml"\nbackups = "2 years"'))
    with clock.at(datetime(2026, 11, 23, 9, tzinfo=UTC)):
        await answer(await collected("erasure"))
    assert "Web shop: by 23 November 2028 the last backup" in pages[0] and "Newsletter: this system has not told us" in pages[0]
