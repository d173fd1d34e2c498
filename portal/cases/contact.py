"""What can be read of a person in a case that is over, and how it ends (GDPR Art. 5(1)(c)-(e), 17).

Address, message, corrections, notes, reasons and letters lie under the case's own key. It falls 30 days after the end when
the person's data was deleted (so that the certificate can reach them) or nobody had to be answered, else after 3 years;
at once for the older cases of somebody who is erased. Dates, steps, counts, hashes and the evidence file stay.
"""

from portal import db, subjects, vault
from portal.cases import models
from portal.lib import clock

AT_ONCE = 200


async def fall_of_closed(row: models.CaseRow) -> None:
    """Inside `writing()`: the person of this case was just erased; what their other closed cases say falls with it."""
    if row.subject is None:
        return
    person = await subjects.whole(row.subject)
    for each in await models.CaseRow.filter(subject__in=person.subjects, is_open=0).exclude(id=row.id):
        await _fall(each.id)


async def fall_of_expired() -> int:
    """Inside `writing()`: a portion of those whose time is over; answers how many."""
    found = await db.rows("SELECT id FROM case_file WHERE contact_until <= ? LIMIT ?", clock.micros(clock.now()), AT_ONCE)
    for each in found:
        await _fall(each["id"])
    return len(found)


async def _fall(case_id: str) -> None:
    await vault.shred("case", case_id)
    await db.run("UPDATE case_file SET contact_until = NULL WHERE id = ?", case_id)
