"""F10: receivers of webhooks that are down, slow, broken, elsewhere or gone; nothing is lost and nobody else waits."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from portal import audit, consent, db, jobs, messages, settings, subjects
from portal.consent import deliveries, telling
from portal.lib import clock
from tests.conftest import House
from tests.connectors.receiver import SECRET, Receiver, listed, receiving, write_list
from tests.consent.people import known, publish, say, word
from tests.people import OLGA, VIK, hire

ONLY = 'purposes = ["back-in-stock"]', 'channels = ["email"]'


@pytest.fixture
async def receiver(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Receiver]:
    """One receiver, connected as "letters"."""
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    async with receiving() as receiver:
        connect(tmp_path, listed("letters", receiver.url, *ONLY))
        await publish()
        yield receiver


def connect(folder: Path, *systems: str) -> None:
    settings.use(replace(settings.get(), systems=write_list(folder, *systems), outbound_allow="127.0.0.0/8"))


async def test_while_it_is_down_the_log_is_the_queue_and_afterwards_all_of_it_arrives(receiver: Receiver) -> None:
    receiver.answer = lambda message: 503
    await people_say(300, "yes")
    for _round in range(6):
        await consent.propagation.propagate_once("letters")
    assert len(receiver.seen) <= 2 * 16  # it is left in peace
    [fares] = await consent.standings.fares()
    assert fares.behind > 0 and fares.waiting <= 200 and "503" in fares.problem
    receiver.answer = lambda message: 200
    with clock.at(clock.now() + timedelta(hours=1)):
        assert (await consent.standings.fares())[0].in_trouble
        await drain()
        [fares] = await consent.standings.fares()
    assert (fares.behind, fares.waiting, fares.in_trouble) == (0, 0, False)
    assert {message.address for message in receiver.taken} == {f"p{number}@example.com" for number in range(300)}
    first = {message.address: message.id for message in receiver.seen[:16]}
    assert all(message.id == first[message.address] for message in receiver.taken if message.address in first)


@pytest.mark.parametrize("status", [301, 400, 500])
async def test_a_message_that_is_never_taken_holds_back_its_person_alone(receiver: Receiver, status: int) -> None:
    receiver.answer = lambda message: status if message.address == "ana@example.com" else 200
    ana, ben = await known("email", "ana@example.com"), await known("email", "ben@example.com")
    for answer in ("yes", "no"):
        await say(ana, answer)
        await say(ben, answer)
    await audit.sequence_all()
    await drain()
    assert [(message.address, message.data["allowed"]) for message in receiver.taken] == [("ben@example.com", False)] * 2
    receiver.answer = lambda message: 200
    with clock.at(clock.now() + timedelta(hours=2)):
        await drain()
    mine = [message.data["sequence"] for message in receiver.taken if message.address == "ana@example.com"]
    assert len(mine) == 2 and mine == sorted(mine)


async def test_tries_grow_apart_and_after_a_day_officers_know(receiver: Receiver) -> None:
    olga, vik = await hire(OLGA, "privacy-officer"), await hire(VIK, "auditor")
    assert olga.id != vik.id
    receiver.answer = lambda message: 500
    ana = await known("email", "ana@example.com")
    await say(ana, "no")
    await audit.sequence_all()
    began, pauses = clock.now(), list[timedelta]()
    moment = began
    for _try in range(60):
        with clock.at(moment):
            told = await consent.propagation.propagate_once("letters")
        assert told.again_at is not None
        pauses.append(told.again_at - moment)
        moment = told.again_at + timedelta(milliseconds=10)
        if moment - began > timedelta(hours=30):
            break
    assert pauses[0] <= timedelta(seconds=3)
    assert all(pause <= timedelta(hours=25) for pause in pauses)
    assert timedelta(minutes=30) < pauses[15] <= timedelta(hours=1, seconds=1)
    assert len({round(pause.total_seconds(), 3) for pause in pauses[13:20]}) == 7  # at random
    assert pauses[-1] > timedelta(hours=20)
    [fares] = await consent.standings.fares()
    assert fares.parked == 1 and fares.in_trouble
    alarms = [each for each in await messages.mailbox(50) if each.letter and "does not take" in each.letter.subject]
    assert [each.to for each in alarms] == [OLGA]
    assert len(await audit.search(event="system.silent")) == 1
    receiver.answer = lambda message: 200
    with clock.at(moment):
        await drain()
        assert not (await consent.standings.fares())[0].in_trouble
    [row] = await db.rows("SELECT state, tries, problem FROM delivery")
    assert row["state"] == "sent" and row["tries"] == len(receiver.seen) and "500" in row["problem"]


async def test_a_receiver_that_is_gone_is_left_alone_until_an_officer_says_so(receiver: Receiver) -> None:
    await hire(OLGA, "privacy-officer")
    receiver.answer = lambda message: 410
    ana = await known("email", "ana@example.com")
    await say(ana, "yes")
    await audit.sequence_all()
    await jobs.run_due()
    await say(ana, "no")
    await audit.sequence_all()
    with clock.at(clock.now() + timedelta(days=3)):
        await jobs.run_due()
        assert len(receiver.seen) == 1
        [fares] = await consent.standings.fares()
        assert fares.paused_at is not None and fares.in_trouble
        assert await consent.standings.unconfirmed(ana.subject) == ["letters"]
        assert len(await audit.search(event="system.departed")) == 1
        assert any(each.letter and "does not take" in each.letter.subject for each in await messages.mailbox(9))
        receiver.answer = lambda message: 200
        await consent.propagation.replay("letters", since=fares.position + 1, by="officer:olga")
        await audit.sequence_all()
        await jobs.run_due()
        assert receiver.taken[-1].data["allowed"] is False
        assert (await consent.standings.fares())[0].paused_at is None
        assert await consent.standings.unconfirmed(ana.subject) == []


async def test_a_slow_receiver_delays_nobody_else(receiver: Receiver, tmp_path: Path) -> None:
    async with receiving() as slow:
        slow.pause = 3.0
        connect(tmp_path, listed("slow", slow.url, *ONLY), listed("letters", receiver.url, *ONLY))
        await people_say(20, "yes")
        stop = asyncio.Event()
        began = time.monotonic()
        worker = asyncio.create_task(jobs.run_worker(stop))
        try:
            while len(receiver.taken) < 20 and time.monotonic() - began < 20:
                await asyncio.sleep(0.05)
            assert len(receiver.taken) == 20
            assert not slow.taken, "the slow one answered before the quick one had everything"
        finally:
            stop.set()
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)


async def test_a_crash_between_sending_and_writing_down_tells_the_same_again_under_the_same_id(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    await people_say(3, "yes")
    with monkeypatch.context() as crash:
        crash.setattr("portal.consent.deliveries.write_down", _crash)
        with pytest.raises(ZeroDivisionError):
            await consent.propagation.propagate_once("letters")
    assert len(receiver.taken) == 3
    assert await db.rows("SELECT id FROM delivery") == []
    await drain()
    ids = [message.id for message in receiver.taken]
    assert len(ids) == 6 and sorted(ids[:3]) == sorted(ids[3:])
    bodies = {message.id: message.data for message in receiver.taken[:3]}
    assert all(bodies[message.id] == message.data for message in receiver.taken)


async def test_duplicates_reordering_and_lost_answers_end_where_one_ordered_telling_ends(receiver: Receiver, seed: int) -> None:
    """F9 on our sending side: the receiver keeps the highest sequence per address, and answers as it likes."""
    import random

    dice = random.Random(seed)
    receiver.answer = lambda message: dice.choice([200, 200, 500, 503])
    people = [await known("email", f"p{number}@example.com") for number in range(8)]
    last: dict[str, bool] = {}
    moment = clock.now()
    for _step in range(60):
        number = dice.randrange(len(people))
        answer = dice.choice(["yes", "no"])
        await say(people[number], answer)
        last[f"p{number}@example.com"] = answer == "yes"
        if dice.random() < 0.3:
            await audit.sequence_all()
            moment += timedelta(seconds=dice.choice([0, 5, 600]))
            with clock.at(max(moment, clock.now())):
                await consent.propagation.propagate_once("letters")
    receiver.answer = lambda message: 200
    await audit.sequence_all()
    with clock.at(moment + timedelta(hours=3)):
        await drain()
    state: dict[str, tuple[int, bool]] = {}
    heard = receiver.seen * 2  # everything twice, also what it had refused
    dice.shuffle(heard)
    for message in heard:
        sequence, allowed = message.data["sequence"], message.data["allowed"]
        if sequence > state.get(message.address, (-1, False))[0]:
            state[message.address] = (sequence, allowed)
    current = {each: (await consent.permission(each.id, "back-in-stock", "email")).allowed for each in people}
    assert {address: allowed for address, (_sequence, allowed) in state.items()} == {
        f"p{number}@example.com": current[each] for number, each in enumerate(people) if f"p{number}@example.com" in last
    }
    per_person = [(message.address, message.data["sequence"]) for message in receiver.taken]
    for address in last:
        mine = [sequence for whose, sequence in per_person if whose == address]
        assert mine == sorted(mine)


async def test_what_waited_drains_in_batches(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few statements however many wait; the processor's time per message is what a hundred a second leave."""
    monkeypatch.setattr(telling, "DOWN_AFTER", 10_000)
    monkeypatch.setattr(deliveries, "FIRST_PAUSE", timedelta(hours=1))
    receiver.answer = lambda message: 500
    await people_say(100, "yes")
    await drain()
    await people_say(100, "no")
    await drain()  # behind the first words
    assert (await consent.standings.fares())[0].waiting == 200
    receiver.answer = lambda message: 200
    with clock.at(clock.now() + timedelta(hours=2)):
        statements, began = await counted(monkeypatch, drain())
    assert len(receiver.taken) == 200
    assert statements < 60, statements
    assert 200 / (time.process_time() - began) >= 100


