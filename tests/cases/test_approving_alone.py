"""A company with a single officer: the same person agrees after a waiting time, with a reason, and every paper says so."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from portal import audit, cases, jobs, settings
from portal.cases import certificate, freeze, moves, policy, proof
from portal.lib import clock
from portal.lib.errors import Invalid, NotAllowed
from portal.paper import pdf
from tests.cases.shops import ANA, OLGA, PETRA, Company, collected
from tests.conftest import on_both
from tests.people import Browser, go_to_work, hire, sign_in

WHY = "I am the only officer of this company."
LATER = timedelta(hours=26)
ALONE = "No second person looked at it."
REFUSAL = {"answer": "refused", "reasons": "It was the fourth time this week."}


@pytest.fixture
def waits_a_day(company: Company) -> Company:
    """The company's own rules: 24 hours instead of never."""
    folder = company.folder / "policies"
    folder.mkdir()
    for each in settings.get().policies.iterdir():
        (folder / each.name).symlink_to(each)
    text = (folder / "verification.toml").read_text()
    (folder / "verification.toml").unlink()
    (folder / "verification.toml").write_text(text.replace("same_person_after_hours = 0", "same_person_after_hours = 24"))
    settings.use(replace(settings.get(), policies=folder))
    assert policy.policy().same_person_after == timedelta(hours=24)
    return company


@on_both
async def test_the_same_person_waits_and_gives_a_reason_that_is_kept(waits_a_day: Company) -> None:
    case_id, digest = await _proposed("erasure")
    with pytest.raises(NotAllowed, match="another person"):
        await cases.approve(case_id, digest, why=WHY, officer=OLGA)
    with clock.at(clock.now() + LATER):
        for nothing in ("", "   alone   ", "x" * 501):
            with pytest.raises(Invalid, match="nobody else"):
                await cases.approve(case_id, digest, why=nothing, officer=OLGA)
        assert (await cases.case(case_id)).state == "approving"
        assert await cases.approve(case_id, digest, why=f" {WHY} ", officer=OLGA) == "fulfilling"
        [entry] = await audit.search(case=case_id, event="case.approved_alone")
        assert not await audit.search(case=case_id, event="case.approved")
        said = await audit.open_payload(entry) or {}
        assert (said["hours_later"], said["because"], said["snapshot"]) == (26, WHY, digest)
        kept = await cases.proposal(case_id)
        assert kept is not None and kept.why == WHY


@on_both
async def test_a_second_person_is_asked_for_no_reason_and_none_is_said(waits_a_day: Company) -> None:
    case_id, digest = await _proposed("erasure")
    with clock.at(clock.now() + LATER):
        await cases.approve(case_id, digest, officer=PETRA)
    [entry] = await audit.search(case=case_id, event="case.approved")
    assert {"hours_later", "because"}.isdisjoint(await audit.open_payload(entry) or {})


async def test_every_paper_says_that_no_second_person_looked(waits_a_day: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = _printed(monkeypatch)
    case_id, digest = await _proposed("erasure")
    with clock.at(clock.now() + LATER):
        await cases.approve(case_id, digest, why=WHY, officer=OLGA)
        await jobs.run_due()
        assert (await cases.case(case_id)).outcome == "fulfilled"
        await audit.sequence_all()
    snapshot = await freeze.take(await moves.load(case_id))
    await proof.build_proof(snapshot)
    await certificate.build_certificate(snapshot)
    evidence, paper = _words(printed["evidence"]), _words(printed["certificate"])
    decided = evidence.partition("Who decided")[2].partition("The deletion, system by system")[0]
    assert "Whoever proposed the answer approved it themselves" in decided and WHY in decided
    assert "whoever proposed it approved it 26 hours later, with the reason above." in decided
    assert "A second person" not in evidence
    assert "The officer who proposed this deletion approved it as well, 26 hours later." in paper
    step = next(each for each in proof.record(snapshot)["steps"] if each["event"] == "case.approved_alone")
    assert step["note"] == f"because: {WHY}, hours later: 26"


async def test_papers_of_what_two_decided_say_nothing_of_that(waits_a_day: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = _printed(monkeypatch)
    case_id, digest = await _proposed("erasure")
    await cases.approve(case_id, digest, officer=PETRA)
    await jobs.run_due()
    await audit.sequence_all()
    snapshot = await freeze.take(await moves.load(case_id))
    await proof.build_proof(snapshot)
    await certificate.build_certificate(snapshot)
    evidence = _words(printed["evidence"])
    assert "A second person approved the frozen snapshot." in evidence and "later, with the reason" not in evidence
    assert "approved it as well" not in printed["certificate"]


async def test_the_person_reads_that_no_second_person_looked(waits_a_day: Company) -> None:
    case_id, digest = await _proposed("access", **REFUSAL)
    with clock.at(clock.now() + LATER):
        assert await cases.approve(case_id, digest, why=WHY, officer=OLGA) == "closed"
        async with Browser() as ana:
            await sign_in(ana, ANA)
            page = (await ana.get(f"/requests/{await cases.reference_of(case_id)}")).text
    assert "The officer who wrote it agreed to it 26 hours later." in page and ALONE in page
    assert "second person agreed" not in page
    [entry] = await audit.search(case=case_id, event="case.refusal_approved_alone")
    assert (await audit.open_payload(entry) or {})["because"] == WHY


async def test_the_page_asks_for_the_reason_and_says_from_when(waits_a_day: Company) -> None:
    officer = await hire("olga@example.com", "privacy-officer", "approver")
    case_id = await collected("erasure")
    await cases.propose(case_id, officer=officer.id)
    desk = f"/admin/cases/{case_id}"
    async with Browser() as olga:
        await go_to_work(olga, officer)
        page = (await olga.get(desk)).text
        assert "If nobody else can approve it, you can from" in page and "Approve exactly this" not in page
    with clock.at(clock.now() + LATER):
        async with Browser() as olga:
            await go_to_work(olga, officer)
            page = (await olga.get(desk)).text
            found = re.search(r'name="digest" value="(\w+)"', page)
            assert found and "Why nobody else approves it" in page
            refused = await olga.post(desk + "/approval", data={"digest": found[1], "alone-why": "None."})
            assert refused.status_code == 422 and "At least ten letters" in refused.text and ">None.</textarea>" in refused.text
            page = (await olga.post(desk + "/approval", data={"digest": found[1], "alone-why": WHY})).text
    assert (await cases.case(case_id)).state == "fulfilling"
    assert "no second person did" in page and WHY in page


async def test_where_nothing_is_set_the_same_person_never_can(company: Company) -> None:
    case_id, digest = await _proposed("erasure")
    with clock.at(clock.now() + timedelta(days=365)), pytest.raises(NotAllowed, match="another person"):
        await cases.approve(case_id, digest, why=WHY, officer=OLGA)


async def _proposed(right: str, **how: str) -> tuple[str, str]:
    case_id = await collected(right)
    await cases.propose(case_id, officer=OLGA, **how)
    waiting = await cases.proposal(case_id)
    assert waiting is not None
    return case_id, waiting.digest


def _printed(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The pages as they go to the printer."""
    pages: dict[str, str] = {}

    def noting(name: str) -> Callable[..., Any]:
        def note(page: str, **more: Any) -> Any:
            pages[name] = page
            return pdf(page, **more)

        return note

    monkeypatch.setattr("portal.cases.proof.pdf", noting("evidence"))
    monkeypatch.setattr("portal.cases.certificate.pdf", noting("certificate"))
    return pages


def _words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
