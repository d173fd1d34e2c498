"""From the form to the findings: proof first, every system asked, a system that is down leaves the case partial."""

from datetime import UTC, datetime, timedelta

import pytest

from portal import audit, cases, db, identity, jobs, subjects
from portal.cases import models
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid, NotAllowed, NotFound
from tests.cases.shops import ANA, BEN, MALLORY, OLGA, Company, ask, code_to, collected, letters_to, newest_to, prove, visit
from tests.conftest import on_both


async def test_a_request_waits_for_proof_and_reaches_nobodys_data_without(company: Company) -> None:
    opened = await ask("access")
    assert opened.state == "verifying" and opened.challenge
    with pytest.raises(Conflict):
        await cases.collect(opened.id, officer=OLGA)
    assert await models.Task.all().count() == 0
    assert await letters_to(ANA) == ["mail/code"]


async def test_known_and_unknown_addresses_are_answered_alike(company: Company) -> None:
    async with db.writing():
        await subjects.ensure("email", ANA, by="import")
    known, unknown = await ask("erasure", ANA), await ask("erasure", MALLORY)
    assert known.state == unknown.state and len(known.reference) == len(unknown.reference)
    assert await letters_to(ANA) == await letters_to(MALLORY) == ["mail/code"]
    one, other = [await cases.status_for_person(each.reference) for each in (known, unknown)]
    assert (one.state, one.due_on, one.due_because) == (other.state, other.due_on, other.due_because)


async def test_a_proof_counts_for_its_own_request_alone(company: Company) -> None:
    mine, other = await ask("access", MALLORY), await ask("access", ANA)
    assert mine.challenge
    proof = await identity.prove_code(mine.challenge, await code_to(MALLORY))
    with pytest.raises(NotAllowed):
        await cases.verified(other.id, proof)
    assert (await cases.case(other.id)).state == "verifying"


async def test_a_signed_in_person_needs_no_further_proof(company: Company) -> None:
    async with db.writing():
        await subjects.ensure("email", ANA, by="import")
    opened = await cases.open_for(await visit(), "access", language="en")
    assert opened.state == "triage" and opened.challenge is None
    later = clock.now() + timedelta(minutes=20)
    session = await visit()
    with clock.at(later):
        assert (await cases.open_for(session, "portability", language="en")).state == "verifying"


async def test_every_system_is_searched_and_only_for_the_proven_address(company: Company) -> None:
    case_id = await collected("access")
    case = await cases.case(case_id)
    assert case.state == "reviewing" and case.partial == ()
    found = await cases.review(case_id, officer=OLGA)
    assert {(each.system, each.table): each.row_count for each in found} == {
        ("shop", "customer"): 1,
        ("shop", "purchase"): 2,
        ("shop", "invoice"): 1,
        ("news", "subscription"): 1,
    }
    assert "Ben Lee" not in str(found) and "Ana Pop" in str(found)
    looked = await audit.search(case=case_id, event="case.findings_read")
    assert [each.actor for each in looked] == ["officer:olga"]


async def test_a_foreign_address_finds_nothing_and_closes_so(company: Company) -> None:
    case_id = await collected("access", MALLORY)
    assert await cases.review(case_id, officer=OLGA) == []
    with pytest.raises(Conflict, match="Nothing was found"):
        await cases.propose(case_id, officer=OLGA)
    await cases.close(case_id, "nothing held", officer=OLGA)
    assert (await cases.case(case_id)).outcome == "nothing held"
    letter = await newest_to(MALLORY, "mail/case-nothing")
    assert "Web shop" in letter and "Newsletter" in letter


async def test_something_found_cannot_close_as_nothing_held(company: Company) -> None:
    case_id = await collected("access")
    with pytest.raises(Conflict, match="Something was found"):
        await cases.close(case_id, "nothing held", officer=OLGA)


@on_both
async def test_a_system_that_is_down_leaves_the_case_visibly_partial_until_it_answers(company: Company) -> None:
    company.take_down("shop")
    case_id = await collected("access")
    case = await cases.case(case_id)
    assert case.state == "collecting" and case.partial == ("Web shop",)
    shop = next(each for each in case.systems if each.system == "shop")
    assert shop.state in ("waiting", "stopped") and shop.sentence
    for act in (cases.propose(case_id, officer=OLGA), cases.close(case_id, "nothing held", officer=OLGA)):
        with pytest.raises(Conflict):
            await act
    assert (await cases.figures())["systems_not_answering"] == 1
    company.bring_back("shop")
    if shop.state == "stopped":
        await cases.ask_now(shop.task, officer=OLGA)
    with clock.at(clock.now() + timedelta(hours=2)):
        await jobs.run_due()
    assert (await cases.case(case_id)).state == "reviewing"


