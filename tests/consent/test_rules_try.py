"""Trying a changed precedence before it is switched on, switching it on, and telling the systems whose answers it changed."""

import inspect
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from portal import audit, consent, db, jobs, settings
from portal.cli import _parser
from portal.consent import lapses, precedence, retuning, trying
from portal.consent.changes import items_of
from portal.consent.precedence import NEUTRAL
from portal.consent.rules import Tuning
from portal.documents import Faulty
from portal.lib import clock
from portal.subjects import Identifier
from tests.conftest import House, on_both
from tests.consent.people import known, publish, say

DAY = datetime(2026, 6, 1, 12, tzinfo=UTC)
NOW = DAY + timedelta(days=200)
FILE = """
[priority]
order = ["preference-centre", "competition"]
within_days = 30

[[recency]]
source = "form"
yes_counts_for_days = 60
"""


async def _people() -> dict[str, Identifier]:
    """Ana's yes came too soon after her no, Ben's has run out long ago, Vik's stands; Petra's too, and she spoke last year."""
    with clock.at(DAY - timedelta(days=1)):
        await publish()
        people = {name: await known("email", f"{name}@example.com") for name in ("ana", "ben", "vik", "petra")}
    with clock.at(DAY):
        await say(people["ben"], "yes", source="form")
        await say(people["petra"], "yes", "audiences", "ads", source="form")
    with clock.at(NOW - timedelta(days=20)):
        await say(people["ana"], "no")
        await say(people["vik"], "yes", source="form")
    with clock.at(NOW - timedelta(days=10)):
        await say(people["ana"], "yes", source="competition")
    return people


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "changed.toml"
    path.write_text(FILE)
    return path


async def portal(*words: str | Path) -> int:
    args = _parser().parse_args([str(each) for each in words])
    return int(await args.run(args) or 0)


