"""The coded note that keeps others from adding an address again: its keyed hash alone (GDPR Art. 17, 21(3)).

Nobody can open a note. Under a new key the old hash itself is hashed once more; after a changed form a note stays under
the form it was written in, unless its address is recorded and takes it along (reindexing).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from portal import audit, db
from portal.lib import clock, ids
from portal.subjects import events, hashes, places
from portal.subjects.places import Place, changing, former_places, place

AT_ONCE = 500
# The basis of a note that somebody else asked for: nobody has shown that the owner wants it; and once their permission was seen.
OTHERS_WORD, PERMITTED = "asked for by somebody else", "asked for by somebody else, permission seen"
BY_OTHERS = (OTHERS_WORD, PERMITTED)


@dataclass(frozen=True)
class Standing:
    """A note under which an address stands; without `ends_at` until its owner says otherwise."""

    id: str
    basis: str
    ends_at: datetime | None


# One that lasts longer takes the place of one that ends; whoever says it themselves is not held to what another said.
OUTLASTING = (
    "ON CONFLICT (kind, hash) DO UPDATE SET id = excluded.id, hash_key = excluded.hash_key, basis = excluded.basis,"
    " since = excluded.since, ends_at = excluded.ends_at, by = excluded.by WHERE suppression.ends_at IS NOT NULL"
    " AND (excluded.ends_at IS NULL OR excluded.ends_at > suppression.ends_at)"
)


async def suppress(kind: str, value: str, *, basis: str, by: str, ends_at: datetime | None = None) -> bool:
    """Keep the coded note that this address must not be added again; inside `writing()`. False: it was there already."""
    before = former_places(kind, value)
    if await _noted_for_long(before, ends_at):
        return False
    hashed, key = place(kind, value)[1], ""
    if before:  # on an address that lies under a former place the note is found there, and goes along when that changes
        marks = ", ".join("?" * len(before))
        asked = f"SELECT blind, blind_key FROM identifier WHERE kind = ? AND blind IN ({marks})"
        known = await db.row(asked, kind, *(blind for _kind, blind in before))
        hashed, key = (bytes(known["blind"]), known["blind_key"]) if known else (hashed, key)
    return await note(kind, hashed, basis, by, ends_at, key=key)


async def _noted_for_long(places: Sequence[Place], until: datetime | None) -> bool:
    """Whether a note stands there that lasts as long."""
    for kind, hashed in places:
        found = await db.row("SELECT ends_at FROM suppression WHERE kind = ? AND hash = ?", kind, hashed)
        if found and (found["ends_at"] is None or (until is not None and found["ends_at"] >= clock.micros(until))):
            return True
    return False


async def is_suppressed(kind: str, value: str, *, but: Sequence[str] = ()) -> bool:
    """Whether this address asked not to be added again; `but`: not by a note on one of these bases."""
    return await _standing(kind, value, "NOT IN", but) is not None


async def standing(kind: str, value: str, bases: Sequence[str]) -> Standing | None:
    """The note on one of these bases that this address stands under."""
    return await _standing(kind, value, "IN", bases)


async def end(kind: str, value: str, bases: Sequence[str], *, by: str, case: str) -> bool:
    """Inside `writing()`: the note on one of these bases goes; answers whether there was one."""
    found = await standing(kind, value, bases)
    if found is None:
        return False
    await db.run("DELETE FROM suppression WHERE id = ?", found.id)
    await audit.record(events.NOTE_ENDED, actor=by, case=case, object=found.id, payload={"basis": found.basis})
    return True


async def closed_by(basis: str) -> int:
    """How many addresses stand under a note on this basis that has an end; a thousand at most."""
    found = await db.row(
        "SELECT count(*) AS n FROM (SELECT id FROM suppression WHERE basis = ? AND ends_at > ? LIMIT 1000) AS standing",
        *(basis, clock.micros(clock.now())),
    )
    return int(found["n"]) if found else 0


async def _standing(kind: str, value: str, which: str, bases: Sequence[str]) -> Standing | None:
    hashes = [hashed for _kind, hashed in (place(kind, value), *former_places(kind, value))]
    of = f" AND basis {which} ({', '.join('?' * len(bases))})" if bases else ""
    found = await db.row(
        "SELECT id, basis, ends_at FROM suppression WHERE kind = ? AND (ends_at IS NULL OR ends_at > ?)"
        f" AND hash IN ({', '.join('?' * len(hashes))}){of} ORDER BY id LIMIT 1",
        *(kind, clock.micros(clock.now()), *hashes, *bases),
    )
    if found is None:
        return None
    return Standing(found["id"], found["basis"], None if found["ends_at"] is None else clock.from_micros(found["ends_at"]))


async def suppressed(addresses: Sequence[tuple[str, str]], *, lists: bool = True) -> dict[tuple[str, str], datetime]:
    """Of these addresses (kind and value) those that asked not to be added again, and since when; with those that another
    system's hashed `lists` close for advertising."""
    places = {each: [place(*each), *former_places(*each)] for each in addresses}
    found = await noted([one for several in places.values() for one in several])
    standing = {each: [found[one] for one in several if one in found] for each, several in places.items()}
    for address, since in (await hashes.closed(addresses) if lists else {}).items():
        standing[address].append(since)
    return {each: min(since) for each, since in standing.items() if since}


