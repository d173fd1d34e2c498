"""Checks the whole log against itself, the signing key, the lock file and a checkpoint somebody kept.

Leaves → hashes → tiles → every checkpoint's root and signature → head → contents → erased contents = Σ n. Trusts no
column: each is recomputed from another one or from a signature. One view of the database, whatever happens meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from tortoise.exceptions import OperationalError

from portal.audit import events
from portal.audit.contents import Contents
from portal.audit.earlier import Compared, compared, stored_beginnings
from portal.audit.head import Head, head
from portal.audit.leaves import Leaf, LeafError, read_leaf
from portal.audit.lockfile import LogBroken, opened, stored
from portal.audit.notes import Checkpoint, NoteError, open_checkpoint
from portal.audit.succession import beginning, keys_up_to, named, number_of
from portal.audit.tilecheck import Tiles
from portal.audit.tiles import WIDTH
from portal.audit.tree import Frontier, leaf_hash, subtree_root
from portal.db import reading, row, rows
from portal.paper import _

CHUNK = 8 * WIDTH
SHOWN = 50


@dataclass
class LogReport:
    """What the check found; `sentences` and `problems` are for people, `first_bad` is the first index that is wrong."""

    size: int = 0
    root: bytes | None = None
    origin: str = ""
    problems: list[str] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    first_bad: int | None = None

    @property
    def ok(self) -> bool:
        return not self.problems

    def found(self, sentence: str, index: int | None = None) -> None:
        if len(self.problems) < SHOWN:
            self.problems.append(sentence)
        if index is not None and (self.first_bad is None or index < self.first_bad):
            self.first_bad = index


async def verify_log(*, seen: Checkpoint | None = None, progress: Callable[[int, int], None] | None = None) -> LogReport:
    """Verify everything; `seen` is a checkpoint of this log, or one before it, that the verifier kept."""
    report = LogReport()
    held = stored()  # before the view of the database, which then cannot be older
    async with reading():
        try:
            now = await head()
            to_compare = await _comparable(seen, now)
        except (LogBroken, OperationalError) as problem:
            report.found(str(problem))
            return report
        known = list(to_compare.checkpoints)
        for sentence in to_compare.problems:
            report.found(sentence)
        try:
            kept = opened(held, now.key)
            # The last state of a log that this one follows was lost with the database; the first entry here names it.
            known += [] if kept is None or (kept.origin != now.key.name and (await beginning())[1] == named(kept)) else [kept]
        except LogBroken as problem:
            report.found(str(problem))
        await _verify(report, now, known, progress or (lambda _done, _all: None))
    if report.ok:
        report.sentences += [_("The log is whole: every entry, every hash and every signature fits."), *to_compare.sentences]
    return report


async def _comparable(seen: Checkpoint | None, now: Head) -> Compared:
    if seen is None:
        return Compared([], [], [])
    return compared(seen, now.origin, await stored_beginnings() if seen.origin != now.origin else [])


async def _verify(report: LogReport, now: Head, kept: list[Checkpoint], progress: Callable[[int, int], None]) -> None:
    report.origin = now.origin
    report.size = size = await _size(report, now)
    roots = await _signed_roots(report, now)
    for each in kept:
        if each.size > now.size:
            report.found(
                _("The log has %(size)s entries, but %(kept)s were signed: the end is missing.")
                % {"size": now.size, "kept": each.size},
                now.size,
            )
        roots.setdefault(each.size, []).append(each.root)
    tiles = Tiles(report.found)
    contents = Contents(report.found)
    tree, erased, before = Frontier(), 0, ""
    for low in range(0, size, CHUNK):
        high = min(low + CHUNK, size)
        rows_by_index = {each["log_index"]: each["bytes"] async for each in _read(report, _LEAVES, low, high)}
        leaves: dict[int, Leaf] = {}
        for start in range(low, high, WIDTH):
            hashes = []
            for index in range(start, min(start + WIDTH, high)):
                leaf = rows_by_index.get(index)
                if leaf is None:
                    report.found(_("Entry %s is missing from the log.") % index, index)
                    leaf = b""
                hashes.append(leaf_hash(leaf))
                found = _leaf(report, index, leaf, before)
                if found is not None:
                    leaves[index], before = found, found.time
                    erased += (found.count or 0) if found.event == events.SHREDDED.name else 0
            await tiles.check(0, start // WIDTH, hashes)
            _grow(report, tree, hashes, roots)
        await contents.check(leaves, low, high, _read(report, _ENTRIES, low, high))
        progress(high, size)
        await asyncio.sleep(0)
    await tiles.finish()
    report.root = tree.root()
    if now.frontier != tree.as_bytes():
        report.found(_("The head of the log does not fit its entries."))
    await _check_counts(report, now, contents, erased)


async def _size(report: LogReport, now: Head) -> int:
    """How many entries to go through: what the head says, as far as there are so many."""
    counted = await row("SELECT count(*) AS n FROM leaf")
    count: int = counted["n"] if counted is not None else 0
    if count != now.size:
        told = {"size": now.size, "count": count}
        report.found(_("The head of the log speaks of %(size)s entries, but there are %(count)s.") % told, min(now.size, count))
    return max(0, min(now.size, count))


_LEAVES = "SELECT log_index, bytes FROM leaf WHERE log_index >= ? AND log_index < ?"
_ENTRIES = """SELECT id, event, log_index, recorded_at, actor, subject, case_id, object, key_id, sealed, commitment, n, d
 FROM entry WHERE log_index >= ? AND log_index < ?"""


async def _read(report: LogReport, sql: str, low: int, high: int) -> AsyncIterator[dict[str, Any]]:
    """The rows between two indexes; text that is no text any more (SQLite then fails as a whole) is pinned down."""
    try:
        found = await rows(sql, low, high)
    except OperationalError as problem:
        if high - low == 1:
            report.found(_("Entry %(index)s cannot be read: %(problem)s") % {"index": low, "problem": problem}, low)
            return
        for part in ((low, (low + high) // 2), ((low + high) // 2, high)):
            async for each in _read(report, sql, *part):
                yield each
        return
    for each in found:
        yield each


def _leaf(report: LogReport, index: int, leaf_bytes: bytes, before: str) -> Leaf | None:
    try:
        leaf = read_leaf(bytes(leaf_bytes))
    except LeafError:
        report.found(_("Entry %s of the log is not readable.") % index, index)
        return None
    if leaf.time < before:
        report.found(_("Entry %s is older than the one before it.") % index, index)
    return leaf


async def _signed_roots(report: LogReport, now: Head) -> dict[int, list[bytes]]:
    """The roots by size that the stored checkpoints claim, each with its signature checked."""
    roots: dict[int, list[bytes]] = {}
    try:
        notes = await rows("SELECT size, note FROM checkpoint ORDER BY size")
    except OperationalError as problem:
        report.found(_("The checkpoints cannot be read: %s") % problem)
        return roots
    keys, log = keys_up_to(now.key), 0
    for number, each in enumerate(notes):
        try:
            signed = open_checkpoint(each["note"], keys)
        except (NoteError, ValueError) as problem:
            told = {"size": each["size"], "problem": problem}
            report.found(_("The checkpoint of size %(size)s is not acceptable: %(problem)s") % told)
            continue
        if signed.size != each["size"] or not 0 < signed.size <= now.size or number_of(signed.origin) < log:
            report.found(_("A checkpoint of %s entries lies in a wrong place.") % signed.size)
        log = number_of(signed.origin)
        roots.setdefault(signed.size, []).append(signed.root)
        if number % 500 == 499:
            await asyncio.sleep(0)
    if now.size and now.size not in roots:
        report.found(_("There is no signed checkpoint for the %s entries of the log.") % now.size)
    return roots


def _grow(report: LogReport, tree: Frontier, hashes: list[bytes], roots: dict[int, list[bytes]]) -> None:
    """Append one tile's hashes, comparing the root with every checkpoint on the way."""
    between = [size for size in range(tree.size + 1, tree.size + len(hashes)) if size in roots]
    if not between and len(hashes) == WIDTH:
        tree.append(subtree_root(hashes), height=8)
        _compare_root(report, tree, roots)
        return
    for hashed in hashes:
        tree.append(hashed)
        _compare_root(report, tree, roots)


