"""The sequencer gives waiting entries their place in the log, signs the new state, and only then tells anybody.

One turn, after a few of the old leaves were recomputed (oldleaves.py), and what a crash means at each point:
  1. in one transaction: lay the leaves and tiles down, recompute the root by a second path, sign, move the head on by
     compare-and-swap. Until the commit nothing has happened; the signature is forgotten with the rollback.
  2. commit. A crash here leaves the lock file behind the database: the next turn proves that the database only grew
     and catches the file up. Was the commit's answer lost, the next turn reads what is there; nothing is remembered.
  3. fsync the safety log, then the lock file; a crash before or between them is caught up by the next turn. From here on
     a database restored from an older copy is recognised and not signed on.
  4. publish: doors read the newest checkpoint from the database.
The compare-and-swap makes two sequencers safe; the lease on PostgreSQL only keeps the second one quiet.
"""

import asyncio
from datetime import timedelta

import structlog

from portal import vault
from portal.audit import events, safety, tiles
from portal.audit.entries import BATCH, record, wake_on_record
from portal.audit.head import Head, head
from portal.audit.leaves import LeafError, leaf_bytes, read_leaf
from portal.audit.lockfile import LogBroken, keep, last_signed
from portal.audit.notes import Checkpoint, sign_checkpoint
from portal.audit.oldleaves import recompute_some
from portal.audit.succession import beginning, named, next_origin, number_of, order
from portal.audit.tree import ProofError, leaf_hash, verify_consistency
from portal.db import in_one_trip, in_writing, many, row, rows, run, through, write_in_one_trip, writing
from portal.lib import clock, ids
from portal.settings import get

PAUSE = 0.1
POLL, POLL_ALONE = 0.2, 1.0
AFTER_AN_ERROR = 2.0
LEASE = timedelta(seconds=3)
_log = structlog.get_logger("portal.audit")
_clock_is_back = False


class Overtaken(Exception):
    """Another sequencer moved the head, or a waiting entry changed: nothing was written, begin again."""


async def run_sequencer(stop: asyncio.Event) -> None:
    """Sequence until `stop` is set: woken by commits here, looking by itself for those of other processes."""
    wake = asyncio.Event()
    forget = wake_on_record(wake.set)
    holder = ids.new()
    poll = POLL_ALONE if get().is_sqlite and get().worker else POLL  # of commits in other processes nobody wakes us
    try:
        while not stop.is_set():
            wake.clear()
            pause, wait = PAUSE, poll
            try:
                if await _lead(holder) and await _turn() == BATCH:
                    continue
            except LogBroken as problem:
                _log.critical("audit_log_not_signed", reason=str(problem))
                pause = wait = AFTER_AN_ERROR
            except Exception:  # whatever the database says, entries wait in the outbox and the next try may succeed
                _log.exception("audit_sequencer_failed")
                pause = wait = AFTER_AN_ERROR
            await _until(stop, seconds=pause)
            await _until(wake, stop, seconds=wait - pause)
    finally:
        forget()
        await _resign(holder)


async def sequence_all() -> int:
    """Sequence everything that waits, now (tests, command lines); answers how many entries."""
    if in_writing():
        raise RuntimeError("sequence_all() comes after the commit, not inside writing().")
    total = 0
    while count := await _turn():
        total += count
    return total


async def _turn() -> int:
    """One batch, from the outbox to the lock file; answers how many entries it took."""
    await _check_lock_file()
    if await row("SELECT 1 AS one FROM entry WHERE log_index IS NULL LIMIT 1") is None:
        return 0
    size = (await head()).size
    await in_one_trip(lambda: recompute_some(size))
    for _attempt in range(20):
        try:
            signed, count = await write_in_one_trip(_sequence)
        except Overtaken:
            await asyncio.sleep(PAUSE / 4)
            continue
        if signed is not None:
            await _keep(signed)
        return count
    raise Overtaken("Twenty times in a row somebody else was faster.")


async def _keep(signed: Checkpoint) -> None:
    """Outside the database, in this order: what is on the lock file's checkpoint has its lines in the safety log."""
    await safety.catch_up()
    await asyncio.to_thread(keep, signed, (await head()).key)


