"""A spool gives back what was written, wherever it is read from, and nothing that was changed on the disk."""

import os
from pathlib import Path

import pytest

from portal import vault
from portal.vault.spool import PART, Spool


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 3 * PART + 5])
def test_it_reads_as_what_was_written_for_several_at_once(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    with Spool(tmp_path) as spool:
        for at in range(0, size, 10_007):
            spool.write(content[at : at + 10_007])
        spool.end()
        with spool.open("rb") as one, spool.open("rb") as other:
            assert one.read(4) == content[:4] and one.seek(0) == 0
            assert b"".join(iter(lambda: one.read(100_000), b"")) == content
            assert other.read() == content
            middle = size // 2
            assert one.seek(middle) == middle and one.read() == content[middle:]


def test_what_was_changed_on_the_disk_does_not_open(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        spool.write(bytes(2 * PART))
        spool.end()
        file = spool._file.fileno()
        [byte] = os.pread(file, 1, PART + 100)
        os.pwrite(file, bytes([byte ^ 1]), PART + 100)
        with spool.open("rb") as reader, pytest.raises(vault.Tampered):
            reader.read()