def _compare_root(report: LogReport, tree: Frontier, roots: dict[int, list[bytes]]) -> None:
    claimed = roots.get(tree.size)
    if claimed and any(root != tree.root() for root in claimed):
        report.found(_("The first %s entries are not the ones that were signed.") % tree.size)


async def _check_counts(report: LogReport, now: Head, contents: Contents, erased: int) -> None:
    for table in ("leaf", "entry"):
        beyond = await row(f"SELECT count(*) AS n FROM {table} WHERE log_index < 0 OR log_index >= ?", now.size)
        if beyond is not None and beyond["n"]:
            report.found(_("Rows of the table %s claim places beyond the end of the log.") % table, now.size)
    heads = await rows("SELECT one FROM head")
    if [each["one"] for each in heads] != [1]:
        report.found(_("The head of the log does not fit its entries."))
    waiting_erased = await contents.check_waiting()
    if contents.erased != erased + waiting_erased:
        told = {"missing": contents.erased, "explained": erased + waiting_erased}
        sentence = _("The contents of %(missing)s entries are missing, but the erasures in the log explain %(explained)s.")
        report.found(sentence % told)
    report.sentences += [
        _("%(size)s entries, signed by %(origin)s.") % {"size": now.size, "origin": now.origin},
        _("%s entries wait for their place.") % contents.waiting,
        _("The contents of %s entries were erased, as the log itself records.") % contents.erased,
    ]
