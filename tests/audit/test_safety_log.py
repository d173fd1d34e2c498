"""The safety log is trimmed beside a portal that goes on writing it: whatever a kept backup lacks stays, at every kill."""

import os
import pkgutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from portal.audit import safetyfile
from portal.audit.safetyfile import BEGINS, Line
from tests.conftest import House

ALL = [*range(10)]
KEPT = [-1, *range(6, 10)]  # -1: the line that says where it begins
BEGIN = Line(1, 5, BEGINS, "2026-11-22T08:00:00Z", {})


def _line(number: int) -> Line:
    return Line(1, number, "consent.refused", "2026-11-22T08:00:00Z", {"id": number})


def _numbers() -> list[int]:
    return [each.what.get("id", -1) for each in safetyfile.read()]


@pytest.fixture
def ten(sqlite_house: House) -> None:
    safetyfile.append([_line(number) for number in ALL])


@pytest.mark.parametrize(
    ("where", "nth", "left"),
    [
        ("portal.audit.safetyfile._written", 1, ALL),  # before the first line of the new file
        ("portal.audit.safetyfile._written", 4, ALL),  # between two lines of it
        ("os.fsync", 1, ALL),  # before it is flushed
        ("pathlib.Path.replace", 1, ALL),  # before it gets its name
        ("portal.vault.files.sync_folder", 1, KEPT),  # after that
    ],
)
async def test_a_kill_while_it_is_trimmed_leaves_it_whole(
    ten: None, monkeypatch: pytest.MonkeyPatch, where: str, nth: int, left: list[int]
) -> None:
    _killed(lambda: safetyfile.trim(BEGIN), monkeypatch, where, nth)
    assert _numbers() == left
    safetyfile.append([_line(9), _line(10)])
    assert _numbers() == [*left, 10]
    assert safetyfile.trim(BEGIN) == (6 if left == ALL else 0)
    assert _numbers() == [*KEPT, 10]
    assert safetyfile.path().with_suffix(".log-new").exists() is False


async def test_what_is_written_while_it_is_trimmed_is_in_the_new_file(ten: None) -> None:
    """The other one waits for the file, and then holds one that has no name any more."""
    other = threading.Thread(target=lambda: safetyfile.append([_line(10)]))
    with safetyfile._alone():
        other.start()
        other.join(0.2)
        assert other.is_alive()
        safetyfile._replace([BEGIN, *(_line(number) for number in range(6, 10))])
    other.join(10)
    assert _numbers() == [*KEPT, 10]


async def test_when_every_line_is_in_the_backups_the_next_ones_follow_their_end(ten: None) -> None:
    assert safetyfile.trim(Line(2, 40, BEGINS, "2026-11-22T08:00:00Z", {})) == 10
    assert _numbers() == [-1]
    safetyfile.append([_line(9), Line(2, 41, "consent.refused", "2026-11-22T09:00:00Z", {"id": 41})])
    assert _numbers() == [-1, 41]


async def test_a_disk_that_is_full_while_it_is_trimmed_changes_nothing(ten: None, monkeypatch: pytest.MonkeyPatch) -> None:
    before = safetyfile.path().read_bytes()
    with monkeypatch.context() as failing:
        failing.setattr(os, "fsync", _fails)
        with pytest.raises(OSError, match="No space"):
            safetyfile.trim(BEGIN)
    assert safetyfile.path().read_bytes() == before
    assert not list(Path(safetyfile.path().parent).glob("*-new"))


def _fails(_file: int) -> None:
    raise OSError(28, "No space left on device")


def _killed(doing: Callable[[], Any], monkeypatch: pytest.MonkeyPatch, where: str, nth: int) -> None:
    """Do it in a child that kills itself (-9) instead of the n-th call of that function."""
    child = os.fork()
    if child == 0:
        calls, real = [], _resolved(where)

        def dying(*arguments: Any) -> Any:
            calls.append(1)
            if len(calls) == nth:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments)

        monkeypatch.setattr(where, dying)
        try:
            doing()
        finally:
            os._exit(1)
    _child, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), where


def _resolved(where: str) -> Callable[..., Any]:
    found: Callable[..., Any] = pkgutil.resolve_name(where)
    return found
