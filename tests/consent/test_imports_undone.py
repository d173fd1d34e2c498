"""A list that was imported is taken back: what stood before stands again, and its noes stay unless somebody says why."""

from pathlib import Path

import pytest

from portal import db, subjects
from portal.consent import fold
from portal.consent.batches import commit_import, undo_import
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid
from tests.conftest import House
from tests.consent.lists import LIST, check_folds, dies, imported, may, plan, written
from tests.consent.people import allowed, known, publish, say

pytestmark = pytest.mark.usefixtures("on_the_day_of_the_lists")


async def test_an_undone_import_leaves_what_stood_before_and_keeps_its_noes(house: House, tmp_path: Path) -> None:
    await publish()
    ana, ben = await known("email", "ana@example.com"), await known("email", "ben@example.com")
    await say(ben, "yes", grade="import", edition="legacy:old:1")
    before = await fold.kept([ana.id])
    path = written(tmp_path, LIST.replace("ben@example.com,no,2026-03-02T10:00:00Z", "ben@example.com,no,"))
    done = await imported(path)
    undone = await undo_import(done.id, by="officer:petra")
    assert undone.undone_at is not None
    assert not await may("ana@example.com") and not await may("ben@example.com")
    assert await fold.kept([ana.id]) == before
    await check_folds()
    await undo_import(done.id, by="officer:petra", also_noes=True, why="The file was of another shop.")
    assert await may("ben@example.com")
    await check_folds()
    again = await imported(path)
    assert again.id != done.id and await may("ana@example.com") and not await may("ben@example.com")
    await check_folds()


async def test_taking_back_noes_needs_a_reason_and_the_later_list_that_repeats_them_first(house: House, tmp_path: Path) -> None:
    await publish()
    first = await imported(written(tmp_path, LIST))
    later = await imported(written(tmp_path, LIST + "\n"))
    with pytest.raises(Invalid):
        await undo_import(first.id, by="officer:petra", also_noes=True)
    with pytest.raises(Conflict):
        await undo_import(first.id, by="officer:petra", also_noes=True, why="Another shop.")
    await undo_import(later.id, by="officer:petra", also_noes=True, why="Another shop.")
    await undo_import(first.id, by="officer:petra", also_noes=True, why="Another shop.")
    assert (await fold.kept([row["id"] for row in await db.rows("SELECT id FROM identifier")])) == []


async def test_noes_that_a_list_begun_earlier_repeats_are_kept_until_that_one_is_taken_back(house: House, tmp_path: Path) -> None:
    await publish()
    wide = written(tmp_path, "email,answer,said_at\nvik@example.com,no,2026-03-01\nben@example.com,no,2026-03-02\n", name="b.csv")
    narrow = written(tmp_path, "email,answer,said_at\nben@example.com,no,2026-03-02\n", name="a.csv")
    outer, inner = await plan(wide), await plan(narrow)

    class Killed(Exception):
        pass

    with pytest.raises(Killed):
        await commit_import(outer.id, wide, by="officer:petra", at_once=1, progress=dies(Killed, after=1))
    await commit_import(inner.id, narrow, by="officer:petra")
    done = await commit_import(outer.id, wide, by="officer:petra")
    assert done.counts["repeated"] == 1
    with pytest.raises(Conflict):
        await undo_import(inner.id, by="officer:petra", also_noes=True, why="Another shop.")
    await undo_import(outer.id, by="officer:petra", also_noes=True, why="Another shop.")
    await undo_import(inner.id, by="officer:petra", also_noes=True, why="Another shop.")
    await check_folds()


async def test_answers_as_of_a_moment_know_what_counted_then(house: House, tmp_path: Path) -> None:
    await publish()
    await known("email", "ana@example.com")
    before = clock.now()
    done = await imported(written(tmp_path, LIST))
    between = clock.now()
    await undo_import(done.id, by="officer:petra")
    ana = await subjects.find("email", "ana@example.com")
    assert ana is not None
    asked = {at: await allowed(ana, at=at) for at in (before, between, clock.now())}
    assert list(asked.values()) == [False, True, False]
