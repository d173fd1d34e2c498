"""The disk is full under load and has room again: no word is taken meanwhile, pages are read, nothing is damaged or lost.

On a small disk of its own where one may be mounted (SQLite hears ENOSPC), and everywhere by a limit on what the process may
write (EFBIG; over a quota it would be EDQUOT): SQLite calls the one full and the other an I/O error.
"""

import random
import resource
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.faults.harness import Customer, Journal, Visitor, checkpoint, grew_from, living, patience, people_are_heard
from tests.faults.oracle import Oracle, leases_end
from tests.journeys.conftest import Portal, serving
from tests.journeys.steps import eventually, somebody

BACK_WITHIN = 10.0
LEFT_FREE = 16 * 1024 * 1024
FULL = "Nothing can be saved at the moment"
Switch = Callable[[Portal, bool], None]
LONG = [pytest.mark.deep, pytest.mark.faults]


@pytest.mark.parametrize("way", ["limit", pytest.param("disk", marks=LONG)])
def test_a_full_disk_refuses_words_and_loses_none(way: str, var: Path, tmp_path: Path, seed: int) -> None:
    journal, places = Journal(tmp_path / "journal.jsonl"), {"limit": _limit, "disk": _disk}
    with places[way](var, tmp_path / "disk") as (there, full), serving(there) as portal:
        oracle = Oracle(there, journal)
        customers = [_customer(portal, number, journal, random.Random(seed + number)) for number in range(3)]
        promised = checkpoint(portal, tmp_path / "promised")
        with living(customers):
            people_are_heard(journal, 10)
            full(portal, True)
            eventually(lambda: any(each.refused for each in customers), seconds=30)
        _says_what_works(portal, customers[0])
        with living(customers):
            eventually(lambda: sum(each.refused for each in customers) >= 10, seconds=30)
            full(portal, False)
            began = time.monotonic()
            people_are_heard(journal, 1)
            back = time.monotonic() - began
            people_are_heard(journal, 20)
        assert portal.process.poll() is None and back <= patience(BACK_WITHIN), back
        assert httpx2.get(f"{portal.address}/readyz").json() == {"ready": True}
        leases_end(there)  # of jobs whose outcome could not be written
        oracle.nothing_is_lost(customers)
        oracle.everything_is_logged()
        oracle.nothing_is_done_twice()
        oracle.systems_know(customers)
        grew_from(portal, promised)
        with closing(sqlite3.connect(there / "portal.db")) as file:
            assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert "disk_failed_at_commit" not in (there / "server.log").read_text()
    print(f"{len(journal.acts)} acts, {sum(each.refused for each in customers)} refused; heard again after {back:.1f} s")


def _says_what_works(portal: Portal, customer: Customer) -> None:
    for page in ("/", "/preferences", "/requests", "/requests/new"):
        assert customer.visitor.look(page)
    assert "degraded" in httpx2.get(f"{portal.address}/readyz").raise_for_status().json()

    def refused() -> httpx2.Response | None:
        number = customer.journal.sent(who=customer.address, what="decide", square=square, answer="no")
        answer = customer.visitor.press(square, answer="no")
        if answer.status_code != 200:
            return answer
        customer.journal.acknowledged(number)  # there was room for one more inside the journal's file
        return None

    square = customer.squares[0]
    answer = eventually(refused)
    assert answer.status_code == 507 and answer.headers["retry-after"] == "30"
    assert FULL in answer.text and "Nothing was changed." in answer.text and "by phone" in answer.text


@contextmanager
def _disk(var: Path, disk: Path) -> Iterator[tuple[Path, Switch]]:
    """The company on a disk of its own that can be filled."""
    disk.mkdir()
    size = sum(each.stat().st_size for each in var.rglob("*") if each.is_file()) + LEFT_FREE
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(disk)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"No disk may be mounted here ({mounted.stderr.strip()}); a limit on files stands in for it.")
    try:
        yield shutil.copytree(var, disk / "var"), lambda portal, full: filled(disk, full)
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def filled(disk: Path, full: bool) -> None:
    ballast = disk / "ballast"
    if not full:
        ballast.unlink()
        return
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 65_536)
        except OSError:
            assert shutil.disk_usage(disk).free == 0


@contextmanager
def _limit(var: Path, _disk: Path) -> Iterator[tuple[Path, Switch]]:
    """No file may be written to at all while it is full, not even where it has room inside."""

    def switch(portal: Portal, full: bool) -> None:
        unlimited = resource.RLIM_INFINITY
        resource.prlimit(portal.process.pid, resource.RLIMIT_FSIZE, (0 if full else unlimited, unlimited))

    yield var, switch


def _customer(portal: Portal, number: int, journal: Journal, chance: random.Random) -> Customer:
    customer = Customer(somebody(portal.var, "language = 'en'", number)[1], Visitor(portal), journal, chance)
    customer.arrive()
    return customer
