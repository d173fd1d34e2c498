"""What this room keeps outside the database for a restored backup: whose earlier requests fell with their erasure, and the
legal holds that counsel set and lifted since, so that no job deletes what a court may ask for (GDPR Art. 17(3)(e)).

Ids, the sealed reason, and the keyed index of the person's addresses; never a value.
"""

from collections.abc import Sequence
from typing import Any

from portal import audit, db, subjects, vault
from portal.cases import contact, events, own_data
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
        mine = "SELECT id, kind, blind FROM identifier WHERE subject = ? ORDER BY id"
        addresses = await db.rows(mine, (await subjects.whole(row["subject"])).identifiers[0].subject) if row["subject"] else []
        told[each.id] = {name: row[name] for name in _HOLD} | {
            "why": bytes(row["why"]).hex(),
            "addresses": [[one["id"], one["kind"], bytes(one["blind"]).hex()] for one in addresses],
        }
    return told


async def _hold_again(what: dict[str, Any]) -> bool:
    if await db.row("SELECT 1 AS one FROM legal_hold WHERE id = ?", what["id"]):
        return False
    person, why = what["subject"], bytes.fromhex(what["why"])
    if person and not await db.row("SELECT 1 AS one FROM subject WHERE id = ?", person):
        person = await _lying_at(what["addresses"]) or person  # else counsel sees it still: of somebody who is not known here
        if person != what["subject"]:
            why = (await vault.key_for("life", person)).seal(Place("legal_hold", "why", what["id"]), "")
    row = {name: what[name] for name in _HOLD} | {"subject": person, "why": why}
    sql = f"INSERT INTO legal_hold ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})"
    await db.run(sql, *row.values())
    said = {"review": what["review_on"]} | ({"system": what["system"]} if what["system"] else {})
    await audit.record(events.HOLD_SET, actor=what["by"], subject=person, object=f"hold:{what['id']}", payload=said)
    return True


async def _lying_at(addresses: Sequence[Sequence[str]]) -> str | None:
    for identifier, kind, blind in addresses:
        found = await subjects.safekeeping.lying_at(identifier, kind, blind)
        if found is not None:
            return (await subjects.get(found)).subject
    return None


async def _lift_again(what: dict[str, Any]) -> bool:
    lifted = "UPDATE legal_hold SET lifted_at = ?, lifted_by = ? WHERE id = ? AND lifted_at IS NULL"
    if not await db.run(lifted, what["lifted_at"], what["lifted_by"], what["id"]):
        return False
    row = await db.row("SELECT subject, system FROM legal_hold WHERE id = ?", what["id"]) or {}
    said = {"system": row["system"]} if row["system"] else {}
    await audit.record(
        events.HOLD_ENDED, actor=what["lifted_by"], subject=row["subject"], object=f"hold:{what['id']}", payload=said
    )
    return True


audit.safety.keeps([events.ERASED], tell=_tell, again=_again)
audit.safety.keeps([events.HOLD_SET], tell=_tell_holds, again=_hold_again)
audit.safety.keeps([events.HOLD_ENDED], tell=_tell_holds, again=_lift_again)
