"""After a request: what can be read of the person falls, what proves the procedure stays, and older requests cope with it."""

from datetime import timedelta

import pytest

from portal import cases, db, identity, jobs, messages, subjects
from portal.lib import clock
from portal.lib.errors import Conflict, NotFound
from tests.cases.shops import ANA, OLGA, PETRA, Company, answer, collected, letters_to, newest_to, visit
from tests.cases.test_handover import run_tidy
from tests.conftest import on_both

A_MONTH = timedelta(days=30, minutes=1)


async def on_file() -> None:
    async with db.writing():
        await subjects.ensure("email", ANA, by="import")


async def test_a_month_after_a_deletion_only_its_procedure_can_be_read(company: Company) -> None:
    await on_file()
    case_id = await collected("erasure", details={"message": "I am Ana Pop."})
    await cases.add_note(case_id, "Ana Pop telephoned.", officer=OLGA)
    case = await answer(case_id)
    assert (case.outcome, case.address, case.details["message"]) == ("fulfilled", ANA, "I am Ana Pop.")
    assert "mail/case-erased" in await letters_to(ANA)
    with clock.at(clock.now() + A_MONTH):
        await run_tidy()
        case = await cases.case(case_id)
        assert (case.outcome, case.address, case.details, await cases.notes(case_id)) == ("fulfilled", "", {}, [])
        assert await letters_to(ANA) == []
        assert await cases.reference_of(case_id)
        approved = next(step for step in await cases.timeline(case_id) if step.event == "case.erased")
        assert "rows" in approved.note
        for refused in (
            cases.reopen(case_id, officer=OLGA),
            cases.add_note(case_id, "More.", officer=OLGA),
            cases.hold(case_id, "identity", "More.", officer=OLGA),
        ):
            with pytest.raises(Conflict, match="deleted when their time was over"):
                await refused


@on_both
async def test_a_deletion_ends_what_older_closed_requests_say_and_the_mails_with_codes_at_once(company: Company) -> None:
    await on_file()
    older = await collected("access")
    await cases.add_note(older, "Ana Pop called about her divorce.", officer=OLGA)
    await answer(older)
    session = await visit()
    await cases.download(await cases.hand_over(older, session), session)
    await answer(await collected("erasure"))
    case = await cases.case(older)
    assert (case.outcome, case.address, await cases.notes(older)) == ("fulfilled", "", [])
    assert await letters_to(ANA) == ["mail/case-started", "mail/case-erased"]
    for table in ("throttle", "session", "challenge", "familiar_browser"):
        assert await db.row(f"SELECT count(*) AS n FROM {table}") == {"n": 0}, table  # names above
    assert await db.row("SELECT count(*) AS n FROM case_file WHERE asked IS NOT NULL") == {"n": 0}


async def test_other_answers_stay_readable_for_three_years(company: Company) -> None:
    case_id = await collected("access")
    await answer(case_id, "refused", "It was the fourth time this week.")
    with clock.at(clock.now() + timedelta(days=1000)):
        await run_tidy()
        assert (await cases.case(case_id)).address == ANA
    with clock.at(clock.now() + timedelta(days=1096)):
        await run_tidy()
        assert (await cases.case(case_id)).address == ""


async def test_findings_of_somebody_erased_meanwhile_are_refused_in_a_sentence_and_the_request_can_end(company: Company) -> None:
    await on_file()
    older = await collected("rectification", details={"changes": {"phone": "+40799999999"}})
    again = await collected("rectification", details={"changes": {"name": "Ana"}})
    await answer(await collected("erasure"))
    with pytest.raises(Conflict, match="deleted meanwhile"):
        await cases.review(older, officer=OLGA)
    with pytest.raises(Conflict):
        await cases.propose(older, officer=OLGA)
    assert (await answer(older, "refused", "You had your data deleted meanwhile.")).outcome == "refused"
    await cases.collect(again, officer=OLGA)
    await jobs.run_due()
    await cases.close(again, "nothing held", officer=OLGA)
    assert (await cases.case(again)).outcome == "nothing held"


async def test_the_letter_says_what_must_be_kept(company: Company) -> None:
    await on_file()
    await answer(await collected("erasure"))
    letter = next(each.letter for each in await messages.mailbox() if each.template == "mail/case-erased")
    assert letter is not None and "must keep some of it" in letter.subject
    for words in (letter.text, letter.html):
        assert "We deleted what we may delete" in words and "We deleted your data and asked" not in words
    assert "Invoices: 1 entry kept, Accounting Act 82/1991, until" in await newest_to(ANA, "mail/case-erased")


