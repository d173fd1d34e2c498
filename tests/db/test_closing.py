"""A portal that was stopped is one whole file, which may be copied."""

import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal import db
from tests.conftest import settings_in

OFTEN = 60


@pytest.fixture
def threads_take_turns_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


async def test_what_was_written_is_in_the_file_itself(
    migrated_sqlite: Path, tmp_path: Path, threads_take_turns_often: None
) -> None:
    shutil.copy(migrated_sqlite, tmp_path / "portal.db")
    for number in range(OFTEN):
        await db.open_database(settings_in(tmp_path))
        async with db.writing():
            await db.run("INSERT INTO reply (key, request_hash, body, keep_until) VALUES (?, ?, ?, ?)", str(number), b"h", "x", 1)
        await db.close()
        assert [each.name for each in tmp_path.glob("portal.db*")] == ["portal.db"]
    with sqlite3.connect(f"file:{tmp_path / 'portal.db'}?immutable=1", uri=True) as copy:
        assert copy.execute("SELECT count(*) FROM reply").fetchone() == (OFTEN,)
