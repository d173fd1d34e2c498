"""A hashed list that was loaded by mistake is taken back: what it alone closed is open, every other no stays."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

import pytest

from portal import audit, consent, db, subjects
from portal.consent import Cell, commands, hashed
from portal.consent.batches import commit_import, find_batch, options_for_hashes, plan_import, undo_import
from portal.lib import clock
from portal.lib.errors import Conflict
from tests.conftest import House, on_both
from tests.consent.exports import LETTER, may, ready
from tests.consent.hashes import listed, taken
from tests.consent.people import known, say

pytestmark = pytest.mark.usefixtures("on_the_day_of_the_exports")
SURVEYS = Cell("surveys", "email")  # on unless somebody refuses


async def test_what_a_list_alone_closed_is_open_after_it_was_taken_back(house: House, tmp_path: Path) -> None:
    await ready()
    ana = await known("email", "ana@example.com")
    await say(ana, "yes", "newsletter", grade="import", edition="legacy:old:1")
    done = await taken(listed(tmp_path, "ana", "ben"))
    assert not await may("ana") and not await may("ben", SURVEYS)
    undone = await undo_import(done.id, by="officer:petra", why="The wrong file")
    assert undone.undone_at is not None
    assert await may("ana") and await may("ben", SURVEYS)
    assert await db.rows("SELECT id FROM suppression") == []
    lifted = await audit.search(event="consent.lifted")
    assert [each.subject for each in lifted] == [ana.subject], "Connected systems hear of it."
    assert (await undo_import(done.id, by="officer:petra")).undone_at == undone.undone_at
    with pytest.raises(Conflict):
        await commit_import(done.id, listed(tmp_path, "ana", "ben"), by="officer:petra")


async def test_what_another_list_closes_as_well_stays_closed_whichever_goes_first(house: House, tmp_path: Path) -> None:
    await ready()
    await known("email", "ana@example.com")
    first = await taken(listed(tmp_path, "ana", "ben", "carla", name="first.csv"))
    second = await taken(listed(tmp_path, "ana", "ben", name="second.csv"))
    assert (second.counts["new"], second.counts["same"]) == (0, 2)
    await undo_import(first.id, by="officer:petra")
    assert not await may("ana", SURVEYS) and not await may("ben", SURVEYS) and await may("carla", SURVEYS)
    third = await taken(listed(tmp_path, "ana", "ben", "carla", name="first.csv"))
    await undo_import(second.id, by="officer:petra")
    assert [await may(each, SURVEYS) for each in ("ana", "ben", "carla")] == [False] * 3
    await undo_import(third.id, by="officer:petra")
    assert [await may(each, SURVEYS) for each in ("ana", "ben", "carla")] == [True] * 3


async def test_stops_and_words_from_elsewhere_stay(house: House, tmp_path: Path) -> None:
    await ready()
    ana, ben, carla = [await known("email", f"{each}@example.com") for each in ("ana", "ben", "carla")]
    async with db.writing():
        await subjects.suppress("email", "dan@example.com", basis="asked when erased", by="system")
        await consent.stops.object_to_marketing(ben.subject, by="officer:olga", purpose="surveys")
    done = await taken(listed(tmp_path, "ana", "ben", "carla", "dan"))
    with clock.at(datetime(2026, 11, 23, 12, tzinfo=UTC)):
        await say(ana, "no", "surveys")
        await consent.stops.suppress_address(carla.id, "email", by="system", why="hard bounce")
        await undo_import(done.id, by="officer:petra")
        assert [await may(each, SURVEYS) for each in ("ana", "ben", "carla", "dan")] == [False] * 4


async def test_whoever_came_meanwhile_is_open_unless_another_list_has_them(house: House, tmp_path: Path) -> None:
    await ready()
    both = await taken(listed(tmp_path, "ana", "ben", name="both.csv"))
    only = await taken(listed(tmp_path, "ben", name="only.csv"))
    async with db.writing():
        ana = await subjects.ensure("email", "ana@example.com", by="system", own=True)
        ben = await subjects.ensure("email", "ben@example.com", by="system", own=True)
    assert not await may("ana", SURVEYS) and not await may("ben", SURVEYS)
    await undo_import(both.id, by="officer:petra")
    assert await may("ana", SURVEYS) and not await may("ben", SURVEYS)
    assert {each.subject for each in await audit.search(event="consent.lifted")} == {ana.subject}
    await undo_import(only.id, by="officer:petra")
    assert await may("ben", SURVEYS) and await db.rows("SELECT id FROM suppression") == []
    assert {each.subject for each in await audit.search(event="consent.lifted")} == {ana.subject, ben.subject}


async def test_a_note_on_an_address_that_was_erased_meanwhile_stays(house: House, tmp_path: Path) -> None:
    await ready()
    done = await taken(listed(tmp_path, "ana"))
    async with db.writing():
        ana = await subjects.ensure("email", "ana@example.com", by="system", own=True)
        await subjects.forget(ana.subject, by="system", keep_note=True)
    await undo_import(done.id, by="officer:petra")
    assert not await may("ana", SURVEYS) and await subjects.is_suppressed("email", "ana@example.com")


async def test_a_list_from_before_lists_could_be_taken_back_stays(house: House, tmp_path: Path) -> None:
    await ready()
    await taken(listed(tmp_path, "ana"))
    async with db.writing():
        await db.run("UPDATE hashed_list SET list = ''")
    again = await taken(listed(tmp_path, "ana", "ben", name="again.csv"))
    await undo_import(again.id, by="officer:petra")
    assert not await may("ana", SURVEYS) and await may("ben", SURVEYS)


@on_both
async def test_killed_on_the_way_both_go_on(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await ready()
    names = [f"p{number}" for number in range(7)]
    for each in names[:3]:
        await known("email", f"{each}@example.com")
    path = listed(tmp_path, *names)
    planned = await plan_import(path, options_for_hashes("email"), by="officer:petra")
    monkeypatch.setattr(hashed, "AT_ONCE", 2)
    monkeypatch.setattr(subjects.hashes, "AT_ONCE", 2)
    with monkeypatch.context() as killed:
        killed.setattr(hashed, "_stop", None)
        with pytest.raises(TypeError):
            await commit_import(planned.id, path, by="officer:petra")
    assert (await find_batch(planned.id)).phase == "noes"
    assert not await may("p6", SURVEYS), "A refusal counts at once."
    done = await commit_import(planned.id, path, by="officer:petra")
    assert (done.phase, done.counts) == ("in force", planned.counts)
    assert len(await db.rows("SELECT id FROM stop")) == 3
    with monkeypatch.context() as killed:
        killed.setattr(hashed, "lift", None)
        with pytest.raises(TypeError):
            await undo_import(planned.id, by="officer:petra")
    assert not await may("p0", SURVEYS) and await may("p6", SURVEYS)
    await undo_import(planned.id, by="officer:petra")
    assert await may("p0", SURVEYS) and await may("p2", SURVEYS)


async def test_a_list_is_taken_back_before_it_was_whole(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await ready()
    path = listed(tmp_path, "ana")
    planned = await plan_import(path, options_for_hashes("email"), by="officer:petra")
    with pytest.raises(Conflict):
        await undo_import(planned.id, by="officer:petra")
    with monkeypatch.context() as killed:
        killed.setattr(hashed, "_finish", None)
        with pytest.raises(TypeError):
            await commit_import(planned.id, path, by="officer:petra")
    await undo_import(planned.id, by="officer:petra")
    with pytest.raises(Conflict):
        await commit_import(planned.id, path, by="officer:petra")
    assert await may("ana", SURVEYS)


async def test_the_command_takes_hashes_over_and_back_like_every_import(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await ready()
    path = str(listed(tmp_path, "ana"))
    assert await _portal("import", path, "--from", "hashed") == 0
    assert "known" in (told := capsys.readouterr().out) and "--commit" in told
    assert await _portal("import", path, "--from", "hashed", "--commit") == 0
    undo = capsys.readouterr().out.strip().rpartition("portal ")[2].split()
    assert undo[:2] == ["import", "--undo"] and not await may("ana", SURVEYS)
    assert await _portal(*undo) == 0
    assert await may("ana", SURVEYS) and not await may("ana", LETTER)


async def _portal(*words: str) -> int:
    parser = argparse.ArgumentParser()
    commands.add_commands(parser.add_subparsers())
    args = parser.parse_args(words)
    return int(await args.run(args))
