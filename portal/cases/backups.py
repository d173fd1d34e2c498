"""After a deletion: the day by which no backup of a system can be read that still holds the data (GDPR Art. 12(1), 17, 5(1)(e)).

As the system's entry in the list of systems says; one that says nothing is named all the same. Names nobody.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from portal import connectors
from portal.cases import fanout, models, moves, own_data
from portal.settings import get

# A backup's keys live no longer (custody.backup.KEEP_KEYS): without them nobody who was erased can be read in it.
OUR_KEYS = timedelta(days=30)


@dataclass(frozen=True)
class LastBackup:
    """`until`: the day on which the last one is gone; None where the system has not said."""

    label: str
    until: date | None


async def of(case_id: str) -> list[LastBackup]:
    """Of each system in which something was deleted or made anonymous, in the order in which they were asked."""
    row = await moves.load(case_id)
    found = await models.FindingRow.filter(case_id=case_id, round=row.round, row_count__gt=0)
    changed = {each.system for each in found if each.about["action"] != "keep"}
    done = await models.Task.filter(case_id=case_id, round=row.round, step="erase", state="answered").order_by("id")
    titles = dict(fanout.all_systems())
    return [LastBackup(titles.get(task.system, task.label), _until(task)) for task in done if task.system in changed]


def _until(task: models.Task) -> date | None:
    assert task.answered_at is not None
    day = task.answered_at.astimezone(ZoneInfo(get().time_zone)).date()
    if task.system == own_data.NAME:
        return day + OUR_KEYS
    return next((each.last_backup(day) for each in connectors.systems() if each.name == task.system), None)
