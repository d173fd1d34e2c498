"""Each right, whoever asks, from the form to its end: proven, the mandate seen where one is needed, carried out, answered."""

import re
from datetime import timedelta

import pytest

from portal import audit, cases, consent, db, jobs, statement, subjects
from portal.cases import contact, details, models, states
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid
from portal.paper import date_text
from tests.cases.shops import ANA, BEN, OLGA, PETRA, Company, answer, collected, letters_to, newest_to, prove, visit
from tests.conftest import on_both

ASKER = "mother@example.com"
SAID = {"message": "Please look at it.", "changes": {"phone": "+40700000001"}}


@pytest.fixture
async def published(company: Company) -> Company:
    await statement.publish_all("system", why="The first texts.")
    return company


def said(who: str) -> dict[str, object]:
    about = {} if who == "me" else {"concerned": {"email": ANA}, "concerned_name": "Ana Pop", "permission": True}
    return {**SAID, **about}


# Nearly every right once and everybody who may ask once; all combinations, and PostgreSQL with all of them, in make deep.
FEW = {("access", "child"), ("erasure", "me"), ("rectification", "guardian"), ("restriction", "agent")}
FEW |= {("objection", "me"), ("human review", "deceased"), ("complaint", "me"), ("opt-out", "agent"), ("limit", "child")}
FEW |= {("objection to marketing", "me"), ("withdrawal", "me")}
ALL = [
    pytest.param(right, who, marks=[] if (right, who) in FEW else pytest.mark.deep)
    for right in sorted(details.OFFERED)
    for who in details.REQUESTERS
]


@pytest.mark.parametrize(("right", "who"), ALL)
async def test_a_right_comes_to_its_end(published: Company, right: str, who: str) -> None:
    await _known(ANA)
    address = ANA if who == "me" else ASKER
    opened = await cases.open(right, address, language="en", who=who, details=said(who))
    if right in states.AT_ONCE:
        assert opened.challenge is None
    else:
        await prove(opened, address)
        await _go_on(opened.id, who)
    case = await cases.case(opened.id)
    ready = right in ("access", "portability")
    assert (case.state, case.outcome) == (("delivering", "") if ready else ("closed", _end(right)))
    if ready:
        session = await visit(address)
        await cases.download(await cases.hand_over(opened.id, session), session)
        assert (await cases.case(opened.id)).outcome == "fulfilled"


def _end(right: str) -> str:
    if right in states.IN_WORDS:
        return "answered"
    return "fulfilled"


async def _go_on(case_id: str, who: str) -> None:
    case = await cases.case(case_id)
    if who != "me":
        with pytest.raises(Conflict, match="mandate"):
            await (cases.collect(case_id, officer=OLGA) if case.right in states.COLLECTED else _write(case_id))
        kind = cases.mandates.KINDS[who][0]
        await cases.mandates.note(case_id, kind, "2026-01-02", officer=OLGA)
    if case.right in states.IN_WORDS:
        await _write(case_id)
        return
    await cases.collect(case_id, officer=OLGA)
    await jobs.run_due()
    if case.right == "rectification":
        await cases.decide_correction(case_id, "phone", True, officer=OLGA)
    await cases.review(case_id, officer=OLGA)
    await answer(case_id)


async def _write(case_id: str) -> None:
    await cases.answering.answer(case_id, "We looked at it together with you.", officer=OLGA)


async def _known(address: str) -> subjects.Identifier:
    async with db.writing():
        found = await subjects.ensure("email", address, by="import")
        await subjects.mark_verified(found.id)
    return found


async def _says_yes(address: str) -> subjects.Identifier:
    """To the newsletter and to advertising networks, confirmed."""
    mine = await _known(address)
    for purpose, channel in (("newsletter", "email"), ("audiences", "ads")):
        said = (mine.id, purpose, channel, "", "yes", None, "preference-centre", "self-verified")
        await consent.decide(consent.Word(*said, actor=f"customer:{mine.subject}", edition=f"{purpose}@1/en", language="en"))
    return mine


async def _may(mine: subjects.Identifier, purpose: str = "newsletter", channel: str = "email") -> bool:
    return (await consent.permission(mine.id, purpose, channel)).allowed


@pytest.mark.parametrize(
    ("right", "newsletter", "networks"),
    [("objection to marketing", False, False), ("withdrawal", False, False), ("opt-out", True, False), ("limit", False, False)],
)
async def test_what_acts_at_once_counts_with_the_answer(published: Company, right: str, newsletter: bool, networks: bool) -> None:
    ana, ben = await _says_yes(ANA), await _says_yes(BEN)
    opened = await cases.open(right, ANA, language="en")
    assert (opened.state, opened.challenge) == ("closed", None)
    assert (await _may(ana), await _may(ana, "audiences", "ads")) == (newsletter, networks)
    assert await _may(ben) and await _may(ben, "audiences", "ads")
    await jobs.run_due()
    assert await letters_to(ANA) == ["mail/case-stopped"]


