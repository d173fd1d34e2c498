"""How often the same person asked for the same before: what an officer weighs who calls a request excessive (GDPR Art. 12(5))."""

from portal import db, subjects
from portal.cases import models, states
from portal.lib import clock
from portal.lib.errors import NotFound
from portal.paper import _, date_text, ngettext

A_YEAR = 365
MOST = 100
_NOT_PROVEN = (states.RECEIVED, states.VERIFYING)


async def told(case_id: str) -> str:
    """One sentence for the officer; "" where nobody is known to have asked."""
    row = await models.CaseRow.get_or_none(id=case_id)
    if row is None:
        raise NotFound(_("There is no such request."))
    if row.subject is None:
        return ""
    records = (await subjects.whole(row.subject)).subjects
    same, unproven = (", ".join("?" * len(each)) for each in (records, _NOT_PROVEN))
    sql = (
        f"SELECT received_at FROM case_file WHERE subject IN ({same}) AND right_name = ? AND id <> ? AND received_at <= ?"
        f" AND outcome <> 'unconfirmed' AND state NOT IN ({unproven}) ORDER BY received_at DESC LIMIT {MOST}"
    )
    received = clock.micros(row.received_at)
    earlier = await db.rows(sql, *records, row.right, row.id, received, *_NOT_PROVEN)
    moments = [clock.from_micros(each["received_at"]) for each in earlier]
    if not moments:
        return _("They have not asked for this before.")
    day, lately = date_text(moments[0]), sum((row.received_at - each).days <= A_YEAR for each in moments)
    if not lately:
        return _("They last asked for this on %s, more than a year before. Once a year is not excessive for that alone.") % day
    counted = ngettext("%d time", "%d times", lately) % lately
    return _("They asked for this %(times)s in the year before, last on %(day)s.") % {"times": counted, "day": day}
