"""A system call to the disk fails once, any of them: nothing that was acknowledged is missing afterwards, and no half is there.

strace lets the n-th call of its kind fail. A commit that could not be flushed ends the process with 74, for the next flush would
succeed and lie; `portal serve` then begins again in its own place and verifies before it listens. A write that is refused undoes
its transaction, and the next one is tried a moment later.
"""

import asyncio
import errno
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from portal import audit, db
from portal.audit import safetyfile
from portal.settings import HOME
from tests.conftest import House, opened, settings_in
from tests.consent.people import known, publish
from tests.faults import acting
from tests.faults.harness import Customer, Journal, Visitor, checkpoint, grew_from, living, people_are_heard
from tests.faults.oracle import Oracle, leases_end
from tests.journeys.conftest import Portal, environment, free_port, portal_command, serving, wait_until_ready
from tests.journeys.steps import eventually, somebody

FAULTS = {"fdatasync:EIO": 2, "fsync:EIO": 1, "pwrite64:ENOSPC": 2, "pwrite64:EIO": 1, "write:ENOSPC": 1}
MOST = 60
OURS = (".", "portal.db", "portal.db-wal", "portal.db-shm", "safety.log", "audit.lock-new")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="strace, which lets system calls fail, is Linux's.")


@dataclass(frozen=True)
class Ran:
    """How the thirty acts went: how the process ended, what it said, and the calls of it that were looked at."""

    ended: int
    said: str
    calls: list[str]

    def numbers(self, word: str) -> set[int]:
        return {int(each) for each in re.findall(rf"^{word} (\d+)", self.said, re.MULTILINE)}


