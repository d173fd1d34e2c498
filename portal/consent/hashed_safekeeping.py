"""A list of hashed addresses outside the database, so that a restored backup that lacks it closes the same addresses.

Some hundred hashes to an entry of the log, so that a list of a million neither makes one entry nor one line of a million. Kept
under our key as in the database: whoever reads them can try no address on them. With them goes what takes the list back.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Sequence
from itertools import groupby
from typing import Any

from portal import audit, db, subjects, vault
from portal.consent import events
from portal.consent.import_batch import actor_of
from portal.vault import Place

_STATE = ("phase", "done", "started_at", "started_by", "in_force_at")
_BATCH = ("id", "sha256", "options", "planned", "planned_by", "planned_at", *_STATE)
_GOING_ON = {"phase": "noes", "done": "{}", "in_force_at": None}


async def parts_of(batch: str) -> AsyncIterator[tuple[str, int]]:
    """For each part of a list the object of its entry (the list, and from where to where it goes) and how many hashes it has."""
    last = ""
    while part := await subjects.hashes.listed(actor_of(batch), after=last):
        last = part[-1].note
        yield f"{batch}/{part[0].note}/{last}", len(part)


async def _tell_parts(entries: Sequence[audit.safety.Kept]) -> dict[str, dict[str, Any]]:
    told: dict[str, dict[str, Any]] = {}
    for each in entries:
        batch, *ends = each.object.split("/")
        part = await subjects.hashes.listed(actor_of(batch), first=ends[0], last=ends[1]) if ends else []
        if part and (kept := await _batch(batch)) is not None:
            told[each.id] = {"batch": kept | _GOING_ON, "hashes": _packed(part)}
    return told


async def _part_again(what: dict[str, Any]) -> bool:
    """Its entry names no place: of the whole list the entries are made anew as soon as it is there."""
    listed = _unpacked(what["hashes"])
    batch, begun = what["batch"], await _stand(what["batch"])
    put = await subjects.hashes.put_back(actor_of(batch["id"]), listed)
    if begun or put:
        await audit.record(events.HASHES_LISTED, actor="system", object=batch["id"], count=len(listed))
    return begun or put


async def _tell_taken(entries: Sequence[audit.safety.Kept]) -> dict[str, dict[str, Any]]:
    found = {each.id: await _batch(each.object) for each in entries}
    return {entry: kept for entry, kept in found.items() if kept is not None}


async def _taken_again(what: dict[str, Any]) -> bool:
    if not await _stand(what):
        return False
    async for part, count in parts_of(what["id"]):
        await audit.record(events.HASHES_LISTED, actor="system", object=part, count=count)
    counts = json.loads(what["done"])
    payload = {"sha256": what["sha256"], "counts": counts}
    await audit.record(events.HASHES_TAKEN, actor="system", object=what["id"], payload=payload, count=counts["new"])
    return True


async def _batch(batch: str) -> dict[str, Any] | None:
    """What is kept of an import that was not taken back: not its name and its lines, which may say anything."""
    row = await db.row("SELECT * FROM batch WHERE id = ? AND undone_at IS NULL", batch)
    return None if row is None else {name: row[name] for name in _BATCH} | {"sha256": bytes(row["sha256"]).hex()}


async def _stand(batch: dict[str, Any]) -> bool:
    """The import is as far as it was, so that the same list goes on or is taken back; says whether it was not."""
    here = await db.row("SELECT phase FROM batch WHERE id = ?", batch["id"])
    if here is not None and here["phase"] in ("in force", batch["phase"]):
        return False
    if here is not None:
        state = ", ".join(f"{name} = ?" for name in _STATE)
        return bool(await db.run(f"UPDATE batch SET {state} WHERE id = ?", *(batch[name] for name in _STATE), batch["id"]))
    details = json.dumps({"name": "", "problems": [], "charset": ""})
    sealed = (await vault.key_for("portal")).seal(Place("batch", "details", batch["id"]), details)
    row = {name: batch[name] for name in _BATCH} | {"position": 0, "parts": 0, "details": sealed}
    row["sha256"] = bytes.fromhex(batch["sha256"])
    await db.run(f"INSERT INTO batch ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", *row.values())
    return True


def _packed(part: Sequence[subjects.hashes.Hashed]) -> list[list[Any]]:
    """Kind, key and moment once for all hashes that share them; how many these are; the hashes one behind the other."""
    packed = list[list[Any]]()
    for what, those in groupby(part, key=lambda each: (each.kind, each.key, each.since)):
        found = [each.hash for each in those]
        packed.append([*what, len(found), b64encode(b"".join(found)).decode()])
    return packed


def _unpacked(packed: Sequence[Sequence[Any]]) -> list[subjects.hashes.Hashed]:
    part = list[subjects.hashes.Hashed]()
    for kind, key, since, count, joined in packed:
        raw = b64decode(joined)
        width = len(raw) // count
        part += [subjects.hashes.Hashed("", kind, raw[start : start + width], key, since) for start in range(0, len(raw), width)]
    return part


audit.safety.keeps([events.HASHES_LISTED], tell=_tell_parts, again=_part_again)
audit.safety.keeps([events.HASHES_TAKEN], tell=_tell_taken, again=_taken_again)
