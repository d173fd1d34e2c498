"""A scrub that was killed half way goes on, and no no that was recorded meanwhile is missing in what was answered before."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from portal import audit, consent, db, subjects
from portal.cli import _parser
from portal.consent import scrub_journal
from portal.consent.batches import Options, commit_import, plan_import
from portal.consent.changes import OF_A_PART, OF_A_PERSON, OF_ONE_WORD
from portal.consent.scrubbing import Scrubbed
from portal.lib import clock
from portal.lib.errors import Conflict
from portal.settings import HOME
from portal.subjects import Identifier
from tests.conftest import LOG_KEY, MASTER_KEY, House, on_both
from tests.consent.people import known, publish, say

LINES, PEOPLE = 9_000, 40
GOES_ON, ANEW = "it goes on after line", "it begins anew"
ASKED = ["--purpose", "back-in-stock", "--channel", "email"]
Act = Callable[[list[Identifier], Path], Awaitable[Any]]


class Killed(Exception):
    pass


@pytest.fixture
async def people(house: House) -> list[Identifier]:
    with clock.at(clock.now() - timedelta(days=1)):
        await publish()
    found = [await known("email", f"p{number}@example.com", proven=True) for number in range(PEOPLE)]
    for each in found[::2]:
        await say(each, "yes", grade="self-verified")
    return found


def _list(folder: Path, lines: int = LINES) -> Path:
    path = folder / "list.csv"
    path.write_text("email\n" + "".join(f"p{each % PEOPLE}@example.com\n" for each in range(lines)))
    return path


async def _scrub(path: Path, *more: str) -> None:
    args = _parser().parse_args(["scrub", str(path), *ASKED, *more])
    assert await args.run(args) == 0


async def _scrub_and_die(path: Path, *more: str, after: int = 4_000) -> None:
    """As if killed as soon as that many lines were on the disk."""
    keep = scrub_journal.Journal.keep

    def killed(journal: scrub_journal.Journal, done: Scrubbed) -> None:
        keep(journal, done)
        if done.lines >= after:
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scrub_journal, "KEPT_EVERY", 0)
        patch.setattr(scrub_journal.Journal, "keep", killed)
        with pytest.raises(Killed):
            await _scrub(path, *more)


def _answers(path: Path) -> list[str]:
    return path.with_name("list.csv.scrubbed.csv").read_text().splitlines()[1:]


def _left(path: Path) -> set[str]:
    return {each.name for each in path.parent.glob("list.csv.scrubbed.csv.part*")}


async def _signed(proof: Path) -> dict[str, Any]:
    report = audit.verify_receipt(proof.read_text(), [await audit.log_key()])
    assert report.ok and report.statement is not None
    payload: dict[str, Any] = report.statement["payload"]
    return payload


async def test_a_killed_command_goes_on_and_its_answer_is_that_of_one_run(
    house: House, people: list[Identifier], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, part = _list(tmp_path, 100_000), tmp_path / "list.csv.scrubbed.csv.part"
    place = {"PORTAL_VAR": str(house.settings.var), "PORTAL_DATABASE_URL": house.settings.database_url}
    await asyncio.to_thread(_kill, path, place)
    assert part.exists() and not path.with_name("list.csv.scrubbed.csv").exists()
    await _scrub(path)
    assert GOES_ON in capsys.readouterr().out
    await _scrub(path, "--out", str(tmp_path / "whole.csv"))
    assert (tmp_path / "list.csv.scrubbed.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    signed = [await _signed(tmp_path / f"{name}.tlog-proof") for name in ("list.csv.scrubbed.csv", "whole.csv")]
    assert signed[0] == signed[1] and signed[0]["lines"] == 100_000 and not _left(path)


def _kill(path: Path, place: dict[str, str]) -> None:
    """The command, and kill -9 as soon as it has written down how far it is."""
    journal = path.with_name("list.csv.scrubbed.csv.part.journal")
    command = [sys.executable, "-m", "portal.cli", "scrub", str(path), *ASKED]
    with subprocess.Popen(
        command, cwd=HOME, env=os.environ | place | {"PORTAL_MASTER_KEY": MASTER_KEY, "PORTAL_LOG_KEY": LOG_KEY}
    ) as running:
        for _each in range(600):
            if journal.exists() or running.poll() is not None:
                break
            time.sleep(0.05)
        running.kill()
    assert running.returncode == -signal.SIGKILL


async def _no(people: list[Identifier], _folder: Path) -> None:
    await say(people[0], "no", grade="self-verified")


async def _no_of_every_channel(people: list[Identifier], _folder: Path) -> None:
    await say(people[0], "no", "back-in-stock", "*", grade="self-verified")


async def _bounce(people: list[Identifier], _folder: Path) -> None:
    await consent.stops.suppress_address(people[0].id, "email", by="system", why="hard bounce")


async def _restriction(people: list[Identifier], _folder: Path) -> None:
    await consent.stops.restrict(people[0].subject, by="officer:petra", why="unlawful use")


async def _erasure(people: list[Identifier], _folder: Path) -> None:
    async with db.writing():
        await consent.stops.stop_erased(people[0].subject, by="system")
        await subjects.forget(people[0].subject, by="system")


async def _link_of_a_mail(people: list[Identifier], _folder: Path) -> None:
    token = await consent.unsubscribing.unsubscribe_token(people[0].id, consent.Cell("back-in-stock", "email"))
    await consent.unsubscribing.unsubscribe(token)


async def _imported_no(_people: list[Identifier], folder: Path) -> None:
    """Of an import whose noes are recorded and that is not whole yet."""
    other = folder / "noes.csv"
    other.write_text("email,answer,purpose,channel,said_at\np0@example.com,no,back-in-stock,email,\n")
    said = {"edition": "legacy:old:1"}
    planned = await plan_import(other, Options(defaults=said), by="officer:petra")
    await commit_import(planned.id, other, by="officer:petra")
    other.unlink()


@pytest.mark.parametrize("act", [_no, _no_of_every_channel, _bounce, _restriction, _erasure, _link_of_a_mail, _imported_no])
@on_both
async def test_what_closes_meanwhile_is_in_every_line(
    act: Act, people: list[Identifier], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _list(tmp_path)
    await _scrub_and_die(path)
    assert "p0@example.com,true,4" in path.with_name("list.csv.scrubbed.csv.part").read_text()
    await act(people, tmp_path)
    await _scrub(path)
    assert ANEW in capsys.readouterr().out
    closed = {each.partition(",")[2] for each in _answers(path) if each.startswith("p0@")}
    assert len(closed) == 1 and closed.pop().startswith("false")
    assert len(_answers(path)) == LINES and not _left(path)


@on_both
async def test_what_concerns_no_answer_does_not_make_it_begin_anew(
    people: list[Identifier], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _list(tmp_path)
    await _scrub_and_die(path)
    await _scrub(path, "--out", str(tmp_path / "other.csv"))
    await _scrub_and_die(path, after=8_000)
    await _scrub(path)
    told = capsys.readouterr().out
    assert "it goes on after line 4000" in told and "it goes on after line 8000" in told and ANEW not in told
    assert (tmp_path / "list.csv.scrubbed.csv").read_bytes() == (tmp_path / "other.csv").read_bytes()
    assert await _signed(tmp_path / "list.csv.scrubbed.csv.tlog-proof") == await _signed(tmp_path / "other.csv.tlog-proof")


async def test_after_a_long_break_it_begins_anew(
    people: list[Identifier], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _list(tmp_path)
    for away in (timedelta(hours=2), timedelta(hours=-1)):
        await _scrub_and_die(path)
        with clock.at(clock.now() + away):
            await _scrub(path)
        assert ANEW in capsys.readouterr().out


async def test_after_many_short_breaks_the_first_answers_are_too_old_as_well(
    people: list[Identifier], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _list(tmp_path)
    await _scrub_and_die(path, after=2_000)
    with clock.at(clock.now() + timedelta(minutes=40)):
        await _scrub_and_die(path, after=4_000)
        assert GOES_ON in capsys.readouterr().out
        with clock.at(clock.now() + timedelta(minutes=40)):
            await _scrub(path)
    assert ANEW in capsys.readouterr().out


@pytest.mark.parametrize("damaged", ["part", "journal", "log"])
async def test_what_is_not_as_it_was_left_is_not_gone_on_with(
    damaged: str, people: list[Identifier], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _list(tmp_path)
    await _scrub_and_die(path)
    part, journal = (tmp_path / f"list.csv.scrubbed.csv.part{end}" for end in ("", ".journal"))
    if damaged == "part":
        part.write_text(part.read_text().replace("p1@example.com,false", "p1@example.com,true"))
    elif damaged == "journal":
        journal.write_text(journal.read_text()[:50])
    else:  # a backup was restored, and at that place stands another entry
        last = (await audit.search(limit=1))[0].id
        journal.write_text(journal.read_text().replace(last, "another"))
    await _scrub(path)
    assert GOES_ON not in capsys.readouterr().out
    assert _answers(path) == [f"p{each % PEOPLE}@example.com,{'false,3' if each % 2 else 'true,4'}" for each in range(LINES)]
    assert not _left(path)


async def test_another_question_begins_at_the_first_line(people: list[Identifier], tmp_path: Path) -> None:
    path = _list(tmp_path)
    await _scrub_and_die(path)
    args = _parser().parse_args(["scrub", str(path), "--purpose", "surveys", "--channel", "email"])
    assert await args.run(args) == 0
    assert _answers(path) == [f"p{each % PEOPLE}@example.com,true,3" for each in range(LINES)]


async def test_two_at_once_do_not_write_one_answer(people: list[Identifier], tmp_path: Path) -> None:
    path = _list(tmp_path)
    with scrub_journal.opened(tmp_path / "list.csv.scrubbed.csv.part"), pytest.raises(Conflict):
        await _scrub(path)


def test_nothing_that_systems_are_told_of_counts_as_harmless() -> None:
    assert not {each for each in OF_ONE_WORD | OF_A_PERSON | OF_A_PART if scrub_journal._is_harmless(each)}
    ours = ("consent", "subject", "identifier", "duplicate", "purpose", "document", "custody", "log")
    harmless = {each for each in audit.vocabulary() if each.startswith(ours) and scrub_journal._is_harmless(each)}
    assert harmless == {"consent.scrubbed", "consent.import_planned", "consent.wished"}
