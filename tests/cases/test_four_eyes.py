"""Who may answer what alone: what was taken out makes an answer partial, and two accounts of one person are one pair of eyes."""

import pytest

from portal import cases, db, identity, subjects
from portal.lib.errors import Conflict, NotAllowed
from tests.cases.shops import OLGA, Company, answer, collected


async def test_an_answer_with_something_taken_out_is_partial_and_needs_a_second_person(company: Company) -> None:
    case_id = await collected("access")
    found = await cases.review(case_id, officer=OLGA)
    await cases.redact(case_id, found[0].id, 0, "", reason="third party", officer=OLGA)
    with pytest.raises(Conflict, match="in part"):
        await cases.propose(case_id, officer=OLGA)
    assert await cases.propose(case_id, answer="partly", reasons="It is about somebody else.", officer=OLGA) == "approving"


async def test_the_same_person_with_a_second_account_is_not_a_second_person(company: Company) -> None:
    one = await identity.invite("olga@example.com", name="Olga", roles=["privacy-officer"], by=None)
    person = await identity.person_of(one.officer_id)
    two = await identity.invite("olga.m@example.com", name="Olga M", roles=["approver"], by=None, person=person)
    other = await identity.invite("petra@example.com", name="Petra", roles=["approver"], by=None)
    case_id = await collected("erasure")
    await cases.propose(case_id, officer=one.officer_id)
    waiting = await cases.proposal(case_id)
    assert waiting is not None
    with pytest.raises(NotAllowed, match="another person"):
        await cases.approve(case_id, waiting.digest, officer=two.officer_id)
    assert await cases.approve(case_id, waiting.digest, officer=other.officer_id) == "fulfilling"


async def test_a_correction_for_somebody_no_system_holds_is_refused_in_a_sentence_and_can_be_answered(company: Company) -> None:
    async with db.writing():
        await subjects.ensure("email", "new@example.com", by="import")
    case_id = await collected("rectification", "new@example.com", {"changes": {"name": "Neu"}})
    with pytest.raises(Conflict, match="No connected system can correct this"):
        await cases.decide_correction(case_id, "name", True, officer=OLGA)
    with pytest.raises(Conflict, match="No connected system holds"):
        await cases.propose(case_id, officer=OLGA)
    assert (await answer(case_id, "refused", "We hold your address alone.")).outcome == "refused"