async def test_a_stranger_stops_an_address_and_whoever_signed_in_the_person(published: Company) -> None:
    first = await _says_yes(ANA)
    async with db.writing():
        second = await subjects.ensure("email", "ana.second@example.com", by="import", subject=first.subject)
        await subjects.mark_verified(second.id)
    await _says_yes("ana.second@example.com")
    await cases.open("withdrawal", ANA, language="en")
    assert not await _may(first) and await _may(second)
    await cases.open_for(await visit(ANA), "withdrawal", language="en")
    assert not await _may(second)


async def test_asking_for_others_again_and_again_sends_them_three_letters(published: Company) -> None:
    for number in range(5):
        await cases.open("opt-out", ANA, language="en", browser=f"stranger {number}")
    await jobs.run_due()
    assert len(await letters_to(ANA)) == 3


async def test_who_was_named_by_another_is_told_and_a_mistyped_address_adds_nobody(published: Company) -> None:
    ana = await _says_yes(ANA)
    await _known(ASKER)
    before = await db.row("SELECT count(*) AS n FROM subject")
    for named in (ANA, "anna.mistyped@example.com"):
        details = {"concerned": {"email": named}, "concerned_name": "Ana Pop", "permission": True}
        opened = await cases.open_for(await visit(ASKER), "opt-out", language="en", who="agent", details=details)
        assert (await cases.case(opened.id)).outcome == "fulfilled"
    await jobs.run_due()
    assert not await _may(ana, "audiences", "ads") and await letters_to(ANA) == ["mail/case-notice"]
    assert await db.row("SELECT count(*) AS n FROM subject") == before
    assert await subjects.is_suppressed("email", "anna.mistyped@example.com")
    with clock.at(clock.now() + timedelta(days=367)):
        assert not await subjects.is_suppressed("email", "anna.mistyped@example.com")
    link = re.findall(r"/requests/notices/([\w-]+)", await newest_to(ANA, "mail/case-notice"))[-1]
    await cases.not_me(link)
    assert [each for each in await audit.search(subject=ana.subject) if each.event == "case.not_me"]


async def test_an_address_that_asked_not_to_be_added_is_not_added_by_an_objection(published: Company) -> None:
    async with db.writing():
        await subjects.suppress("email", ANA, basis="asked", by="system")
    opened = await cases.open("objection to marketing", ANA, language="en")
    assert opened.state == "closed" and await subjects.find("email", ANA) is None
    assert await db.row("SELECT count(*) AS n FROM subject") == {"n": 0}


async def test_what_is_objected_to_is_not_used_until_it_is_decided(published: Company) -> None:
    mine = await _says_yes(ANA)
    refused, agreed = await collected("objection"), await collected("objection")
    assert not await _may(mine)
    await answer(refused, "refused", "We need it to collect an unpaid bill.")
    assert not await _may(mine)  # the other one stands
    assert (await answer(agreed)).outcome == "fulfilled"
    day = clock.now() + timedelta(days=3, minutes=1)
    assert not await _may(mine)  # the refusal named the day from which it is used again (Art. 18(3))
    assert f"Until {date_text(day.date())} we only store" in await newest_to(ANA, "mail/case-refused")
    with clock.at(day):
        await jobs.run_due()
        assert await _may(mine)  # said yes to; what rests on our interest is stopped
    catalogue = [each for each in await consent.history(mine.subject, 20) if each.purpose == "catalogue"]
    assert catalogue


async def test_a_restriction_ends_three_days_after_the_person_was_told(published: Company) -> None:
    mine = await _says_yes(ANA)
    case_id = await collected("restriction", details={"ground": "needed for legal claims"})
    assert (await answer(case_id)).outcome == "fulfilled" and not await _may(mine)
    with pytest.raises(Invalid):
        await cases.restricting.lift(case_id, "", officer=OLGA)
    await cases.restricting.lift(case_id, "The claim was settled in May.", officer=OLGA)
    await jobs.run_due()
    assert not await _may(mine) and "settled in May" in await newest_to(ANA, "mail/case-restriction-ends")
    with clock.at(clock.now() + timedelta(days=3, minutes=1)):
        await jobs.run_due()
        assert await _may(mine)


async def test_taking_a_restriction_back_ends_it(published: Company) -> None:
    mine = await _says_yes(ANA)
    case_id = await collected("restriction")
    assert not await _may(mine)
    await cases.withdraw(case_id, actor="customer:ana")
    assert await _may(mine)


