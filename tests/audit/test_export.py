"""The log as files: read here with small code of its own, so that not the writer's own reading is believed."""

import asyncio
import hashlib
import shutil
from argparse import ArgumentParser
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from portal import audit, db
from portal.audit.commands import add_commands
from portal.audit.export import export_log, path, write_folder
from portal.audit.folders import verify_folder
from portal.audit.leaves import leaf_bytes
from portal.audit.notes import Checkpoint, VerifierKey, read_checkpoint, sign_checkpoint, verifier_key
from portal.audit.tree import Frontier, leaf_hash
from portal.settings import Settings, get, use
from tests.audit.acts import say, without_triggers
from tests.audit.vectors import FOLDER, needs_vectors
from tests.conftest import LOG_KEY, MASTER_KEY, House

SEED = b"s" * 32
KEY = verifier_key("log.example/audit/1", SEED)


async def test_others_read_the_export_and_come_to_the_signed_root(house: House, tmp_path: Path) -> None:
    signed = await _exported(tmp_path, 300, 300)
    lines = (tmp_path / "checkpoint").read_text().split("\n")
    assert (lines[0], int(lines[1])) == (signed.origin, 600)
    entries = _entries_read(tmp_path, 600)
    assert _root([hashlib.sha256(b"\0" + each).digest() for each in entries]).hex() == signed.root.hex()
    below = _hashes_read(tmp_path / "tile/0", ["000", "001", "002.p/88"])
    assert below == [hashlib.sha256(b"\0" + each).digest() for each in entries]
    assert _hashes_read(tmp_path / "tile/1", ["000.p/2"]) == [_root(below[:256]), _root(below[256:512])]
    assert not (tmp_path / "tile/2").exists()
    assert _checked(tmp_path, await audit.log_key()).ok


def test_places_are_written_as_the_specification_says() -> None:
    assert path("entries", 1234067, 256) == "tile/entries/x001/x234/067"
    assert [path(0, number, 256) for number in (0, 273, 1000)] == ["tile/0/000", "tile/0/273", "tile/0/x001/000"]
    assert path(2, 0, 1) == "tile/2/000.p/1"


async def test_seventy_thousand_entries_make_the_tiles_that_the_specification_counts(tmp_path: Path) -> None:
    await _lay_out(tmp_path, 70_000)
    for level, full, partial in ((0, 273, 112), (1, 1, 17), (2, 0, 1), ("entries", 273, 112)):
        files = [each for each in (tmp_path / "tile" / str(level)).rglob("*") if each.is_file()]
        assert sorted(len(each.name) == 3 and "p" not in each.parent.name for each in files).count(True) == full, level
        assert (tmp_path / path(level, full, partial)).exists() and len(files) == full + 1
    assert _root([hashlib.sha256(b"\0" + each).digest() for each in _entries_read(tmp_path, 70_000)]) == _signed(70_000).root
    assert _checked(tmp_path, KEY).ok


