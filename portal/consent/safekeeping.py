"""What this room keeps outside the database, so that a restored backup loses no no: refusals, takings back and stops.

With the keyed index of the address, never the address. A no is recorded again as what it was: same person, cell, grade and
time. One of an address that the backup does not know becomes a coded note, which closes that address for advertising.
A no that was undone, or an import's that was taken back, comes back as a no: in doubt nobody is written to.
"""

from collections.abc import Sequence
from typing import Any

from portal import audit, db, subjects
from portal.consent import events
from portal.consent.decisions import Decided, record_again
from portal.consent.propagation import wake
from portal.consent.words import Word
from portal.lib import clock, ids

BASIS = "said no before a backup was restored"
_WORD = ("purpose", "channel", "topic", "answer", "source", "grade", "actor", "edition", "language")
_STOP = ("id", "act", "holder", "kind", "scope", "since", "by", "why")
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
            column = "id" if stop["kind"] == "suppressed" else "home"
            addresses = await db.rows(f"{_ADDRESS} {column} = ? ORDER BY id", stop["holder"])
            held = [[one["id"], one["kind"], bytes(one["blind"]).hex(), one["blind_key"]] for one in addresses]
            kept.append({name: stop[name] for name in _STOP} | {"addresses": held})
        told[each.id] = {"stops": kept}
    return told


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


audit.safety.keeps([events.REFUSED, events.UNSET], tell=_tell_noes, again=_no_again)
audit.safety.keeps(_EVENT_OF.values(), tell=_tell_stops, again=_stops_again)
