"""What connected systems took over is forgotten after its time; what waits, and what a replay needs, stays."""

from datetime import timedelta

import pytest

from portal import audit, consent, db, documents, jobs
from portal.consent import deliveries
from portal.lib import clock
from tests.conftest import House, on_both
from tests.consent.people import known, publish, say

A_YEAR = timedelta(days=400)


async def _tell() -> None:
    await audit.sequence_all()
    while (await consent.propagation.propagate_once("letters")).more:
        pass


async def _tidy() -> None:
    async with db.writing():
        await jobs.later("consent.tidy_deliveries", {})
    await jobs.run_due()


async def _rows() -> list[tuple[str, str]]:
    return [(each["subject"], each["state"]) for each in await db.rows("SELECT subject, state FROM delivery ORDER BY id")]


@on_both
async def test_what_was_taken_is_forgotten_after_a_year_and_can_be_replayed(letters: object) -> None:
    ana, ben = await known("email", "ana@example.com"), await known("email", "ben@example.com")
    await say(ana, "yes")
    await _tell()
    with clock.at(clock.now() + A_YEAR):
        await say(ben, "yes")
        await _tell()
        assert await _rows() == [(ana.subject, "sent"), (ben.subject, "sent")]
        before = await consent.standings.fares()
        await _tidy()
        assert await _rows() == [(ben.subject, "sent")]
        assert await consent.standings.fares() == before
        assert await consent.standings.unconfirmed(ana.subject) == []
        assert [each.subject for each in await consent.standings.delivered("letters")] == [ben.subject]
        await consent.propagation.replay("letters", since=0, by="system")
        await _tell()
        assert sorted(await _rows()) == sorted([(ana.subject, "sent"), (ben.subject, "sent")])
        await _tidy()
        assert len(await _rows()) == 2  # taken again just now


async def test_what_was_replayed_lately_is_not_old(letters: object) -> None:
    ana = await known("email", "ana@example.com")
    await say(ana, "yes")
    await _tell()
    with clock.at(clock.now() + A_YEAR):
        await consent.propagation.replay("letters", since=0, by="system")
        await _tell()
        await _tidy()
        assert await _rows() == [(ana.subject, "sent")]


async def test_what_still_waits_stays_however_old_it_is(letters: object) -> None:
    ana, ben = await known("email", "ana@example.com"), await known("email", "ben@example.com")
    for each in (ana, ben):
        await say(each, "yes")
    await _tell()
    async with db.writing():
        await db.run("UPDATE delivery SET state = 'parked', done_at = NULL WHERE subject = ?", ana.subject)
    with clock.at(clock.now() + A_YEAR):
        assert await deliveries.forget_sent(clock.now() - timedelta(days=366)) == 1
        assert await _rows() == [(ana.subject, "parked")]
        assert await consent.standings.unconfirmed(ana.subject) == ["letters"]


async def test_many_go_in_portions_and_it_stops_at_what_is_young(letters: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "_FORGOTTEN_AT_ONCE", 3)
    for number in range(7):
        await say(await known("email", f"p{number}@example.com"), "yes")
    await _tell()
    with clock.at(clock.now() + A_YEAR):
        for number in range(7, 17):
            await say(await known("email", f"p{number}@example.com"), "yes")
        await _tell()
        before = clock.now() - timedelta(days=366)
        assert await deliveries.forget_sent(before) == 7
        assert len(await _rows()) == 10
        assert await deliveries.forget_sent(before) == 0


async def test_how_long_is_what_the_policies_say(sqlite_house: House) -> None:
    await publish()
    rule = documents.retention()["deliveries"]
    assert (rule.number, rule.unit, rule.then) == (12, "month", "delete")
