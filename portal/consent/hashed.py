"""`portal import FILE --from hashed`: taking over a list of hashed addresses that nobody may write to.

The hashes are kept under our key and close what arrives later, what is asked and what is scrubbed; addresses that are known
already are opened once, compared, and those on the list closed with a stop. Again after a break it goes on where it was.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from portal import audit, db, subjects
from portal.consent import events
from portal.consent.import_file import NDJSON, ListFile, look_at, records
from portal.consent.propagation import wake
from portal.lib import clock, ids
from portal.lib.errors import Invalid
from portal.paper import _

HASHED = "hashed"
WHY = "hashed suppression list"
AT_ONCE = 500

Progress = Callable[[int, int], None]


async def take_hashes(path: Path, *, kind: str, by: str, commit: bool, progress: Progress | None = None) -> Counter[str]:
    """Counts rows, new, same and bad hashes, and `known`: addresses that we have and that are on it. Records with `commit`."""
    if kind not in subjects.hashes.KINDS:
        raise Invalid(_("The kind of address is one of: %s.") % ", ".join(subjects.hashes.KINDS))
    file, counts, listed = await asyncio.to_thread(look_at, path), Counter[str](rows=0, new=0, same=0, bad=0, known=0), set[str]()
    hashes = _hashes(file, counts)
    while part := list(islice(hashes, AT_ONCE)):
        kept = await subjects.hashes.known(kind, part)
        new = [each for each in dict.fromkeys(part) if each not in kept and each not in listed]
        counts["new"] += len(new)
        counts["same"] += len(part) - len(new)
        listed.update(part)
        if commit:
            async with db.writing():
                await subjects.hashes.add(kind, new, basis=WHY, by=by)
        if progress is not None:
            progress(counts["rows"], 2 * file.lines)
    await _close_known(kind, listed, counts, by, commit)
    if commit:
        payload = {"sha256": file.sha256.hex(), "kind": kind, "counts": dict(counts)}
        async with db.writing():
            await audit.record(events.HASHES_TAKEN, actor=by, payload=payload, count=counts["new"])
    return counts


async def _close_known(kind: str, listed: set[str], counts: Counter[str], by: str, commit: bool) -> None:
    async for part in subjects.addresses_of(kind):
        mine = [each for each, value in part if listed & subjects.hashes.hashes_of(kind, subjects.canonical(kind, value))]
        counts["known"] += len(mine)
        if mine and commit:
            async with db.writing():
                await _stop(mine, by)


async def _stop(identifiers: list[str], by: str) -> None:
    """Close these addresses on every channel, once; inside `writing()`. Only the person's own, proven yes opens them."""
    marks = ", ".join("?" * len(identifiers))
    sql = f"SELECT holder FROM stop WHERE kind = 'suppressed' AND why = ? AND lifted_at IS NULL AND holder IN ({marks})"
    stopped = {row["holder"] for row in await db.rows(sql, WHY, *identifiers)}
    people, now = await subjects.people(set(identifiers) - stopped), clock.micros(clock.now())
    acts = {each: ids.new() for each in people}
    await db.many(
        "INSERT INTO stop (id, act, holder, kind, scope, since, by, why) VALUES (?, ?, ?, 'suppressed', '', ?, ?, ?)",
        [(ids.new(), act, identifier, now, by, WHY) for identifier, act in acts.items()],
    )
    payload = {"channel": "*", "why": WHY}
    await audit.record_many(
        [audit.Note(events.SUPPRESSED, by, people[each].subject, object=act, payload=payload) for each, act in acts.items()]
    )
    await wake()


def _hashes(file: ListFile, counts: Counter[str]) -> Iterator[str]:
    """The hashes of a file: its only column, or the one that is called hash, sha256, sha1 or md5."""
    if file.separator == NDJSON:
        raise Invalid(_("A list of hashes is read as CSV."))
    there = [each.casefold().replace("-", "") for each in file.columns]
    place = next((number for number, name in enumerate(there) if name in ("hash", *subjects.hashes.ALGORITHMS.values())), None)
    if place is None:
        sentence = _("No column is called hash, sha256, sha1 or md5. The file's columns are: %s.")
        raise Invalid(sentence % ", ".join(file.columns))
    for record in records(file):
        counts["rows"] += 1
        value = "" if record.problem else record.values[place].strip().lower()
        if len(value) in subjects.hashes.ALGORITHMS and all(each in "0123456789abcdef" for each in value):
            yield value
        else:
            counts["bad"] += 1
