"""Connected systems hear of every change, in order per person, and one that fails holds up nobody else."""

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from portal import audit, consent, db, jobs, settings, subjects
from portal.lib import clock
from tests.conftest import House
from tests.consent.people import known, publish, say

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


async def _told() -> consent.Told:
    await audit.sequence_all()
    return await consent.propagate_once("letters")


async def test_a_withdrawal_reaches_the_newsletter_database(letters: Path) -> None:
    ana = await known("email", "Ana@Example.com")
    await say(ana, "yes")
    await audit.sequence_all()
    assert await jobs.run_due() == 1
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
    await consent.object_to_marketing(ana.subject, by=f"customer:{ana.subject}")
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
        assert await consent.unconfirmed(ana.subject) == ["letters"]
        assert await consent.unconfirmed(ben.subject) == []
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
    assert await consent.unconfirmed(ana.subject) == []
    await audit.sequence_all()
    with clock.at(clock.now() + timedelta(seconds=5)):
        await jobs.run_due()
    assert _subscriptions(letters) == {("ana@example.com", "stock"): "on"}


async def test_a_merge_tells_the_systems_what_the_person_objected_to_elsewhere(letters: Path) -> None:
    ana, other = await known("email", "ana@example.com"), await known("email", "other@example.com")
    told = {"sale": "B-1", "family": "books", "opt_out": "link in each letter"}
    await say(other, "informed", "similar-books", "email", evidence=told)
    await consent.object_to_marketing(ana.subject, by=f"customer:{ana.subject}")
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
