"""Rule 5: while nobody has found whether two records are one person's, the most restrictive of their answers counts."""

from portal import consent, db, subjects
from portal.consent import Cell
from portal.consent.scrubbing import answers_for
from portal.lib import clock
from portal.public import reasons
from portal.subjects import Identifier, duplicates
from tests.conftest import House
from tests.consent.people import allowed, known, publish, say

ANA, TAGGED = "ana@example.com", "ana+shop@example.com"
STOCK = Cell("back-in-stock", "email")


async def _two_records() -> tuple[Identifier, Identifier]:
    """One said yes, the other, in another spelling of the same mailbox, said no."""
    await publish()
    plain, tagged = await known("email", ANA), await known("email", TAGGED)
    await say(plain, "yes")
    await say(tagged, "no")
    return plain, tagged


async def test_a_no_of_who_may_be_the_same_person_counts_until_an_officer_finds_otherwise(house: House) -> None:
    plain, tagged = await _two_records()
    found = await consent.permission(plain.id, *STOCK)
    assert (found.allowed, found.rule) == (False, 5)
    while_open = clock.now()
    async with db.writing():
        await duplicates.dismiss(plain.subject, tagged.subject, by="officer:olga")
    assert await allowed(plain) and not await allowed(tagged)
    assert not await allowed(plain, at=while_open)


async def test_the_page_does_not_say_that_the_person_said_it(house: House) -> None:
    plain, _tagged = await _two_records()
    [square] = [
        each
        for each in await consent.choices(plain.subject)
        if (each.purpose.key, each.channel, each.topic) == ("back-in-stock", "email", None)
    ]
    assert reasons.why(square).startswith("Somebody said no at an address that may be yours as well.")


async def test_whoever_proved_their_address_is_not_bound_by_a_hint(house: House) -> None:
    plain, _tagged = await _two_records()
    async with db.writing():
        await subjects.mark_verified(plain.id)
    assert await allowed(plain)


async def test_an_objection_of_who_may_be_the_same_person_counts_too(house: House) -> None:
    await publish()
    plain, tagged = await known("email", ANA), await known("email", TAGGED)
    await say(plain, "yes")
    assert await allowed(plain)
    async with db.writing():
        await consent.stops.object_to_marketing(tagged.subject, by="officer:olga", purpose="back-in-stock")
    assert not await allowed(plain)


async def test_every_door_gives_that_answer(house: House) -> None:
    await _two_records()
    assert not (await consent.ask("email", ANA, STOCK)).allowed
    assert {may for may, _rule in (await answers_for("email", [ANA, TAGGED], STOCK)).values()} == {False}
