"""What this room keeps outside the database for a restored backup: whose earlier requests fell with their erasure, and the
legal holds that counsel set and lifted since, so that no job deletes what a court may ask for (GDPR Art. 17(3)(e)); and what the
portal may no longer answer by itself, and the addresses of officers' calendars that were ended or replaced.

Ids, the sealed reason, and the keyed index of the person's addresses; never a value.
"""

from collections.abc import Sequence
from typing import Any

from portal import audit, db, subjects, vault
from portal.cases import contact, events, feed, own_data, switches
from portal.vault import Place

_HOLD = ("id", "subject", "system", "by", "since", "review_on")


async def _tell(entries: Sequence[audit.safety.Kept]) -> dict[str, dict[str, Any]]:
    """Of the deletions those in the portal itself: the person's records by their ids, and the request that was the deletion."""
    told: dict[str, dict[str, Any]] = {}
    for each in entries:
        row = await db.row("SELECT subject FROM case_file WHERE id = ?", each.case) if each.object == own_data.NAME else None
        if row is not None and row["subject"] is not None:
            told[each.id] = {"subjects": (await subjects.whole(row["subject"])).subjects, "case": each.case}
    return told


async def _again(what: dict[str, Any]) -> bool:
    # What the deletion itself says is offered for 30 days more. Older lines do not name it.
    return bool(await contact.fall_of(what["subjects"], but=what.get("case", "")))


async def _tell_holds(entries: Sequence[audit.safety.Kept]) -> dict[str, dict[str, Any]]:
    told: dict[str, dict[str, Any]] = {}
    for each in entries:
        row = await db.row("SELECT * FROM legal_hold WHERE id = ?", each.object.removeprefix("hold:"))
        if row is None:
            continue
        if each.event == events.HOLD_ENDED.name:
            told[each.id] = {name: row[name] for name in ("id", "lifted_by", "lifted_at")}
            continue
        # A restored hold may be on somebody whom this database does not know.
        known = row["subject"] and await _is_known(row["subject"])
        addresses = (await subjects.whole(row["subject"])).identifiers if known else []
        told[each.id] = {name: row[name] for name in _HOLD} | {
            "why": bytes(row["why"]).hex(),
            "addresses": [[one.id, one.kind, bytes(one.blind).hex()] for one in addresses],
        }
    return told


async def _hold_again(what: dict[str, Any]) -> bool:
    if await db.row("SELECT 1 AS one FROM legal_hold WHERE id = ?", what["id"]):
        return False
    person, records = what["subject"], await _lying_at(what["addresses"])
    if person and not await _is_known(person):
        person = records[0] if records else person  # else counsel sees it still: of somebody who is not known here
    await _stand(what, what["id"], person)
    # Records that were joined since the backup are several people again: a part of the hold for each.
    here = set((await subjects.whole(person)).subjects) if person and await _is_known(person) else {person}
    for number, each in enumerate(records, 1):
        if each not in here:
            await _stand(what, f"{what['id']}.{number}", each)
            here |= set((await subjects.whole(each)).subjects)
    return True


async def _stand(what: dict[str, Any], hold_id: str, person: str | None) -> None:
    why = bytes.fromhex(what["why"])
    if person and (hold_id, person) != (what["id"], what["subject"]):
        before = await vault.find_key("life", what["subject"])
        text = before.open(Place("legal_hold", "why", what["id"]), why) if before else ""
        why = (await vault.key_for("life", person)).seal(Place("legal_hold", "why", hold_id), text)
    row = {name: what[name] for name in _HOLD} | {"id": hold_id, "subject": person, "why": why}
    sql = f"INSERT INTO legal_hold ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})"
    await db.run(sql, *row.values())
    said = {"review": what["review_on"]} | ({"system": what["system"]} if what["system"] else {})
    await audit.record(events.HOLD_SET, actor=what["by"], subject=person, object=f"hold:{hold_id}", payload=said)


async def _lying_at(addresses: Sequence[Sequence[str]]) -> list[str]:
    """Whose these addresses are here; not who was erased, of whom nothing is left to hold."""
    records = list[str]()
    for identifier, kind, blind in addresses:
        found = await subjects.safekeeping.lying_at(identifier, kind, blind)
        if found is not None and await vault.find_key("life", record := (await subjects.get(found)).subject):
            records.append(record)
    return records


async def _is_known(person: str) -> bool:
    return await db.row("SELECT 1 AS one FROM subject WHERE id = ?", person) is not None


async def _lift_again(what: dict[str, Any]) -> bool:
    lifted = "UPDATE legal_hold SET lifted_at = ?, lifted_by = ? WHERE id = ? AND lifted_at IS NULL"
    parts = "SELECT id, subject, system FROM legal_hold WHERE (id = ? OR id LIKE ?) AND lifted_at IS NULL ORDER BY id"
    standing = await db.rows(parts, what["id"], f"{what['id']}.%")
    for row in standing:
        await db.run(lifted, what["lifted_at"], what["lifted_by"], row["id"])
        said = {"system": row["system"]} if row["system"] else {}
        object = f"hold:{row['id']}"
        await audit.record(events.HOLD_ENDED, actor=what["lifted_by"], subject=row["subject"], object=object, payload=said)
    return bool(standing)


async def _tell_off(entries: Sequence[audit.safety.Kept]) -> dict[str, dict[str, Any]]:
    return {each.id: {"switch": each.object} for each in entries}


async def _off_again(what: dict[str, Any]) -> bool:
    return await switches.off_again(what["switch"])


async def _tell_feeds(entries: Sequence[audit.safety.Kept]) -> dict[str, dict[str, Any]]:
    return {each.id: {"officer": each.actor.removeprefix("officer:")} for each in entries}


async def _feed_ends_again(what: dict[str, Any]) -> bool:
    """Of one that was replaced the earlier address ends as well: the officer makes another."""
    before = await feed.made_at(what["officer"])
    await feed.end(what["officer"])
    return before is not None


audit.safety.keeps([events.ERASED], tell=_tell, again=_again)
audit.safety.keeps([events.HOLD_SET], tell=_tell_holds, again=_hold_again)
audit.safety.keeps([events.HOLD_ENDED], tell=_tell_holds, again=_lift_again)
audit.safety.keeps([events.AUTOPILOT_OFF], tell=_tell_off, again=_off_again)
audit.safety.keeps([events.FEED_MADE, events.FEED_ENDED], tell=_tell_feeds, again=_feed_ends_again)
