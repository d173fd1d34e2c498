"""From the proposal to the end: four eyes, the stored dry run, asking again, and stopping when something is not as planned."""

import asyncio
from datetime import timedelta

import pytest

from portal import audit, cases, db, jobs, subjects, vault
from portal.cases import models
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid, NotAllowed
from tests.cases.shops import ANA, OLGA, PETRA, Company, collected, letters_to, newest_to
from tests.conftest import on_both

WHY = "The rest belongs to somebody else."


async def proposed_erasure() -> tuple[str, str]:
    """Olga has proposed Ana's erasure; answers the case and the digest that waits for a signature."""
    async with db.writing():
        await subjects.ensure("email", ANA, by="import")
    case_id = await collected("erasure")
    await cases.propose(case_id, officer=OLGA)
    waiting = await cases.proposal(case_id)
    assert waiting is not None
    return case_id, waiting.digest


@on_both
async def test_an_erasure_is_dry_run_approved_by_another_executed_and_asked_again(company: Company) -> None:
    case_id, digest = await proposed_erasure()
    snapshot = await cases.frozen(case_id)
    assert snapshot is not None and snapshot.digest == digest
    planned = {(each.system, each.table): (each.action, each.rows, each.law) for each in snapshot.removals}
    assert planned[("shop", "purchase")] == ("delete", 2, "")
    assert planned[("shop", "invoice")][0] == "keep" and "Accounting Act" in planned[("shop", "invoice")][2]
    assert planned[("news", "subscription")] == ("delete", 1, "")
    assert company.rows("shop", "SELECT count(*) FROM purchase") == [(3,)]
    with pytest.raises(NotAllowed, match="another person"):
        await cases.approve(case_id, digest, officer=OLGA)
    assert await cases.approve(case_id, digest, officer=PETRA) == "fulfilling"
    await jobs.run_due()
    case = await cases.case(case_id)
    assert (case.state, case.outcome) == ("closed", "fulfilled")
    assert company.rows("shop", "SELECT id FROM purchase") == [(3,)]
    assert company.rows("shop", "SELECT id FROM invoice ORDER BY id") == [(7,), (8,)]
    assert company.rows("news", "SELECT email FROM subscription") == [("ben@example.com",)]
    assert await subjects.find("email", ANA) is None
    letter = await newest_to(ANA, "mail/case-erased")
    assert "Invoices: 1 entry kept, Accounting Act 82/1991" in letter and "Orders: 2 entries deleted" in letter
    assert len(await audit.search(case=case_id, event="case.erased")) == 3


async def test_what_was_found_and_planned_is_unreadable_after_the_erasure(company: Company) -> None:
    case_id, digest = await proposed_erasure()
    plans = [each.plan_blob for each in await models.Task.filter(case_id=case_id, step="plan")]
    await cases.approve(case_id, digest, officer=PETRA)
    await jobs.run_due()
    assert len(plans) == 3
    for blob in plans:
        with pytest.raises((vault.Shredded, vault.Tampered)):
            [piece async for piece in vault.read_blob(blob or "")]


@on_both
async def test_approving_in_parallel_has_one_effect(company: Company) -> None:
    case_id, digest = await proposed_erasure()
    answers = await asyncio.gather(*(cases.approve(case_id, digest, officer=PETRA) for _each in range(8)), return_exceptions=True)
    assert [each for each in answers if not isinstance(each, Conflict)] == ["fulfilling"]
    assert len(await audit.search(case=case_id, event="case.approved")) == 1
    await jobs.run_due()
    assert len(await audit.search(case=case_id, event="case.closed")) == 1
    assert await letters_to(ANA) == ["mail/case-started", "mail/case-erased"]  # the code's went with her


async def test_executing_again_changes_nothing(company: Company) -> None:
    case_id, digest = await proposed_erasure()
    await cases.approve(case_id, digest, officer=PETRA)
    await cases.execute(case_id, officer=OLGA)
    await jobs.run_due()
    tasks = await models.Task.filter(case_id=case_id, step="erase")
    async with db.writing():
        for task in tasks:
            await jobs.later("cases.erase", {"task": task.id})
    await jobs.run_due()
    assert len(await audit.search(case=case_id, event="case.erased")) == 3


async def test_counts_unlike_the_dry_run_stop_for_an_officer(company: Company) -> None:
    case_id, digest = await proposed_erasure()
    await cases.approve(case_id, digest, officer=PETRA)
    company.run("shop", "INSERT INTO purchase VALUES (4, 1, 'Late order')")
    await jobs.run_due()
    case = await cases.case(case_id)
    assert case.state == "fulfilling" and "Web shop" in case.partial
    assert "not those of the dry run" in next(
        each.sentence for each in case.systems if each.step == "erase" and each.system == "shop"
    )
    assert company.rows("shop", "SELECT count(*) FROM purchase WHERE customer_id = 1") == [(3,)]
    assert await subjects.find("email", ANA) is not None
    await cases.look_again(case_id, officer=OLGA)
    await jobs.run_due()
    assert await cases.propose(case_id, officer=OLGA) == "approving"
    fresh = await cases.proposal(case_id)
    assert fresh is not None and fresh.digest != digest
    await cases.approve(case_id, fresh.digest, officer=PETRA)
    await jobs.run_due()
    assert (await cases.case(case_id)).outcome == "fulfilled"
    assert company.rows("shop", "SELECT count(*) FROM purchase WHERE customer_id = 1") == [(0,)]