@pytest.fixture(scope="module")
def company(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three customers of a company that has said what it asks for; nobody has its database open."""
    var = tmp_path_factory.mktemp("three")
    shutil.copy(migrated_sqlite, var / "portal.db")
    asyncio.run(_found(var))
    return var


@pytest.mark.deep
@pytest.mark.faults
def test_a_disk_that_fails_once_loses_nothing_acknowledged(company: Path, tmp_path: Path, seed: int) -> None:
    chance, most, ended = random.Random(seed), _calls(company, tmp_path), Counter[tuple[str, int]]()
    for fault, times in FAULTS.items():
        for number in chance.sample(range(1, 1 + most[fault]), times):
            ended[fault, _failed_once(company, tmp_path / f"{fault}-{number}", fault, number)] += 1
    print(dict(ended))


async def test_a_line_of_the_safety_log_that_could_not_be_flushed_is_not_taken_for_kept(
    sqlite_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = safetyfile.Line(1, 7, "consent.refused", "2026-11-22T08:00:00Z", {"answer": "no"})
    with monkeypatch.context() as failing:
        failing.setattr(os, "fsync", _fails)
        with pytest.raises(OSError, match="Input/output error"):
            safetyfile.append([line])
    assert safetyfile.last() is None
    safetyfile.append([line])
    assert safetyfile.last() == line


@pytest.mark.deep
@pytest.mark.faults
def test_a_commit_that_could_not_be_flushed_ends_the_process_and_the_next_one_verifies(
    var: Path, tmp_path: Path, seed: int
) -> None:
    chance, journal, port = random.Random(seed), Journal(tmp_path / "journal.jsonl"), free_port()
    with serving(var, port) as portal:
        oracle = Oracle(var, journal)
        customers = [_customer(portal, number, journal, random.Random(seed + number)) for number in range(3)]
        promised = checkpoint(portal, tmp_path / "promised")
    with _serving_until(chance.randrange(20, 40), var, port) as portal, living(customers):
        eventually(lambda: "--verify" in _command_line(portal), seconds=60)
        people_are_heard(journal, 5)
        # The n-th flush of the one that began again fails too: so soon it is not tried a third time.
        assert portal.process.wait(60) == 74
    assert (var / "server.log").read_text().count("disk_failed_at_commit") == 2 and (var / "disk.failed").exists()
    leases_end(var)
    with serving(var, port) as portal:
        oracle.nothing_is_lost(customers)
        oracle.everything_is_logged()
        oracle.nothing_is_done_twice()
        oracle.systems_know(customers)
        grew_from(portal, promised)
    assert not (var / "disk.failed").exists()
    (var / "disk.failed").touch()
    with closing(sqlite3.connect(var / "portal.db")) as file, file:
        file.execute("DROP TRIGGER leaf_stays")
        file.execute("UPDATE leaf SET bytes = x'00' WHERE log_index = 7")
    refused = portal_command(var, "serve")
    assert refused.returncode == 1 and "Restore the newest backup" in refused.stderr, refused.stdout + refused.stderr


@contextmanager
def _serving_until(number: int, var: Path, port: int) -> Iterator[Portal]:
    """A portal where each thread's n-th flush fails; only visitors make any here. -D: we hold the portal, not the tracer."""
    rule = f"inject=fdatasync:error=EIO:when={number}"
    command = [*_traced(var, [rule]), "-D", sys.executable, "-m", "portal.cli", "serve"]
    with (var / "server.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=HOME, env=environment(var, port) | {"PORTAL_WORKER": "0"}, stdout=log, stderr=log)
    try:
        portal = Portal(f"http://127.0.0.1:{port}", var, process)
        wait_until_ready(portal, 60)
        yield portal
    finally:
        process.kill()
        process.wait()


def _command_line(portal: Portal) -> str:
    return Path(f"/proc/{portal.process.pid}/cmdline").read_text()


def _customer(portal: Portal, number: int, journal: Journal, chance: random.Random) -> Customer:
    customer = Customer(somebody(portal.var, "language = 'en'", number)[1], Visitor(portal), journal, chance)
    customer.arrive()
    return customer


@pytest.mark.deep
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_disk_that_fails_at_any_call_loses_nothing_acknowledged(company: Path, tmp_path: Path, fault: str) -> None:
    for number in range(1, 1 + min(MOST, _calls(company, tmp_path)[fault])):
        _failed_once(company, tmp_path / f"{fault}-{number}", fault, number)


def _calls(company: Path, tmp_path: Path) -> dict[str, int]:
    """How many there are of each kind in one thread when nothing fails: which one is to fail is chosen among these."""
    ran = _run(shutil.copytree(company, tmp_path / "nothing-fails"), [])
    assert ran.ended == 0 and len(ran.numbers("acknowledged")) == acting.ACTS, ran.said
    found = Counter(tuple(line.partition("(")[0].split()) for line in ran.calls if re.match(r"\d+ +\w+\(", line))
    calls = {each.partition(":")[0] for each in FAULTS}
    most = {call: max(times for (_thread, name), times in found.items() if name == call) for call in calls}
    return {each: most[each.partition(":")[0]] - 2 for each in FAULTS}  # now and then a page less is written


def _failed_once(company: Path, var: Path, fault: str, number: int) -> int:
    """The thirty acts on a copy of the company, where that call of each thread fails; answers how the process ended."""
    shutil.copytree(company, var)
    call, error = fault.split(":")
    ran = _run(var, [f"inject={call}:error={error}:when={number}"])
    what = f"{fault} {number}: ended with {ran.ended}\n{ran.said}\n" + "\n".join(ran.calls[-5:])
    assert any("(INJECTED)" in each for each in ran.calls), what
    assert ran.ended in (0, 74) or not ran.numbers("sent"), what  # or it could not even open its database
    if fault == "fdatasync:EIO" and ran.ended == 0:  # it was no commit's: nobody was told that anything failed
        assert "refused" not in ran.said and "unsigned" not in ran.said, what
    asyncio.run(_require_nothing_lost(var, ran, what))
    return ran.ended


def _run(var: Path, rules: list[str]) -> Ran:
    done = subprocess.run(
        [*_traced(var, rules), sys.executable, "-m", "tests.faults.acting"],
        cwd=HOME,
        env=environment(var) | {"PORTAL_SYSTEMS": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return Ran(done.returncode, done.stdout, (var / "calls").read_text().splitlines())


def _traced(var: Path, rules: list[str]) -> list[str]:
    """What stands before a command whose calls to the portal's own files are to fail by these rules."""
    strace = shutil.which("strace")
    assert strace, "strace is missing. Please type:  sudo apt-get install strace"
    files = [word for name in OURS for word in ("-P", str(var / name))]
    wanted = ",".join(sorted({each.partition(":")[0] for each in FAULTS}))
    told = [word for each in [f"trace={wanted}", *rules] for word in ("-e", each)]
    return [strace, "-f", "--seccomp-bpf", "-qq", "-o", str(var / "calls"), *files, *told]


async def _require_nothing_lost(var: Path, ran: Ran, what: str) -> None:
    async with opened(settings_in(var)):
        assert await db.rows("PRAGMA quick_check") == [{"quick_check": "ok"}], what
        kept = {each["key"]: each["body"] for each in await db.rows("SELECT key, body FROM reply WHERE key LIKE 'act/%'")}
        stored = [each["id"] for each in await db.rows("SELECT id FROM decision ORDER BY id")]
        done = {int(key.removeprefix("act/")) for key in kept}
        assert ran.numbers("acknowledged") <= done <= ran.numbers("sent"), what
        # What was said to be undone is: nobody who hears a no is asked for it again.
        assert not done & {int(each) for each in re.findall(r"^refused (\d+) NoRoom", ran.said, re.MULTILINE)}, what
        assert stored == [kept[f"act/{number}"] for number in sorted(done)], what  # each once, whole, in order
        everybody = await acting.customers()
        for number in range(acting.ACTS):  # once more all of it: each has one effect
            await acting.act(number, everybody[number % len(everybody)])
        await audit.sequence_all()
        assert (await audit.verify_log()).ok, what
        decisions = await db.rows("SELECT id, answer FROM decision")
        assert len(decisions) == acting.ACTS, what
        noes = {each["id"] for each in decisions if each["answer"] == "no"}
        assert {each.what["id"] for each in safetyfile.read() if each.what.get("answer") == "no"} == noes, what


def _fails(_file: int) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


async def _found(var: Path) -> None:
    async with opened(settings_in(var)):
        await publish()
        for name in ("ana", "ben", "mallory"):
            await known("email", f"{name}@example.com", proven=True)
        await audit.sequence_all()
