"""For whom no basis is left: found after the time to wait, never while a word stands, and nothing is deleted without officers."""

import asyncio
from datetime import date, datetime, timedelta

import pytest

from portal import audit, cases, consent, db, jobs, messages, subjects
from portal.cases import basis_proposals, basis_search, by_company, models
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid
from tests.cases.shops import ANA, BEN, OLGA, Company, answer, ask, letters_to, visit
from tests.conftest import House, on_both
from tests.consent.people import known, publish, say

DAYS = timedelta(days=1)
START = datetime.fromisoformat("2026-03-02T10:00:00Z")


async def always() -> None:
    """In place of a job's lease."""


async def search() -> None:
    await consent.lapses.note_lapses()
    await audit.sequence_all()
    await basis_search.search_on(always)


async def proposed() -> list[str]:
    return [each.subject for each in (await basis_proposals.proposed())[0]]


async def events() -> list[str]:
    return [each.event for each in reversed(await audit.search(limit=500)) if each.event.startswith("basis.")]


async def left_by(address: str = ANA) -> subjects.Identifier:
    """Said yes and, an hour later, no."""
    identifier = await known("email", address)
    await say(identifier, "yes")
    with clock.at(clock.now() + timedelta(hours=1)):
        await say(identifier, "no")
    return identifier


@on_both
async def test_who_took_the_last_yes_back_is_proposed_after_the_time_to_wait_and_not_before(house: House) -> None:
    with clock.at(START):
        await publish()
        ana, ben = await left_by(), await known("email", BEN)
        await say(ben, "yes")
        await search()
    with clock.at(START + 29 * DAYS):
        await search()
        assert await proposed() == []
    with clock.at(START + 31 * DAYS):
        await search()
        [found], more = await basis_proposals.proposed()
        assert (found.subject, more) == (ana.subject, "")
        assert [(each.purpose.key, each.answer, each.how) for each in found.ended] == [("back-in-stock", "yes", "no")]
        assert abs(found.ended_at - START - timedelta(hours=1)) < timedelta(minutes=1)
        await search()
    assert await events() == ["basis.proposed"]


async def test_a_yes_that_ran_out_and_one_that_was_unset_are_no_basis(house: House) -> None:
    with clock.at(START):
        await publish()
        ana, ben = await known("email", ANA), await known("email", BEN)
        await say(ana, "yes", until=START + 10 * DAYS)
        await say(ben, "yes")
        await search()
    with clock.at(START + 20 * DAYS):
        await say(ben, "unset")
        await search()
    with clock.at(START + 45 * DAYS):
        await search()
        assert await proposed() == [ana.subject]
    with clock.at(START + 55 * DAYS):
        await search()
        found, _more = await basis_proposals.proposed()
        assert [each.subject for each in found] == [ana.subject, ben.subject]
        assert [each.ended[0].how for each in found] == ["lapsed", "unset"]


async def test_an_objection_ends_what_a_customer_was_told(house: House) -> None:
    told = {"sale": "B-1", "family": "books", "opt_out": "link"}
    with clock.at(START):
        await publish()
        ana = await known("email", ANA)
        await say(ana, "informed", "similar-books", grade="staff", source="order", evidence=told, edition="similar-books@1/en")
        await search()
    with clock.at(START + DAYS):
        await consent.stops.object_to_marketing(ana.subject, by="officer:olga")
    with clock.at(START + 40 * DAYS):
        await search()
        [found], _more = await basis_proposals.proposed()
        assert [(each.answer, each.how) for each in found.ended] == [("informed", "objected")]


async def test_a_no_alone_is_kept(house: House) -> None:
    with clock.at(START):
        await publish()
        ana = await known("email", ANA)
        await say(ana, "no", grade="self-verified")
        await say(ana, "yes", grade="import", source="import")  # too weak: it never was in force
    with clock.at(START + 90 * DAYS):
        await search()
        assert await proposed() == []


async def test_a_pause_and_a_mailbox_that_bounces_leave_the_basis(house: House) -> None:
    with clock.at(START):
        await publish()
        ana, ben = await known("email", ANA), await known("email", BEN)
        await say(ana, "yes")
        await say(ben, "yes")
        await consent.pause(ana.subject, until=START + 80 * DAYS, by=f"customer:{ana.subject}")
        await consent.stops.suppress_address(ben.id, "email", by="system", why="hard bounce")
    with clock.at(START + 70 * DAYS):
        assert not (await consent.permission(ben.id, "back-in-stock", "email")).allowed
        await search()
        assert await proposed() == []


