"""Lists of hashed addresses that nobody may write to, as another system keeps them: planned, committed, taken back.

The hashes are kept under our key and close what arrives later, what is asked and what is scrubbed; addresses that are known
already are opened once, compared, and those on the list closed with a stop of this list. Committed again after a break it
goes on. Taken back, what this list alone closed is open again; what another list, another stop or the person said stays.
"""

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import islice

from portal import audit, db, subjects, vault
from portal.consent import events, order
from portal.consent.hashed_safekeeping import parts_of
from portal.consent.import_batch import Batch, actor_of, find_batch, keep_plan, refuse_undone, start, undone_why
from portal.consent.import_counts import KEPT_LINES
from portal.consent.import_file import NDJSON, ListFile, records
from portal.consent.import_rows import Options
from portal.consent.import_stops import lift, standing
from portal.consent.propagation import wake
from portal.lib import clock, ids
from portal.lib.errors import Conflict, Invalid
from portal.paper import _

HASHED = "hashed"
WHY = subjects.hashes.BASIS
AT_ONCE = 500

Progress = Callable[[int, int], None]
Problems = list[tuple[int, str, str]]


def options_for(kind: str, charset: str = "", separator: str = "") -> Options:
    """How such a list is read; `kind`: of the addresses behind its hashes."""
    return Options(charset=charset, separator=separator, vendor=HASHED, map={"kind": kind or "email"})


async def plan_hashes(
    file: ListFile, options: Options, batch: str, *, by: str, name: str, progress: Progress | None = None
) -> Batch:
    """Counts rows, new, same and bad hashes, and `known`: addresses that we have and that are on the list."""
    kind, problems = _kind(options), Problems()
    counts, listed, new = Counter[str](rows=0, bad=0, known=0), set[bytes](), 0
    hashes = _hashes(file, counts, problems)
    while part := list(islice(hashes, AT_ONCE)):
        kept = await subjects.hashes.known(kind, part)
        new += len({each for each in part if each not in kept and bytes.fromhex(each) not in listed})
        listed.update(map(bytes.fromhex, part))
        _tell(progress, counts, file)
    async for mine in _on_the_list(kind, listed):
        counts["known"] += len(mine)
    counts["new"], counts["same"] = new, counts["rows"] - counts["bad"] - new
    return await keep_plan(batch, file, options, counts, problems, by=by, name=name)


async def commit_hashes(batch: Batch, file: ListFile, *, by: str, progress: Progress | None = None) -> Batch:
    """Every part is a transaction that may be repeated: after a kill the same call finds what is there and goes on."""
    if batch.phase == "planned":
        await start(batch.id, by, file)
    if (await find_batch(batch.id)).phase == "in force":
        return batch
    kind, name = _kind(batch.options), actor_of(batch.id)
    counts, listed = Counter[str](rows=0, bad=0, known=0), set[bytes]()
    hashes = _hashes(file, counts, Problems())
    while part := list(islice(hashes, AT_ONCE)):
        async with db.writing():
            await _require_going_on(batch.id)
            await subjects.hashes.add(kind, part, to=name, basis=WHY)
        listed.update(map(bytes.fromhex, part))
        _tell(progress, counts, file)
    async for mine in _on_the_list(kind, listed):
        counts["known"] += len(mine)
        async with db.writing():
            await _require_going_on(batch.id)
            await _stop(mine, name)
    async for listed_part, count in parts_of(batch.id):
        async with db.writing():
            await _require_going_on(batch.id)
            await audit.record(events.HASHES_LISTED, actor=by, object=listed_part, count=count)
    return await _finish(batch.id, counts, file, by)


async def undo_hashes(batch: Batch, *, by: str, why: str) -> Batch:
    """What this list alone closed is open again; after a kill the same call goes on."""
    name = actor_of(batch.id)
    async with db.writing():
        if (fresh := await find_batch(batch.id)).phase == "planned":
            raise Conflict(_("Nothing of this import was recorded."))
        if fresh.undone_at is None:
            now, reason = clock.micros(clock.now()), (await vault.key_for("portal")).seal(undone_why(batch.id), why)
            changed = "UPDATE batch SET undone_at = ?, noes_undone_at = ?, undone_by = ?, undone_why = ? WHERE id = ?"
            await db.run(changed, now, now, by, reason, batch.id)
            payload = {"also_noes": True}
            await audit.record(events.IMPORT_UNDONE, actor=by, object=batch.id, payload=payload, count=fresh.counts["rows"])
    dropped = subjects.hashes.AT_ONCE
    while dropped:
        async with db.writing():
            dropped = await subjects.hashes.drop(name)
    stops = await standing(name)
    for start_ in range(0, len(stops), AT_ONCE):
        async with db.writing():
            await lift(stops[start_ : start_ + AT_ONCE], by=by)
            await wake()
    await _let_go(by)
    return await find_batch(batch.id)


