"""Cooling-off: how long a deletion waits so that the person can take it back, where they did not ask for it at once.

Three days from the proof at most, and never into the day on which the law wants it done (GDPR Art. 12(3), 17(1)). What the
company opened itself does not wait: nobody asked, so nobody can change their mind.
"""

import json
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from portal.cases import models, states, verification
from portal.lib import clock
from portal.lib.errors import Conflict
from portal.paper import _
from portal.settings import get
from portal.vault import Place

LENGTH = timedelta(hours=72)
AT_ONCE, WAITS = "now", "later"
CHOICES = (AT_ONCE, WAITS)


async def until(row: models.CaseRow) -> datetime | None:
    """Until when an open deletion may not begin; None when it need not wait (any more), or has begun, or nobody has proven it.

    A request that says nothing of it was made before there was a choice, or by the company: nobody was promised a wait.
    """
    if row.right != "erasure" or not row.is_open or row.requester == states.BY_COMPANY:
        return None
    first = await models.CaseIdentifier.filter(case_id=row.id).order_by("proven_at").first()
    if first is None or (await verification.details(row)).get("delete") != WAITS or await _has_begun(row):
        return None
    last_day = datetime.combine(date.fromisoformat(row.due_on), time(0), ZoneInfo(get().time_zone))
    ends = min(first.proven_at + LENGTH, last_day)
    return ends if clock.now() < ends else None


async def give_up(row: models.CaseRow) -> None:
    """Inside `writing()`: the person asks for the deletion at once after all. Raises Conflict where nothing waits for them."""
    if await until(row) is None:
        raise Conflict(_("This deletion does not wait any more."))
    key = await verification.case_key(row)
    said = await verification.details(row) | {"delete": AT_ONCE}
    row.details = key.seal(Place("case_file", "details", row.id), json.dumps(said, ensure_ascii=False))
    await row.save(update_fields=["details"])


def unless_said(*rights: str, said: str = "") -> dict[str, str]:
    """For the details of a request: what the person chose, and the wait where they chose nothing. A deletion is for ever."""
    return {"delete": said or WAITS} if "erasure" in rights else {}


async def _has_begun(row: models.CaseRow) -> bool:
    """Another date for the answer does not stop what is half done."""
    acts = models.Task.filter(case_id=row.id, step="erase").exclude(state="void")
    return any(each.attempts or each.state != "waiting" for each in await acts)
