"""What this room keeps outside the database, so that a restored backup loses no no: refusals, takings back, stops, pauses, and
addresses that their person left. Also what ended them where a restriction was lifted or a pause was over early.

With the keyed index of the address, never the address. A no is recorded again as what it was: same person, cell, grade and
time. One of an address that the backup does not know becomes a coded note, which closes that address for advertising.
A no that was undone, or an import's that was taken back, comes back as a no: in doubt nobody is written to. What opens in an
import that was taken back is taken back again.
"""

from collections.abc import Sequence
from typing import Any

from portal import audit, db, identity, subjects
from portal.consent import batches, events
from portal.consent.decisions import Decided, record_again
from portal.consent.propagation import wake
from portal.consent.words import Word
from portal.lib import clock, ids

BASIS = "said no before a backup was restored"
_WORD = ("purpose", "channel", "topic", "answer", "source", "grade", "actor", "edition", "language")
_STOP = ("id", "act", "holder", "kind", "scope", "since", "by", "why")
_PAUSE = ("id", "act", "holder", "purpose", "channel", "since", "until", "by")
_ADDRESS = "SELECT id, kind, blind, blind_key FROM identifier WHERE"
_EVENT_OF = {
    "objected": events.OBJECTED,
    "suppressed": events.SUPPRESSED,
    "restricted": events.RESTRICTED,
    "erased": events.STOPPED,
}