async def test_a_restriction_ends_also_when_the_words_of_its_request_are_gone(published: Company) -> None:
    case_id = await collected("restriction")
    await answer(case_id)
    with clock.at(clock.now() + timedelta(days=1200)):
        async with db.writing():
            await contact.fall_of_expired()
        assert (await cases.case(case_id)).address == "" and await cases.restricting.stands(case_id)
        await cases.restricting.lift(case_id, "The claim was settled in May.", officer=OLGA)
        with pytest.raises(Conflict, match="was told already"):
            await cases.restricting.lift(case_id, "The claim was settled in May.", officer=OLGA)
        assert "settled in May" in await newest_to(ANA, "mail/case-restriction-ends")
        with clock.at(clock.now() + timedelta(days=3, minutes=1)):
            await jobs.run_due()
            assert (await models.CaseRow.get(id=case_id)).restriction is None


async def test_what_is_taken_along_has_what_the_person_gave_and_not_what_we_wrote(published: Company) -> None:
    await _known(ANA)
    await prove(await cases.open("access", ANA, language="en"))  # an earlier request is ours to keep
    case_id = await collected("portability")
    await cases.propose(case_id, officer=OLGA)
    frozen = await cases.frozen(case_id)
    assert frozen
    found = {(system.name, table.name): table for system, _category, table in frozen.tables()}
    assert [row.fields[0].value for row in found["shop", "purchase"].rows] == ["Tea, two boxes", "Cup, as a present for Ben"]
    assert {name for system, name in found if system == "portal"} == {"identifier"}
    assert {each.name for each in frozen.systems} == {"shop", "news", "portal"}


async def test_an_appeal_has_the_clock_of_its_law(company: Company) -> None:
    first = await collected("access", details={"country": "US-VA"})
    await answer(first, "refused", "We do not believe that this is yours.")
    opened = await cases.appeals.ask(first, "It is mine.", await visit(), language="en")
    mine, earlier = await models.CaseRow.get(id=opened.id), await models.CaseRow.get(id=first)
    assert (mine.appeal_of, mine.country) == (first, "US-VA") and mine.clock in ("appeal", earlier.clock)


@on_both
async def test_requests_sent_together_are_proven_together_and_told_in_one_letter(company: Company) -> None:
    opened = await cases.open("erasure", ANA, language="en", also=["access", "portability"])
    assert [each.right for each in await cases.together.rows(await models.CaseRow.get(id=opened.id))] == [
        "access",
        "portability",
        "erasure",
    ]
    await prove(opened)
    states_now = {each.right: each.state for each in await models.CaseRow.all()}
    assert states_now == dict.fromkeys(("access", "portability", "erasure"), "triage")
    assert await letters_to(ANA) == ["mail/code", "mail/case-started"]
    erasure = (await models.CaseRow.get(right="erasure")).id
    await cases.collect(erasure, officer=OLGA)
    await jobs.run_due()
    await cases.propose(erasure, officer=OLGA)
    waiting = await cases.proposal(erasure)
    assert waiting
    with pytest.raises(Conflict, match="also asked for a copy"):
        await cases.approve(erasure, waiting.digest, officer=PETRA)


async def test_nothing_of_a_person_falls_while_they_wait_for_a_copy(company: Company) -> None:
    await _known(ANA)
    earlier = (await cases.open("opt-out", ANA, language="en")).id  # kept for 30 days
    with clock.at(clock.now() + timedelta(days=31)):
        copy = await collected("access")
        assert await _fall() == 0 and (await cases.case(earlier)).address == ANA
        await cases.withdraw(copy, actor="customer:ana")
        assert await _fall() == 1 and (await cases.case(earlier)).address == ""


async def _fall() -> int:
    async with db.writing():
        return await contact.fall_of_expired()


@pytest.mark.parametrize(
    ("right", "who", "given", "field"),
    [
        ("nonsense", "me", {}, "right"),
        ("access", "neighbour", {"concerned_name": "Ana"}, "who"),
        ("access", "agent", {"concerned_name": "Ana"}, "concerned-email"),
        ("access", "child", {"concerned": {"email": "no address"}, "concerned_name": "Mia"}, "concerned-email"),
        ("access", "child", {}, "concerned-name"),
        ("opt-out", "agent", {"concerned": {"email": ANA}, "concerned_name": "Ana"}, "permission"),
        ("complaint", "me", {}, "message"),
        ("human review", "me", {"message": " "}, "message"),
        ("restriction", "me", {"ground": "because"}, "ground"),
    ],
)
def test_what_is_missing_is_told_at_its_field(right: str, who: str, given: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as problem:
        details.checked([right], who, given, sources=["form"], source="form", received_at=None)
    assert set(problem.value.fields) == {field}
