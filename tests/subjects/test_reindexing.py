"""A changed form or key of addresses: everybody stays findable on the way, a kill loses nothing, nothing is merged by itself."""

import argparse
import os
import subprocess
import sys
from datetime import timedelta

import pytest

from portal import audit, db, subjects
from portal.lib import clock
from portal.lib.errors import Conflict
from portal.settings import HOME
from portal.subjects import Arrival, Identifier, arrivals, commands, duplicates, places, reindexing
from portal.subjects.reindexing import Done
from tests.conftest import House
from tests.people import ANA, BEN
from tests.subjects import next_form

DOTTED, PLAIN = "an.a@gmail.com", "ana@gmail.com"


async def _known(value: str, kind: str = "email", by: str = "import:1") -> Identifier:
    async with db.writing():
        return await subjects.ensure(kind, value, by=by)


async def _found(value: str) -> str:
    found = await subjects.find("email", value)
    assert found is not None, value
    return found.id


def _change_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "BLIND_KEYS", ("1", "2"))
    for module in (places, arrivals):
        monkeypatch.setattr(module, "BLIND_KEY", "2")


async def test_nothing_is_done_when_everything_is_up_to_date(house: House) -> None:
    await _known(ANA)
    before = await db.rows("SELECT * FROM identifier")
    assert await reindexing.reindex() == Done()
    assert await db.rows("SELECT * FROM identifier") == before
    assert await audit.search(event="identifiers.reindexed") == []


