"""The package: one ZIP with a person's copy of their data, built from the approved snapshot alone (GDPR Art. 15(3), 20).

index.html is for people and needs no network; data.json and the CSV tables are for machines; letter.pdf is the formal
answer; manifest.json names the SHA-256 of each file. Beside them lie receipts from the log (package_receipts.py). The same
snapshot with the same receipts gives the same bytes; without any it gives the same bytes for ever. It is made in memory: no
copy of anybody's data ever lies on a disk unsealed.
"""

import asyncio
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from portal import vault
from portal.cases import letter
from portal.cases.package_data import data_pieces, data_schema
from portal.cases.package_pages import index_page, plan_tables, table_page
from portal.cases.package_receipts import Receipts
from portal.cases.package_tables import csv_lines
from portal.cases.snapshot import Enclosure, Snapshot
from portal.paper import in_language

CHUNK = 1 << 16
# Archives that unpack to more than this many times their size are taken for bombs by careful programs.
DENSEST = 100
EPOCH = (1980, 1, 1, 0, 0, 0)
FORMAT = "portal/package-manifest/1"
NO_RECEIPTS = Receipts()


@dataclass(frozen=True)
class Member:
    """A file of the package; `pieces` makes its content anew each time."""

    name: str
    pieces: Callable[[], Iterable[bytes]]


async def build_package(snapshot: Snapshot, receipts: Receipts = NO_RECEIPTS) -> bytes:
    """The ZIP, in the language of the person. The work is done beside the event loop."""
    with in_language(snapshot.language):
        answer = await letter.build_letter(snapshot)
        enclosed = [await _enclosed(each) for each in snapshot.enclosures]
        return await asyncio.to_thread(_packed, snapshot, answer, receipts, enclosed)


async def _enclosed(enclosure: Enclosure) -> Member:
    """A file as it was handed in, if it is the one that was approved."""
    content = b"".join([piece async for piece in vault.read_blob(enclosure.blob)])
    if hashlib.sha256(content).hexdigest() != enclosure.sha256:
        raise vault.Tampered(f"{enclosure.name} is not the file that was approved.")
    return Member(enclosure.name, partial(_whole, content))


def _packed(snapshot: Snapshot, answer: bytes, receipts: Receipts, enclosed: list[Member]) -> bytes:
    files = sorted([*members(snapshot, answer, receipts), *enclosed], key=lambda each: each.name)
    content, dense = _zipped(files, frozenset())
    if dense:
        content, _none = _zipped(files, dense)
    return content


def members(snapshot: Snapshot, answer: bytes, receipts: Receipts = NO_RECEIPTS) -> Iterator[Member]:
    """What is made for the package, without what was handed in."""
    tables = plan_tables(snapshot)
    yield Member("index.html", partial(index_page, snapshot, tables, receipts))
    yield Member("letter.pdf", lambda: [answer])
    yield Member("data.json", partial(data_pieces, snapshot))
    yield Member("data.schema.json", lambda: [_readable(data_schema())])
    for planned in tables:
        if planned.csv:
            yield Member(planned.csv, partial(csv_lines, planned.table))
        for number, name in enumerate(planned.pages):
            yield Member(name, partial(table_page, snapshot, planned, number))
    for each in receipts.files:
        yield Member(each.name, partial(_whole, each.content))


def _whole(content: bytes) -> list[bytes]:
    return [content]


def _zipped(files: list[Member], stored: frozenset[str]) -> tuple[bytes, frozenset[str]]:
    """The archive, and the names of files in it that are packed too densely and must be stored plain."""
    target = io.BytesIO()
    with ZipFile(target, "w") as archive:
        listed = [_add(archive, each, ZIP_STORED if each.name in stored else ZIP_DEFLATED) for each in files]
        manifest = _readable({"format": FORMAT, "files": listed})
        _add(archive, Member("manifest.json", lambda: [manifest]), ZIP_DEFLATED)
        dense = frozenset(each.filename for each in archive.infolist() if each.file_size > DENSEST * each.compress_size)
    return target.getvalue(), dense


def _add(archive: ZipFile, member: Member, way: int) -> dict[str, object]:
    info = ZipInfo(member.name, EPOCH)
    info.compress_type, info.create_system, info.external_attr = way, 3, 0o100644 << 16
    size, seen = 0, hashlib.sha256()
    with archive.open(info, "w") as file:
        for piece in _gathered(member.pieces()):
            file.write(piece)
            seen.update(piece)
            size += len(piece)
    return {"name": member.name, "bytes": size, "sha256": seen.hexdigest()}


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Small pieces made into larger ones, so that packing is not called for each row."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= CHUNK:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


def _readable(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()
