"""Connected systems hear of every change, in order per person, and one that fails holds up nobody else."""

from datetime import timedelta
from pathlib import Path

from portal import audit, consent, db, jobs, subjects
from portal.consent import events
from portal.consent.checks import terms_of
from portal.consent.decisions import Decided, record_checked
from portal.lib import clock
from tests.conftest import on_both
from tests.connectors.receiver import Receiver
from tests.consent.hooks import heard, tell_hooks
from tests.consent.letters import REFUSE_ANA, run, subscriptions, tell_letters
from tests.consent.people import known, say, word


@on_both
async def test_a_withdrawal_reaches_the_newsletter_database(letters: Path) -> None:
    ana = await known("email", "Ana@Example.com")
    await say(ana, "yes")
    await audit.sequence_all()
    assert await jobs.run_due() == 2
    assert subscriptions(letters) == {("ana@example.com", "stock"): "on"}
    await say(ana, "no")
    await audit.sequence_all()
    await jobs.run_due()
    assert subscriptions(letters) == {("ana@example.com", "stock"): "off"}
    assert [row["state"] for row in await db.rows("SELECT state FROM delivery")] == ["sent", "sent"]


async def test_an_objection_closes_every_cell_that_a_system_knows(letters: Path) -> None:
    ana = await known("email", "ana@example.com")
    told = {"sale": "B-1", "family": "books", "opt_out": "link in each letter"}
    await say(ana, "informed", "similar-books", "email", evidence=told)
    await say(ana, "yes")
    await tell_letters()
    assert set(subscriptions(letters).values()) == {"on"}
    await consent.stops.object_to_marketing(ana.subject, by=f"customer:{ana.subject}")
    await tell_letters()
    assert subscriptions(letters) == {("ana@example.com", "similar"): "off", ("ana@example.com", "stock"): "on"}


@on_both
async def test_what_fails_waits_with_its_person_and_everybody_elses_words_pass(letters: Path) -> None:
    run(letters, REFUSE_ANA)
    ana, ben = await known("email", "ana@example.com"), await known("email", "ben@example.com")
    await say(ana, "yes")
    await say(ben, "yes")
    first = await tell_letters()
    assert (first.sent, first.waiting) == (1, 1)
    await say(ana, "no")
    assert (await tell_letters()).waiting == 2
    assert subscriptions(letters) == {("ben@example.com", "stock"): "on"}
    run(letters, "DROP TRIGGER refuse")
    with clock.at(clock.now() + timedelta(hours=2)):
        assert await consent.standings.unconfirmed(ana.subject) == ["letters"]
        assert await consent.standings.unconfirmed(ben.subject) == []
        last = await tell_letters()
    assert (last.sent, last.waiting) == (2, 0)
    assert subscriptions(letters)["ana@example.com", "stock"] == "off"
    indexes = await db.rows("SELECT log_index, allowed FROM delivery WHERE subject = ? ORDER BY log_index", ana.subject)
    assert [row["allowed"] for row in indexes] == [0, 0]


async def test_a_system_that_is_down_loses_nothing_and_catches_up(letters: Path) -> None:
    ana = await known("email", "ana@example.com")
    moved = letters.rename(letters.with_suffix(".away"))
    letters.mkdir()
    await say(ana, "yes")
    assert (await tell_letters()).waiting == 1
    letters.rmdir()
    moved.rename(letters)
    with clock.at(clock.now() + timedelta(hours=2)):
        assert (await tell_letters()).waiting == 0
    assert subscriptions(letters) == {("ana@example.com", "stock"): "on"}


@on_both
async def test_a_word_whose_place_in_the_log_is_still_missing_is_told_a_moment_later(letters: Path) -> None:
    ana = await known("email", "ana@example.com")
    await say(ana, "yes")
    await jobs.run_due()
    assert subscriptions(letters) == {}
    assert await consent.standings.unconfirmed(ana.subject) == []
    await audit.sequence_all()
    with clock.at(clock.now() + timedelta(seconds=5)):
        await jobs.run_due()
    assert subscriptions(letters) == {("ana@example.com", "stock"): "on"}


async def test_a_merge_tells_the_systems_what_the_person_objected_to_elsewhere(letters: Path) -> None:
    ana, other = await known("email", "ana@example.com"), await known("email", "other@example.com")
    told = {"sale": "B-1", "family": "books", "opt_out": "link in each letter"}
    await say(other, "informed", "similar-books", "email", evidence=told)
    await consent.stops.object_to_marketing(ana.subject, by=f"customer:{ana.subject}")
    await tell_letters()
    assert subscriptions(letters)["other@example.com", "similar"] == "on"
    async with db.writing():
        await subjects.merge(other.subject, into=ana.subject, by="officer:petra", why="same person")
    await tell_letters()
    assert subscriptions(letters)["other@example.com", "similar"] == "off"


async def test_the_source_of_somebodys_data_hears_of_every_no_and_of_nobody_elses(hooks: Receiver) -> None:
    ana, ben = await known("email", "ana@example.com"), await known("email", "ben@example.com")
    await say(ana, "yes", "newsletter", "email", source="competition", grade="self-verified")
    await say(ben, "yes", "newsletter", "email")
    await tell_hooks()
    assert hooks.seen == []  # it takes only back-in-stock, and a yes is none of its business
    for each in (ana, ben):
        await say(each, "no", "newsletter", "email")
    await tell_hooks()
    assert set(heard(hooks)) == {("ana@example.com", "newsletter", False)}
    await consent.stops.object_to_marketing(ana.subject, by=f"customer:{ana.subject}")
    await tell_hooks()
    assert all(address == "ana@example.com" and not told for address, _purpose, told in heard(hooks))
    assert len({purpose for _address, purpose, _told in heard(hooks)}) > 2


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
    await tell_hooks()
    assert hooks.seen == []
    async with db.writing():
        await db.run("INSERT INTO batch_part (batch, number, first, last) VALUES ('b1', 0, ?, ?)", decided.id, decided.id)
        await db.run("UPDATE batch SET in_force_at = ? WHERE id = 'b1'", clock.micros(clock.now()))
        await audit.record(events.IMPORT_COUNTS, actor="officer:olga", object="b1/0")
    await tell_hooks()
    assert heard(hooks) == [("ana@example.com", "back-in-stock", True)]


async def _in_batch(identifier: subjects.Identifier, batch: str) -> list[Decided]:
    said = word(identifier, "yes", source="import", grade="import")
    async with db.writing():
        people = await subjects.people([identifier.id])
        return await record_checked([said], people, await terms_of([said]), batch)
