"""Processes that are watched by their parent: begun anew, ended in order, and never left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.settings import HOME
from tests.journeys.steps import eventually

# Each writes its number and process id, and another line when it is told to stop, for which each takes its time.
PARENT = """
import os, signal, sys, time
from portal import logs
from portal.processes import run_together

def work(number):
    def stop(*_):
        if sys.argv[1] == "stubborn":
            return
        time.sleep(0.2 * number)
        say(f"stopped {number}")
        os._exit(0)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGUSR1, lambda *_: os._exit(os.EX_IOERR))
    say(f"began {number} {os.getpid()}")
    while True:
        time.sleep(10)

def say(line):
    os.write(1, f"{line}\\n".encode())

forks = 0
def fork():
    global forks
    forks += 1
    if forks == 4:
        raise BlockingIOError("no room for another process")
    return usual()

if sys.argv[1] == "crowded":
    usual, os.fork = os.fork, fork
logs.configure()
say(f"ended {run_together([lambda number=number: work(number) for number in range(3)])}")
"""


class Family:
    def __init__(self, how: str, said: Path) -> None:
        self._said = said
        with said.open("wb") as file:
            self.parent = subprocess.Popen([sys.executable, "-c", PARENT, how], cwd=HOME, stdout=file, stderr=file)
        eventually(lambda: len(self.children()) == 3)

    def lines(self) -> list[str]:
        return self._said.read_text().splitlines()

    def children(self) -> dict[int, int]:
        """Process ids by number, of those who began last."""
        began = (line.split() for line in self.lines() if line.startswith("began"))
        return {int(number): int(child) for _began, number, child in began}

    def nobody_lives(self) -> bool:
        return not any(Path(f"/proc/{child}").exists() for child in self.children().values())


@pytest.fixture
def family(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Family]:
    made = Family(getattr(request, "param", "obedient"), tmp_path / "said")
    yield made
    made.parent.kill()
    made.parent.wait()


def test_who_is_killed_is_begun_anew_and_the_others_go_on(family: Family) -> None:
    before = family.children()
    os.kill(before[1], signal.SIGKILL)
    eventually(lambda: family.children()[1] != before[1])
    assert family.children() == before | {1: family.children()[1]}
    said = [json.loads(line) for line in family.lines() if line.startswith("{")]
    assert [(each["number"], each["code"]) for each in said] == [(1, -signal.SIGKILL)]


@pytest.mark.parametrize("family", ["crowded"], indirect=True)
def test_without_room_for_a_process_the_others_go_on_and_it_comes_later(family: Family) -> None:
    before = family.children()
    os.kill(before[1], signal.SIGKILL)
    eventually(lambda: family.children()[1] != before[1])
    assert family.children() == before | {1: family.children()[1]}
    assert "no room for another process" in family.lines()[4]


def test_told_to_stop_all_end_and_the_last_one_after_the_others(family: Family) -> None:
    family.parent.send_signal(signal.SIGTERM)
    assert family.parent.wait(10) == 0
    assert family.lines()[3:] == ["stopped 0", "stopped 1", "stopped 2", "ended True"]


def test_a_disk_that_failed_one_ends_all_at_once(family: Family) -> None:
    os.kill(family.children()[1], signal.SIGUSR1)
    assert family.parent.wait(10) == 0
    assert family.lines()[3:] == ["ended False"]
    assert family.nobody_lives()


def test_nobody_outlives_a_parent_that_was_killed(family: Family) -> None:
    family.parent.kill()
    family.parent.wait()
    eventually(family.nobody_lives)


@pytest.mark.parametrize("family", ["stubborn"], indirect=True)
def test_told_twice_to_stop_nobody_waits_for_who_does_not(family: Family) -> None:
    family.parent.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    assert family.parent.poll() is None
    family.parent.send_signal(signal.SIGTERM)
    assert family.parent.wait(10) == 0
    assert family.nobody_lives()