async def test_a_purpose_that_is_given_up_is_no_basis_any_more(house: House) -> None:
    with clock.at(START):
        await publish()
        ana = await known("email", ANA)
        await say(ana, "yes")
        await search()
    with clock.at(START + DAYS):
        async with db.writing():
            await db.run("UPDATE purpose SET retired_at = ? WHERE key = 'back-in-stock'", clock.micros(clock.now()))
        await search()
    with clock.at(START + 40 * DAYS):
        await search()
        [found], _more = await basis_proposals.proposed()
        assert found.subject == ana.subject and found.ended[0].how == "retired"


@on_both
async def test_a_new_yes_takes_the_proposal_away_at_once(house: House) -> None:
    with clock.at(START):
        await publish()
        ana = await left_by()
    with clock.at(START + 40 * DAYS):
        await search()
        assert await proposed() == [ana.subject]
        await say(ana, "yes")
        assert await proposed() == []
        with pytest.raises(Conflict, match="Something changed"):
            await basis_proposals.open_erasure(ana.subject, officer=OLGA)
        await search()
        assert await events() == ["basis.proposed", "basis.proposal_gone"]
        assert await models.Watched.all().count() == 0


async def test_what_is_still_being_decided_is_left_alone_and_found_afterwards(company: Company) -> None:
    with clock.at(START):
        await publish()
        _ana, ben = await left_by(), await left_by(BEN)
        carl, dan = await left_by("carl@example.com"), await left_by("dan@example.com")
        await say(dan, "yes", "newsletter")  # waits to be confirmed
    with clock.at(START + 13 * DAYS):
        assert await consent.awaiting.pending(dan.subject)
    with clock.at(START + 40 * DAYS):
        await ask("access", ANA)  # nobody has proven it yet
        hold = await cases.legal_holds.set_on_person(ben.subject, "Court case 12/2026 about it.", officer="carla")
        await consent.stops.restrict(carl.subject, by="officer:olga", why="unlawful use")
        await search()
        assert await proposed() == [dan.subject]
        await cases.legal_holds.lift(hold, officer="carla")
        await consent.stops.lift_restriction(carl.subject, by="officer:olga", why="asked", person_told=True)
        await search()
        assert await proposed() == sorted([ben.subject, carl.subject, dan.subject])
        tagged = await known("email", BEN.replace("@", "+shop@"))
        assert await proposed() == sorted([carl.subject, dan.subject]) and tagged.subject != ben.subject


async def test_an_officer_keeps_the_data_for_a_time_with_a_reason(house: House) -> None:
    with clock.at(START):
        await publish()
        ana = await left_by()
    with clock.at(START + 40 * DAYS):
        await search()
        for why, until in (("short", None), ("A guarantee runs until then.", date(2026, 12, 1))):
            with pytest.raises(Invalid):
                await basis_proposals.keep(ana.subject, why, until, officer=OLGA)
        await basis_proposals.keep(ana.subject, "A guarantee runs until then.", date(2026, 6, 1), officer=OLGA)
        assert await basis_proposals.kept(ana.subject) == (date(2026, 6, 1), "A guarantee runs until then.")
        with pytest.raises(Conflict):
            await basis_proposals.keep(ana.subject, "A guarantee runs until then.", None, officer=OLGA)
        await say(ana, "no")
        await search()
        assert await proposed() == []
    with clock.at(datetime.fromisoformat("2026-06-01T12:00:00Z")):
        await search()
        assert await proposed() == [ana.subject] and await basis_proposals.kept(ana.subject) is None
    assert await events() == ["basis.proposed", "basis.kept", "basis.proposed"]


@on_both
async def test_a_deletion_that_is_opened_takes_two_deletes_everywhere_and_writes_to_nobody(company: Company) -> None:
    with clock.at(START):
        await publish()
        ana = await left_by()
    with clock.at(START + 40 * DAYS):
        await search()
        opened = await asyncio.gather(
            *(basis_proposals.open_erasure(ana.subject, officer=OLGA) for _each in range(4)), return_exceptions=True
        )
        [case_id] = [each for each in opened if isinstance(each, str)]
        assert sum(isinstance(each, Conflict) for each in opened) == 3
        case = await cases.case(case_id)
        assert (case.right, case.requester, case.state, case.subject) == ("erasure", "company", "triage", ana.subject)
        assert await audit.search(case=case_id, event="case.opened") == []
        await cases.collect(case_id, officer=OLGA)
        await jobs.run_due()
        assert len(company.rows("shop", "SELECT id FROM purchase")) == 3
        assert (await answer(case_id)).outcome == "fulfilled"
        assert company.rows("shop", "SELECT id FROM purchase") == [(3,)]
        assert await subjects.find("email", ANA) is None and await subjects.is_suppressed("email", ANA)
        assert [row["basis"] for row in await db.rows("SELECT basis FROM suppression")] == ["no basis was left; kept off lists"]
        assert [each for each in await letters_to(ANA) if each.startswith("mail/case")] == []
        assert [each for each in await messages.mailbox(50) if each.case == case_id] == []
        assert await audit.search(event="consent.objected") == []
        await search()
        assert await models.Watched.all().count() == 0


