"""What ends by itself, a yes or a pause, is told without anybody saying a word, and each end once."""

from datetime import timedelta

import pytest

from portal import audit, consent, jobs
from portal.consent import lapses
from portal.lib import clock
from tests.conftest import on_both
from tests.connectors.receiver import Receiver
from tests.consent.hooks import heard, tell_hooks
from tests.consent.people import allowed, known, say


async def test_a_yes_that_runs_out_is_told_without_anybody_saying_a_word(hooks: Receiver) -> None:
    ana, ben = await known("email", "ana@example.com"), await known("email", "ben@example.com")
    until = clock.now() + timedelta(days=10)
    await say(ana, "yes", until=until)
    await say(ben, "yes", until=until)
    await say(ben, "no")
    await tell_hooks()
    hooks.taken.clear()
    assert await lapses.note_lapses() == 0
    with clock.at(until + timedelta(minutes=1)):
        assert not await allowed(ana)
        assert await lapses.note_lapses() == 1  # Ben had said no himself
        assert await lapses.note_lapses() == 0
        await tell_hooks()
    assert heard(hooks) == [("ana@example.com", "back-in-stock", False)]
    [entry] = await audit.search(event="consent.lapsed")
    assert entry.subject == ana.home and hooks.taken[0].data["sequence"] == entry.log_index


async def test_a_pause_that_ends_is_told_without_anybody_saying_a_word(hooks: Receiver) -> None:
    ana = await known("email", "ana@example.com")
    await say(ana, "yes")
    until = clock.now() + timedelta(days=30)
    await consent.pause(ana.subject, until=until, by=f"customer:{ana.subject}", purpose="back-in-stock")
    await tell_hooks()
    assert heard(hooks)[-1] == ("ana@example.com", "back-in-stock", False)
    with clock.at(until + timedelta(minutes=1)):
        await jobs.recur("consent.lapse", every=timedelta(minutes=1))
        await jobs.run_due()
        await tell_hooks()
    assert heard(hooks)[-1] == ("ana@example.com", "back-in-stock", True)
    assert len(await audit.search(event="consent.pause_over")) == 1


async def test_a_pause_that_the_person_ended_early_does_not_end_twice(hooks: Receiver) -> None:
    ana = await known("email", "ana@example.com")
    until = clock.now() + timedelta(days=30)
    await consent.pause(ana.subject, until=until, by=f"customer:{ana.subject}")
    await consent.resume(ana.subject, by=f"customer:{ana.subject}")
    with clock.at(until + timedelta(minutes=1)):
        assert await lapses.note_lapses() == 0


@on_both
async def test_many_that_run_out_in_the_same_moment_are_noted_in_portions_and_each_once(
    hooks: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lapses, "AT_ONCE", 3)
    until = clock.now() + timedelta(days=10)
    for number in range(7):
        await say(await known("email", f"p{number}@example.com"), "yes", until=until)
    with clock.at(until + timedelta(minutes=1)):
        assert await lapses.note_lapses() == 7
        assert await lapses.note_lapses() == 0
    entries = await audit.search(event="consent.lapsed")
    assert len(entries) == len({entry.object for entry in entries}) == 7
