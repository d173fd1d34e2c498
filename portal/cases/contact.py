"""What can be read of a person in a case that is over, and how it ends (GDPR Art. 5(1)(c)-(e), 17).

Address, message, corrections, notes, reasons and letters lie under the case's own key. It falls 30 days after the end when
the person's data was deleted (so that the certificate can reach them) or nobody had to be answered, else after 3 years;
at once for the older cases of somebody who is erased. What a correction replaced goes after those 30 days in any case.
Dates, steps, counts, hashes and the evidence file stay.
"""

import json
from collections.abc import Sequence
from dataclasses import replace

from portal import audit, connectors, db, jobs, subjects, vault
from portal.cases import events, findings, legal_holds, models, targets
from portal.cases.policy import policy
from portal.lib import clock
from portal.vault import Place

AT_ONCE, A_FEW = 200, 50
COPY_ASKED = (
    "SELECT 1 FROM case_file asked WHERE asked.subject = case_file.subject AND asked.is_open = 1"
    " AND asked.right_name IN ('access', 'portability') AND asked.state <> 'delivering'"
)


async def fall_with(row: models.CaseRow) -> None:
    """Inside `writing()`: the person of this case was just erased. What was found for their other cases falls with it, and
    what the closed ones say; an open one is first brought to its end."""
    person = await subjects.whole(row.subject or "")
    await fall_of(person.subjects, but=row.id)


async def fall_of(people: Sequence[str], *, but: str = "") -> int:
    """Inside `writing()`: what the closed requests of these erased people say goes, and what was found for the others.

    Answers how many keys were destroyed.
    """
    fallen = 0
    for each in await models.CaseRow.filter(subject__in=list(people)).exclude(id=but):
        proven = await models.CaseIdentifier.filter(case_id=each.id).values_list("identifier", flat=True)
        if any([(await subjects.get(str(one))).erased_at is None for one in proven]):
            continue  # it was proven with an address that stays
        await findings.drop(each)
        await _drop_package(each)
        if not each.is_open:
            fallen += await _fall(each.id)
    return fallen


async def fall_of_expired() -> int:
    """Inside `writing()`: a portion of those whose time is over; answers how many. Of nobody on legal hold, nor of anybody who
    waits for a copy: what they asked for must not be gone before they have it.
    """
    held = (await legal_holds.covered()).cases
    others = f" AND id NOT IN ({', '.join('?' * len(held))})" if held else ""
    found = await db.rows(
        f"SELECT id FROM case_file WHERE contact_until <= ?{others} AND NOT EXISTS ({COPY_ASKED}) LIMIT ?",
        *(clock.micros(clock.now()), *held, AT_ONCE),
    )
    for each in found:
        await _fall(each["id"])
    return len(found)


async def fall_of_old_values() -> int:
    """Inside `writing()`: a portion of what corrections replaced, once the time to disagree is over; answers how many.

    With it goes whatever repeats it: what was found, the signed answer, and what the person said it was. Kept for a dispute
    alone: as long as a second look or a hold goes on it stays, also where somebody says that they never asked for it. Where it
    stood is still known.
    """
    held = (await legal_holds.covered()).cases
    others = f" AND c.case_id NOT IN ({', '.join('?' * len(held))})" if held else ""
    found = await db.rows(
        "SELECT c.id, c.case_id FROM case_correction c JOIN case_file f ON f.id = c.case_id"
        f" WHERE c.old IS NOT NULL AND f.is_open = 0 AND f.closed_at <= ?{others}"
        " AND NOT EXISTS (SELECT 1 FROM case_file a WHERE a.appeal_of = f.id AND a.is_open = 1)"
        " AND NOT EXISTS (SELECT 1 FROM case_hold h WHERE h.case_id = f.id AND h.lifted_at IS NULL) LIMIT ?",
        *(clock.micros(clock.now() - policy().contact_kept), *held, A_FEW),
    )
    for correction in await models.CorrectionRow.filter(id__in=[each["id"] for each in found]):
        key = await vault.find_key("case", correction.case_id)
        if key is not None:
            await targets.keep(key, correction, [_without_old(each) for each in targets.kept(key, correction)])
        await models.CorrectionRow.filter(id=correction.id).update(old=None)
        payload = {"field": correction.field}
        await audit.record(events.OLD_VALUE_GONE, actor="system", case=correction.case_id, payload=payload)
    for row in await models.CaseRow.filter(id__in=sorted({each["case_id"] for each in found})):
        await _drop_copies(row)
    return len(found)


def _without_old(target: targets.Target) -> targets.Target:
    """Where an entry is named by the very value, its name goes as well."""
    named = {name: "" if connectors.as_text(value) == target.old else value for name, value in target.key.items()}
    return replace(target, old="", key=named)


async def _drop_copies(row: models.CaseRow) -> None:
    await findings.drop(row)
    for approval in await models.Approval.filter(case_id=row.id):
        await vault.drop_blob(approval.snapshot_blob)
    key, place = await vault.find_key("case", row.id), Place("case_file", "details", row.id)
    said = json.loads(key.open(place, row.details)) if key else {}
    if key and said.pop("old", None):
        row.details = key.seal(place, json.dumps(said, ensure_ascii=False))
        await row.save(update_fields=["details"])


async def _drop_package(row: models.CaseRow) -> None:
    for each in await models.PackageRow.filter(case_id=row.id, kind="package"):
        await vault.drop_blob(each.blob_id)
        await db.run("UPDATE case_package SET keep_until = ? WHERE id = ?", clock.micros(clock.now()), each.id)


async def _fall(case_id: str) -> bool:
    shredded = await vault.shred("case", case_id)
    if shredded:
        await jobs.later("subjects.scrub", {}, key="subjects.scrub")  # the key leaves the database's files as well
    await db.run("UPDATE case_file SET contact_until = NULL WHERE id = ?", case_id)
    return shredded
