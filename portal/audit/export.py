"""The log as files for outsiders (c2sp.org/tlog-tiles): checkpoint, tile/<level>/…, tile/entries/….

Written as it is read, whatever its size. Killed, it is begun again and finds what is there; files of another history are
never overwritten. The checkpoint comes last, and only when the files lead to its root.
"""

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from portal.audit import tiles
from portal.audit.head import head
from portal.audit.lockfile import LogBroken
from portal.audit.notes import Checkpoint, read_checkpoint
from portal.audit.tiles import WIDTH
from portal.audit.tree import Frontier, leaf_hash, subtree_root
from portal.db import reading, rows

AT_ONCE = 16 * WIDTH
ENTRIES = "entries"
Progress = Callable[[int, int], None]


async def export_log(folder: Path, progress: Progress) -> Checkpoint | None:
    """Write all that the newest checkpoint covers; None while the log is empty. Raises LogBroken when `folder` holds
    files of another history, or when what is stored does not lead to what was signed."""
    async with reading():
        now = await head()
        signed = now.checkpoint()
        if signed is None:
            return None
        await write_folder(folder, signed, _leaves(signed.size), progress)
    return signed


async def write_folder(folder: Path, signed: Checkpoint, leaves: AsyncIterator[list[bytes]], progress: Progress) -> None:
    """Lay out `leaves`, which come a tile at a time, below the checkpoint that was signed over them."""
    _require_same_log(folder, signed)
    tree, edge = Frontier(), dict[tiles.Place, bytes]()
    async for bundle in leaves:
        hashes, start = [leaf_hash(leaf) for leaf in bundle], tree.size
        _keep(folder / path(ENTRIES, start // WIDTH, len(bundle)), b"".join(len(each).to_bytes(2) + each for each in bundle))
        edge |= tiles.added(hashes, start, edge)
        for place in [place for place, tile in edge.items() if len(tile) == 32 * WIDTH]:
            _keep(folder / path(*place, WIDTH), edge.pop(place))
        if len(hashes) == WIDTH:
            tree.append(subtree_root(hashes), height=8)
        else:
            for hashed in hashes:
                tree.append(hashed)
        progress(tree.size, signed.size)
    for place, tile in edge.items():
        _keep(folder / path(*place, len(tile) // 32), tile)
    if (tree.size, tree.root()) != (signed.size, signed.root):
        raise LogBroken("What is stored does not lead to what was signed. Run `portal audit verify`.")
    # A crash before this line leaves an older checkpoint or none beside newer tiles, which it covers in part.
    _write(folder / "checkpoint", signed.note.encode())


def path(level: int | str, number: int, width: int) -> str:
    """Where a tile or a bundle of entries lies: tile/0/x001/x234/067, with .p/<width> while it is partial."""
    digits = f"{number:03}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    spelled = "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
    return f"tile/{level}/{spelled}" + (f".p/{width}" if width < WIDTH else "")


async def _leaves(size: int) -> AsyncIterator[list[bytes]]:
    for low in range(0, size, AT_ONCE):
        high = min(low + AT_ONCE, size)
        found = await rows(
            "SELECT log_index, bytes FROM leaf WHERE log_index >= ? AND log_index < ? ORDER BY log_index", low, high
        )
        if [each["log_index"] for each in found] != list(range(low, high)):
            raise LogBroken(f"Between entry {low} and {high - 1} one is missing from the log. Run `portal audit verify`.")
        for at in range(0, len(found), WIDTH):
            yield [bytes(each["bytes"]) for each in found[at : at + WIDTH]]


def _require_same_log(folder: Path, signed: Checkpoint) -> None:
    there = folder / "checkpoint"
    if not there.exists():
        return
    before = read_checkpoint(there.read_text(encoding="utf-8"))
    if before.origin != signed.origin:
        raise LogBroken(f"{folder} holds the log {before.origin}, and this one is {signed.origin}. Choose another folder.")
    if before.size > signed.size:
        raise LogBroken(
            f"{folder} holds {before.size} entries, and the log has only {signed.size}: the database is an older copy."
        )


def _keep(file: Path, content: bytes) -> None:
    """Tiles never change: one that is there is either this one or of another history."""
    if not file.exists():
        _write(file, content)
    elif file.read_bytes() != content:
        raise LogBroken(f"{file} is of another history, or was changed. Nothing was overwritten.")


def _write(file: Path, content: bytes) -> None:
    """Aside and then moved: after a crash a file is whole or not there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_name(f".{file.name}.new")
    with aside.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    aside.replace(file)
