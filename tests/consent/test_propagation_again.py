"""A system is told once more: a new one from the start of the log, another from the place an officer names."""

from pathlib import Path

import pytest

from portal import audit, consent, db
from portal.lib import errors
from tests.connectors.receiver import Receiver
from tests.consent.hooks import tell_hooks
from tests.consent.letters import run, subscriptions, tell_letters
from tests.consent.people import known, say


async def test_a_new_system_is_told_everything_from_the_start_of_the_log(letters: Path) -> None:
    ana = await known("email", "ana@example.com")
    for answer in ("yes", "no", "yes"):
        await say(ana, answer)
    assert (await tell_letters()).sent == 3
    async with db.writing():
        await db.run("DELETE FROM cursor")
        await db.run("DELETE FROM delivery")
    run(letters, "DELETE FROM subscription")
    assert (await tell_letters()).sent == 3
    assert subscriptions(letters) == {("ana@example.com", "stock"): "on"}


async def test_a_replay_tells_again_from_its_place_on_and_is_recorded(hooks: Receiver) -> None:
    ana, ben = await known("email", "ana@example.com"), await known("email", "ben@example.com")
    await say(ana, "yes")
    await say(ben, "yes")
    await say(ana, "no")
    await tell_hooks()
    before = [message.id for message in hooks.taken]
    from_ben = next(message.data["sequence"] for message in hooks.taken if message.address == "ben@example.com")
    await consent.propagation.replay("hooks", since=from_ben, by="officer:olga")
    await tell_hooks()
    again = hooks.taken[len(before) :]
    assert [message.address for message in again] == ["ben@example.com", "ana@example.com"]
    assert [message.id for message in again] == before[1:]
    log = await consent.standings.delivered("hooks")
    assert [(line.state, line.tries) for line in log] == [("sent", 2), ("sent", 2), ("sent", 1)]
    assert all(line.done_at and line.allowed is not None for line in log)
    [entry] = await audit.search(event="system.replayed")
    assert (entry.actor, entry.object) == ("officer:olga", "hooks")
    with pytest.raises(errors.Conflict):
        await consent.propagation.replay("hooks", since=10_000, by="officer:olga")
    with pytest.raises(errors.Invalid):
        await consent.propagation.replay("hooks", since=-1, by="officer:olga")
    with pytest.raises(errors.NotFound):
        await consent.propagation.replay("nobody", since=0, by="officer:olga")


async def test_a_replay_leaves_what_waits_in_its_place(hooks: Receiver) -> None:
    hooks.answer = lambda message: 500
    ana = await known("email", "ana@example.com")
    await say(ana, "yes")
    await tell_hooks()
    await consent.propagation.replay("hooks", since=0, by="officer:olga")
    hooks.answer = lambda message: 200
    await tell_hooks()
    assert [line.state for line in await consent.standings.delivered("hooks")] == ["sent"]
    assert len({message.id for message in hooks.seen}) == 1