async def test_trying_shows_who_would_change_and_writes_nothing(
    house: House, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await _people()
    before = await _everything()
    with clock.at(NOW):
        assert await portal("rules", "try", file) == 0
    out = capsys.readouterr().out
    assert "2 people, 2 answers looked at: 1 would change, of 1 people." in out
    assert re.search(r"(?m)^  back-in-stock +email +yes → no +priority +1$", out)
    example = r"a•••@example.com, back-in-stock email: yes by rule 4, a yes from competition of 2026-12-08"
    assert f"{example} → no by rule 4, a no from preference-centre of 2026-11-28 (priority)" in out
    assert "ana@example.com" not in out
    assert f"portal rules use {file}" in out
    assert await _everything() == before


async def test_with_all_everybody_is_looked_at_once(house: House, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await _people()
    with clock.at(NOW):
        assert await portal("rules", "try", file, "--all", "--examples", "1") == 0
    out = capsys.readouterr().out
    assert "4 people, 4 answers looked at: 3 would change, of 3 people." in out
    assert re.search(r"(?m)^  back-in-stock +email +yes → no +priority +1$", out)
    assert re.search(r"(?m)^  back-in-stock +email +yes → no +recency +1$", out)
    assert re.search(r"(?m)^  audiences +ads +yes → no +recency +1$", out)
    assert len(re.findall("•••", out)) == 1


async def test_a_person_with_several_addresses_is_looked_at_whole_and_once(house: House, file: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(trying, "AT_ONCE", 1)
    with clock.at(DAY):
        await publish()
        ana = await known("email", "ana@example.com")
        others = [await known("email", f"ana{number}@example.com", subject=ana.subject) for number in range(3)]
        await say(others[1], "no")
    with clock.at(DAY + timedelta(days=1)):
        for each in (ana, *others):
            await say(each, "yes", source="competition", grade="self")
    with clock.at(DAY + timedelta(days=2)):
        new = precedence.read(file).tuning
        recent = [each async for each in trying.portions_since(DAY, NEUTRAL, new)]
        rest = [each async for each in trying.portions_of_all(NEUTRAL, new, but_since=DAY)]
        everybody = [each async for each in trying.portions_of_all(NEUTRAL, new)]
    assert (sum(each.people for each in recent), sum(each.answers for each in recent)) == (1, 4)
    assert (sum(each.people for each in rest), sum(each.people for each in everybody)) == (0, 1)
    # Nobody has proven these addresses, so the no of one counts for all of them (rule 5).
    changed = {change.identifier.id: change.new.rule for each in recent for change in each.changes}
    assert changed == {others[1].id: 4} | {each.id: 5 for each in (ana, others[0], others[2])}


@on_both
async def test_what_is_tried_is_what_then_happens(house: House, file: Path) -> None:
    people = await _people()
    with clock.at(NOW):
        new = precedence.read(file).tuning
        tried = {
            (change.identifier.id, change.cell): change.new
            async for each in trying.portions_of_all(NEUTRAL, new)
            for change in each.changes
        }
        assert len(tried) == 3
        before = {asked: (await consent.permission(asked[0], *asked[1])).allowed for asked in tried}
        assert all(before.values())
        assert await portal("rules", "use", file, "--yes", "--by", "officer:olga") == 0
        for (identifier, cell), answer in tried.items():
            assert await consent.permission(identifier, *cell) == answer
        assert (await consent.permission(people["vik"].id, "back-in-stock", "email")).allowed


async def test_everybody_whose_answer_changed_is_told_to_the_systems_once(house: House, file: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(trying, "AT_ONCE", 2)
    people = await _people()
    with clock.at(NOW):
        await portal("rules", "use", file, "--yes")
        await jobs.run_due()
        await audit.sequence_all()
        found = await audit.search(event="consent.retuned")
        assert {each.subject for each in found} == {people[name].subject for name in ("ana", "ben", "petra")}
        assert len(found) == 3
        told = {item.identifier for item in await items_of(found) if item.cell.purpose == "back-in-stock"}
        assert told == {people[name].id for name in ("ana", "ben", "petra")}
        there = await precedence.in_force()
        assert there is not None and there.told_at is not None


@on_both
async def test_a_worker_that_was_stopped_goes_on_where_it_left_off(house: House, file: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(trying, "AT_ONCE", 1)
    monkeypatch.setattr(retuning, "LONGEST_SHIFT", -1.0)
    await _people()
    with clock.at(NOW):
        await portal("rules", "use", file, "--yes")
        for _round in range(8):
            await jobs.run_due()
        there = await precedence.in_force()
        assert there is not None and there.told_at is not None
        assert len(await audit.search(event="consent.retuned")) == 3


async def test_loosening_a_tuning_tells_who_may_be_written_to_again(
    house: House, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await _people()
    empty = tmp_path / "empty.toml"
    empty.write_text("")
    with clock.at(NOW):
        await portal("rules", "use", file, "--yes")
        capsys.readouterr()
        await portal("rules", "try", empty, "--all")
    out = capsys.readouterr().out
    assert "3 would change" in out
    assert re.search(r"(?m)^  back-in-stock +email +no → yes +no longer priority +1$", out)


async def test_a_yes_that_runs_out_sooner_is_recorded_when_it_does(house: House) -> None:
    with clock.at(DAY):
        await publish()
        ana, ben = await known("email", "ana@example.com"), await known("email", "ben@example.com")
        await say(ana, "yes", source="form")
    with clock.at(DAY + timedelta(days=1)):
        await say(ben, "yes", source="form")
        await say(ben, "no")
        await retuning.switch_on(precedence.File(Tuning(counts_for=(("form", 60),)), b"x"), by="system")
    with clock.at(DAY + timedelta(days=60) - timedelta(microseconds=1)):
        assert await lapses.note_lapses() == 0
        assert (await consent.permission(ana.id, "back-in-stock", "email")).allowed
    with clock.at(DAY + timedelta(days=70)):
        assert await lapses.note_lapses() == 1  # Ben had said no himself
        assert await lapses.note_lapses() == 0
        assert not (await consent.permission(ana.id, "back-in-stock", "email")).allowed
    [entry] = await audit.search(event="consent.lapsed")
    assert entry.subject == ana.subject


async def test_what_had_run_out_before_the_switch_is_not_recorded_twice(house: House, file: Path) -> None:
    await _people()
    with clock.at(NOW):
        await portal("rules", "use", file, "--yes")
        await jobs.run_due()
        assert await lapses.note_lapses() == 0
        assert await audit.search(event="consent.lapsed") == []


async def test_rules_shows_what_is_in_force_and_that_an_edited_file_is_not(
    house: House, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await portal("rules")
    assert capsys.readouterr().out == "No tuning was ever switched on: the rules stand as they are.\n"
    await portal("rules", "use", file, "--yes", "--by", "officer:olga")
    capsys.readouterr()
    await portal("rules", "show")
    out = capsys.readouterr().out
    assert out.startswith("precedence@1, since ") and "by officer:olga" in out
    assert "for 30 days:\n  preference-centre > competition\n  a yes from form counts for 60 days" in out
    assert "says something else than what is in force" in out
    await portal("rules", "use", file, "--yes")
    assert "in force already" in capsys.readouterr().out


async def test_without_a_yes_nothing_is_switched_on(house: House, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await portal("rules", "use", file) == 2
    assert "Nothing was switched on" in capsys.readouterr().out
    assert await precedence.in_force() is None


async def test_a_faulty_or_missing_file_is_named_and_changes_nothing(house: House, tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text("[priority]\norder = [1]\nwithin_days = 1\n")
    for verb in ("try", "use"):
        with pytest.raises(Faulty, match=r"wrong.toml:2: order is a list"):
            await portal("rules", verb, path)
        with pytest.raises(Faulty, match=r"nothing.toml:1: There is no such file"):
            await portal("rules", verb, tmp_path / "nothing.toml")
    assert await precedence.in_force() is None


async def test_a_mistake_in_the_companys_file_is_said_before_anybody_is_served(house: House, tmp_path: Path) -> None:
    (tmp_path / "precedence.toml").write_text("[priority]\norder = []\nwithin_days = -3\n")
    settings.use(replace(house.settings, policies=tmp_path))
    for verb in ("serve", "work"):
        args = _parser().parse_args([verb])
        with pytest.raises(Faulty, match=r"^precedence.toml:3: within_days is a whole number from 0 to 3650.$"):
            if inspect.iscoroutine(result := args.run(args)):
                await result


async def _everything() -> dict[str, Any]:
    tables = ("decision", "permission", "precedence", "entry", "job", "stop", "lapse")
    return {table: (await db.row(f"SELECT count(*) AS n FROM {table}") or {})["n"] for table in tables}