async def test_a_kill_on_the_way_loses_nobody_and_the_next_run_goes_on(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    values = [f"p.{number}@gmail.com" for number in range(12)] + [f"q{number}@example.com" for number in range(3)]
    async with db.writing():
        known = await subjects.ensure_many([Arrival("email", each, "import:1") for each in values])
    _kill_after(house, batches=2)
    next_form.come_into_force(monkeypatch.setattr)
    left, _notes = await reindexing.behind()
    assert 0 < left < len(values)
    assert [await _found(each) for each in values] == known
    assert await subjects.known_ids([("email", each) for each in values]) == known
    listed = await subjects.listed("email", values)
    assert {each.id for each in listed.values()} == set(known)
    async with db.writing():
        assert await subjects.ensure_many([Arrival("email", each, "import:2") for each in values]) == known
    seen: list[tuple[int, int]] = []
    done = await reindexing.reindex(progress=lambda *far: seen.append(far), at_once=4)
    assert (done.moved, seen[-1]) == (left, (left, left))
    assert await reindexing.behind() == (0, 0)
    assert [await _found(next_form.form("email", each)) for each in values] == known
    assert [await subjects.value_of(await subjects.get(each)) for each in known if each] == values
    assert len(await audit.search(event="identifiers.reindexed")) == 1


def _kill_after(house: House, batches: int) -> None:
    wanted = house.settings
    environment = os.environ | {
        "PORTAL_VAR": str(wanted.var),
        "PORTAL_DATABASE_URL": wanted.database_url,
        "PORTAL_MASTER_KEY": wanted.master_key,
        "PORTAL_LOG_KEY": wanted.log_key,
    }
    command = [sys.executable, "-m", "tests.subjects.next_form"]
    with subprocess.Popen(command, cwd=HOME, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _batch in range(batches):
            assert process.stdout.readline()
        process.kill()
        assert process.wait() != 0


async def test_two_addresses_that_become_equal_stay_two_and_an_officer_is_asked(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    dotted = await _known(DOTTED)
    plain = await _known(PLAIN)
    async with db.writing():
        await db.run("DELETE FROM duplicate")
    next_form.come_into_force(monkeypatch.setattr)
    done = await reindexing.reindex()
    assert (done.moved, done.equal) == (1, 1)
    assert (await _found(DOTTED), await _found(PLAIN)) == (dotted.id, plain.id)
    assert await _found("a.n.a@gmail.com") == plain.id
    hints = await duplicates.between(dotted.subject, plain.subject)
    assert {each.why for each in hints} == {duplicates.FORM, duplicates.MAILBOX}
    assert {each.id for each in (await duplicates.open_for([dotted.subject]))[dotted.subject]} == {plain.id}
    assert len((await subjects.whole(dotted.subject)).identifiers) == 1
    assert (await reindexing.reindex()).moved == 0
    async with db.writing():
        await subjects.forget(plain.subject, by="system")
    assert (await reindexing.reindex()).moved == 1
    assert await _found("a.n.a@gmail.com") == dotted.id and await reindexing.behind() == (0, 0)


async def test_addresses_from_before_hints_were_noted_get_theirs(house: House) -> None:
    first, second = await _known(ANA), await _known("ana+shop@example.com")
    async with db.writing():
        for statement in ("DELETE FROM duplicate", "DELETE FROM spelling", "UPDATE identifier SET normaliser = 1"):
            await db.run(statement)
    done = await reindexing.reindex(at_once=1)
    assert (done.moved, done.hints) == (2, 1)
    [hint] = await duplicates.open_hints()
    assert {hint.first.id, hint.second.id} == {first.id, second.id} and hint.why == duplicates.MAILBOX


async def test_under_another_key_everybody_is_found_and_every_note_holds_at_each_step(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [await _known(f"p{number}@example.com") for number in range(3)]
    ana = await _known(ANA)
    async with db.writing():
        await subjects.forget(ana.subject, by="system", keep_note=True)
        await subjects.suppress("email", "p0@example.com", basis="complaint", by="system")
    _change_the_key(monkeypatch)
    async with db.writing():  # on the way: an address that lies under the key from before, and one that is not stored
        assert await subjects.suppress("email", "p2@example.com", basis="complaint", by="system")
        assert not await subjects.suppress("email", "p0@example.com", basis="complaint", by="system")
        assert await subjects.suppress("email", BEN, basis="complaint", by="system")
    await _all_holds(known)
    assert await reindexing.behind() == (3, 3)
    for _step in range(2):
        async with db.writing():
            await reindexing._move(await reindexing._next("", 1), "system", Done())
        await _all_holds(known)
    done = await reindexing.reindex(at_once=1)
    assert (done.moved, done.notes) == (1, 1)
    assert await reindexing.behind() == (0, 0)
    await _all_holds(known)
    monkeypatch.setattr(places, "BLIND_KEYS", ("1", "2", "3"))
    for module in (places, arrivals):
        monkeypatch.setattr(module, "BLIND_KEY", "3")
    await reindexing.reindex()
    await _all_holds(known)


async def _all_holds(known: list[Identifier]) -> None:
    for number, each in enumerate(known):
        assert await _found(f"p{number}@example.com") == each.id
    people = await subjects.people([each.id for each in known])
    closed = [people[each.id].identifiers[0].suppressed_since is not None for each in known]
    assert closed == [True, False, True]
    for address in (ANA, BEN):
        assert await subjects.is_suppressed("email", address)
        with pytest.raises(Conflict):
            await _known(address)
    listed = await subjects.listed("email", [ANA, BEN, "p0@example.com", "p1@example.com"])
    assert {address: (each.id, each.alone) for address, each in listed.items()} == {
        ANA: (None, False),
        BEN: (None, False),
        "p0@example.com": (known[0].id, False),
        "p1@example.com": (known[1].id, True),
    }


async def test_a_note_in_the_form_from_before_still_closes_and_goes_along_with_its_owner(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = await _known(DOTTED)
    async with db.writing():
        await subjects.forget(gone.subject, by="system", keep_note=True)
    next_form.come_into_force(monkeypatch.setattr)
    with pytest.raises(Conflict):
        await _known(DOTTED)
    assert await subjects.is_suppressed("email", DOTTED)
    listed = await subjects.listed("email", [DOTTED])
    assert listed[DOTTED].id is None and not listed[DOTTED].alone
    back = await _known(DOTTED, by="system")
    assert (await subjects.people([back.id]))[back.id].identifiers[0].suppressed_since is not None


async def test_the_command_says_what_it_did(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    await _known(ANA)
    assert await commands.run_reindex(argparse.Namespace(by="system")) == 0
    assert "nothing was changed" in capsys.readouterr().out
    async with db.writing():
        await db.run("UPDATE identifier SET normaliser = 1")
    assert await commands.run_reindex(argparse.Namespace(by="system")) == 0
    assert "1 addresses and 0 notes" in capsys.readouterr().out


async def test_a_note_without_end_stays_beside_one_that_ends_under_the_former_form(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with db.writing():
        ends_at = clock.now() + timedelta(days=366)
        await subjects.suppress("email", DOTTED, basis=subjects.notes.OTHERS_WORD, by="system", ends_at=ends_at)
    next_form.come_into_force(monkeypatch.setattr)
    async with db.writing():
        assert await subjects.suppress("email", DOTTED, basis="asked", by="system")
    with clock.at(ends_at + timedelta(days=1)):
        assert await subjects.is_suppressed("email", DOTTED)
