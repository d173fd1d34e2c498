"""What holds up a deletion: a legal hold, a doubt about who asked, somebody's "that wasn't me", and a copy not fetched yet."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from portal import cases, db, jobs, subjects
from portal.lib import clock
from portal.lib.errors import Conflict
from tests.cases.shops import ANA, OLGA, PETRA, Company, answer, collected, visit
from tests.cases.test_fulfilling import proposed_erasure
from tests.conftest import on_both

ALL = [("shop", 2), ("news", 1)]


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [("legal", "legal hold stands"), ("identity", "doubt about who"), ("freeze", "did not ask for this")],
)
async def test_a_deletion_is_not_approved_while_a_hold_stands(company: Company, kind: str, sentence: str) -> None:
    case_id, digest = await proposed_erasure()
    lift = await held(case_id, kind)
    with pytest.raises(Conflict, match=sentence):
        await cases.approve(case_id, digest, officer=PETRA)
    assert sentence in (await cases.case(case_id)).held and left(company) == ALL
    await lift()
    await cases.approve(case_id, digest, officer=PETRA)
    await jobs.run_due()
    assert (await cases.case(case_id)).outcome == "fulfilled"


@on_both
async def test_a_hold_after_the_approval_stops_the_work_and_lifting_it_lets_it_go_on_at_once(company: Company) -> None:
    case_id, digest = await proposed_erasure()
    await cases.approve(case_id, digest, officer=PETRA)
    lift = await held(case_id, "legal")
    await jobs.run_due()
    case = await cases.case(case_id)
    assert case.state == "fulfilling" and left(company) == ALL
    assert any("legal hold" in each.sentence for each in case.systems if each.step == "erase")
    assert (await cases.figures())["systems_not_answering"] == 0
    await lift()
    await jobs.run_due()
    assert (await cases.case(case_id)).outcome == "fulfilled" and left(company) == [("shop", 0), ("news", 0)]


async def test_a_held_deletion_can_still_be_taken_back(company: Company) -> None:
    case_id, digest = await proposed_erasure()
    await cases.approve(case_id, digest, officer=PETRA)
    await cases.hold(case_id, "identity", "She telephoned.", officer=OLGA)
    await jobs.run_due()
    await cases.withdraw(case_id, actor="customer:ana")
    assert (await cases.case(case_id)).outcome == "withdrawn" and left(company) == ALL


async def test_a_copy_that_was_asked_for_comes_before_the_deletion(company: Company) -> None:
    copy = await collected("access")
    case_id, digest = await proposed_erasure()
    with pytest.raises(Conflict, match="also asked for a copy"):
        await cases.approve(case_id, digest, officer=PETRA)
    assert (await answer(copy)).state == "delivering"
    with pytest.raises(Conflict, match="also asked for a copy"):
        await cases.approve(case_id, digest, officer=PETRA)
    session = await visit()
    await cases.download(await cases.hand_over(copy, session), session)
    assert await cases.approve(case_id, digest, officer=PETRA) == "fulfilling"


async def test_a_copy_that_nobody_fetches_holds_the_deletion_up_for_fourteen_days(company: Company) -> None:
    copy = await collected("access")
    await answer(copy)
    case_id, digest = await proposed_erasure()
    later = clock.now() + timedelta(days=14, minutes=1)
    with clock.at(later - timedelta(minutes=2)), pytest.raises(Conflict, match="14 days"):
        await cases.approve(case_id, digest, officer=PETRA)
    with clock.at(later):
        assert await cases.approve(case_id, digest, officer=PETRA) == "fulfilling"


async def test_lifting_a_freeze_closes_an_answer_that_only_waited_for_it(company: Company) -> None:
    case_id = await collected("rectification", details={"changes": {"phone": "+40799999999"}})
    hold = await cases.hold(case_id, "freeze", "She telephoned.", officer=OLGA)
    await cases.decide_correction(case_id, "phone", True, officer=OLGA)
    assert (await answer(case_id)).state == "delivering"
    await cases.lift(hold, officer=OLGA)
    assert (await cases.case(case_id)).outcome == "fulfilled"


async def test_marketing_stops_at_once_whatever_holds_the_deletion_up(company: Company) -> None:
    case_id, _digest = await proposed_erasure()
    await held(case_id, "legal")
    ana = await subjects.find("email", ANA)
    assert ana is not None
    assert await db.row("SELECT kind FROM stop WHERE holder = ?", ana.home) == {"kind": "objected"}


async def held(case_id: str, kind: str) -> Callable[[], Awaitable[None]]:
    """A hold on the request, or counsel's on its person; answers how to lift it."""
    if kind != "legal":
        hold = await cases.hold(case_id, kind, "She telephoned.", officer=OLGA)
        return lambda: cases.lift(hold, officer=OLGA)
    person = (await cases.case(case_id)).subject
    assert person is not None
    hold = await cases.legal_holds.set_on_person(person, "Court case 12/2026.", officer="carla")
    return lambda: cases.legal_holds.lift(hold, officer="carla")


def left(company: Company) -> list[tuple[str, int]]:
    """How many of Ana's rows that can be deleted are still in each system."""
    orders = company.rows("shop", "SELECT count(*) FROM purchase WHERE customer_id = 1")[0][0]
    letters = company.rows("news", "SELECT count(*) FROM subscription WHERE email = 'ana@example.com'")[0][0]
    return [("shop", orders), ("news", letters)]
