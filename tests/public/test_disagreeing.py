"""A correction is refused: its person says beside it, in their own words, that they disagree (GDPR Art. 16)."""

from pathlib import Path

import pytest

from portal import audit, cases, db
from portal.cases import disputes, freeze, models, moves
from portal.lib.errors import Conflict, Invalid
from tests.cases.shops import ANA, BEN, OLGA, Company, answer, collected, found_company
from tests.conftest import House
from tests.people import Browser, go_to_work, hire, sign_in

WORDS = "My passport says Ana Popescu, <b>and so</b> does the court."


@pytest.fixture
def company(published_house: House, tmp_path: Path) -> Company:
    return found_company(published_house, tmp_path / "company")


async def _refused(how: str = "refused") -> str:
    case_id = await collected("rectification", details={"changes": {"name": "Ana Popescu", "phone": "+40712000000"}})
    await cases.decide_correction(case_id, "name", False, why="Your name stands so in your contract.", officer=OLGA)
    await cases.decide_correction(case_id, "phone", how == "partly", why="" if how == "partly" else "No.", officer=OLGA)
    await answer(case_id, how, "Your name stands so in your contract.")
    return case_id


async def test_their_words_stand_beside_what_was_refused_for_officers_and_in_the_evidence(company: Company) -> None:
    case_id = await _refused()
    page = f"/requests/{await cases.reference_of(case_id)}"
    async with Browser() as ana, Browser() as olga:
        await sign_in(ana, ANA)
        before = (await ana.get(page)).text
        assert "You do not agree?" in before and "Your name stands so in your contract." in before
        empty = await ana.post(page + "/statement", data={"field": "name", "statement-name": " "})
        assert empty.status_code == 422 and "at most 2000 letters" in empty.text
        kept = await ana.post(page + "/statement", data={"field": "name", "statement-name": WORDS})
        assert "&lt;b&gt;and so&lt;/b&gt;" in kept.text and "Change your words" in kept.text
        await go_to_work(olga, await hire("olga@example.com", "privacy-officer"))
        assert "The person disagrees: My passport says" in (await olga.get(f"/admin/cases/{case_id}/findings")).text
    snapshot = await freeze.take(await moves.load(case_id))
    assert [each.statement for each in snapshot.corrections if each.field == "name"] == [WORDS]
    [entry] = await audit.search(case=case_id, event="case.statement_added")
    assert WORDS not in str(await audit.open_payload(entry))
    stored = await db.rows("SELECT statement FROM case_correction WHERE statement IS NOT NULL")
    assert len(stored) == 1 and b"passport" not in bytes(stored[0]["statement"])


async def test_only_what_was_refused_and_only_by_its_person(company: Company) -> None:
    case_id = await _refused("partly")
    page = f"/requests/{await cases.reference_of(case_id)}"
    async with Browser() as ana, Browser() as ben, Browser() as nobody:
        await sign_in(ana, ANA)
        await sign_in(ben, BEN)
        assert (await ana.post(page + "/statement", data={"field": "phone", "statement-phone": WORDS})).status_code == 409
        assert (await ana.post(page + "/statement", data={"field": "shoe", "statement-shoe": WORDS})).status_code == 404
        assert (await ben.post(page + "/statement", data={"field": "name", "statement-name": WORDS})).status_code == 404
        asked = await nobody.post(page + "/statement", data={"field": "name", "statement-name": WORDS}, follow_redirects=False)
        assert asked.status_code in (303, 403)
        shown = (await ana.get(page)).text
        assert "Corrected; we read it again" in shown and "+40712000000" in shown
        assert "+40712000000" not in (await ben.get(page)).text
    with pytest.raises(Invalid):
        await disputes.say(case_id, "name", "x" * 2001, actor="customer:ana")
    open_one = await collected("rectification", BEN, {"changes": {"name": "Ben"}})
    with pytest.raises(Conflict):
        await disputes.say(open_one, "name", WORDS, actor="customer:ben")
    assert not await models.CorrectionRow.filter(statement__isnull=False).exists()
