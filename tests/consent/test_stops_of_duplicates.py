"""A stop of somebody who may be the same person counts, and the page does not say that this person said it (rule 5)."""

import pytest

from portal import consent, db, subjects
from portal.consent import Choice
from portal.public import reasons
from portal.subjects import Identifier, duplicates
from tests.conftest import House
from tests.consent.people import known, publish, say

ANA, TAGGED = "ana@example.com", "ana+shop@example.com"


async def _two_records() -> tuple[Identifier, Identifier]:
    await publish()
    plain, tagged = await known("email", ANA), await known("email", TAGGED)
    await say(plain, "yes")
    return plain, tagged


async def _square(of: Identifier) -> Choice:
    found = await consent.choices(of.subject)
    return next(each for each in found if (each.purpose.key, each.channel, each.topic) == ("back-in-stock", "email", None))


async def test_an_objection_of_somebody_else_is_worded_as_theirs_and_ones_own_as_ones_own(house: House) -> None:
    plain, tagged = await _two_records()
    async with db.writing():
        await consent.stops.object_to_marketing(tagged.subject, by="officer:olga", purpose="back-in-stock")
    assert reasons.why(await _square(plain)).startswith("Somebody who may be the same person as you stopped this")
    assert reasons.why(await _square(tagged)).startswith("You stopped")


async def test_a_restriction_of_somebody_else_is_worded_as_theirs(house: House) -> None:
    plain, tagged = await _two_records()
    async with db.writing():
        await consent.stops.restrict(tagged.subject, by="officer:olga", why="accuracy contested")
    assert "asked us to leave their data unused" in reasons.why(await _square(plain))
    assert reasons.why(await _square(tagged)).startswith("You asked us to leave your data unused")


@pytest.mark.parametrize("found", ["confirmed", "linked", "dismissed"])
async def test_the_sentence_goes_with_the_doubt(house: House, found: str) -> None:
    plain, tagged = await _two_records()
    async with db.writing():
        await consent.stops.object_to_marketing(tagged.subject, by="officer:olga", purpose="back-in-stock")
        if found == "confirmed":
            await subjects.mark_verified(plain.id)
        elif found == "dismissed":
            await duplicates.dismiss(plain.subject, tagged.subject, by="officer:olga")
        else:
            await subjects.link(tagged.id, plain.subject, by="officer:olga", why="the same person")
    square = await _square(plain)
    assert square.allowed == (found != "linked") and not square.by_another
    assert found != "linked" or reasons.why(square).startswith("You stopped")
