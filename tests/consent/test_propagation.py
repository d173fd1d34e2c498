"""Connected systems hear of every change, in order per person, and one that fails holds up nobody else."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from portal import audit, consent, db, jobs, settings, subjects
from portal.consent import events, lapses
from portal.consent.checks import terms_of
from portal.consent.decisions import Decided, record_checked
from portal.lib import clock, errors
from tests.conftest import House
from tests.connectors.receiver import SECRET, Receiver, listed, receiving, write_list
from tests.consent.people import allowed, known, publish, say, word

SCHEMA = """
CREATE TABLE subscription (email TEXT NOT NULL, list TEXT NOT NULL, status TEXT NOT NULL, log_index INTEGER,
  PRIMARY KEY (email, list));
"""
REFUSE_ANA = """
CREATE TRIGGER refuse BEFORE INSERT ON subscription WHEN NEW.email = 'ana@example.com'
BEGIN SELECT RAISE(ABORT, 'disk error'); END;
"""
SYSTEMS = """
[[system]]
name = "letters"
title = "The newsletter database"
kind = "sql"
url = "sqlite:///letters.db"
map = "letters.toml"
"""
MAP = """
region = "RO"
[tables.subscription]
label = "Your newsletters"
category = "contact"
identifiers = { email = "email" }
columns = { email = "E-mail", list = "List", status = "State" }
keep = ["log_index"]
on_erase = "delete"
[consent]
table = "subscription"
identifiers = { email = "email" }
index = "log_index"
[[consent.cell]]
purpose = "back-in-stock"
channel = "email"
match = { list = "stock" }
set = { status = ["on", "off"] }
[[consent.cell]]
purpose = "similar-books"
channel = "email"
match = { list = "similar" }
set = { status = ["on", "off"] }
"""


@pytest.fixture
async def letters(house: House, tmp_path: Path) -> AsyncIterator[Path]:
    """A newsletter database, connected."""
    (tmp_path / "letters.toml").write_text(MAP)
    (tmp_path / "systems.toml").write_text(SYSTEMS)
    _run(tmp_path / "letters.db", SCHEMA)
    settings.use(replace(house.settings, systems=str(tmp_path / "systems.toml")))
    await publish()
    yield tmp_path / "letters.db"


def _run(path: Path, statements: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(statements)
    connection.close()


def _subscriptions(path: Path) -> dict[tuple[str, str], str]:
    connection = sqlite3.connect(path)
    found = {(email, name): status for email, name, status in connection.execute("SELECT email, list, status FROM subscription")}
    connection.close()
    return found


async def _told() -> consent.propagation.Told:
    await audit.sequence_all()
    return await consent.propagation.propagate_once("letters")


async def test_a_withdrawal_reaches_the_newsletter_database(letters: Path) -> None:
    ana = await known("email", "Ana@Example.com")
    await say(ana, "yes")
    await audit.sequence_all()
    assert await jobs.run_due() == 2
    assert _subscriptions(letters) == {("ana@example.com", "stock"): "on"}
    await say(ana, "no")
    await audit.sequence_all()
    await jobs.run_due()
    assert _subscriptions(letters) == {("ana@example.com", "stock"): "off"}
    assert [row["state"] for row in await db.rows("SELECT state FROM delivery")] == ["sent", "sent"]


async def test_an_objection_closes_every_cell_that_a_system_knows(letters: Path) -> None:
    ana = await known("email", "ana@example.com")
    told = {"sale": "B-1", "family": "books", "opt_out": "link in each letter"}
    await say(ana, "informed", "similar-books", "email", evidence=told)
    await say(ana, "yes")
    await _told()
    assert set(_subscriptions(letters).values()) == {"on"}
    await consent.stops.object_to_marketing(ana.subject, by=f"customer:{ana.subject}")
    await _told()
    assert _subscriptions(letters) == {("ana@example.com", "similar"): "off", ("ana@example.com", "stock"): "on"}


async def test_what_fails_waits_with_its_person_and_everybody_elses_words_pass(letters: Path) -> None:
    _run(letters, REFUSE_ANA)
    ana, ben = await known("email", "ana@example.com"), await known("email", "ben@example.com")
    await say(ana, "yes")
    await say(ben, "yes")
    first = await _told()
    assert (first.sent, first.waiting) == (1, 1)
    await say(ana, "no")
    assert (await _told()).waiting == 2
    assert _subscriptions(letters) == {("ben@example.com", "stock"): "on"}
    _run(letters, "DROP TRIGGER refuse")
    with clock.at(clock.now() + timedelta(hours=2)):
        assert await consent.standings.unconfirmed(ana.subject) == ["letters"]
        assert await consent.standings.unconfirmed(ben.subject) == []
        last = await _told()
    assert (last.sent, last.waiting) == (2, 0)
    assert _subscriptions(letters)["ana@example.com", "stock"] == "off"
    indexes = await db.rows("SELECT log_index, allowed FROM delivery WHERE subject = ? ORDER BY log_index", ana.subject)
    assert [row["allowed"] for row in indexes] == [0, 0]


async def test_a_system_that_is_down_loses_nothing_and_catches_up(letters: Path) -> None:
    ana = await known("email", "ana@example.com")
    moved = letters.rename(letters.with_suffix(".away"))
    letters.mkdir()
    await say(ana, "yes")
    assert (await _told()).waiting == 1
    letters.rmdir()
    moved.rename(letters)
    with clock.at(clock.now() + timedelta(hours=2)):
        assert (await _told()).waiting == 0
    assert _subscriptions(letters) == {("ana@example.com", "stock"): "on"}


async def test_a_word_whose_place_in_the_log_is_still_missing_is_told_a_moment_later(letters: Path) -> None:
    ana = await known("email", "ana@example.com")
    await say(ana, "yes")
    await jobs.run_due()
    assert _subscriptions(letters) == {}
    assert await consent.standings.unconfirmed(ana.subject) == []
    await audit.sequence_all()
    with clock.at(clock.now() + timedelta(seconds=5)):
        await jobs.run_due()
    assert _subscriptions(letters) == {("ana@example.com", "stock"): "on"}


async def test_a_merge_tells_the_systems_what_the_person_objected_to_elsewhere(letters: Path) -> None:
    ana, other = await known("email", "ana@example.com"), await known("email", "other@example.com")
    told = {"sale": "B-1", "family": "books", "opt_out": "link in each letter"}
    await say(other, "informed", "similar-books", "email", evidence=told)
    await consent.stops.object_to_marketing(ana.subject, by=f"customer:{ana.subject}")
    await _told()
    assert _subscriptions(letters)["other@example.com", "similar"] == "on"
    async with db.writing():
        await subjects.merge(other.subject, into=ana.subject, by="officer:petra", why="same person")
    await _told()
    assert _subscriptions(letters)["other@example.com", "similar"] == "off"


async def test_a_new_system_is_told_everything_from_the_start_of_the_log(letters: Path) -> None:
    ana = await known("email", "ana@example.com")
    for answer in ("yes", "no", "yes"):
        await say(ana, answer)
    assert (await _told()).sent == 3
    async with db.writing():
        await db.run("DELETE FROM cursor")
        await db.run("DELETE FROM delivery")
    _run(letters, "DELETE FROM subscription")
    assert (await _told()).sent == 3
    assert _subscriptions(letters) == {("ana@example.com", "stock"): "on"}


@pytest.fixture
async def hooks(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Receiver]:
    """A receiver of webhooks about back-in-stock mails, from whom people in competitions come."""
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    async with receiving() as receiver:
        ours = listed("hooks", receiver.url, 'purposes = ["back-in-stock"]', 'channels = ["email"]', 'sources = ["competition"]')
        settings.use(replace(house.settings, systems=write_list(tmp_path, ours), outbound_allow="127.0.0.0/8"))
        await publish()
        yield receiver


async def _hooked() -> None:
    await audit.sequence_all()
    while (await consent.propagation.propagate_once("hooks")).more:
        pass


def _said(receiver: Receiver) -> list[tuple[str, str, bool]]:
    return [(message.address, message.data["purpose"], message.data["allowed"]) for message in receiver.taken]


async def test_a_yes_that_runs_out_is_told_without_anybody_saying_a_word(hooks: Receiver) -> None:
    ana, ben = await known("email", "ana@example.com"), await known("email", "ben@example.com")
    until = clock.now() + timedelta(days=10)
    await say(ana, "yes", until=until)
    await say(ben, "yes", until=until)
    await say(ben, "no")
    await _hooked()
    hooks.taken.clear()
    assert await lapses.note_lapses() == 0
    with clock.at(until + timedelta(minutes=1)):
        assert not await allowed(ana)
        assert await lapses.note_lapses() == 1  # Ben had said no himself
        assert await lapses.note_lapses() == 0
        await _hooked()
    assert _said(hooks) == [("ana@example.com", "back-in-stock", False)]
    [entry] = await audit.search(event="consent.lapsed")
    assert entry.subject == ana.home and hooks.taken[0].data["sequence"] == entry.log_index


async def test_a_pause_that_ends_is_told_without_anybody_saying_a_word(hooks: Receiver) -> None:
    ana = await known("email", "ana@example.com")
    await say(ana, "yes")
    until = clock.now() + timedelta(days=30)
    await consent.pause(ana.subject, until=until, by=f"customer:{ana.subject}", purpose="back-in-stock")
    await _hooked()
    assert _said(hooks)[-1] == ("ana@example.com", "back-in-stock", False)
    with clock.at(until + timedelta(minutes=1)):
        await jobs.recur("consent.lapse", every=timedelta(minutes=1))
        await jobs.run_due()
        await _hooked()
    assert _said(hooks)[-1] == ("ana@example.com", "back-in-stock", True)
    assert len(await audit.search(event="consent.pause_over")) == 1


async def test_a_pause_that_the_person_ended_early_does_not_end_twice(hooks: Receiver) -> None:
    ana = await known("email", "ana@example.com")
    until = clock.now() + timedelta(days=30)
    await consent.pause(ana.subject, until=until, by=f"customer:{ana.subject}")
    await consent.resume(ana.subject, by=f"customer:{ana.subject}")
    with clock.at(until + timedelta(minutes=1)):
        assert await lapses.note_lapses() == 0


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


async def test_the_source_of_somebodys_data_hears_of_every_no_and_of_nobody_elses(hooks: Receiver) -> None:
    ana, ben = await known("email", "ana@example.com"), await known("email", "ben@example.com")
    await say(ana, "yes", "newsletter", "email", source="competition", grade="self-verified")
    await say(ben, "yes", "newsletter", "email")
    await _hooked()
    assert hooks.seen == []  # it takes only back-in-stock, and a yes is none of its business
    for each in (ana, ben):
        await say(each, "no", "newsletter", "email")
    await _hooked()
    assert set(_said(hooks)) == {("ana@example.com", "newsletter", False)}
    await consent.stops.object_to_marketing(ana.subject, by=f"customer:{ana.subject}")
    await _hooked()
    assert all(address == "ana@example.com" and not told for address, _purpose, told in _said(hooks))
    assert len({purpose for _address, purpose, _told in _said(hooks)}) > 2


async def test_a_replay_tells_again_from_its_place_on_and_is_recorded(hooks: Receiver) -> None:
    ana, ben = await known("email", "ana@example.com"), await known("email", "ben@example.com")
    await say(ana, "yes")
    await say(ben, "yes")
    await say(ana, "no")
    await _hooked()
    before = [message.id for message in hooks.taken]
    from_ben = next(message.data["sequence"] for message in hooks.taken if message.address == "ben@example.com")
    await consent.propagation.replay("hooks", since=from_ben, by="officer:olga")
    await _hooked()
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
    await _hooked()
    await consent.propagation.replay("hooks", since=0, by="officer:olga")
    hooks.answer = lambda message: 200
    await _hooked()
    assert [line.state for line in await consent.standings.delivered("hooks")] == ["sent"]
    assert len({message.id for message in hooks.seen}) == 1


async def test_an_import_is_told_when_it_begins_to_count(hooks: Receiver) -> None:
    """One entry of the log stands for a part of the list; its yeses are not told before."""
    ana = await known("email", "ana@example.com")
    async with db.writing():
        await db.run(
            "INSERT INTO batch (id, sha256, options, planned, done, details, planned_by, planned_at, phase, position, parts)"
            " VALUES ('b1', ?, '{}', '{}', '{}', ?, 'officer:olga', 0, 'yeses', 0, 1)",
            *(b"", b""),
        )
    [decided] = await _in_batch(ana, "b1")
    await _hooked()
    assert hooks.seen == []
    async with db.writing():
        await db.run("INSERT INTO batch_part (batch, number, first, last) VALUES ('b1', 0, ?, ?)", decided.id, decided.id)
        await db.run("UPDATE batch SET in_force_at = ? WHERE id = 'b1'", clock.micros(clock.now()))
        await audit.record(events.IMPORT_COUNTS, actor="officer:olga", object="b1/0")
    await _hooked()
    assert _said(hooks) == [("ana@example.com", "back-in-stock", True)]


async def _in_batch(identifier: subjects.Identifier, batch: str) -> list[Decided]:
    said = word(identifier, "yes", source="import", grade="import")
    async with db.writing():
        people = await subjects.people([identifier.id])
        return await record_checked([said], people, await terms_of([said]), batch)


async def test_a_round_asks_the_same_few_questions_however_many_words_are_new(
    hooks: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    for size in (5, 40):
        for number in range(size):
            await say(await known("email", f"p{size}-{number}@example.com"), "yes")
        await audit.sequence_all()
        seen: list[str] = []
        with monkeypatch.context() as watching:
            for name in ("rows", "run", "many"):
                _watch(watching, name, seen)
            await consent.propagation.propagate_once("hooks")
        counts.append(len(seen))
        plans = [await _plan(sql) for sql in seen if sql.lstrip().startswith("SELECT") and settings.get().is_sqlite]
        assert [plan for plan in plans if "SCAN d" in plan or "SCAN permission" in plan or "SCAN entry" in plan] == []
    assert counts[0] == counts[1] <= 30


def _watch(patching: pytest.MonkeyPatch, name: str, seen: list[str]) -> None:
    real: Callable[..., Awaitable[Any]] = getattr(db, name)

    async def watched(sql: str, *values: Any) -> Any:
        seen.append(sql)
        return await real(sql, *values)

    patching.setattr(db, name, watched)


async def _plan(sql: str) -> str:
    found = await db.rows(f"EXPLAIN QUERY PLAN {sql}", *[None] * sql.count("?"))
    return " / ".join(row["detail"] for row in found)


async def test_looking_for_what_ran_out_goes_by_an_index(sqlite_house: House) -> None:
    for sql in (lapses._YESES, lapses._PAUSES):
        plan = await _plan(sql)
        assert "permission_expires" in plan or "pause_until" in plan, plan
        assert "SCAN" not in plan, plan