async def test_a_change_after_the_proposal_voids_it(company: Company) -> None:
    case_id, digest = await proposed_erasure()
    await cases.triage(case_id, officer=OLGA, flags=["third party"])
    assert (await cases.case(case_id)).state == "reviewing"
    with pytest.raises(Conflict, match="Nothing is waiting"):
        await cases.approve(case_id, digest, officer=PETRA)


async def test_another_digest_than_the_one_proposed_is_not_signed(company: Company) -> None:
    case_id, digest = await proposed_erasure()
    with pytest.raises(Conflict, match="not what is proposed now"):
        await cases.approve(case_id, digest[::-1], officer=PETRA)
    await cases.send_back(case_id, why="Ask the shop about the old orders.", officer=PETRA)
    assert (await cases.case(case_id)).state == "reviewing"


async def test_what_changes_behind_our_back_voids_the_approval_too(company: Company) -> None:
    case_id, digest = await proposed_erasure()
    async with db.writing():
        await db.run("UPDATE case_finding SET row_count = row_count + 1 WHERE case_id = ? AND table_name = 'purchase'", case_id)
    with pytest.raises(Conflict, match="Something changed"):
        await cases.approve(case_id, digest, officer=PETRA)
    assert (await cases.case(case_id)).state == "reviewing"


async def test_a_system_that_is_down_keeps_an_erasure_open_and_is_not_erased_twice(company: Company) -> None:
    case_id, digest = await proposed_erasure()
    await cases.approve(case_id, digest, officer=PETRA)
    company.take_down("news")
    await jobs.run_due()
    case = await cases.case(case_id)
    assert case.state == "fulfilling" and "Newsletter" in case.partial and "Web shop" not in case.partial
    company.bring_back("news")
    for task in await models.Task.filter(case_id=case_id, step="erase", system="news"):
        if task.state == "stopped":
            pytest.fail(f"The newsletter's task should wait, not stop: {task.sentence}")
    with clock.at(clock.now() + timedelta(hours=2)):
        await jobs.run_due()
    assert (await cases.case(case_id)).outcome == "fulfilled"
    assert len(await audit.search(case=case_id, event="case.erased", object="shop")) == 1


async def test_how_often_a_system_failed_is_still_seen_after_it_answered(company: Company) -> None:
    case_id, digest = await proposed_erasure()
    await cases.approve(case_id, digest, officer=PETRA)
    company.take_down("news")
    for hours in (0, 2, 4):
        with clock.at(clock.now() + timedelta(hours=hours)):
            await jobs.run_due()
            assert (await cases.figures())["systems_not_answering"] == 1
    assert await _tries(case_id) == {"shop": 1, "news": 3, "portal": 0}
    company.bring_back("news")
    with clock.at(clock.now() + timedelta(hours=6)):
        await jobs.run_due()
    assert (await cases.case(case_id)).outcome == "fulfilled"
    assert await _tries(case_id) == {"shop": 1, "news": 4, "portal": 0}


async def test_what_a_system_failed_with_is_said_until_it_answers_also_beside_a_hold(company: Company) -> None:
    case_id, digest = await proposed_erasure()
    await cases.approve(case_id, digest, officer=PETRA)
    company.take_down("news")
    await jobs.run_due()
    hold = await cases.hold(case_id, "identity", "Court case 12/2026.", officer=OLGA)
    with clock.at(clock.now() + timedelta(hours=2)):
        await jobs.run_due()
        case = await cases.case(case_id)
        assert "doubt about who asked" in case.held
        sentences = {each.system: each.sentence for each in case.systems if each.step == "erase"}
        assert "Newsletter cannot be reached" in sentences["news"]
        await cases.lift(hold, officer=OLGA)
        await jobs.run_due()
        assert "Newsletter cannot be reached" in (await cases.case(case_id)).systems[-2].sentence


async def test_a_coded_note_is_kept_only_if_asked(company: Company) -> None:
    async with db.writing():
        await subjects.ensure("email", ANA, by="import")
    case_id = await collected("erasure", details={"keep_note": True})
    await cases.propose(case_id, officer=OLGA)
    waiting = await cases.proposal(case_id)
    assert waiting is not None
    await cases.approve(case_id, waiting.digest, officer=PETRA)
    await jobs.run_due()
    assert await subjects.is_suppressed("email", ANA)


