"""`safety.log` in the var folder: numbered sealed lines, append-only, durable before anybody goes on.

A line that a crash left without its end is cut off by the next one. After a change of the master key the file is written
again under the new one, aside and then renamed.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from portal.audit.lockfile import LogBroken
from portal.settings import get
from portal.vault import Tampered, files

USE = "safety log"
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
    target = path()
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("a+b", buffering=0) as file:  # nothing is left to be written when the file is closed
        fcntl.flock(file, fcntl.LOCK_EX)  # two processes may sequence by turns
        end, known, number = _last(file)
        file.truncate(end)
        new = [each for each in lines if known is None or (each.log, each.index) > (known.log, known.index)]
        try:
            _write(file, b"".join(_written(at, each) for at, each in enumerate(new, number + 1)))
        except OSError:
            # Lines that could not be flushed must not be taken for kept by the next turn, whose flush would say nothing.
            file.truncate(end)
            raise
    if end == 0:  # new, or the folder was not synced because its first lines could not be kept
        files.sync_folder(target.parent)


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
    try:
        with path().open("rb") as file:
            first = file.readline().decode(errors="replace")
    except FileNotFoundError:
        return
    if not first.endswith("\n") or not files.is_of_former_key(first):
        return
    aside = path().with_suffix(".log-new")
    with aside.open("wb") as file:
        for number, line in enumerate(read()):
            file.write(_written(number, line))
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path())
    files.sync_folder(path().parent)


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
    text = json.dumps(asdict(line), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return files.seal_line(USE, number, text).encode() + b"\n"


def _opened(raw: bytes) -> tuple[int, Line]:
    try:
        number, text = files.open_line(USE, raw.decode(errors="replace").rstrip("\n"))
    except Tampered as problem:
        raise LogBroken(
            f"{path()} cannot be read ({problem}) Put back the file as it was; without it a restored backup loses refusals."
        ) from problem
    return number, Line(**json.loads(text))