async def _finish(batch: str, counts: Counter[str], file: ListFile, by: str) -> Batch:
    async with db.writing():
        await _require_going_on(batch)
        new = await subjects.hashes.brought_by(actor_of(batch))
        counts["new"], counts["same"] = new, counts["rows"] - counts["bad"] - new
        done = "UPDATE batch SET phase = 'in force', done = ?, in_force_at = ? WHERE id = ?"
        await db.run(done, json.dumps(counts), clock.micros(clock.now()), batch)
        payload = {"sha256": file.sha256.hex(), "counts": dict(counts)}
        await audit.record(events.HASHES_TAKEN, actor=by, object=batch, payload=payload, count=new)
    return await find_batch(batch)


async def _require_going_on(batch: str) -> None:
    """Inside `writing()`: nobody takes this import back before the commit."""
    asked = "UPDATE batch SET parts = parts + 1 WHERE id = ? AND phase = 'noes' AND undone_at IS NULL"
    if not await db.run(asked, batch):
        refuse_undone(await find_batch(batch))
        raise Conflict(_("Somebody else goes on with this import, or it was taken back."))


async def _on_the_list(kind: str, listed: set[bytes]) -> AsyncIterator[list[str]]:
    """The addresses we have that hash to one of these, some at a time."""
    async for part in subjects.addresses_of(kind):
        mine = [each for each, value in part if listed & {bytes.fromhex(one) for one in subjects.hashes.hashes_of(kind, value)}]
        if mine:
            yield mine


async def _stop(identifiers: list[str], by: str) -> None:
    """Close these addresses on every channel, once for this list; inside `writing()`. Only a proven yes opens them."""
    marks = ", ".join("?" * len(identifiers))
    sql = f"SELECT holder FROM stop WHERE kind = 'suppressed' AND by = ? AND lifted_at IS NULL AND holder IN ({marks})"
    stopped = {row["holder"] for row in await db.rows(sql, by, *identifiers)}
    people = await subjects.people(set(identifiers) - stopped)
    since = clock.micros(await order.moment_of_stop(people))
    acts = {each: ids.new() for each in people}
    await db.many(
        "INSERT INTO stop (id, act, holder, kind, scope, since, by, why) VALUES (?, ?, ?, 'suppressed', '', ?, ?, ?)",
        [(ids.new(), act, identifier, since, by, WHY) for identifier, act in acts.items()],
    )
    payload = {"channel": "*", "why": WHY}
    await audit.record_many(
        [audit.Note(events.SUPPRESSED, by, people[each].subject, object=act, payload=payload) for each, act in acts.items()]
    )
    await wake()


async def _let_go(by: str) -> None:
    """Addresses that their owners handed in while they were on the list alone."""
    last, payload = "", {"why": "import taken back"}
    while True:
        async with db.writing():
            last, free = await subjects.let_go(last)
            await audit.record_many([audit.Note(events.LIFTED, by, home, object=note, payload=payload) for note, home in free])
            if free:
                await wake()
        if not last:
            return


def _kind(options: Options) -> str:
    kind = str(options.map.get("kind", "email"))
    if kind not in subjects.hashes.KINDS:
        raise Invalid(_("The kind of address is one of: %s.") % ", ".join(subjects.hashes.KINDS))
    return kind


def _hashes(file: ListFile, counts: Counter[str], problems: Problems) -> Iterator[str]:
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
            if len(problems) < KEPT_LINES:
                problems.append((record.line, "bad", record.problem or _("This is no hash.")))


def _tell(progress: Progress | None, counts: Counter[str], file: ListFile) -> None:
    if progress is not None:
        progress(counts["rows"], 2 * file.lines)
