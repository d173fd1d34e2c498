"""Checks the whole log against itself, the signing key, the lock file and a checkpoint somebody kept.

Leaves → hashes → tiles → every checkpoint's root and signature → head → contents → erased contents = Σ n. Trusts no
column: each is recomputed from another one or from a signature. One view of the database, whatever happens meanwhile.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tortoise.exceptions import OperationalError

from portal.audit.contents import Contents
from portal.audit.earlier import Compared, compared, stored_beginnings
from portal.audit.head import Head, head
from portal.audit.lockfile import LogBroken, opened, stored
from portal.audit.notes import Checkpoint
from portal.audit.signedroots import Roots, SignedRoots
from portal.audit.stretches import stretch
from portal.audit.succession import beginning, named
from portal.audit.tilecheck import Tiles
from portal.audit.tiles import WIDTH
from portal.audit.tree import Frontier, leaf_hash
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
    for each in kept:
        if each.size > now.size:
            report.found(
                _("The log has %(size)s entries, but %(kept)s were signed: the end is missing.")
                % {"size": now.size, "kept": each.size},
                now.size,
            )
    signed = SignedRoots(report.found, now, kept)
    tree, tiles, contents = Frontier(), Tiles(report.found), Contents(report.found)
    for low in range(0, size, CHUNK):
        leaves = await _leaves(report, low, min(low + CHUNK, size))
        roots = await signed.between(low, low + len(leaves))
        hashes = [leaf_hash(leaf) for leaf in leaves]
        for start in range(0, len(hashes), WIDTH):
            tile = hashes[start : start + WIDTH]
            _grow(report, tree, tile, await tiles.check(0, (low + start) // WIDTH, tile), roots)
        await contents.check(low, leaves)
        progress(low + len(leaves), size)
        await asyncio.sleep(0)
    await tiles.finish()
    await signed.finish()
    report.root = tree.root()
    if now.frontier != tree.as_bytes():
        report.found(_("The head of the log does not fit its entries."))
    await _check_counts(report, now, contents)
    if report.ok:
        _check_name(report, now)


def _check_name(report: LogReport, now: Head) -> None:
    """Earlier checkpoints may bear the names of logs that this one follows, the newest bears its own."""
    try:
        now.checkpoint()
    except LogBroken as problem:
        report.found(str(problem))


async def _size(report: LogReport, now: Head) -> int:
    """How many entries to go through: what the head says, as far as there are so many."""
    counted = await row("SELECT count(*) AS n FROM leaf")
    count: int = counted["n"] if counted is not None else 0
    if count != now.size:
        told = {"size": now.size, "count": count}
        report.found(_("The head of the log speaks of %(size)s entries, but there are %(count)s.") % told, min(now.size, count))
    return max(0, min(now.size, count))


_LEAVES = "SELECT log_index, bytes FROM leaf WHERE log_index >= ? AND log_index < ? ORDER BY log_index"


async def _leaves(report: LogReport, low: int, high: int) -> Sequence[bytes]:
    """The bytes of these entries; none for one that is missing, whose hash then fits nowhere."""
    found = await stretch(_LEAVES, low, high, report.found)
    indexes, leaves = zip(*found, strict=True) if found else ((), ())
    if indexes == tuple(range(low, high)) and set(map(type, leaves)) == {bytes}:
        return leaves
    by_index = {index: leaf for index, leaf in found if isinstance(leaf, bytes)}
    for index in range(low, high):
        if index not in by_index:
            report.found(_("Entry %s is missing from the log.") % index, index)
    return [by_index.get(index, b"") for index in range(low, high)]


def _grow(report: LogReport, tree: Frontier, hashes: list[bytes], root: bytes | None, roots: Roots) -> None:
    """Append one tile's hashes, with their `root` if it is full, comparing with every checkpoint on the way."""
    if root is not None and roots.keys().isdisjoint(range(tree.size + 1, tree.size + WIDTH)):
        tree.append(root, height=8)
        _compare_root(report, tree, roots)
        return
    for hashed in hashes:
        tree.append(hashed)
        _compare_root(report, tree, roots)


def _compare_root(report: LogReport, tree: Frontier, roots: Roots) -> None:
    claimed = roots.get(tree.size)
    if claimed and any(root != tree.root() for root in claimed):
        report.found(_("The first %s entries are not the ones that were signed.") % tree.size)


async def _check_counts(report: LogReport, now: Head, contents: Contents) -> None:
    for table in ("leaf", "entry"):
        beyond = await row(f"SELECT count(*) AS n FROM {table} WHERE log_index < 0 OR log_index >= ?", now.size)
        if beyond is not None and beyond["n"]:
            report.found(_("Rows of the table %s claim places beyond the end of the log.") % table, now.size)
    heads = await rows("SELECT one FROM head")
    if [each["one"] for each in heads] != [1]:
        report.found(_("The head of the log does not fit its entries."))
    await contents.check_waiting()
    if contents.erased != contents.explained:
        told = {"missing": contents.erased, "explained": contents.explained}
        sentence = _("The contents of %(missing)s entries are missing, but the erasures in the log explain %(explained)s.")
        report.found(sentence % told)
    report.sentences += [
        _("%(size)s entries, signed by %(origin)s.") % {"size": now.size, "origin": now.origin},
        _("%s entries wait for their place.") % contents.waiting,
        _("The contents of %s entries were erased, as the log itself records.") % contents.erased,
    ]