async def test_a_deletion_waits_when_a_basis_is_back_and_can_be_ended(company: Company) -> None:
    with clock.at(START):
        await publish()
        ana = await left_by()
    with clock.at(START + 40 * DAYS):
        await search()
        case_id = await basis_proposals.open_erasure(ana.subject, officer=OLGA)
        await cases.collect(case_id, officer=OLGA)
        await jobs.run_due()
        await say(ana, "yes")
        with pytest.raises(Conflict, match="There is a basis again"):
            await answer(case_id)
        await by_company.end(case_id, officer=OLGA)
        assert (await cases.case(case_id)).outcome == "withdrawn" and await subjects.find("email", ANA) is not None
        assert len(await audit.search(case=case_id, event="case.ended_by_company")) == 1
        asked = await ask("erasure", BEN)
        with pytest.raises(Conflict, match="only they can take that back"):
            await by_company.end(asked.id, officer=OLGA)


async def test_nobody_is_looked_at_who_is_not_named_in_the_record_since(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with clock.at(START):
        await publish()
        for number in range(12):
            await left_by(f"guest{number}@example.com")
        await search()
        looked: list[int] = []
        usual = consent.bases.standings

        async def counting(people: list[subjects.Person]) -> dict[str, consent.bases.Standing]:
            looked.append(len(people))
            return await usual(people)

        monkeypatch.setattr(consent.bases, "standings", counting)
        await search()
        assert sum(looked) == 0
        await say(await known("email", "guest3@example.com"), "yes")
        await search()
        assert 1 <= sum(looked) <= 2


async def test_a_search_that_is_cut_anywhere_finds_the_same_when_it_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(basis_search, "PORTION", 2)
    monkeypatch.setattr(basis_search, "LOOKS", 2)
    with clock.at(START):
        await publish()
        people = {(await left_by(f"guest{number}@example.com")).subject for number in range(7)}
    with clock.at(START + 40 * DAYS):
        await consent.lapses.note_lapses()
        await audit.sequence_all()
        for allowed in range(1, 60):
            left = [allowed]

            async def dying(left: list[int] = left) -> None:
                left[0] -= 1
                if left[0] == 0:
                    raise KeyboardInterrupt

            try:
                await basis_search.search_on(dying)
                break
            except KeyboardInterrupt:
                continue
        assert set(await proposed()) == people
        assert (await events()).count("basis.proposed") == 7


async def test_an_address_that_is_parted_may_take_the_last_basis_along(house: House) -> None:
    with clock.at(START):
        await publish()
        ana, ben = await left_by(), await known("email", BEN)
        await say(ben, "yes")
        async with db.writing():
            await subjects.link(ben.id, ana.subject, by="officer:olga", why="told us")
        await search()
    with clock.at(START + 2 * DAYS):
        async with db.writing():
            await subjects.split(ben.id, by="officer:olga", why="not the same person")
        await search()
    with clock.at(START + 31 * DAYS):
        await search()
        assert await proposed() == []
    with clock.at(START + 33 * DAYS):
        await search()
        assert await proposed() == [ana.subject]


async def opened_by_us() -> tuple[subjects.Identifier, str]:
    """Collected; nobody asked for it."""
    with clock.at(START):
        await publish()
        ana = await left_by()
    with clock.at(START + 40 * DAYS):
        await search()
        case_id = await basis_proposals.open_erasure(ana.subject, officer=OLGA)
        await cases.collect(case_id, officer=OLGA)
        await jobs.run_due()
    return ana, case_id


async def test_a_restriction_asked_for_after_the_opening_stops_the_deletion(company: Company) -> None:
    _ana, case_id = await opened_by_us()
    with clock.at(START + 41 * DAYS):
        await cases.open_for(await visit(ANA), "restriction", language="en", details={"ground": "needed for legal claims"})
        with pytest.raises(Conflict, match="something of theirs is being decided"):
            await answer(case_id)
    assert len(company.rows("shop", "SELECT id FROM purchase")) == 3


async def test_an_address_that_others_read_too_takes_nobody_along(company: Company) -> None:
    sql = "INSERT INTO customer VALUES (9, 'family@example.com', NULL, 'Carla Pop'); INSERT INTO purchase VALUES (9, 9, 'Hers');"
    company.run("shop", sql)
    with clock.at(START):
        await publish()
        ana = await left_by()
        await known("email", "family@example.com", ana.subject, audience="shared")
    with clock.at(START + 40 * DAYS):
        await search()
        case_id = await basis_proposals.open_erasure(ana.subject, officer=OLGA)
        await cases.collect(case_id, officer=OLGA)
        await jobs.run_due()
        await answer(case_id)
    assert company.rows("shop", "SELECT item FROM purchase WHERE customer_id IN (1, 9)") == [("Hers",)]
