"""A request that nobody proved ends when an officer says so, not before its time and never by itself; and what had ended goes on
only with a reason."""

from datetime import timedelta

import pytest

from portal import cases, jobs
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid
from tests.cases.shops import ANA, OLGA, PETRA, Company, answer, ask, collected, letters_to, newest_to, prove
from tests.cases.test_letters import lapse
from tests.cases.test_proving import HOME, moved_in
from tests.conftest import on_both
from tests.people import Browser

LATER = timedelta(days=15)
WHY = "An invoice of hers came to light."


@on_both
async def test_it_closes_after_the_time_to_answer_and_one_mail_says_how_to_ask_again(company: Company) -> None:
    opened = await ask("access")
    assert "unconfirmed" not in (await cases.case(opened.id)).closings
    with pytest.raises(Conflict, match="still has time"):
        await cases.close(opened.id, "unconfirmed", officer=OLGA)
    with clock.at(clock.now() + LATER):
        await jobs.run_due()
        assert (await cases.case(opened.id)).state == "verifying"  # a request does not expire by itself
        await cases.close(opened.id, "unconfirmed", officer=OLGA)
        await jobs.run_due()
        told = await newest_to(ANA, "mail/case-unconfirmed")
        assert "/requests/new" in told and "complain" in told and "copy" not in told
        async with Browser() as anybody:
            page = await anybody.get(f"/requests/{await cases.reference_of(opened.id)}")
            assert "Nobody confirmed it" in page.text and "You can ask again at any time" in page.text


async def test_what_is_sent_again_gives_more_time(company: Company) -> None:
    opened = await ask("access")
    now = clock.now()
    with clock.at(now + timedelta(days=10)):
        await cases.ask_for_proof_again(await cases.reference_of(opened.id))
    with clock.at(now + LATER), pytest.raises(Conflict, match="still has time"):
        await cases.close(opened.id, "unconfirmed", officer=OLGA)


async def test_a_letter_on_its_way_gives_more_time_and_nobody_gets_a_letter_about_the_end(company: Company) -> None:
    moved_in(company)
    opened = await ask("access")
    now = clock.now()
    letter = await cases.proving.write_letter(opened.id, HOME, "shop", officer=OLGA)
    with clock.at(now + LATER):
        await cases.letters.posted(opened.id, letter, officer=OLGA)
    with clock.at(now + 2 * LATER), pytest.raises(Conflict, match="still has time"):
        await cases.close(opened.id, "unconfirmed", officer=OLGA)
    with clock.at(now + 3 * LATER):
        await lapse()
        await cases.close(opened.id, "unconfirmed", officer=OLGA)
        assert [each.kind for each in await cases.letters.of_case(opened.id)] == ["code"]


async def test_what_was_asked_together_gets_one_mail_with_the_last(company: Company) -> None:
    opened = await cases.open("access", ANA, also=["erasure"], language="en", details={"country": "RO"})
    [other] = await cases.together.beside(opened.id)
    with clock.at(clock.now() + LATER):
        await cases.close(opened.id, "unconfirmed", officer=OLGA)
        assert "mail/case-unconfirmed" not in await letters_to(ANA)
        await cases.close(other.id, "unconfirmed", officer=OLGA)
        assert (await letters_to(ANA)).count("mail/case-unconfirmed") == 1


async def test_what_was_proven_does_not_end_so(company: Company) -> None:
    opened = await ask("access")
    await prove(opened)
    with clock.at(clock.now() + LATER), pytest.raises(Conflict):
        await cases.close(opened.id, "unconfirmed", officer=OLGA)


@on_both
async def test_a_refused_deletion_is_opened_again_and_takes_two_people_once_more(company: Company) -> None:
    case_id = await collected("erasure")
    await answer(case_id, "refused", "The invoices are needed for a claim.")
    assert (await cases.case(case_id)).outcome == "refused"
    with pytest.raises(Invalid):
        await cases.reopening.reopen(case_id, "why", officer=OLGA)
    await cases.reopening.reopen(case_id, WHY, officer=OLGA)
    assert (await cases.case(case_id)).state == "triage" and (await cases.notes(case_id))[0].text == WHY
    letter = await newest_to(ANA, "mail/case-reopened")
    assert "the deletion of your data, and it had come to an end" in letter and await cases.reference_of(case_id) in letter
    await cases.collect(case_id, officer=OLGA)
    await jobs.run_due()
    await cases.propose(case_id, answer="fulfilled", officer=OLGA)
    await jobs.run_due()
    assert (await cases.case(case_id)).state == "approving"
    waiting = await cases.proposal(case_id)
    assert waiting is not None
    await cases.approve(case_id, waiting.digest, officer=PETRA)
    await jobs.run_due()
    assert (await cases.case(case_id)).outcome == "fulfilled"
    with pytest.raises(Conflict):
        await cases.reopening.reopen(case_id, WHY, officer=OLGA)  # nobody is left to search for


async def test_what_its_person_took_back_is_theirs(company: Company) -> None:
    case_id = await collected("erasure")
    await cases.withdraw(case_id, actor="customer:ana")
    with pytest.raises(Conflict, match="took this back"):
        await cases.reopening.reopen(case_id, WHY, officer=OLGA)
    assert (await cases.case(case_id)).outcome == "withdrawn"