async def begin_next_log(follows: Checkpoint) -> Checkpoint:
    """Let the log of a restored backup go on under the next origin; its first entry carries the checkpoint it follows.

    For a database that is not in use yet: nothing is kept outside it, the next turn does that.
    """
    async with writing():
        payload = {"checkpoint": follows.note}
        await record(events.CONTINUED, actor="system", payload=payload, digest=named(follows))
        signed, _count = await _sequence(follows)
    assert signed is not None
    return signed


async def _sequence(follows: Checkpoint | None = None) -> tuple[Checkpoint | None, int]:
    # The lock file comes before the head, and the head before the outbox: what moves between the reads then looks
    # older than it is, and our compare-and-swap fails.
    kept = last_signed((await head()).key) if follows is None else None
    old = await head()
    _require_not_behind(kept, old)
    origin = old.origin if follows is None else next_origin(max(old.origin, follows.origin, key=number_of))
    tree, before = old.tree(), old.checkpoint()
    if before is not None and before.root != tree.root():
        raise LogBroken("The head of the log and its last checkpoint do not fit together. Run `portal audit verify`.")
    stamp = await _time(old)
    alone = f" AND event = '{events.CONTINUED.name}'" if follows is not None else ""
    outbox = f"entry {through('entry_outbox')} WHERE log_index IS NULL"
    waiting = await rows(f"SELECT id, event, commitment, n, d FROM {outbox}{alone} ORDER BY id LIMIT {BATCH}")
    if not waiting:
        return None, 0
    leaves = [leaf_bytes(bytes(each["commitment"]), each["event"], stamp, each["n"], each["d"]) for each in waiting]
    hashes = [leaf_hash(leaf) for leaf in leaves]
    for hashed in hashes:
        tree.append(hashed)
    moved = await run(
        "UPDATE head SET origin = ?, size = ?, frontier = ? WHERE one = 1 AND size = ? AND frontier = ?",
        origin,
        tree.size,
        tree.as_bytes(),
        old.size,
        old.frontier,
    )
    if moved != 1:
        raise Overtaken
    await many("INSERT INTO leaf (log_index, bytes) VALUES (?, ?)", list(enumerate(leaves, old.size)))
    await many(
        "UPDATE entry SET log_index = ? WHERE id = ? AND log_index IS NULL",
        [(index, each["id"]) for index, each in enumerate(waiting, old.size)],
    )
    await tiles.store(tiles.added(hashes, old.size, await _partial_tiles(old)))
    await _recompute(old, tree.size, tree.root())
    signed = sign_checkpoint(origin, tree.size, tree.root(), vault.signing_seed())
    await run("INSERT INTO checkpoint (size, note) VALUES (?, ?)", signed.size, signed.note)
    return signed, len(leaves)


