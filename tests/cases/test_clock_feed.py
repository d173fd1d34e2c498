"""The officers' calendar feed: what it shows, what whoever finds the address can learn, and how it ends."""

from datetime import UTC, date, datetime

import icalendar
import pytest

from portal import audit, cases, db, identity
from portal.lib import clock
from portal.lib.errors import NotFound
from tests.cases.shops import ANA, Company, ask, prove
from tests.people import OLGA, hire


async def test_the_feed_says_when_each_open_request_is_due_and_nothing_about_anybody(company: Company) -> None:
    olga, other = await hire(OLGA, "privacy-officer"), await hire("other@example.com", "privacy-officer")
    with clock.at(datetime(2026, 11, 25, 9, tzinfo=UTC)):
        hers, taken = await ask("erasure", details={"message": "Please, all of it."}), await ask("access", "ben@example.com")
        await prove(hers)
        await give_to(taken.id, other.id)
        secret = await cases.feed.make(olga.id)
        content = await cases.feed.calendar(secret)
    calendar = icalendar.Calendar.from_ical(content)
    (event,) = calendar.walk("VEVENT")
    assert (event.decoded("dtstart"), event["summary"]) == (date(2026, 12, 28), f"Request {hers.id[-8:]}: answer due")
    text = content.decode()
    known = (hers.id, hers.id[:8], hers.reference, ANA, "Ana", "erasure", "elet", "GDPR", "gdpr", secret, OLGA, olga.id)
    assert [word for word in known if word in text] == []
    assert len(calendar.walk("VEVENT")) == 1 and len(icalendar.Calendar.from_ical(await of(other.id)).walk("VEVENT")) == 2
    await cases.withdraw(hers.id, actor="customer:ana")
    assert b"VEVENT" not in await cases.feed.calendar(secret)


async def test_an_address_ends_with_a_new_one_by_hand_and_with_the_officers_work(company: Company) -> None:
    olga, owner = await hire(OLGA, "privacy-officer"), await hire("owner@example.com", "owner")
    first = await cases.feed.make(olga.id)
    second = await cases.feed.make(olga.id)
    assert b"VCALENDAR" in await cases.feed.calendar(second) and await cases.feed.made_at(olga.id) is not None
    with pytest.raises(NotFound):
        await cases.feed.calendar(first)
    stored = await db.rows("SELECT * FROM case_feed")
    assert len(stored) == 1 and not any(second in str(value) for value in stored[0].values())
    await cases.feed.end(olga.id)
    await cases.feed.end(olga.id)
    with pytest.raises(NotFound):
        await cases.feed.calendar(second)
    third = await cases.feed.make(olga.id)
    await identity.let_go(olga.id, by=await identity.officer(owner.id))
    with pytest.raises(NotFound):
        await cases.feed.calendar(third)
    await audit.sequence_all()
    assert [len(await audit.search(event=f"case.feed_{each}")) for each in ("made", "ended")] == [3, 1]


async def of(officer_id: str) -> bytes:
    return await cases.feed.calendar(await cases.feed.make(officer_id))


async def give_to(case_id: str, officer_id: str) -> None:
    async with db.writing():
        await db.run("UPDATE case_file SET officer = ? WHERE id = ?", officer_id, case_id)