async def test_an_officers_link_is_shown_and_left_out_until_proven(company: Company) -> None:
    async with db.writing():
        ana = await subjects.ensure("email", ANA, by="import")
        ben = await subjects.ensure("email", BEN, by="import")
        await subjects.link(ben.id, ana.subject, by="officer:olga", why="same telephone")
    case_id = await collected("access")
    assert "Ben Lee" not in str(await cases.review(case_id, officer=OLGA))
    assert (await cases.case(case_id)).left_out == (ben.id,)


async def test_an_erasure_never_takes_an_unproven_joined_record_along(company: Company) -> None:
    async with db.writing():
        ana = await subjects.ensure("email", ANA, by="import")
        ben = await subjects.ensure("email", BEN, by="import")
        await subjects.link(ben.id, ana.subject, by="officer:olga", why="same telephone")
    case_id = await collected("erasure")
    with pytest.raises(Conflict, match="was not proven"):
        await cases.propose(case_id, officer=OLGA)


async def test_other_proven_addresses_are_told_in_words_that_name_no_right(company: Company) -> None:
    work = "ana.work@example.com"
    async with db.writing():
        ana = await subjects.ensure("email", ANA, by="import")
        other = await subjects.ensure("email", work, by="import", subject=ana.subject)
        await subjects.mark_verified(other.id)
    opened = await ask("erasure")
    await prove(opened)
    letter = await newest_to(work, "mail/case-notice")
    assert not any(word in letter.lower() for word in ("delet", "eras", "copy", "correct", "access"))
    secret = letter.split("/requests/notices/")[1].split()[0]
    await cases.not_me(secret)
    await cases.not_me(secret)
    case = await cases.case(opened.id)
    assert [each.kind for each in case.holds] == ["freeze"] and case.state == "triage"


async def test_marketing_stops_at_once_when_an_erasure_is_proven(company: Company) -> None:
    opened = await ask("erasure")
    await prove(opened)
    objected = await audit.search(event="consent.objected")
    assert len(objected) == 1


async def test_the_reference_is_random_and_a_wrong_one_is_not_found(company: Company) -> None:
    opened = await ask("access")
    assert len(opened.reference) >= 21
    status = await cases.status_for_person(opened.reference)
    assert "example.com" not in str(status)
    with pytest.raises(NotFound):
        await cases.status_for_person(opened.reference[:-1] + ("A" if opened.reference[-1] != "A" else "B"))
    with pytest.raises(NotFound):
        await cases.status_for_person(opened.id)


async def test_the_clock_starts_with_receipt_and_explains_itself(company: Company) -> None:
    with clock.at(datetime(2026, 11, 25, 12, tzinfo=UTC)):
        opened = await ask("access")
        case = await cases.case(opened.id)
        letter_day = await cases.open(
            "access", BEN, language="en", source="letter", actor="officer:olga", received_at=datetime(2026, 10, 31, 9, tzinfo=UTC)
        )
        assert (await cases.case(letter_day.id)).due_on.isoformat() == "2026-12-02"
    assert case.law == "gdpr" and case.due_on.isoformat() == "2026-12-28"
    assert case.due_because[-1].startswith("25 December 2026 is a weekend or a public holiday")


async def test_bad_input_is_named_field_by_field(company: Company) -> None:
    with pytest.raises(Invalid) as refused:
        await cases.open("rectification", ANA, language="en", who="nobody")
    assert set(refused.value.fields) == {"who", "changes"}


@on_both
async def test_the_queue_is_sorted_by_what_is_due_and_pages_without_gaps(company: Company) -> None:
    for day in range(1, 6):
        with clock.at(datetime(2026, 6, day, 9, tzinfo=UTC)):
            await ask("access", f"person{day % 3}@example.com")
    first = await cases.queue(limit=2)
    second = await cases.queue(after=first[-1].place, limit=2)
    third = await cases.queue(after=second[-1].place, limit=2)
    lines = [*first, *second, *third]
    assert len({each.id for each in lines}) == 5
    assert [each.due_on for each in lines] == sorted(each.due_on for each in lines)
    assert await cases.queue({"right": "erasure"}) == []
    with pytest.raises(Invalid):
        await cases.queue({"address": "x"})
