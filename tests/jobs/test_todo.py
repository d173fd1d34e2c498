"""The to-do list: what is on it, when it comes up, and what becomes of what fails."""

from datetime import UTC, datetime, timedelta

import pytest

from portal import db, jobs
from portal.jobs import leases
from portal.jobs.verbs import registered
from portal.lib import clock
from portal.lib.errors import Conflict, NotFound
from tests.conftest import House

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def done(no_verbs: None) -> list[str]:
    """What the verbs of this file did; they are registered for one test."""
    did: list[str] = []

    @jobs.verb("test.note")
    async def note(job: jobs.Job) -> None:
        did.append(str(job.arguments["word"]))

    @jobs.verb("test.broken", max_tries=3)
    async def broken(job: jobs.Job) -> None:
        did.append(f"try {job.tries}")
        raise RuntimeError("ana@example.com is quoted by this exception")

    @jobs.verb("test.hopeless")
    async def hopeless(job: jobs.Job) -> None:
        raise jobs.GiveUp("The shop does not know this number.")

    @jobs.verb("test.busy", max_tries=2)
    async def busy(job: jobs.Job) -> None:
        did.append("asked")
        raise jobs.TryAgain("The shop said: come back in an hour.", after=timedelta(hours=1))

    @jobs.verb("test.hourly", every=timedelta(hours=1), max_tries=2)
    async def hourly(job: jobs.Job) -> None:
        did.append("hourly")
        if did.count("hourly") in (2, 3):
            raise RuntimeError

    return did


async def _put(verb: str, word: str = "", *, key: str | None = None, at: datetime | None = None) -> str:
    async with db.writing():
        return await jobs.later(verb, {"word": word} if word else {}, key=key, at=at)


async def test_a_job_is_done_once_and_in_the_order_it_fell_due(house: House, done: list[str]) -> None:
    with clock.at(NOON):
        await _put("test.note", "third", at=NOON + timedelta(minutes=2))
        await _put("test.note", "second", at=NOON + timedelta(minutes=1))
        await _put("test.note", "first")
        assert await jobs.run_due() == 1 and done == ["first"]
    with clock.at(NOON + timedelta(minutes=5)):
        assert await jobs.run_due() == 2
        assert await jobs.run_due() == 0
    assert done == ["first", "second", "third"]


async def test_a_job_of_a_transaction_that_rolls_back_never_was(house: House, done: list[str]) -> None:
    with pytest.raises(ZeroDivisionError):
        async with db.writing():
            await jobs.later("test.note", {"word": "x"})
            raise ZeroDivisionError
    assert await jobs.run_due() == 0 and done == []


async def test_the_same_key_waits_only_once_but_may_come_again_when_done(house: House, done: list[str]) -> None:
    assert await _put("test.note", "a", key="cell 1") == await _put("test.note", "a", key="cell 1")
    assert await jobs.run_due() == 1
    await _put("test.note", "b", key="cell 1")
    assert await jobs.run_due() == 1
    assert done == ["a", "b"]


async def test_what_is_asked_again_while_the_job_runs_is_done_once_more(house: House, done: list[str]) -> None:
    @jobs.verb("test.looks")
    async def looks(job: jobs.Job) -> None:
        assert await job.begin("look") == "new"
        done.append("looked")
        if len(done) == 1:
            # Somebody writes after the job looked: without another round their word would be missed.
            await _put("test.looks", key="cell 1")
            await _put("test.looks", key="cell 1")
        await job.finish("look")

    await _put("test.looks", key="cell 1")
    assert await jobs.run_due() == 2
    assert done == ["looked", "looked"]


async def test_a_failing_job_comes_back_with_longer_pauses_and_is_given_up_at_last(house: House, done: list[str]) -> None:
    pauses = []
    with clock.at(NOON):
        job_id = await _put("test.broken")
        assert await jobs.run_due() == 1
    for _round in range(2):
        stored = await db.row("SELECT due_at FROM job WHERE id = ?", job_id)
        assert stored is not None
        due = clock.from_micros(stored["due_at"])
        pauses.append((due - NOON).total_seconds())
        with clock.at(due - timedelta(milliseconds=200)):
            assert await jobs.run_due() == 0
        with clock.at(due):
            assert await jobs.run_due() == 1
    assert done == ["try 1", "try 2", "try 3"]
    assert 1 <= pauses[0] <= 2.5 and pauses[1] - pauses[0] <= 4.5
    with clock.at(NOON + timedelta(days=300)):
        assert await jobs.run_due() == 0
    (failed,) = await jobs.failed()
    assert (failed.id, failed.verb, failed.tries) == (job_id, "test.broken", 3)