async def take_along(addresses: Sequence[tuple[str, str]]) -> None:
    """Notes on addresses that are being recorded move to the place where these lie now; inside `writing()`."""
    for kind, value in addresses if changing() else ():
        if before := former_places(kind, value):
            await move([blind for _kind, blind in before], *place(kind, value), places.BLIND_KEY)


async def move(hashes: Sequence[bytes], kind: str, hashed: bytes, key: str) -> None:
    """Notes under these hashes stand under another one from now on; where one stands there already, both stay."""
    marks = ", ".join("?" * len(hashes))
    await db.run(
        "UPDATE suppression SET hash = ?, hash_key = ? WHERE id = (SELECT min(id) FROM suppression WHERE kind = ? AND hash IN"
        f" ({marks})) AND NOT EXISTS (SELECT 1 FROM suppression other WHERE other.kind = ? AND other.hash = ?)",
        *(hashed, key, kind, *hashes, kind, hashed),
    )


async def noted_before(addresses: Sequence[tuple[str, str]]) -> dict[Place, datetime]:
    """Of these addresses those whose note lies under a former place, by the place they have now."""
    if not changing():
        return {}
    asked = {former: place(*each) for each in addresses for former in former_places(*each)}
    return {asked[before]: since for before, since in (await noted(list(asked))).items()}


async def noted(places: Sequence[Place]) -> dict[Place, datetime]:
    """Of these kinds and blind indexes those that stand under a note now, and since when."""
    found: dict[Place, datetime] = {}
    now = clock.micros(clock.now())
    for kind in sorted({kind for kind, _blind in places}):
        blinds = sorted({blind for each, blind in places if each == kind})
        for start in range(0, len(blinds), AT_ONCE):
            part = blinds[start : start + AT_ONCE]
            marks = ", ".join("?" * len(part))
            sql = f"SELECT hash, since FROM suppression WHERE kind = ? AND hash IN ({marks}) AND (ends_at IS NULL OR ends_at > ?)"
            found |= {
                (kind, bytes(each["hash"])): clock.from_micros(each["since"]) for each in await db.rows(sql, kind, *part, now)
            }
    return found


async def note(kind: str, hashed: bytes, basis: str, by: str, ends_at: datetime | None, *, key: str = "") -> bool:
    note_id = ids.new()
    until = None if ends_at is None else clock.micros(ends_at)
    added = await db.run(
        "INSERT INTO suppression (id, kind, hash, hash_key, basis, since, ends_at, by) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        f" {OUTLASTING}",
        *(note_id, kind, hashed, key or places.BLIND_KEY, basis, clock.micros(clock.now()), until, by),
    )
    if added:
        await audit.record(events.SUPPRESSED, actor=by, object=note_id, payload={"basis": basis})
    return bool(added)