@pytest.mark.deep
@pytest.mark.timeout(900)
async def test_ten_thousand_drain_at_a_hundred_a_second(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    await people_say(10_000, "yes")
    began = time.monotonic()
    await drain()
    from_log = 10_000 / (time.monotonic() - began)
    monkeypatch.setattr(telling, "DOWN_AFTER", 1_000_000)
    monkeypatch.setattr(deliveries, "FIRST_PAUSE", timedelta(hours=1))
    receiver.answer = lambda message: 500
    await people_say(10_000, "no")
    await drain()
    receiver.answer = lambda message: 200
    receiver.taken.clear()
    with clock.at(clock.now() + timedelta(hours=2)):
        began = time.monotonic()
        await drain()
    waiting = 10_000 / (time.monotonic() - began)
    print(f"10,000 from the log: {from_log:.0f}/s; 10,000 that waited: {waiting:.0f}/s")
    assert len({message.address for message in receiver.taken}) == 10_000
    assert min(from_log, waiting) >= 100


async def people_say(count: int, answer: str) -> None:
    """So many people say the same, in a few transactions."""
    for start in range(0, count, 500):
        async with db.writing():
            numbers = range(start, min(start + 500, count))
            arrivals = [subjects.Arrival("email", f"p{number}@example.com", "system") for number in numbers]
            found = [each for each in await subjects.ensure_many(arrivals) if each is not None]
            about = await subjects.get(found[0])
            await consent.decide_many([word(about, answer)._replace(identifier=each) for each in found])
    await audit.sequence_all()


async def drain() -> None:
    """All rounds until nothing is left to do now."""
    while (await consent.propagation.propagate_once("letters")).more:
        pass


async def counted(monkeypatch: pytest.MonkeyPatch, work: object) -> tuple[int, float]:
    """How many statements some work takes, and the processor's time at its beginning."""
    seen: list[str] = []
    for name in ("rows", "run", "many"):
        real = getattr(db, name)

        async def watched(sql: str, *values: object, real: object = real) -> object:
            seen.append(sql)
            return await real(sql, *values)  # type: ignore[operator]  # one of the three

        monkeypatch.setattr(db, name, watched)
    began = time.process_time()
    await work  # type: ignore[misc]  # a coroutine
    return len(seen), began


async def _crash(*_arguments: object) -> bool:
    raise ZeroDivisionError