@on_both
async def test_a_correction_reaches_the_shop_and_is_read_again(company: Company) -> None:
    case_id = await collected("rectification", details={"changes": {"phone": "+40799999999"}})
    with pytest.raises(Conflict, match="Decide about every field"):
        await cases.propose(case_id, officer=OLGA)
    await cases.decide_correction(case_id, "phone", True, officer=OLGA)
    await cases.propose(case_id, officer=OLGA)
    await jobs.run_due()
    assert company.rows("shop", "SELECT phone FROM customer WHERE id = 1") == [("+40799999999",)]
    case = await cases.case(case_id)
    assert (case.state, case.outcome) == ("closed", "fulfilled")
    correction = (await cases.corrections(case_id))[0]
    assert correction["read_back"] is True and correction["old"] == "+40712345678"
    assert "corrected, and read again" in await newest_to(ANA, "mail/case-corrected")


async def test_a_field_that_no_system_has_cannot_be_accepted(company: Company) -> None:
    case_id = await collected("rectification", details={"changes": {"shoe_size": "38"}})
    with pytest.raises(Conflict, match="No connected system can correct this: shoe_size"):
        await cases.decide_correction(case_id, "shoe_size", True, officer=OLGA)


async def test_declining_a_correction_takes_reasons_and_a_second_person(company: Company) -> None:
    case_id = await collected("rectification", details={"changes": {"phone": "+40799999999", "name": "Queen Ana"}})
    with pytest.raises(Invalid):
        await cases.decide_correction(case_id, "name", False, officer=OLGA)
    await cases.decide_correction(case_id, "phone", True, officer=OLGA)
    await cases.decide_correction(case_id, "name", False, why="Your passport says Ana Pop.", officer=OLGA)
    with pytest.raises(Conflict, match="in part"):
        await cases.propose(case_id, officer=OLGA)
    assert await cases.propose(case_id, answer="partly", reasons="The name was right.", officer=OLGA) == "approving"
    waiting = await cases.proposal(case_id)
    assert waiting is not None
    await cases.approve(case_id, waiting.digest, officer=PETRA)
    await jobs.run_due()
    assert (await cases.case(case_id)).outcome == "partly"
    assert company.rows("shop", "SELECT phone, name FROM customer WHERE id = 1") == [("+40799999999", "Ana Pop")]
    assert "Your passport says Ana Pop." in await newest_to(ANA, "mail/case-corrected")


async def test_a_refusal_carries_its_reasons_and_needs_a_second_person(company: Company) -> None:
    case_id = await collected("access")
    with pytest.raises(Invalid):
        await cases.propose(case_id, answer="refused", reasons="No.", officer=OLGA)
    await cases.propose(case_id, answer="refused", reasons=WHY, officer=OLGA)
    waiting = await cases.proposal(case_id)
    assert waiting is not None
    with pytest.raises(NotAllowed):
        await cases.approve(case_id, waiting.digest, officer=OLGA)
    await cases.approve(case_id, waiting.digest, officer=PETRA)
    assert (await cases.case(case_id)).outcome == "refused"
    letter = await newest_to(ANA, "mail/case-refused")
    assert WHY in letter and "data protection authority" in letter and "court" in letter


async def test_the_person_can_take_the_request_back_until_something_was_changed(company: Company) -> None:
    case_id, digest = await proposed_erasure()
    await cases.withdraw(case_id, actor="customer:ana")
    assert (await cases.case(case_id)).outcome == "withdrawn"
    with pytest.raises(Conflict):
        await cases.approve(case_id, digest, officer=PETRA)
    await jobs.run_due()
    assert company.rows("shop", "SELECT count(*) FROM purchase") == [(3,)]


async def test_an_extension_takes_reasons_once_and_moves_the_date(company: Company) -> None:
    case_id = await collected("access")
    before = (await cases.case(case_id)).due_on
    with pytest.raises(Invalid, match="reason that the law allows"):
        await cases.extend(case_id, "workload", "We have much to do these days.", officer=OLGA)
    due = await cases.extend(case_id, "complex", "Twelve years of orders in three systems.", officer=OLGA)
    assert 55 <= (due - before).days <= 65 and (await cases.case(case_id)).due_on == due
    assert "Twelve years" in await newest_to(ANA, "mail/case-extended")
    with pytest.raises(Conflict):
        await cases.extend(case_id, "complex", "And once more, please.", officer=OLGA)


async def test_every_move_left_its_entry_and_the_log_verifies(company: Company) -> None:
    case_id, digest = await proposed_erasure()
    await cases.approve(case_id, digest, officer=PETRA)
    await jobs.run_due()
    happened = [each.event for each in reversed(await cases.timeline(case_id))]
    expected = ["case.opened", "case.proof_asked", "case.proven", "case.collecting", "case.collected", "case.proposed"]
    expected += ["case.approved", "case.executing", "case.delivering", "case.closed"]
    assert [each for each in happened if each in expected] == expected
    await audit.sequence_all()
    assert (await audit.verify_log()).ok


async def _tries(case_id: str) -> dict[str, int]:
    return {each.system: each.tries for each in (await cases.case(case_id)).systems if each.step == "erase"}
