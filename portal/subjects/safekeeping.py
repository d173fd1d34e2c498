"""What this room keeps outside the database, so that a restored backup brings back nobody who was erased (GDPR Art. 17), and
shows nobody what is another's: people who were found to be two, addresses that others read too or that their person left.

Ids, and of addresses and coded notes the keyed hash; never a value. Erasures and addresses that were left are told and done
again by whoever also ends visits (`tell_erased`, `erase_again`; `tell_addresses`, `disown_again`); the others are kept here.
"""

from collections.abc import Sequence
from typing import Any

from portal import audit, db, vault
from portal.lib import clock
from portal.subjects import events, evidence
from portal.subjects.disowning import FORMER, disown
from portal.subjects.erasure import forget_addresses
from portal.subjects.identifiers import get, set_audience
from portal.subjects.links import split, whole
from portal.subjects.models import Identifier, Subject
from portal.subjects.notes import OUTLASTING, note

_NOTE = ("id", "kind", "hash", "hash_key", "basis", "since", "ends_at", "by")
_OTHERS_TOO = ("shared", "role")
ERASURES, DISOWNED = (events.ERASED, events.ADDRESS_ERASED), events.DISOWNED


async def tell_erased(entries: Sequence[audit.safety.Kept]) -> dict[str, dict[str, Any]]:
    """Whom an entry about an erasure is about: records and addresses by their ids."""
    told: dict[str, dict[str, Any]] = {}
    for each in entries:
        if each.event == events.ADDRESS_ERASED.name:
            told[each.id] = {"subjects": [], "identifiers": [each.object]}
        elif each.subject:
            person = await whole(each.subject)
            told[each.id] = {"subjects": person.subjects, "identifiers": [one.id for one in person.identifiers]}
    return told


async def living(what: dict[str, Any]) -> list[str]:
    """Of those who were erased the addresses that are not, by their ids; with all that were recorded under their records."""
    found = await _of("identifier", "id", what["identifiers"]) + await _of("identifier", "home", what["subjects"])
    return sorted({each["id"] for each in found if each["erased_at"] is None})


async def erase_again(what: dict[str, Any]) -> bool:
    """Erase once more what an older copy of the database brought back; inside `writing()`. Says whether there was anything."""
    addresses = await forget_addresses(await living(what), by="system")
    people = sorted(each["id"] for each in await _of("subject", "id", what["subjects"]) if each["erased_at"] is None)
    for each in people:
        await db.run("UPDATE subject SET erased_at = ? WHERE id = ?", clock.micros(clock.now()), each)
    keys = sum([await vault.shred("life", each) for each in what["subjects"]])
    if people:
        await audit.record(events.ERASED, actor="system", subject=people[0], count=keys)
        await evidence.keep(people)  # after the entry: where no evidence key is left, that has made one
    if keys:
        await evidence.scrub_soon()
    return bool(addresses or people or keys)


async def tell_addresses(entries: Sequence[audit.safety.Kept]) -> dict[str, dict[str, Any]]:
    """The address that an entry names, as `lying_at` finds it, and for whom it is."""
    found = {each["id"]: each for each in await _of("identifier", "id", [one.object for one in entries])}
    return {
        each.id: {"address": [row["id"], row["kind"], bytes(row["blind"]).hex()], "audience": row["audience"]}
        for each in entries
        if (row := found.get(each.object)) is not None and row["erased_at"] is None
    }


async def disown_again(what: dict[str, Any]) -> Identifier | None:
    """An address that its person left proves nothing about them here either; inside `writing()`. None: nothing was to be done."""
    found = await _living_at(what)
    if found is None or found.audience == FORMER:
        return None
    return await disown(found.id, by="system")


async def _tell_audience(entries: Sequence[audit.safety.Kept]) -> dict[str, dict[str, Any]]:
    told = await tell_addresses(entries)
    return {entry: what for entry, what in told.items() if what["audience"] in _OTHERS_TOO}


async def _audience_again(what: dict[str, Any]) -> bool:
    found = await _living_at(what)
    if found is None or found.audience in (FORMER, what["audience"]):
        return False
    await set_audience(found.id, what["audience"], by="system")
    return True


async def _tell_splits(entries: Sequence[audit.safety.Kept]) -> dict[str, dict[str, Any]]:
    why = "SELECT why FROM link WHERE identifier = ? ORDER BY at DESC, id DESC LIMIT 1"
    found = {each.id: (each.object, await db.row(why, each.object)) for each in entries}
    return {entry: {"identifier": identifier, "why": row["why"]} for entry, (identifier, row) in found.items() if row}


async def _split_again(what: dict[str, Any]) -> bool:
    found = await Identifier.get_or_none(id=what["identifier"])
    if found is None or found.subject == found.home:
        return False
    if (await Subject.get(id=found.subject)).erased_at is not None:
        return False
    await split(found.id, by="system", why=what["why"])
    return True


async def _living_at(what: dict[str, Any]) -> Identifier | None:
    mine = await lying_at(*what["address"])
    found = await get(mine) if mine else None
    return None if found is None or found.erased_at is not None else found


async def lying_at(identifier: str, kind: str, blind: str) -> str | None:
    """The identifier with that id, or else the one of the same address."""
    sql = "SELECT id FROM identifier WHERE id = ? OR (kind = ? AND blind = ?) ORDER BY id = ? DESC"
    found = await db.row(sql, identifier, kind, bytes.fromhex(blind), identifier)
    return None if found is None else str(found["id"])


async def close(kind: str, blind: str, key: str, *, basis: str) -> bool:
    """An address that a copy of the database does not know said no: a coded note closes it; inside `writing()`."""
    return await note(kind, bytes.fromhex(blind), basis, "system", None, key=key)


async def _tell_notes(entries: Sequence[audit.safety.Kept]) -> dict[str, dict[str, Any]]:
    found = {each["id"]: each for each in await _of("suppression", "id", [one.object for one in entries])}
    return {
        each.id: {name: row[name] if name != "hash" else bytes(row[name]).hex() for name in _NOTE}
        for each in entries
        if (row := found.get(each.object)) is not None
    }


async def _note_again(what: dict[str, Any]) -> bool:
    if await _of("suppression", "id", [what["id"]]):
        return False
    values = [bytes.fromhex(what[name]) if name == "hash" else what[name] for name in _NOTE]
    marks = ", ".join("?" * len(_NOTE))
    sql = f"INSERT INTO suppression ({', '.join(_NOTE)}) VALUES ({marks}) {OUTLASTING}"
    if not await db.run(sql, *values):
        return False
    await audit.record(events.SUPPRESSED, actor=what["by"], object=what["id"], payload={"basis": what["basis"]})
    return True


async def _of(table: str, column: str, values: Sequence[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for start in range(0, len(values), 500):
        part = values[start : start + 500]
        found += await db.rows(f"SELECT * FROM {table} WHERE {column} IN ({', '.join('?' * len(part))})", *part)
    return found


audit.safety.keeps([events.SUPPRESSED], tell=_tell_notes, again=_note_again)
audit.safety.keeps([events.AUDIENCE], tell=_tell_audience, again=_audience_again)
audit.safety.keeps([events.SPLIT], tell=_tell_splits, again=_split_again)