async def test_an_export_goes_on_where_it_was_and_grows_with_the_log(house: House, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    await _exported(folder, 300)
    (folder / "checkpoint").unlink()  # as after a kill
    (folder / "tile/1/000.p/1").unlink()
    await _exported(folder, 0)
    before = {each: each.stat().st_mtime_ns for each in folder.rglob("*") if each.is_file() and each.name != "checkpoint"}
    old = _opened(folder)
    await _exported(folder, 300)
    assert {each: each.stat().st_mtime_ns for each in before} == before
    report = verify_folder(folder, [await audit.log_key()], seen=old, progress=lambda _done, _all: None)
    assert report.ok and report.size == 600
    assert [each.name for each in folder.rglob(".*")] == []


async def test_an_export_never_overwrites_another_history(sqlite_house: House, tmp_path: Path) -> None:
    await _exported(tmp_path / "a", 300)
    file = tmp_path / "a/tile/entries/000"
    file.write_bytes(file.read_bytes().replace(b"test.said", b"test.sung", 1))
    with pytest.raises(audit.LogBroken, match="another history"):
        await _exported(tmp_path / "a", 1)
    await _lay_out(tmp_path / "b", 5)
    with pytest.raises(audit.LogBroken, match="Choose another folder"):
        await _exported(tmp_path / "b", 1)
    key = await audit.log_key()
    (tmp_path / "c").mkdir()
    newer = sign_checkpoint(key.name, 9000, b"r" * 32, b"l" * 32)
    (tmp_path / "c/checkpoint").write_text(newer.note)
    with pytest.raises(audit.LogBroken, match="older copy"):
        await _exported(tmp_path / "c", 1)


async def test_what_does_not_lead_to_the_signed_root_gets_no_checkpoint(house: House, tmp_path: Path) -> None:
    await say(times=10)
    await audit.sequence_all()
    await without_triggers()
    async with db.writing():
        await db.run("UPDATE leaf SET bytes = (SELECT bytes FROM leaf AS o WHERE o.log_index = 4) WHERE log_index = 3")
    with pytest.raises(audit.LogBroken, match="does not lead to what was signed"):
        await export_log(tmp_path, lambda _done, _all: None)
    assert not (tmp_path / "checkpoint").exists()
    async with db.writing():
        await db.run("DELETE FROM leaf WHERE log_index = 7")
    with pytest.raises(audit.LogBroken, match="missing from the log"):
        await export_log(tmp_path / "again", lambda _done, _all: None)


async def test_the_check_of_a_folder_names_the_first_bad_entry(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    await _lay_out(kept, 600)
    assert _checked(kept, KEY).ok
    changes: dict[str, tuple[int, int | None]] = {  # file: the byte that changes, the entry that is named
        "tile/entries/000": (60, 0),
        "tile/entries/001": (len(_leaf(0)) + 2 + 30, 257),
        "tile/entries/002.p/88": (-1, 599),
        "tile/0/001": (32 * 7, 263),
        "tile/0/002.p/88": (-1, 599),
        "tile/1/000.p/2": (32, 256),
        "checkpoint": (-3, None),
    }
    for name, (at, first_bad) in changes.items():
        other = tmp_path / name.replace("/", "-")
        shutil.copytree(kept, other)
        raw = bytearray((other / name).read_bytes())
        raw[at] ^= 1
        (other / name).write_bytes(raw)
        report = _checked(other, KEY)
        assert not report.ok and report.first_bad == first_bad, (name, report)
    for name, content, first_bad in (
        ("tile/entries/001", b"", 256),
        ("tile/entries/002.p/88", (kept / "tile/entries/002.p/88").read_bytes() + b"x", 599),
        ("tile/entries/002.p/88", (kept / "tile/entries/002.p/88").read_bytes()[:-5], 599),
        ("tile/0/001", None, 256),
        ("tile/entries/001", None, 256),
    ):
        other = tmp_path / f"other-{len(list(tmp_path.iterdir()))}"
        shutil.copytree(kept, other)
        (other / name).unlink()
        if content is not None:
            (other / name).write_bytes(content)
        report = _checked(other, KEY)
        assert not report.ok and report.first_bad == first_bad, (name, report)


async def test_a_folder_that_was_rewritten_does_not_fit_what_somebody_kept(tmp_path: Path) -> None:
    await _lay_out(tmp_path, 40)
    forged = sign_checkpoint(KEY.name, 30, b"r" * 32, SEED)
    report = verify_folder(tmp_path, [KEY], seen=forged, progress=lambda _done, _all: None)
    assert not report.ok and "The first 30 entries are not the ones" in report.problems[0]
    longer = verify_folder(tmp_path, [KEY], seen=_signed(41), progress=lambda _done, _all: None)
    assert longer.first_bad == 40 and "the end is missing" in longer.problems[0]
    assert "not signed" in _checked(tmp_path, verifier_key(KEY.name, b"x" * 32)).problems[0]


@needs_vectors
def test_a_log_written_by_others_is_read_alike(tmp_path: Path) -> None:
    shutil.copytree(FOLDER / "tlog" / "tessera-testlog" / "testdata" / "log", tmp_path / "log")
    shutil.copy(tmp_path / "log" / "checkpoint.12", tmp_path / "log" / "checkpoint")
    key = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
    report = _checked(tmp_path / "log", VerifierKey.parse(key))
    assert report.root is not None and report.size == 12
    assert all("is not readable" in each for each in report.problems), report.problems  # its entries are not ours


def test_the_command_line_exports_checks_and_remembers(
    migrated_sqlite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(migrated_sqlite, tmp_path / "portal.db")
    before = get()
    use(Settings(var=tmp_path, master_key=MASTER_KEY, log_key=LOG_KEY))
    folder, kept = tmp_path / "log", tmp_path / "kept"

    async def fill() -> None:
        await db.open_database()
        try:
            await say(times=300)
            await audit.sequence_all()
        finally:
            await db.close()

    def portal(*words: object) -> tuple[int, str]:
        parser = ArgumentParser()
        add_commands(parser.add_subparsers())
        args = parser.parse_args([str(each) for each in words])
        code: int = args.run(args)
        return code, capsys.readouterr().out

    try:
        assert portal("audit", "export", folder)[1] == "The log is empty.\n"
        asyncio.run(fill())
        code, text = portal("audit", "export", folder)
        assert code == 0 and "300 entries" in text
        for more in ([], ["--key", portal("audit", "key")[1]], ["--remember", kept], ["--remember", kept], ["--seen", kept]):
            code, text = portal("audit", "verify", folder, *more)
            assert code == 0 and "The log is whole" in text
        assert kept.read_text() == (folder / "checkpoint").read_text()
        asyncio.run(fill())
        assert portal("audit", "verify", "--remember", kept)[0] == 0
        assert kept.read_text().split("\n")[1] == "600"
        code, text = portal("audit", "verify", folder, "--remember", kept)
        assert code == 1 and "the end is missing" in text and kept.read_text().split("\n")[1] == "600"
        file = folder / "tile/entries/000"
        file.write_bytes(file.read_bytes().replace(b"test.said", b"test.sung", 1))
        code, text = portal("audit", "verify", folder)
        assert code == 1 and "The first entry that is wrong: 0" in text
        code, text = portal("audit", "export", folder)
        assert code == 1 and "another history" in text
        assert portal("audit", "verify", tmp_path)[0] == 1
    finally:
        use(before)


async def _exported(folder: Path, *times: int) -> Checkpoint:
    for each in times:
        await say(times=each)
        await audit.sequence_all()
    signed = await export_log(folder, lambda _done, _all: None)
    assert signed is not None
    return signed


def _leaf(number: int) -> bytes:
    return leaf_bytes(number.to_bytes(32), "test.said", "2026-11-21T17:13:05Z", None, None)


def _signed(size: int) -> Checkpoint:
    tree = Frontier()
    for number in range(size):
        tree.append(leaf_hash(_leaf(number)))
    return sign_checkpoint(KEY.name, size, tree.root(), SEED)


async def _lay_out(folder: Path, size: int) -> None:
    """A log without a database."""

    async def leaves() -> AsyncIterator[list[bytes]]:
        for low in range(0, size, 256):
            yield [_leaf(number) for number in range(low, min(low + 256, size))]

    await write_folder(folder, _signed(size), leaves(), lambda _done, _all: None)


def _opened(folder: Path) -> Checkpoint:
    return read_checkpoint((folder / "checkpoint").read_text())


def _checked(folder: Path, key: VerifierKey) -> audit.LogReport:
    return verify_folder(folder, [key], progress=lambda _done, _all: None)


# From here on: a reader as somebody else would write it, straight from RFC 6962 and c2sp.org/tlog-tiles.


def _root(hashes: list[bytes]) -> bytes:
    if len(hashes) == 1:
        return hashes[0]
    half = 1
    while half * 2 < len(hashes):
        half *= 2
    return hashlib.sha256(b"\1" + _root(hashes[:half]) + _root(hashes[half:])).digest()


def _entries_read(folder: Path, size: int) -> list[bytes]:
    found = []
    for number in range(-(-size // 256)):
        width = min(256, size - 256 * number)
        file = folder / "tile" / "entries" / (f"{number:03}" if width == 256 else f"{number:03}.p/{width}")
        raw = file.read_bytes()
        while raw:
            length = int.from_bytes(raw[:2], "big")
            found.append(raw[2 : 2 + length])
            raw = raw[2 + length :]
    assert len(found) == size
    return found


def _hashes_read(folder: Path, names: list[str]) -> list[bytes]:
    raw = b"".join((folder / name).read_bytes() for name in names)
    return [raw[at : at + 32] for at in range(0, len(raw), 32)]