async def test_what_is_stored_of_an_error_never_quotes_the_exception(house: House, done: list[str]) -> None:
    for _round in range(3):
        with clock.at(NOON + timedelta(days=_round)):
            if not _round:
                await _put("test.broken")
            await jobs.run_due()
    (failed,) = await jobs.failed()
    assert failed.why.startswith("RuntimeError") and "example.com" not in failed.why


async def test_a_job_that_gives_up_is_not_tried_again_but_can_be_put_back(house: House) -> None:
    job_id = await _put("test.hopeless", key="k")
    assert await jobs.run_due() == 1
    (failed,) = await jobs.failed()
    assert failed.why == "The shop does not know this number."
    await jobs.retry(job_id)
    assert await jobs.failed() == [] and await jobs.run_due() == 1
    assert len(await jobs.failed()) == 1
    await _put("test.hopeless", key="k")
    with pytest.raises(Conflict):
        await jobs.retry(job_id)
    with pytest.raises(NotFound):
        await jobs.retry("no such job")


async def test_a_wait_that_the_outside_asked_for_uses_up_no_try(house: House, done: list[str]) -> None:
    with clock.at(NOON):
        await _put("test.busy")
    for hour in range(5):
        with clock.at(NOON + timedelta(hours=hour, seconds=hour + 1)):
            assert await jobs.run_due() == 1
            assert await jobs.run_due() == 0
    assert len(done) == 5 and await jobs.failed() == []


async def test_a_recurring_job_comes_back_whatever_happens(house: House, done: list[str]) -> None:
    with clock.at(NOON):
        await jobs.recur("test.hourly", every=timedelta(hours=1))
        await jobs.recur("test.hourly", every=timedelta(hours=1))
        assert await jobs.run_due() == 1 and await jobs.run_due() == 0
    for hour in range(1, 8):
        with clock.at(NOON + timedelta(hours=hour, minutes=hour)):
            await jobs.run_due()
    assert done.count("hourly") >= 5 and await jobs.failed() == []
    assert len(await db.rows("SELECT id FROM job WHERE verb = 'test.hourly'")) == 1


async def test_an_unknown_verb_is_given_up_and_seen(house: House) -> None:
    await _put("test.nobody_knows")
    assert await jobs.run_due() == 1
    assert [each.verb for each in await jobs.failed()] == ["test.nobody_knows"]


async def test_a_job_that_kills_its_worker_each_time_is_given_up(house: House, done: list[str]) -> None:
    with clock.at(NOON):
        await _put("test.broken")
        for round_ in range(3):
            with clock.at(NOON + timedelta(minutes=round_ + 1)):
                assert await leases.claim() is not None  # and the worker dies here
    with clock.at(NOON + timedelta(minutes=10)):
        assert await jobs.run_due() == 1
    assert done == []
    (failed,) = await jobs.failed()
    assert "died" in failed.why


@pytest.mark.parametrize("argument", ["ana@example.com", "Ana Pop", "Ană", "x" * 200, 1.5, {"a": 1}])
async def test_arguments_hold_ids_and_nothing_about_people(sqlite_house: House, argument: object) -> None:
    async with db.writing():
        with pytest.raises(ValueError, match="not an id"):
            await jobs.later("test.note", {"word": argument})


async def test_done_jobs_are_forgotten_after_a_week_and_failed_ones_are_not(house: House) -> None:
    with clock.at(NOON):
        await _put("test.note", "a")
        await _put("test.hopeless")
        await jobs.run_due()
        assert await jobs.tidy() == 0
    with clock.at(NOON + timedelta(days=8)):
        assert await jobs.tidy() == 1
        assert await jobs.counts() == {"waiting": 0, "running": 0, "failed": 1, "behind_seconds": 0}


async def test_the_counts_say_how_far_behind_the_work_is(house: House) -> None:
    with clock.at(NOON):
        await _put("test.note", "a")
    with clock.at(NOON + timedelta(seconds=90)):
        counts = await jobs.counts()
    assert counts["waiting"] == 1 and 89 <= counts["behind_seconds"] <= 91


async def test_two_verbs_may_not_share_a_name() -> None:
    with pytest.raises(ValueError, match=r"two verbs called test\.note"):
        jobs.verb("test.note")(registered["test.note"].handler)
