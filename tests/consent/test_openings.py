"""Opening what is kept of an erased person takes two people and exactly the claim that both have read."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from portal import audit, consent, db, identity, jobs, subjects, vault
from portal.consent import events, openings
from portal.consent.openings import Claim
from portal.lib import clock
from portal.lib.errors import Conflict, NotAllowed, Refusal
from tests.conftest import House, on_both
from tests.consent.people import known, publish, say

CLAIM = Claim("against us", "Court of Cluj 12/2027", "She says that she never said yes to us.")
OTHER = replace(CLAIM, reason="We would like to know what else she bought from us.")
OLGA, PETRA, OWNER = "olga", "petra", "owner"


@pytest.fixture
async def ana(sqlite_house: House) -> str:
    return await erased_ana()


async def erased_ana() -> str:
    """Erased, with a yes behind her; answers the number that is left of her."""
    await publish()
    mine = await known("email", "ana@example.com", proven=True)
    await say(mine, "yes", grade="self-verified")
    async with db.writing():
        await subjects.forget(mine.subject, by="system")
    return mine.subject


async def asked(person: str) -> openings.Opening:
    return await openings.opening(await openings.ask(person, CLAIM, officer=OLGA))


async def no_room_for(event: str) -> None:
    async with db.writing():
        await db.run("DROP TRIGGER IF EXISTS full")
        name = f"CREATE TRIGGER full BEFORE INSERT ON entry WHEN NEW.event = '{event}'"
        await db.run(f"{name} BEGIN SELECT RAISE(ABORT, 'no room'); END")


async def run(verb: str) -> None:
    """What workers do when it is time."""
    async with db.writing():
        await jobs.later(verb, {}, key=None)
    await jobs.run_due()


@on_both
async def test_one_of_two_deciders_is_first_and_both_databases_agree_who(house: House) -> None:
    waiting = await asked(await erased_ana())
    decided = await asyncio.gather(
        openings.approve(waiting.id, waiting.digest, officer=PETRA),
        openings.refuse(waiting.id, "The claim is settled.", officer=OWNER),
        return_exceptions=True,
    )
    assert sum(isinstance(each, Conflict) for each in decided) == 1
    now = await openings.opening(waiting.id)
    steps = [each.event for each in await audit.search(object=waiting.id)]
    assert (now.state, steps) in (
        ("open", ["evidence.opened", "evidence.opening_asked"]),
        ("refused", ["evidence.opening_refused", "evidence.opening_asked"]),
    )
    await openings.withdraw((again := await asked(now.subject)).id, officer=OLGA)
    assert [each.id for each in await openings.openings(before=again.id)] == [waiting.id]
    assert await vault.ends_of("evidence", now.subject) is not None


async def test_two_accounts_of_one_person_are_one_person(ana: str) -> None:
    one = await identity.invite("olga@example.com", name="Olga", roles=["privacy-officer"], by=None)
    person = await identity.person_of(one.officer_id)
    two = await identity.invite("olga.m@example.com", name="Olga M", roles=["owner"], by=None, person=person)
    opening_id = await openings.ask(ana, CLAIM, officer=one.officer_id)
    digest = (await openings.opening(opening_id)).digest
    for alone in (one.officer_id, two.officer_id):
        with pytest.raises(NotAllowed, match="another person has to decide"):
            await openings.approve(opening_id, digest, officer=alone)
        with pytest.raises(NotAllowed, match="another person has to decide"):
            await openings.refuse(opening_id, "Never mind.", officer=alone)
    await openings.approve(opening_id, digest, officer=PETRA)
    assert (await consent.opened.read(opening_id, officer=two.officer_id)).kept  # she is one of the two


async def test_the_two_read_for_a_week_and_nobody_else_does(ana: str) -> None:
    waiting = await asked(ana)
    until = await openings.approve(waiting.id, waiting.digest, officer=PETRA)
    with pytest.raises(NotAllowed, match="Only the two people"):
        await consent.opened.read(waiting.id, officer=OWNER)
    with clock.at(until - timedelta(seconds=1)):
        for each in (OLGA, PETRA):
            first = await consent.opened.read(waiting.id, officer=each, limit=1)
            rest = await consent.opened.read(waiting.id, officer=each, before=first.older)
            assert {one.entry.id for one in first.kept}.isdisjoint({one.entry.id for one in rest.kept}) and not rest.older
    assert len(await audit.search(event="evidence.read")) == 4
    with clock.at(until):
        assert (await openings.opening(waiting.id)).state == "over"
        for each in (OLGA, PETRA):
            with pytest.raises(NotAllowed, match="not open"):
                await consent.opened.read(waiting.id, officer=each)
        with pytest.raises(Conflict, match="decided already"):
            await openings.approve(waiting.id, waiting.digest, officer=PETRA)


@pytest.mark.parametrize("who", [OLGA, PETRA])
async def test_either_of_the_two_ends_the_reading_and_so_does_a_restore(ana: str, who: str) -> None:
    first, second = await asked(ana), await asked(ana)
    for each in (first, second):
        await openings.approve(each.id, each.digest, officer=PETRA)
    with pytest.raises(NotAllowed, match="To end it"):
        await openings.withdraw(first.id, officer=OWNER)
    await openings.withdraw(first.id, officer=who)
    async with db.writing():
        assert await openings.close_all() == 1
    for each in (first, second):
        with pytest.raises(NotAllowed, match="not open"):
            await consent.opened.read(each.id, officer=OLGA)


async def test_the_steps_of_requests_leave_no_gaps_between_the_pages(ana: str) -> None:
    async with db.writing():
        for _each in range(5):
            await audit.record(events.READ, actor="system", subject=ana, case="a-case", payload={})
    waiting = await asked(ana)
    await openings.approve(waiting.id, waiting.digest, officer=PETRA)
    assert len((await consent.opened.read(waiting.id, officer=OLGA, limit=2)).kept) == 2


async def test_a_claim_that_changes_takes_the_agreement_with_it(ana: str) -> None:
    waiting = await asked(ana)
    await openings.change(waiting.id, OTHER, officer=OLGA)
    with pytest.raises(Conflict, match="not the one you looked at"):
        await openings.approve(waiting.id, waiting.digest, officer=PETRA)
    await openings.change(waiting.id, CLAIM, officer=OLGA)
    await openings.approve(waiting.id, waiting.digest, officer=PETRA)
    for stranger in (PETRA, OWNER):
        with pytest.raises(NotAllowed, match="Only the person who stated the claim"):
            await openings.change(waiting.id, OTHER, officer=stranger)
    assert len((await consent.opened.read(waiting.id, officer=OLGA)).kept) >= 2
    await openings.change(waiting.id, OTHER, officer=OLGA)
    for each in (OLGA, PETRA):
        with pytest.raises(NotAllowed, match="not open"):
            await consent.opened.read(waiting.id, officer=each)


async def test_words_that_were_changed_past_the_portal_open_nothing(ana: str) -> None:
    one, other = await asked(ana), await openings.ask(ana, OTHER, officer=OLGA)
    await openings.approve(one.id, one.digest, officer=PETRA)
    async with db.writing():
        key = await vault.key_for("evidence", ana)
        forged = key.seal(vault.Place("evidence_opening", "claim", one.id), '["of ours", "another", "another reason"]')
        await db.run("UPDATE evidence_opening SET claim = ? WHERE id = ?", forged, one.id)
        await db.run("UPDATE evidence_opening SET digest = ? WHERE id = ?", "0" * 64, other)
    with pytest.raises(NotAllowed, match="not open"):
        await consent.opened.read(one.id, officer=OLGA)
    with pytest.raises(Conflict, match="not the one you looked at"):
        await openings.approve(other, "0" * 64, officer=PETRA)


async def test_a_crash_in_the_middle_leaves_nothing_half_open(ana: str) -> None:
    waiting = await asked(ana)
    await no_room_for("evidence.opened")
    with pytest.raises(Exception, match="no room"):
        await openings.approve(waiting.id, waiting.digest, officer=PETRA)
    assert (await openings.opening(waiting.id)) == waiting
    await no_room_for("evidence.read")
    await openings.approve(waiting.id, waiting.digest, officer=PETRA)
    with pytest.raises(Exception, match="no room"):  # what cannot be recorded is not shown
        await consent.opened.read(waiting.id, officer=OLGA)


async def test_when_the_evidence_ends_the_window_closes_and_the_claims_words_go_with_it(house: House) -> None:
    ana = await erased_ana()
    waiting, left = await asked(ana), await asked(ana)
    refused = await asked(ana)
    await openings.refuse(refused.id, "She lives elsewhere now.", officer=PETRA)
    ends = await vault.ends_of("evidence", ana)
    assert ends is not None
    with clock.at(ends - timedelta(days=1)):
        await openings.approve(waiting.id, waiting.digest, officer=PETRA)
        assert (await consent.opened.read(waiting.id, officer=OLGA)).kept
        await run("consent.claims_end")
        assert (await openings.opening(waiting.id)).claim == CLAIM
    with clock.at(ends):
        with pytest.raises(Conflict, match="destroyed"):  # before any job has come to it
            await consent.opened.read(waiting.id, officer=OLGA)
        await run("subjects.evidence_ends")
        await run("consent.claims_end")
        gone = await openings.opening(waiting.id)
        assert (gone.claim, gone.digest) == (None, waiting.digest)
        assert (await openings.opening(refused.id)).why == "" and (await openings.opening(left.id)).state == "withdrawn"
        assert not await openings.waits_for(PETRA)
        with pytest.raises(Conflict, match="destroyed"):
            await openings.ask(ana, CLAIM, officer=OLGA)
    assert await vault.find_key("evidence", ana) is None  # no step of this has made her a new one
    assert (await audit.verify_log()).ok


async def test_nobody_is_opened_who_was_not_erased_and_no_claim_is_vague(ana: str) -> None:
    ben = await known("email", "ben@example.com")
    with pytest.raises(Conflict, match="was not deleted"):
        await openings.ask(ben.subject, CLAIM, officer=OLGA)
    for vague in (replace(CLAIM, kind="curiosity"), replace(CLAIM, reference=" "), replace(CLAIM, reason="Because.")):
        with pytest.raises(Refusal, match="stated in full"):
            await openings.ask(ana, vague, officer=OLGA)
    assert await openings.openings() == []
