"""`safety.log` in the var folder: numbered sealed lines, append-only, durable before anybody goes on.

A line that a crash left without its end is cut off by the next one. After a change of the master key, or to leave out what
every backup has, the file is written again, aside and then renamed: a kill at any moment leaves the one or the other, whole.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from os.path import samestat
from pathlib import Path
from typing import Any, BinaryIO

from portal.audit.lockfile import LogBroken
from portal.settings import get
from portal.vault import Tampered, files

USE = "safety log"
BEGINS = "safety.begins"  # the first line of a file that was trimmed: up to that place in the log, nothing is in here
_BLOCK = 65_536


@dataclass(frozen=True)
class Line:
    """What one entry of the log has to be remembered by: which log, its place there, what happened, and the room's words."""

    log: int
    index: int
    event: str
    at: str
    what: dict[str, Any]


def path() -> Path:
    return get().var / "safety.log"


def last() -> Line | None:
    """The last line that was finished; None while there is none."""
    try:
        with path().open("rb") as file:
            return _last(file)[1]
    except FileNotFoundError:
        return None


def append(lines: Sequence[Line]) -> None:
    """Add those lines that lie behind the last one, and wait for the disk."""
    with _alone() as file:
        end, known, number = _last(file)
        file.truncate(end)
        new = [each for each in lines if known is None or _place(each) > _place(known)]
        try:
            _write(file, b"".join(_written(at, each) for at, each in enumerate(new, number + 1)))
        except OSError:
            # Lines that could not be flushed must not be taken for kept by the next turn, whose flush would say nothing.
            file.truncate(end)
            raise
    if end == 0:  # new, or the folder was not synced because its first lines could not be kept
        files.sync_folder(path().parent)


def trim(begins: Line) -> int:
    """Leave out all lines up to that place in the log, which it names in the first line; answers how many there were."""
    if not path().exists():
        return 0
    with _alone():
        dropped = 0
        for each in read():
            if _place(each) > _place(begins):
                break
            dropped += each.event != BEGINS
        if dropped:
            _replace(chain([begins], (each for each in read() if _place(each) > _place(begins))))
    return dropped


def read() -> Iterator[Line]:
    """All finished lines, in order; raises LogBroken where one is missing, moved or changed."""
    try:
        with path().open("rb") as file:
            for number, raw in enumerate(each for each in file if each.endswith(b"\n")):
                found, line = _opened(raw)
                if found != number:
                    raise LogBroken(f"Line {number} of {path()} is missing or in another place.")
                yield line
    except FileNotFoundError:
        return


def renew() -> None:
    """Write the file again when it lies under the former master key; before that key is taken away."""
    if _is_of_former_key():
        with _alone():
            if _is_of_former_key():
                _replace(read())


def _is_of_former_key() -> bool:
    try:
        with path().open("rb") as file:
            first = file.readline().decode(errors="replace")
    except FileNotFoundError:
        return False
    return first.endswith("\n") and files.is_of_former_key(first)


@contextmanager
def _alone() -> Iterator[BinaryIO]:
    """The file, which nobody else writes meanwhile: two processes may sequence by turns."""
    path().parent.mkdir(parents=True, exist_ok=True)
    while True:
        with path().open("a+b", buffering=0) as file:  # nothing is left to be written when the file is closed
            fcntl.flock(file, fcntl.LOCK_EX)
            if _lies_there(file):
                yield file
                return


def _lies_there(file: BinaryIO) -> bool:
    """Whether it is still the one of that name: who had it until now may have put another in its place."""
    try:
        return samestat(os.fstat(file.fileno()), path().stat())
    except FileNotFoundError:
        return False


def _replace(lines: Iterable[Line]) -> None:
    aside = path().with_suffix(".log-new")  # what a kill leaves of it is written over the next time
    try:
        with aside.open("wb") as file:
            for number, line in enumerate(lines):
                file.write(_written(number, line))
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path())
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    files.sync_folder(path().parent)


def _place(line: Line) -> tuple[int, int]:
    return line.log, line.index


def _write(file: BinaryIO, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]
    os.fsync(file.fileno())


def _last(file: BinaryIO) -> tuple[int, Line | None, int]:
    """Where the last finished line ends, that line, and its number (-1 while there is none)."""
    size, block = file.seek(0, os.SEEK_END), _BLOCK
    while True:
        start = max(0, size - block)
        file.seek(start)
        tail = file.read(size - start)
        end = tail.rfind(b"\n") + 1
        before = tail.rfind(b"\n", 0, max(0, end - 1)) + 1
        if end and (before or start == 0):
            number, line = _opened(tail[before:end])
            return start + end, line, number
        if start == 0:
            return 0, None, -1
        block *= 4


def _written(number: int, line: Line) -> bytes:
    text = json.dumps(vars(line), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return files.seal_line(USE, number, text).encode() + b"\n"


def _opened(raw: bytes) -> tuple[int, Line]:
    try:
        number, text = files.open_line(USE, raw.decode(errors="replace").rstrip("\n"))
    except Tampered as problem:
        raise LogBroken(
            f"{path()} cannot be read ({problem}) Put back the file as it was; without it a restored backup loses refusals."
        ) from problem
    return number, Line(**json.loads(text))