async def _recompute(old: Head, size: int, root: bytes) -> None:
    """The second path: from the rows as they now lie in the database, by way of the tiles and not of the frontier.

    A flipped bit in memory, on the disk or in an older tile must not get signed: a signature cannot be taken back.
    """
    stored = await rows("SELECT log_index, bytes FROM leaf WHERE log_index >= ? ORDER BY log_index", old.size)
    entries = await row("SELECT count(*) AS n FROM entry WHERE log_index >= ?", old.size)
    if entries is None or entries["n"] != size - old.size:
        raise Overtaken  # an entry was shredded between our reading and our marking it
    if [each["log_index"] for each in stored] != list(range(old.size, size)):
        raise LogBroken("The new leaves do not follow each other. Nothing was signed.")
    first = old.size // tiles.WIDTH
    bottom = await tiles.load((0, number) for number in range(first, (size - 1) // tiles.WIDTH + 1))
    level_0 = b"".join(bottom[place] for place in sorted(bottom))[32 * (old.size % tiles.WIDTH) :]
    if b"".join(leaf_hash(bytes(each["bytes"])) for each in stored) != level_0:
        raise LogBroken("The stored leaves and the stored tiles do not fit together. Nothing was signed.")
    try:
        recomputed = await tiles.root(size)
    except tiles.MissingTile as problem:
        raise LogBroken(f"{problem} Nothing was signed.") from problem
    if recomputed != root:
        raise LogBroken("Two ways of computing the root disagree: something stored was changed. Nothing was signed.")


async def _partial_tiles(old: Head) -> dict[tiles.Place, bytes]:
    wanted = tiles.right_edge(old.size)
    found = await tiles.load(wanted)
    for level, number in wanted:
        if len(found.get((level, number), b"")) != 32 * ((old.size >> 8 * level) % tiles.WIDTH):
            raise LogBroken(f"Tile {number} of level {level} has not the width that a log of {old.size} entries has.")
    return found


async def _time(old: Head) -> str:
    """The time of this batch: now, or that of the last entry if the clock stepped back (which is itself recorded)."""
    global _clock_is_back
    now = clock.rfc3339(clock.now())
    if old.size == 0:
        _clock_is_back = False
        return now
    last = await row("SELECT bytes FROM leaf WHERE log_index = ?", old.size - 1)
    if last is None:
        raise LogBroken(f"Entry {old.size - 1} is missing from the log.")
    try:
        latest = read_leaf(bytes(last["bytes"])).time
    except LeafError as problem:
        raise LogBroken(f"Entry {old.size - 1} of the log was changed. Run `portal audit verify`.") from problem
    if now < latest and not _clock_is_back:
        _log.warning("audit_clock_stepped_back", now=now, kept=latest)
        await record(events.CLOCK_STEPPED_BACK, actor="system", payload={"clock": now, "kept": latest})
    _clock_is_back = now < latest
    return max(now, latest)


async def _check_lock_file() -> None:
    """Catch the safety log and the lock file up with the database, or refuse to go on."""
    kept = last_signed((await head()).key)
    now = await head()
    _require_not_behind(kept, now)
    signed = now.checkpoint()
    if signed is None or (kept is not None and (kept.origin, kept.size, kept.root) == (signed.origin, signed.size, signed.root)):
        return
    if kept is not None and kept.size and (kept.origin == signed.origin or not await _is_followed(kept)):
        await _require_grown(kept, signed)
    await _keep(signed)


async def _is_followed(kept: Checkpoint) -> bool:
    """Whether the log in use began as the successor of exactly that state; it need not have grown from it."""
    _first, follows = await beginning()
    return follows == named(kept)


def _require_not_behind(kept: Checkpoint | None, now: Head) -> None:
    if kept is not None and order(kept) > (number_of(now.origin), now.size):
        raise LogBroken(
            f"The database holds {now.size} entries of {now.origin}, but {kept.size} of {kept.origin} were signed already:"
            " it is a restored copy. Restore it with `portal restore`; signing on from here would contradict receipts that"
            " people hold."
        )


async def _require_grown(kept: Checkpoint, signed: Checkpoint) -> None:
    try:
        if kept.size > signed.size:
            raise ProofError("it holds fewer.")
        proof = await tiles.consistency_proof(kept.size, signed.size)
        verify_consistency(kept.size, signed.size, kept.root, signed.root, proof)
    except (ProofError, tiles.MissingTile, ValueError) as problem:
        raise LogBroken(
            f"The log does not continue from the {kept.size} entries this machine signed last ({problem})"
            " Another history was put in its place; run `portal audit verify`."
        ) from problem


async def _lead(holder: str) -> bool:
    """On PostgreSQL: take or keep the lease, or leave the work to who has it."""
    if get().is_sqlite:
        return True
    now, length = clock.micros(clock.now()), LEASE // timedelta(microseconds=1)
    held = await row("SELECT holder, until FROM sequencer_lease")
    if held is not None and now < held["until"] <= now + length:
        if held["holder"] != holder:
            return False
        if held["until"] > now + length * 2 // 3:
            return True
    # A lease that ends later than any lease can is left from before the clock stepped back; it counts for nothing.
    async with writing():
        taken = await run(
            "UPDATE sequencer_lease SET holder = ?, until = ? WHERE holder = ? OR until <= ? OR until > ?",
            holder,
            now + length,
            holder,
            now,
            now + length,
        )
    return taken == 1


async def _resign(holder: str) -> None:
    """Let the next one lead at once; after a kill it waits until the lease has run out."""
    if not get().is_sqlite:
        async with writing():
            await run("UPDATE sequencer_lease SET until = 0 WHERE holder = ?", holder)


async def _until(*any_of: asyncio.Event, seconds: float) -> None:
    """Wait until one of the events is set, at most so long."""
    if seconds <= 0:
        return
    waits = [asyncio.create_task(event.wait()) for event in any_of]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waits:
            each.cancel()