async def test_a_package_of_a_request_that_was_taken_back_is_not_given(company: Company) -> None:
    case_id = await collected("access")
    await answer(case_id)
    session = await visit()
    secret = await cases.hand_over(case_id, session)
    await cases.withdraw(case_id, actor="customer:ana")
    assert await cases.package_of(case_id) is None
    assert (await cases.status_for_person(await cases.reference_of(case_id))).package_until is None
    for refused in (cases.hand_over(case_id, session), cases.download(secret, session)):
        with pytest.raises(Conflict, match="taken back or refused"):
            await refused


async def test_a_copy_that_waits_to_be_fetched_is_answered_and_not_late(company: Company) -> None:
    case_id = await collected("access")
    await answer(case_id)
    with pytest.raises(Conflict, match="waits for the person"):
        await cases.close(case_id, "fulfilled", officer=OLGA)
    assert "close" not in (await cases.case(case_id)).can
    late = clock.now() + timedelta(days=60)
    with clock.at(late):
        figures = await cases.figures()
        assert (figures["open"], figures["late"], figures["soon"], figures["answered"]) == (1, 0, 0, 1)
        assert [line.answered for line in await cases.queue()] == [True]
        case = await cases.case(case_id)
        assert (case.days_left < 0, "close" in case.can, case.closings) == (True, True, ("fulfilled",))
        await run_tidy()
        assert (await cases.case(case_id)).outcome == "fulfilled"


async def test_a_copy_ends_with_the_deletion_that_follows_it(company: Company) -> None:
    await on_file()
    copy = await collected("access")
    await answer(copy)
    with clock.at(clock.now() + timedelta(days=15)):
        erasure = await collected("erasure")
        await answer(erasure)
        assert await cases.package_of(copy) is None
        with pytest.raises(NotFound):
            await cases.hand_over(copy, await _back())
        await run_tidy()
        assert (await cases.case(copy)).outcome == "fulfilled"


async def _back() -> identity.Session:
    """Ana comes back with the same address: somebody new."""
    async with db.writing():
        await subjects.ensure("email", ANA, by="system")
    return await visit()


@on_both
async def test_what_was_opened_again_is_searched_again_also_after_a_refusal_was_sent_back(company: Company) -> None:
    await on_file()
    case_id = await collected("access")
    await answer(case_id)
    session = await visit()
    await cases.download(await cases.hand_over(case_id, session), session)
    await cases.reopen(case_id, officer=OLGA)
    await cases.propose(case_id, answer="refused", reasons="Because of this and that.", officer=OLGA)
    await cases.send_back(case_id, why="Look at the orders.", officer=PETRA)
    assert (await cases.case(case_id)).state == "triage"
    await cases.collect(case_id, officer=OLGA)
    await jobs.run_due()
    await answer(case_id)
    assert (await cases.case(case_id)).state == "delivering"


@on_both
async def test_a_refusal_that_is_looked_at_again_is_not_answered_by_the_old_search(company: Company) -> None:
    case_id = await collected("access")
    await answer(case_id, "refused", "Because of this and that.")
    company.run("shop", "INSERT INTO purchase VALUES (9, 1, 'A kettle, bought since')")
    with clock.at(clock.now() + timedelta(days=20)):
        await cases.reopen(case_id, officer=OLGA)
        await cases.propose(case_id, answer="refused", reasons="Because of this and that.", officer=OLGA)
        await cases.send_back(case_id, why="Look at the orders.", officer=PETRA)
        case = await cases.case(case_id)
        assert (case.state, case.systems, await cases.review(case_id, officer=PETRA)) == ("triage", (), [])
        with pytest.raises(Conflict):
            await cases.propose(case_id, officer=OLGA)
        await cases.collect(case_id, officer=OLGA)
        await jobs.run_due()
        [orders] = [each for each in await cases.review(case_id, officer=PETRA) if each.table == "purchase"]
        assert orders.row_count == 3
        await cases.propose(case_id, answer="refused", reasons="Because of this and that.", officer=OLGA)
        await cases.send_back(case_id, why="These are hers.", officer=PETRA)
        assert (await cases.case(case_id)).state == "reviewing"


async def test_a_second_refusal_after_a_second_look_is_told_as_well(company: Company) -> None:
    case_id = await collected("access")
    await answer(case_id, "refused", "Because of this and that.")
    await cases.reopen(case_id, officer=OLGA)
    await answer(case_id, "refused", "We looked once more, and it is another Ana.")
    assert "another Ana" in await newest_to(ANA, "mail/case-refused")


async def test_what_the_person_takes_up_again_is_searched_again(company: Company) -> None:
    await on_file()
    case_id = await collected("access")
    await cases.withdraw(case_id, actor="customer:ana")
    await cases.persons_side.take_up_again(case_id, await visit())
    case = await cases.case(case_id)
    assert (case.state, case.systems, await cases.review(case_id, officer=OLGA)) == ("triage", (), [])