async def _tell_noes(entries: Sequence[audit.safety.Kept]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    wanted = [each.object for each in entries]
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        sql = (
            "SELECT decision.*, identifier.kind, identifier.blind, identifier.blind_key FROM decision"
            f" JOIN identifier ON identifier.id = decision.identifier WHERE decision.id IN ({', '.join('?' * len(part))})"
        )
        found |= {each["id"]: each for each in await db.rows(sql, *part)}
    return {each.id: _no(found[each.object]) for each in entries if each.object in found}


def _no(row: dict[str, Any]) -> dict[str, Any]:
    said = {"id": row["id"], "claimed_at": row["claimed_at"], "said_at": row["said_at"]} | {name: row[name] for name in _WORD}
    return said | {"address": [row["identifier"], row["kind"], bytes(row["blind"]).hex(), row["blind_key"]]}


async def _no_again(what: dict[str, Any]) -> bool:
    if await db.row("SELECT 1 AS one FROM decision WHERE id = ?", what["id"]):
        return False
    identifier, kind, blind, key = what["address"]
    mine = await subjects.safekeeping.lying_at(identifier, kind, blind)
    if mine is None:
        return await subjects.safekeeping.close(kind, blind, key, basis=BASIS)
    person = (await subjects.people([mine]))[mine]
    claimed = None if what["claimed_at"] is None else clock.from_micros(what["claimed_at"])
    word = Word(identifier=mine, said_at=claimed, **{name: what[name] for name in _WORD})
    said = clock.from_micros(what["said_at"])
    await record_again(Decided(what["id"], word, said, clock.now(), None, "firm", ""), person)
    return True


async def _tell_stops(entries: Sequence[audit.safety.Kept]) -> dict[str, dict[str, Any]]:
    told: dict[str, dict[str, Any]] = {}
    for each in entries:
        stops = await db.rows("SELECT * FROM stop WHERE act = ? ORDER BY id", each.object)
        kept = []
        for stop in stops:
            held = await _addresses("id" if stop["kind"] == "suppressed" else "home", stop["holder"])
            kept.append({name: stop[name] for name in _STOP} | {"addresses": held})
        told[each.id] = {"stops": kept}
    return told


async def _addresses(column: str, holder: str) -> list[list[str]]:
    """Of one address (`id`) or of all that were recorded under a record (`home`): id, kind, keyed index and its key."""
    found = await db.rows(f"{_ADDRESS} {column} = ? ORDER BY id", holder)
    return [[one["id"], one["kind"], bytes(one["blind"]).hex(), one["blind_key"]] for one in found]


async def _stops_again(what: dict[str, Any]) -> bool:
    return any([await _stop_again(each) for each in what["stops"]])


async def _stop_again(stop: dict[str, Any]) -> bool:
    had_to = False
    for identifier, kind, blind, key in stop["addresses"]:
        mine = await subjects.safekeeping.lying_at(identifier, kind, blind)
        if mine is not None:
            had_to |= await _hold(stop, mine)
        elif stop["kind"] != "erased":  # whoever comes back after an erasure is somebody new
            had_to |= await subjects.safekeeping.close(kind, blind, key, basis=BASIS)
    return had_to


async def _hold(stop: dict[str, Any], identifier: str) -> bool:
    """The stop as it was; for the record that the address lies under here, when that is another one."""
    home = (await subjects.get(identifier)).home
    holder = identifier if stop["kind"] == "suppressed" else home
    is_there = await db.row("SELECT 1 AS one FROM stop WHERE act = ? AND holder = ?", stop["act"], holder)
    if is_there is not None:
        return False
    row = stop | {"id": stop["id"] if holder == stop["holder"] else ids.new(), "holder": holder}
    sql = f"INSERT INTO stop ({', '.join(_STOP)}) VALUES ({', '.join('?' * len(_STOP))})"
    await db.run(sql, *(row[name] for name in _STOP))
    payload = {"scope": stop["scope"], "why": stop["why"], "since": clock.rfc3339(clock.from_micros(stop["since"]))}
    await audit.record(_EVENT_OF[stop["kind"]], actor=stop["by"], subject=home, object=stop["act"], payload=payload)
    await wake()
    return True


async def _tell_lifted(entries: Sequence[audit.safety.Kept]) -> dict[str, dict[str, Any]]:
    """Restrictions alone, of whose end the person was told. Other stops were an import's: taken back, it comes back whole."""
    sql = "SELECT act, lifted_at, lifted_by, lifted_why FROM stop WHERE act = ? AND kind = 'restricted' AND lifted_at IS NOT NULL"
    found = {each.id: await db.row(sql, each.object) for each in entries}
    return {entry: dict(row) for entry, row in found.items() if row is not None}


async def _lift_again(what: dict[str, Any]) -> bool:
    standing = await db.row("SELECT holder FROM stop WHERE act = ? AND lifted_at IS NULL ORDER BY holder", what["act"])
    if standing is None:
        return False
    lifted = "UPDATE stop SET lifted_at = ?, lifted_by = ?, lifted_why = ? WHERE act = ? AND lifted_at IS NULL"
    await db.run(lifted, what["lifted_at"], what["lifted_by"], what["lifted_why"], what["act"])
    said = {"why": what["lifted_why"]}
    await audit.record(events.LIFTED, actor=what["lifted_by"], subject=standing["holder"], object=what["act"], payload=said)
    await wake()
    return True


async def _tell_pauses(entries: Sequence[audit.safety.Kept]) -> dict[str, dict[str, Any]]:
    told: dict[str, dict[str, Any]] = {}
    for each in entries:
        rows = await db.rows("SELECT * FROM pause WHERE act = ? ORDER BY id", each.object)
        kept = [{name: row[name] for name in _PAUSE} | {"addresses": await _addresses("home", row["holder"])} for row in rows]
        told[each.id] = {"pauses": kept}
    return told


async def _pauses_again(what: dict[str, Any]) -> bool:
    now = clock.micros(clock.now())
    return any([await _pause_again(each) for each in what["pauses"] if each["until"] > now])


async def _pause_again(pause: dict[str, Any]) -> bool:
    """The pause as it was, on every record under which one of its addresses lies here."""
    lying = [await subjects.safekeeping.lying_at(*address[:3]) for address in pause["addresses"]]
    homes = {(await subjects.get(each)).home for each in lying if each is not None}
    paused = {row["holder"] for row in await db.rows("SELECT holder FROM pause WHERE act = ?", pause["act"])}
    for home in sorted(homes - paused):
        row = pause | {"id": pause["id"] if home == pause["holder"] else ids.new(), "holder": home}
        sql = f"INSERT INTO pause ({', '.join(_PAUSE)}) VALUES ({', '.join('?' * len(_PAUSE))})"
        await db.run(sql, *(row[name] for name in _PAUSE))
        until = clock.rfc3339(clock.from_micros(pause["until"]))
        payload = {"purpose": pause["purpose"], "channel": pause["channel"], "until": until}
        await audit.record(events.PAUSED, actor=pause["by"], subject=home, object=pause["act"], payload=payload)
        await wake()
    return bool(homes - paused)


async def _tell_resumed(entries: Sequence[audit.safety.Kept]) -> dict[str, dict[str, Any]]:
    sql = "SELECT act, ended_at, ended_by FROM pause WHERE act = ? AND ended_at IS NOT NULL"
    found = {each.id: await db.row(sql, each.object) for each in entries}
    return {entry: dict(row) for entry, row in found.items() if row is not None}


async def _resume_again(what: dict[str, Any]) -> bool:
    running = await db.row("SELECT holder FROM pause WHERE act = ? AND ended_at IS NULL ORDER BY holder", what["act"])
    if running is None:
        return False
    ended = "UPDATE pause SET ended_at = ?, ended_by = ? WHERE act = ? AND ended_at IS NULL"
    await db.run(ended, what["ended_at"], what["ended_by"], what["act"])
    await audit.record(events.RESUMED, actor=what["ended_by"], subject=running["holder"], object=what["act"])
    await wake()
    return True


async def _disown_again(what: dict[str, Any]) -> bool:
    left = await subjects.safekeeping.disown_again(what)
    if left is not None:
        await identity.forget([left])
    return left is not None


async def _tell_undone(entries: Sequence[audit.safety.Kept]) -> dict[str, dict[str, Any]]:
    return {each.id: {"batch": each.object} for each in entries}


async def _undo_again(what: dict[str, Any]) -> bool:
    """The yeses of an import that was taken back; what of it closes stays, its refusals and stops as well as its hashes."""
    row = await db.row("SELECT phase, undone_at FROM batch WHERE id = ?", what["batch"])
    if row is None or row["phase"] == "planned" or row["undone_at"] is not None:
        return False
    if (await batches.find_batch(what["batch"])).options.vendor == batches.HASHED:
        return False
    await batches.undo_import(what["batch"], by="system")
    return True


audit.safety.keeps([events.REFUSED, events.UNSET], tell=_tell_noes, again=_no_again)
audit.safety.keeps(_EVENT_OF.values(), tell=_tell_stops, again=_stops_again)
audit.safety.keeps([events.LIFTED], tell=_tell_lifted, again=_lift_again)
audit.safety.keeps([events.PAUSED], tell=_tell_pauses, again=_pauses_again)
audit.safety.keeps([events.RESUMED], tell=_tell_resumed, again=_resume_again)
audit.safety.keeps([subjects.safekeeping.DISOWNED], tell=subjects.safekeeping.tell_addresses, again=_disown_again)
audit.safety.keeps([events.IMPORT_UNDONE], tell=_tell_undone, again=_undo_again)
