"""What another program sends, while it is read: on the disk under a key that only this process ever knows.

Sealed in parts of 64 KiB as it arrives, in a file without a name, and opened part by part as often as somebody reads it. After
the request, or a kill, nothing is left but bytes that nobody can open (GDPR Art. 32(1)(a)).
"""

import io
import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Literal, Self

from portal.vault.fields import Place, seal, unseal

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PART = 64 * 1024
_SEALED = len(seal(bytes(32), Place("spool", "part", "0"), bytes(PART)))


class Spool:
    """Written once, ended, and then opened like a file; the caller closes it."""

    name = "-"

    def __init__(self, folder: Path) -> None:
        self._file, self._secret = _unnamed(folder), os.urandom(32)
        self._waiting, self._size = bytearray(), 0

    def write(self, block: bytes) -> None:
        self._waiting += block
        while len(self._waiting) >= PART:
            self._keep(bytes(self._waiting[:PART]))
            del self._waiting[:PART]

    def end(self) -> None:
        """Nothing more comes: from now on it is read."""
        self._keep(bytes(self._waiting))
        self._waiting.clear()
        self._file.flush()

    def open(self, _mode: Literal["rb"], /) -> io.BufferedReader:
        return io.BufferedReader(_Reading(self), PART)

    def part(self, number: int) -> bytes:
        """The part of that number, nothing after the last one; several may read at once. Raises Tampered."""
        if number * PART >= self._size:
            return b""
        return unseal(self._secret, _place(number), os.pread(self._file.fileno(), _SEALED, number * _SEALED))

    def close(self) -> None:
        self._waiting.clear()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _keep(self, plain: bytes) -> None:
        self._file.write(seal(self._secret, _place(self._size // PART), plain))
        self._size += len(plain)


class _Reading(io.RawIOBase):
    """One reader's place in a spool."""

    def __init__(self, spool: Spool) -> None:
        super().__init__()
        self._spool, self._at = spool, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence == io.SEEK_END:
            raise io.UnsupportedOperation("A spool is read from its beginning.")
        self._at = offset + (self._at if whence == io.SEEK_CUR else 0)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        room = memoryview(buffer)
        number, inside = divmod(self._at, PART)
        found = self._spool.part(number)[inside : inside + len(room)]
        room[: len(found)] = found
        self._at += len(found)
        return len(found)


def _unnamed(folder: Path) -> IO[bytes]:
    return tempfile.TemporaryFile(dir=folder)


def _place(number: int) -> Place:
    return Place("spool", "part", str(number))
