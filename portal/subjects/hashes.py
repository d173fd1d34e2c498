"""Hashed suppression lists of other systems: addresses that nobody may write to, as SHA-256, SHA-1 or MD5.

Such a hash cannot be turned into an address, and anybody who has it can try addresses on it: it is kept under our key, like
the notes of erased people. An address is compared as it comes: whoever hashes to one of them is closed (GDPR Art. 21(3)).
Which list had which hash is kept too: one that is taken back leaves what another one had.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from portal import db
from portal.lib import clock, ids
from portal.subjects import places

# By the length of their hexadecimal form.
ALGORITHMS = {64: "sha256", 40: "sha1", 32: "md5"}
KINDS = ("email", "phone")
# Why an address is closed whose owner handed it in while it was on a list.
BASIS = "hashed suppression list"
AT_ONCE = 500
_BEHIND_ALL = "g"  # behind every id, which is hexadecimal, in the order of any language

Address = tuple[str, str]


async def add(kind: str, hashes: Sequence[str], *, to: str, basis: str) -> None:
    """Keep hashes (hexadecimal, of one algorithm each by its length) as those of a list; inside `writing()`."""
    before, now = await _ids(kind, hashes), clock.micros(clock.now())
    new = [each for each in dict.fromkeys(hashes) if each not in before]
    await _insert([(ids.new(), *_places(kind, each)[0], places.BLIND_KEY, basis, now, to) for each in new])
    kept = before | (await _ids(kind, new) if new else {})  # another list may have been faster
    await _enlist(to, kept.values())


async def known(kind: str, hashes: Iterable[str]) -> set[str]:
    """Those of these hashes that are kept."""
    return set(await _ids(kind, hashes))


async def brought_by(name: str) -> int:
    """How many hashes were kept first because of this list."""
    sql = (
        "SELECT count(*) AS n FROM hashed_list JOIN suppression ON suppression.id = hashed_list.suppression"
        " WHERE hashed_list.list = ? AND suppression.by = ?"
    )
    found = await db.row(sql, name, name)
    return int(found["n"]) if found else 0


@dataclass(frozen=True, slots=True)
class Hashed:
    """A hash on a list: `note` is its place there, by which it is read on; `key` names the key it is kept under."""

    note: str
    kind: str
    hash: bytes
    key: str
    since: int


async def listed(name: str, *, after: str = "", first: str = "", last: str = _BEHIND_ALL) -> list[Hashed]:
    """Those of a list in the order of their notes, 500 at most: behind one of them, or from one to another."""
    found = await db.rows(
        "SELECT suppression.id, kind, hash, hash_key, since FROM hashed_list"
        " JOIN suppression ON suppression.id = hashed_list.suppression WHERE hashed_list.list = ?"
        " AND hashed_list.suppression > ? AND hashed_list.suppression >= ? AND hashed_list.suppression <= ?"
        " ORDER BY hashed_list.suppression LIMIT ?",
        *(name, after, first, last, AT_ONCE),
    )
    return [Hashed(each["id"], each["kind"], bytes(each["hash"]), each["hash_key"], each["since"]) for each in found]


async def put_back(name: str, listed: Sequence[Hashed]) -> bool:
    """Those that a restored database lacks, 500 at most, on their list again; inside `writing()`. Says whether there were any."""
    held = await _held(listed)
    missing = [each for each in listed if each not in held]
    await _insert([(ids.new(), each.kind, each.hash, each.key, BASIS, each.since, name) for each in missing])
    held |= await _held(missing)
    notes = sorted(set(held.values()))
    there = f"SELECT count(*) AS n FROM hashed_list WHERE list = ? AND suppression IN ({', '.join('?' * len(notes))})"
    found = await db.row(there, name, *notes)
    await _enlist(name, notes)
    return found is not None and found["n"] < len(notes)


async def _held(listed: Sequence[Hashed]) -> dict[Hashed, str]:
    """The ids under which these are kept here."""
    of = {(each.kind, each.hash): each for each in listed}
    found = [await _kept(kind, of) for kind in sorted({each.kind for each in listed})]
    return {of[place]: id_ for each in found for place, (id_, _since) in each.items()}


async def drop(name: str) -> int:
    """Take some hashes of a list back, and forget those that no other list has; inside `writing()`. Answers how many."""
    sql = "SELECT suppression FROM hashed_list WHERE list = ? ORDER BY suppression LIMIT ?"
    found = [row["suppression"] for row in await db.rows(sql, name, AT_ONCE)]
    marks = ", ".join("?" * len(found))
    if found:
        await db.run(f"DELETE FROM hashed_list WHERE list = ? AND suppression IN ({marks})", name, *found)
        others = "SELECT 1 FROM hashed_list WHERE hashed_list.suppression = suppression.id"
        await db.run(f"DELETE FROM suppression WHERE id IN ({marks}) AND NOT EXISTS ({others})", *found)
    return len(found)


async def closed(addresses: Iterable[Address]) -> dict[Address, datetime]:
    """Of these addresses (kind and value, best as it was given) those that are on a hashed list, and since when."""
    asked = [each for each in dict.fromkeys(addresses) if each[0] in KINDS]
    lists = await _lists() if asked else set()
    wanted: dict[places.Place, list[Address]] = {}
    for each in asked if lists else ():
        for hashed in hashes_of(*each):
            for place in _places(each[0], hashed):
                wanted.setdefault(place, []).append(each)
    found: dict[Address, datetime] = {}
    for name in sorted(lists):
        for place, (_id, since) in (await _kept(name, wanted)).items():
            found |= {each: min(since, found.get(each, since)) for each in wanted[place]}
    return found


def hashes_of(kind: str, value: str) -> set[str]:
    """Of an address in small letters; of a number with and without its plus; in the form of today and those from before."""
    forms = set(places.spellings(kind, value))
    if kind == "phone":
        forms |= {each.removeprefix("+") for each in forms}
    return {hashlib.new(name, form.encode(), usedforsecurity=False).hexdigest() for form in forms for name in ALGORITHMS.values()}


async def _insert(rows: list[tuple[object, ...]]) -> None:
    await db.many(
        "INSERT INTO suppression (id, kind, hash, hash_key, basis, since, ends_at, by) VALUES (?, ?, ?, ?, ?, ?, NULL, ?)"
        " ON CONFLICT (kind, hash) DO NOTHING",
        rows,
    )


async def _enlist(name: str, notes: Iterable[str]) -> None:
    await db.many(
        "INSERT INTO hashed_list (list, suppression) VALUES (?, ?) ON CONFLICT (list, suppression) DO NOTHING",
        [(name, each) for each in sorted(set(notes))],
    )


async def _lists() -> set[str]:
    """The kinds of hashes of which there is any: mostly none, which costs one query."""
    names = [f"{kind}/{algorithm}" for kind in KINDS for algorithm in ALGORITHMS.values()]
    each = "SELECT * FROM (SELECT kind FROM suppression WHERE kind = ? LIMIT 1) AS one"
    return {row["kind"] for row in await db.rows(" UNION ALL ".join([each] * len(names)), *names)}


async def _ids(kind: str, hashes: Iterable[str]) -> dict[str, str]:
    """The ids of those of these hashes that are kept."""
    wanted = {place: each for each in hashes for place in _places(kind, each)}
    found = [await _kept(name, wanted) for name in sorted({name for name, _blind in wanted})]
    return {wanted[place]: id_ for each in found for place, (id_, _since) in each.items()}


async def _kept(name: str, places_wanted: Iterable[places.Place]) -> dict[places.Place, tuple[str, datetime]]:
    blinds = sorted({blind for each, blind in places_wanted if each == name})
    found: dict[places.Place, tuple[str, datetime]] = {}
    for start in range(0, len(blinds), AT_ONCE):
        part = blinds[start : start + AT_ONCE]
        sql = f"SELECT id, hash, since FROM suppression WHERE kind = ? AND hash IN ({', '.join('?' * len(part))})"
        for row in await db.rows(sql, name, *part):
            found[name, bytes(row["hash"])] = row["id"], clock.from_micros(row["since"])
    return found


def _places(kind: str, hashed: str) -> list[places.Place]:
    """Where a hash lies from now on, and where it may still lie under a key from before."""
    name = f"{kind}/{ALGORITHMS[len(hashed)]}"
    return [(name, places.blind_of(name, hashed, key)) for key in reversed(places.BLIND_KEYS)]
