"""What an erased person said stays provable until its day, and is then gone for everybody, with the log whole."""

from datetime import UTC, datetime, timedelta

from portal import audit, db, jobs, subjects, vault
from portal.consent.history import evidence_of
from portal.lib import clock
from portal.worker import know_all_verbs
from tests.conftest import House
from tests.consent.people import known, publish, say
from tests.people import ANA, BEN

ERASED = datetime(2028, 2, 29, 12, tzinfo=UTC)
ENDS = datetime(2031, 3, 1, tzinfo=UTC)  # three years, as the rule `choices` says


async def test_evidence_outlives_the_erasure_and_ends_on_its_day(house: House) -> None:
    await publish()
    ana, ben = await known("email", ANA), await known("email", BEN)
    yes, no = await say(ana, "yes", evidence={"form": "checkout"}), await say(ben, "no")
    await audit.sequence_all()
    before = await audit.checkpoint()
    with clock.at(ERASED):
        async with db.writing():
            await subjects.forget(ana.home, by="officer:petra")
    with clock.at(ENDS - timedelta(minutes=1)):
        await _end()
        assert await evidence_of(yes.id) == {"form": "checkout"}
        assert len(await audit.search(subject=ana.home)) > 1
    with clock.at(ENDS):
        await _end()
        assert await vault.find_key("evidence", ana.home) is None and await vault.find_key("evidence", ben.home) is not None
        assert await audit.search(subject=ana.home) == []
        [ended] = await audit.search(event="evidence.ended")
        assert (ended.count, ended.subject) == (1, None)
        await _end()
        assert len(await audit.search(event="evidence.ended")) == 1
        await audit.sequence_all()
        assert (await audit.verify_log(seen=before)).ok
        kept = await audit.entry(no.entry)
        assert kept is not None and await audit.open_payload(kept) is not None


async def test_erasing_again_does_not_put_the_end_off(house: House) -> None:
    await publish()
    ana = await known("email", ANA)
    for day in (ERASED, ERASED + timedelta(days=100)):
        with clock.at(day):
            async with db.writing():
                await subjects.forget(ana.home, by="officer:petra")
    found = await db.row("SELECT ends_at FROM data_key WHERE kind = 'evidence' AND owner = ?", ana.home)
    assert found == {"ends_at": clock.micros(ENDS)}


async def _end() -> None:
    know_all_verbs()
    async with db.writing():
        await jobs.later("subjects.evidence_ends", {}, key=None)
    await jobs.run_due()
