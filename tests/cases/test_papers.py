"""A paper that could not be made: the person is told, officers see it and start it again."""

import pytest

from portal import cases, db, jobs
from portal.lib.errors import NotFound
from tests.cases.shops import Company, answer, collected
from tests.people import Browser, go_to_work, hire

UNTIL = 25  # tries, more than a job has


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """PDFs cannot be made; undone by the test."""

    async def fails(*arguments: object, **named: object) -> None:
        raise OSError("no fonts")

    monkeypatch.setattr("portal.cases.certificate.pdf", fails)
    return monkeypatch


async def _given_up(case_id: str) -> None:
    """All tries are used up."""
    for _try in range(UNTIL):
        async with db.writing():
            await jobs.hurry(f"cases.certificate {case_id}")
        await jobs.run_due()


async def test_after_all_tries_the_person_reads_so_and_an_officer_has_it_made(
    company: Company, broken: pytest.MonkeyPatch
) -> None:
    case_id = await collected("erasure")
    await answer(case_id)
    page = f"/requests/{await cases.reference_of(case_id)}"
    async with Browser() as ana, Browser() as desk:
        assert "It is being made." in (await ana.get(page)).text
        await go_to_work(desk, await hire("desk@example.com", "privacy-officer"))
        assert "certificate is being made" in (await desk.get(f"/admin/cases/{case_id}")).text
        await _given_up(case_id)
        told = (await ana.get(page)).text
        assert "It could not be made. Our colleagues have been told" in told and "It is being made." not in told
        assert f'href="/admin/cases/{case_id}"' in (await desk.get("/admin")).text
        seen = (await desk.get(f"/admin/cases/{case_id}")).text
        assert "certificate could not be made" in seen and seen.count("Make it now") == 1
        assert (await cases.case(case_id)).papers_given_up == {"certificate"}

        broken.undo()
        seen = (await desk.post(f"/admin/cases/{case_id}/papers", data={"paper": "certificate"})).text
        assert "certificate is being made" in seen and "Make it now" not in seen
        assert "It is being made." in (await ana.get(page)).text
        await jobs.run_due()
        assert (await ana.get(f"{page}/certificate")).content.startswith(b"%PDF-")
        assert (await cases.case(case_id)).papers_given_up == frozenset()
        assert (await desk.post(f"/admin/cases/{case_id}/papers", data={"paper": "certificate"})).status_code == 404


async def test_only_what_was_given_up_is_made_again_and_only_by_who_works_on_requests(
    company: Company, broken: pytest.MonkeyPatch
) -> None:
    case_id = await collected("erasure")
    await answer(case_id)
    for wrong in ("certificate", "proof", "", "package"):
        with pytest.raises(NotFound):
            await cases.papers.make_again(case_id, wrong)
    await _given_up(case_id)
    async with Browser() as vik:
        await go_to_work(vik, await hire("vik@example.com", "auditor"))
        seen = (await vik.get(f"/admin/cases/{case_id}")).text
        assert "certificate could not be made" in seen and "Make it now" not in seen
        assert (await vik.post(f"/admin/cases/{case_id}/papers", data={"paper": "certificate"})).status_code == 403


async def test_a_request_that_was_opened_and_closed_again_is_making_its_papers(
    company: Company, broken: pytest.MonkeyPatch
) -> None:
    case_id = await collected("erasure")
    await answer(case_id)
    await _given_up(case_id)
    async with db.writing():
        await jobs.later("cases.certificate", {"case": case_id}, key=f"cases.certificate {case_id}")
    assert (await cases.case(case_id)).papers_given_up == frozenset()
    assert not (await cases.status_for_person(await cases.reference_of(case_id))).certificate_given_up
