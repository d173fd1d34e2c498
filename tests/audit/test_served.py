"""The log read tile by tile over HTTP, by whoever the operator lets: the same bytes as the export, and nothing beyond them."""

from dataclasses import replace
from pathlib import Path

import pytest

from portal import audit, settings
from portal.audit.export import export_log
from tests.audit.acts import say
from tests.conftest import House, on_both
from tests.people import Browser


@pytest.fixture
def opened(house: House) -> House:
    settings.use(replace(house.settings, log_open=True))
    return house


async def _long(folder: Path) -> dict[str, bytes]:
    """A log of 600 entries, and its export: path and bytes."""
    await say(times=600)
    await audit.sequence_all()
    assert await export_log(folder, lambda *_far: None)
    return {str(each.relative_to(folder)): each.read_bytes() for each in (folder / "tile").rglob("*") if each.is_file()}


@on_both
async def test_every_tile_and_entry_is_read_as_it_is_exported(opened: House, tmp_path: Path) -> None:
    files = await _long(tmp_path)
    async with Browser() as watcher:
        for path, content in files.items():
            answer = await watcher.get(f"/audit/{path}")
            assert (answer.status_code, answer.content) == (200, content), path
            assert answer.headers["cache-control"].endswith("immutable")
        # One who saw the log when it was shorter gets the shorter tiles still.
        part = await watcher.get("/audit/tile/0/001.p/7")
        assert part.content == files["tile/0/001"][: 7 * 32]
        assert files["tile/entries/001"].startswith((await watcher.get("/audit/tile/entries/001.p/3")).content)


STRANGE = [
    *("0/003", "0/002", "0/002.p/89", "0/002.p/0", "0/002.p/256", "1/001", "1/000", "2/000.p/1", "64/000", "-1/000"),
    *("entries/003", "entries/002.p/89", "0/x000/000", "00/000", "0/0000", "0/000.p/07", "0/000.p/", "0/000/", "0/%2e%2e/000"),
    *("", "0", "0/x999/x999/x999/x999/999", "entries/x999/x999/x999/x999/999.p/255", "0/000%00", "0/٠٠٠"),
]


async def test_whatever_else_is_asked_for_is_not_there(opened: House, tmp_path: Path) -> None:
    await _long(tmp_path)
    async with Browser() as watcher:
        for strange in STRANGE:
            assert (await watcher.get(f"/audit/tile/{strange}")).status_code == 404, strange


async def test_it_is_closed_from_the_start(house: House, tmp_path: Path) -> None:
    path = next(iter(await _long(tmp_path)))
    async with Browser() as watcher:
        assert (await watcher.get(f"/audit/{path}")).status_code == 404
        assert "/audit/tile/" not in (await watcher.get("/check")).text
