"""How people like to be reached, what senders hear of it, and the mail on the day a pause ends."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal import audit, consent, db, jobs, messages, subjects
from portal.consent import Cell
from portal.consent.wishes import Wishes
from portal.lib import clock
from portal.lib.errors import Invalid
from tests.conftest import House, on_both
from tests.consent.people import allowed, known, publish, say

ANA, WORK = ("email", "ana@example.com"), ("email", "work@example.com")


async def test_the_latest_wish_counts_and_every_change_is_a_row_and_an_entry(house: House) -> None:
    ana = await known(*ANA)
    by = f"customer:{ana.subject}"
    await consent.wish(ana.subject, {"frequency": "weekly", "hours": "evening"}, by=by)
    await consent.wish(ana.subject, {"frequency": "monthly", "hours": "evening"}, by=by)
    await consent.wish(ana.subject, {"frequency": "monthly", "hours": ""}, by=by)
    await consent.wish(ana.subject, {"frequency": "monthly"}, by=by)
    assert await consent.wishes(ana.subject) == Wishes(frequency="monthly")
    rows = await db.rows("SELECT what, chosen, by FROM wish ORDER BY id")
    assert [(each["what"], each["chosen"]) for each in rows] == [
        ("frequency", "weekly"),
        ("hours", "evening"),
        ("frequency", "monthly"),
        ("hours", ""),
    ]
    assert {each["by"] for each in rows} == {by}
    assert len(await audit.search(event="consent.wished")) == 3


async def test_what_is_not_on_offer_cannot_be_wished(house: House) -> None:
    ana = await known(*ANA)
    for wrong in ({"frequency": "hourly"}, {"colour": "blue"}, {"language": "tlh"}):
        with pytest.raises(Invalid) as refused:
            await consent.wish(ana.subject, wrong, by="system")
        assert refused.value.fields.keys() == wrong.keys()
    assert await consent.wishes(ana.subject) == Wishes()


async def _told(*about: tuple[str, str]) -> list[Wishes]:
    told = await asyncio.gather(*(consent.ask(*each, Cell("newsletter", "email")) for each in about))
    return [each.preferred for each in told]


@on_both
async def test_senders_hear_the_wishes_of_the_whole_person(house: House) -> None:
    await publish()
    ana, work = await known(*ANA), await known(*WORK)
    assert await _told(ANA, WORK) == [Wishes(), Wishes()]
    await consent.wish(work.subject, {"channel": "post", "language": "ro"}, by="system")
    assert await _told(ANA, WORK, ("email", "nobody@example.com")) == [Wishes(), Wishes("post", "", "", "ro"), Wishes()]
    async with db.writing():
        await subjects.link(work.id, ana.subject, by="system", why="asked")
    await consent.wish(ana.subject, {"channel": "email"}, by="system")
    assert await _told(ANA, WORK) == [Wishes("email", "", "", "ro")] * 2
    await consent.wish(ana.subject, {"channel": "", "language": ""}, by="system")
    assert await _told(ANA, WORK) == [Wishes(), Wishes()]


async def test_the_wishes_of_all_who_are_asked_about_together_cost_one_query(
    sqlite_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish()
    people = [("email", f"p{each}@example.com") for each in range(40)]
    for each in people:
        await consent.wish((await known(*each)).subject, {"hours": "evening"}, by="system")
    real, asked = db.rows, list[str]()

    async def counted(sql: str, *values: object) -> list[dict[str, Any]]:
        asked.append(sql)
        return await real(sql, *values)

    monkeypatch.setattr(db, "rows", counted)
    assert await _told(*people) == [Wishes(hours="evening")] * 40
    assert len([sql for sql in asked if " wish " in sql]) == 1 and len(asked) < 12


async def test_a_question_about_a_day_hears_what_was_wished_on_that_day(house: House) -> None:
    await publish()
    cell = Cell("newsletter", "email")
    with clock.at(datetime(2027, 3, 1, tzinfo=UTC)):
        ana = await known(*ANA)
    for day, frequency in ((3, "weekly"), (5, "monthly")):
        with clock.at(datetime(2027, 3, day, tzinfo=UTC)):
            await consent.wish(ana.subject, {"frequency": frequency}, by="system")
    with clock.at(datetime(2027, 3, 9, tzinfo=UTC)):
        then = [(await consent.ask(*ANA, cell, datetime(2027, 3, day, tzinfo=UTC))).preferred.frequency for day in (2, 4, 6)]
    assert then == ["", "weekly", "monthly"]


async def _over() -> list[str]:
    async with db.writing():
        await jobs.later("consent.tell_pause_ended", {})
    await jobs.run_due()
    return [each.letter.subject for each in await messages.mailbox() if each.letter and each.template == "mail/pause-over"]


async def test_a_pause_ends_by_itself_and_the_person_is_told_once_in_their_language(house: House) -> None:
    await publish()
    ana = await known(*ANA, proven=True)
    await say(ana, "yes", "newsletter", grade="self-verified")
    await consent.wish(ana.subject, {"language": "ro"}, by="system")
    ends = clock.now() + timedelta(days=9)
    await consent.pause(ana.subject, until=ends, by="system")
    assert await _over() == [] and not await allowed(ana, "newsletter")
    with clock.at(ends + timedelta(minutes=1)):
        assert await allowed(ana, "newsletter") and len(await _over()) == 1 and len(await _over()) == 1
        [written] = [each for each in await messages.mailbox() if each.template == "mail/pause-over"]
        assert written.to == ANA[1] and written.language == "ro" and written.letter and "Buletin" in written.letter.text


async def test_nobody_is_told_of_a_pause_they_ended_or_after_which_nothing_is_on(house: House) -> None:
    await publish()
    ana, ben = await known(*ANA, proven=True), await known("email", "ben@example.com", proven=True)
    await say(ana, "yes", "newsletter", grade="self-verified")
    ends = clock.now() + timedelta(days=9)
    for each in (ana, ben):
        await consent.pause(each.subject, until=ends, by="system")
    await consent.resume(ana.subject, by="system")
    with clock.at(ends + timedelta(minutes=1)):
        assert await _over() == []
