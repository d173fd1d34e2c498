"""Rounds that go wrong: nobody's word is recorded twice, and nobody waits for everybody else's failure."""

import asyncio
import fcntl
from collections.abc import Callable, Coroutine, Sequence
from contextvars import Context
from pathlib import Path
from typing import Any

import pytest

from portal import consent, db, subjects
from portal.consent import Cell, Once, submissions
from portal.lib.errors import Conflict, Invalid
from portal.lib.together import Together
from tests.conftest import House, on_both
from tests.consent.people import known, publish, say
from tests.consent.test_submissions import _said

ANA = ("email", "ana@example.com")


@on_both
async def test_a_round_whose_commit_was_lost_is_not_written_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await publish()
    real = db.write_in_one_trip

    async def committed_but_nobody_heard(work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        await real(work)
        raise db.OutcomeUnknown("The connection was lost during the commit.")

    monkeypatch.setattr(db, "write_in_one_trip", committed_but_nobody_heard)
    done = await asyncio.gather(*(consent.submit(_said(f"p{each}@example.com")) for each in range(3)), return_exceptions=True)
    monkeypatch.undo()
    assert all(isinstance(each, db.OutcomeUnknown) for each in done)
    found = await db.row("SELECT count(*) AS n FROM decision")
    assert found is not None and found["n"] == 3


async def test_what_comes_while_another_process_writes_is_one_transaction_whoever_left(sqlite_house: House) -> None:
    await publish()
    with Path(sqlite_house.settings.var / "portal.write-lock").open("a") as held:  # as another process holds it
        fcntl.flock(held, fcntl.LOCK_EX)
        left = asyncio.ensure_future(consent.submit(_said("left@example.com")))
        await asyncio.sleep(0.05)
        left.cancel()
        asked = [asyncio.ensure_future(consent.submit(_said(f"p{each}@example.com"))) for each in range(3)]
        await asyncio.sleep(0.05)
    done = [each.decided[0] for each in await asyncio.gather(*asked)]
    assert len({each.recorded_at for each in done}) == 1
    with Path(sqlite_house.settings.var / "portal.write-lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        left = asyncio.ensure_future(consent.submit(_said("left@example.com")))
        await asyncio.sleep(0.05)
        left.cancel()
    assert (await consent.submit(_said("ben@example.com"))).decided
    found = await db.row("SELECT count(*) AS n FROM decision")
    assert found is not None and found["n"] == 4


async def test_a_yes_that_was_recorded_late_counts_from_when_it_was_said(
    sqlite_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish()
    ana = await known(*ANA, proven=True)
    gate, real = asyncio.Event(), submissions._record_round

    async def late(asked: Sequence[Any]) -> Sequence[consent.Recorded | Exception]:
        await gate.wait()
        return await real(asked)

    monkeypatch.setattr(submissions, "_together", Together(late, at_most=10, is_for_all=db.is_trouble))
    waiting = asyncio.ensure_future(consent.submit(_said(ANA[1])))
    await asyncio.sleep(0.05)
    await say(ana, "no", grade="self")
    gate.set()
    await waiting
    assert not (await consent.ask(*ANA, Cell("back-in-stock", "email"))).allowed


async def test_everybody_hears_at_once_that_the_database_is_away() -> None:
    asked = 0

    async def away(questions: Sequence[int]) -> list[int | Exception]:
        nonlocal asked
        asked += 1
        raise TimeoutError

    together: Together[int, int] = Together(away, at_most=100, is_for_all=lambda problem: isinstance(problem, TimeoutError))
    done = await asyncio.gather(*(together.ask(each) for each in range(40)), return_exceptions=True)
    assert all(isinstance(each, TimeoutError) for each in done) and asked <= 2


@on_both
async def test_two_requests_under_one_key_in_one_moment_are_told_apart(house: House) -> None:
    await publish()
    bad = _said("ana@example.com", edition="", once=Once("k", b"1", lambda recorded: "reply"))
    good = _said("ana@example.com", once=Once("k", b"2", lambda recorded: "reply"))
    first, second = await asyncio.gather(consent.submit(bad), consent.submit(good), return_exceptions=True)
    assert isinstance(first, Invalid) and isinstance(second, Conflict | consent.Recorded)


@on_both
async def test_a_word_about_an_address_erased_this_moment_is_about_somebody_new(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish()
    ana = await known(*ANA)
    if house.settings.is_sqlite:
        return  # one writer at a time: nothing can happen between finding and recording
    real = subjects.ensure_many

    async def erased_in_between(arrivals: Sequence[subjects.Arrival]) -> list[str | None]:
        found = await real(arrivals)
        monkeypatch.undo()
        await asyncio.get_running_loop().create_task(_erase(ana.subject), context=Context())
        return found

    async def _erase(subject: str) -> None:
        async with db.writing():
            await subjects.forget(subject, by="system")

    monkeypatch.setattr(subjects, "ensure_many", erased_in_between)
    recorded = await consent.submit(_said(ANA[1], "no"))
    assert recorded.decided[0].word.identifier != ana.id
    again = await subjects.find(*ANA)
    assert again is not None and again.id == recorded.decided[0].word.identifier


async def test_what_the_new_owner_says_is_not_recorded_with_who_left_the_address(house: House) -> None:
    await publish()
    ana = await known(*ANA, proven=True)
    await consent.addresses.not_theirs(ana.id, subject=ana.subject, by=f"customer:{ana.subject}")
    with pytest.raises(Conflict):
        await consent.submit(_said(ANA[1]))
    assert [each.identifier for each in await consent.history(ana.subject) if each.what == "yes"] == []
