"""Checks a log that lies in a folder as files (c2sp.org/tlog-tiles), with nothing but its key: for auditors, offline.

Entries → leaf hashes → tiles, level by level → the signed root, and the root of a checkpoint that somebody kept.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from portal.audit.earlier import Beginning, Compared, compared, read_beginning
from portal.audit.export import ENTRIES, path
from portal.audit.leaves import LeafError, read_leaf
from portal.audit.notes import Checkpoint, NoteError, VerifierKey, open_checkpoint
from portal.audit.tiles import WIDTH, added, hashes_of
from portal.audit.tree import Frontier, leaf_hash
from portal.audit.verification import LogReport
from portal.paper import _

LONGEST_CHECKPOINT = 65_536


def verify_folder(
    folder: Path, keys: Iterable[VerifierKey], *, seen: Checkpoint | None = None, progress: Callable[[int, int], None]
) -> LogReport:
    """Verify everything in `folder`; `seen` is a checkpoint of this log, or one before it, that the verifier kept."""
    report = LogReport()
    try:
        signed = open_checkpoint(_checkpoint(folder).decode(), keys)
        to_compare = _comparable(folder, signed, seen)
    except (OSError, NoteError, UnicodeDecodeError) as problem:
        report.found(_("%(path)s cannot be checked: %(problem)s") % {"path": folder / "checkpoint", "problem": problem})
        return report
    report.origin, report.size = signed.origin, signed.size
    for sentence in to_compare.problems:
        report.found(sentence)
    kept = [signed, *to_compare.checkpoints]
    for each in kept:
        if each.size > signed.size:
            told = {"size": signed.size, "kept": each.size}
            report.found(_("The log has %(size)s entries, but %(kept)s were signed: the end is missing.") % told, signed.size)
    tree = Frontier()
    try:
        _grow(report, folder, tree, kept, progress)
    except OSError as problem:
        report.found(_("%(path)s cannot be checked: %(problem)s") % {"path": folder, "problem": problem}, tree.size)
        return report
    report.root = tree.root()
    report.sentences.append(_("%(size)s entries, signed by %(origin)s.") % {"size": signed.size, "origin": signed.origin})
    if report.ok:
        report.sentences += [_("The log is whole: every entry, every hash and every signature fits."), *to_compare.sentences]
    return report


def _comparable(folder: Path, signed: Checkpoint, seen: Checkpoint | None) -> Compared:
    """A kept checkpoint of an earlier log is compared as far as the places say at which the later ones begin."""
    if seen is None:
        return Compared([], [], [])
    if seen.origin == signed.origin:
        return compared(seen, signed.origin, [])
    found = list[Beginning]()
    for low in range(0, signed.size, WIDTH):
        wanted = min(WIDTH, signed.size - low)
        leaves, _whole = _entries((folder / path(ENTRIES, low // WIDTH, wanted)).read_bytes(), wanted)
        found += [each for index, leaf in enumerate(leaves, low) if (each := read_beginning(index, leaf))]
    return compared(seen, signed.origin, found)


def _grow(report: LogReport, folder: Path, tree: Frontier, kept: list[Checkpoint], progress: Callable[[int, int], None]) -> None:
    """Read bundle by bundle, comparing each tile as it is full and each root as it is reached."""
    size, edge, before = report.size, dict[tuple[int, int], bytes](), ""
    for low in range(0, size, WIDTH):
        wanted = min(WIDTH, size - low)
        leaves, whole = _entries((folder / path(ENTRIES, low // WIDTH, wanted)).read_bytes(), wanted)
        if not whole:
            bad = low + min(len(leaves), wanted - 1)
            report.found(_("The file of the entries from %s on is cut off or too long.") % low, bad)
            leaves += [b""] * (wanted - len(leaves))
        for index, leaf in enumerate(leaves, low):
            before = _look(report, index, leaf, before)
        hashes = [leaf_hash(leaf) for leaf in leaves]
        edge |= added(hashes, low, edge)
        for place in [place for place, tile in edge.items() if len(tile) == 32 * WIDTH]:
            _compare(report, folder, place, edge.pop(place))
        for hashed in hashes:
            tree.append(hashed)
            for each in kept:
                if each.size == tree.size and each.root != tree.root():
                    report.found(_("The first %s entries are not the ones that were signed.") % tree.size)
        progress(low + wanted, size)
    for place, tile in edge.items():
        _compare(report, folder, place, tile)


def _look(report: LogReport, index: int, leaf_bytes: bytes, before: str) -> str:
    """The time of an entry, which is never before that of the one in front of it."""
    try:
        time = read_leaf(leaf_bytes).time
    except LeafError:
        report.found(_("Entry %s of the log is not readable.") % index, index)
        return before
    if time < before:
        report.found(_("Entry %s is older than the one before it.") % index, index)
    return time


def _compare(report: LogReport, folder: Path, place: tuple[int, int], tile: bytes) -> None:
    level, number = place
    stored = (folder / path(level, number, len(tile) // 32)).read_bytes()
    if stored == tile:
        return
    pairs = zip(hashes_of(stored), hashes_of(tile), strict=False)
    wrong = next((at for at, pair in enumerate(pairs) if pair[0] != pair[1]), min(len(stored), len(tile)) // 32)
    first = (number * WIDTH + wrong) * WIDTH**level
    told = {"number": number, "level": level}
    # What is wrong below makes the tiles above wrong as well: the entry itself has been named then.
    named = report.first_bad is not None and first <= report.first_bad < first + WIDTH**level
    report.found(_("Tile %(number)s of level %(level)s does not fit the entries.") % told, None if named else first)


def _entries(bundle: bytes, wanted: int) -> tuple[list[bytes], bool]:
    """So many entries, each with its length before it, and whether the file is exactly these."""
    found, at = list[bytes](), 0
    while len(found) < wanted and at + 2 <= len(bundle):
        end = at + 2 + int.from_bytes(bundle[at : at + 2])
        if end > len(bundle):
            break
        found.append(bundle[at + 2 : end])
        at = end
    return found, len(found) == wanted and at == len(bundle)


def _checkpoint(folder: Path) -> bytes:
    with (folder / "checkpoint").open("rb") as file:
        return file.read(LONGEST_CHECKPOINT + 1)
