"""Hashed suppression lists of other systems: addresses that nobody may write to, as SHA-256, SHA-1 or MD5.

Such a hash cannot be turned into an address, and anybody who has it can try addresses on it: it is kept under our key, like
the notes of erased people. An address is compared as it comes: whoever hashes to one of them is closed (GDPR Art. 21(3)).
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

from portal import db
from portal.lib import clock, ids
from portal.subjects import places

# By the length of their hexadecimal form.
ALGORITHMS = {64: "sha256", 40: "sha1", 32: "md5"}
KINDS = ("email", "phone")
AT_ONCE = 500

Address = tuple[str, str]


async def add(kind: str, hashes: Sequence[str], *, basis: str, by: str) -> int:
    """Keep hashes (hexadecimal, of one algorithm each by its length); inside `writing()`. Answers how many are new."""
    before, now = await known(kind, hashes), clock.micros(clock.now())
    new = [each for each in dict.fromkeys(hashes) if each not in before]
    await db.many(
        "INSERT INTO suppression (id, kind, hash, hash_key, basis, since, ends_at, by) VALUES (?, ?, ?, ?, ?, ?, NULL, ?)"
        " ON CONFLICT (kind, hash) DO NOTHING",
        [(ids.new(), *_place(kind, each), places.BLIND_KEY, basis, now, by) for each in new],
    )
    return len(new)


async def known(kind: str, hashes: Iterable[str]) -> set[str]:
    """Those of these hashes that are kept."""
    wanted = {_place(kind, each): each for each in hashes}
    found = {place for algorithm in ALGORITHMS.values() for place in await _kept(f"{kind}/{algorithm}", wanted)}
    return {wanted[place] for place in found}


async def closed(addresses: Iterable[Address]) -> dict[Address, datetime]:
    """Of these addresses (kind and canonical value) those that are on a hashed list, and since when."""
    asked = [each for each in dict.fromkeys(addresses) if each[0] in KINDS]
    lists = await _lists() if asked else set()
    if not lists:
        return {}
    wanted = {place: each for each in asked for one in hashes_of(*each) if (place := _place(each[0], one))[0] in lists}
    found: dict[Address, datetime] = {}
    for name in sorted(lists):
        for place, since in (await _kept(name, wanted)).items():
            found[wanted[place]] = min(since, found.get(wanted[place], since))
    return found


async def _lists() -> set[str]:
    """The kinds of hashes of which there is any: mostly none, which costs one query."""
    names = [f"{kind}/{algorithm}" for kind in KINDS for algorithm in ALGORITHMS.values()]
    each = "SELECT * FROM (SELECT kind FROM suppression WHERE kind = ? LIMIT 1) AS one"
    return {row["kind"] for row in await db.rows(" UNION ALL ".join([each] * len(names)), *names)}


async def _kept(name: str, places_wanted: Iterable[places.Place]) -> dict[places.Place, datetime]:
    blinds, found = sorted({blind for each, blind in places_wanted if each == name}), dict[places.Place, datetime]()
    for start in range(0, len(blinds), AT_ONCE):
        part = blinds[start : start + AT_ONCE]
        sql = f"SELECT hash, since FROM suppression WHERE kind = ? AND hash IN ({', '.join('?' * len(part))})"
        found |= {(name, bytes(row["hash"])): clock.from_micros(row["since"]) for row in await db.rows(sql, name, *part)}
    return found


def hashes_of(kind: str, canonical: str) -> set[str]:
    """Of an address in small letters; of a number with and without its plus."""
    forms = [canonical, canonical.removeprefix("+")] if kind == "phone" else [canonical]
    return {hashlib.new(name, form.encode(), usedforsecurity=False).hexdigest() for form in forms for name in ALGORITHMS.values()}


def _place(kind: str, hashed: str) -> places.Place:
    name = f"{kind}/{ALGORITHMS[len(hashed)]}"
    return name, places.blind_of(name, hashed)
