"""What is kept so that a connected system can do again what it had done, when its owner restored a backup (GDPR Art. 16, 17).

Of a deletion the identifiers by which it went; of a correction its entries, which lie with the request anyway. Both under the
request's own key: when that falls, nobody can repeat it, and `portal replay` names the request.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal import connectors, subjects, vault
from portal.cases import models, targets
from portal.paper import _
from portal.vault import Place

ERASE, CORRECT = "erase", "correct"


@dataclass(frozen=True)
class Entry:
    """One corrected value as the last correction left it; `before`: what it said before that one and those before it."""

    correction: str
    field: str
    new: str
    target: targets.Target
    before: tuple[str, ...]


async def remember(row: models.CaseRow, task: models.Task, plan: connectors.Plan) -> None:
    """Inside `writing()`: by which identifiers this system deleted."""
    key = await vault.find_key("case", row.id)
    if key is not None:
        text = json.dumps(plan.identifiers, sort_keys=True, ensure_ascii=False)
        await models.Task.filter(id=task.id).update(again=key.seal(_place(task), text))


async def recall(task: models.Task) -> dict[str, list[str]] | None:
    """By which identifiers it deleted; None once the request's key has fallen, and of deletions before these were kept."""
    key = await vault.find_key("case", task.case_id)
    if key is None or task.again is None:
        return None
    known: dict[str, list[str]] = json.loads(key.open(_place(task), task.again))
    return known


async def came_back(identifiers: connectors.Identifiers, erased_at: datetime) -> bool:
    """Whether one of these addresses came to the portal anew after the deletion: the system may hold what they gave since."""
    known = [await subjects.find(kind, value) for kind, values in identifiers.items() for value in values]
    return any(each is not None and each.erased_at is None and each.created_at > erased_at for each in known)


async def done_since(system: str, since: datetime) -> list[models.Task]:
    """What this system deleted and corrected since, oldest first; of each request the last time."""
    found = await models.Task.filter(system=system, state="answered", step__in=[ERASE, CORRECT], answered_at__gte=since).order_by(
        "answered_at", "id"
    )
    last = {(each.case_id, each.step): each for each in found}
    return [each for each in found if last[each.case_id, each.step].id == each.id]


async def entries(tasks: list[models.Task]) -> dict[str, list[Entry]]:
    """Per correcting task what it wrote and no later one wrote over; one whose request can no longer be read is missing."""
    kept: dict[str, list[Entry]] = {}
    latest: dict[tuple[str, str, str], tuple[str, Entry]] = {}
    for task in tasks:
        key = await vault.find_key("case", task.case_id)
        if task.step != CORRECT or key is None:
            continue
        kept[task.id] = []
        for each in await models.CorrectionRow.filter(case_id=task.case_id, accepted=1).order_by("id"):
            new = key.open(Place("case_correction", "new", each.id), each.new)
            for target in targets.kept(key, each):
                if target.chosen and target.system == task.system:
                    place = (target.table, json.dumps(target.key, sort_keys=True), target.column)
                    before = (*latest[place][1].before, latest[place][1].new) if place in latest else ()
                    latest[place] = task.id, Entry(each.id, each.field, new, target, (*before, target.old))
    for task_id, entry in latest.values():
        kept[task_id].append(entry)
    return kept


async def planned_then(task: models.Task) -> connectors.Plan | None:
    """The dry run of that deletion by its counts alone, as somebody who answers by hand is asked; None as with `recall`."""
    known = await recall(task)
    if known is None:
        return None
    found = await models.FindingRow.filter(case_id=task.case_id, round=task.round, system=task.system).order_by("id")
    rows = [_counted(each, number) for each in found for number in range(each.row_count)]
    return connectors.Plan(task.system, known, tuple(rows))


async def gone(row: models.CaseRow, task: models.Task) -> str:
    """Why nobody knows any more whom or what to look for, and what can be done all the same."""
    if await vault.find_key("case", row.id) is not None:
        return _(
            "It was deleted by a version that did not keep what a repetition needs. The address it was asked with still stands in"
            " the request: look it up there, and delete by hand."
        )
    if task.step == ERASE:
        return _(
            "Who it was is known no more: the address of this request was destroyed when its time was over. Compare the restored"
            " data with the copy that it replaced, and delete whoever stands in the restored one alone; the request's evidence"
            " says how many rows of which tables."
        )
    return _(
        "What it was corrected to is known no more: the words of this request were destroyed when their time was over. Compare"
        " the restored data with the copy that it replaced; the request's evidence says which fields."
    )


def deleted_rows(task: models.Task) -> int:
    """How many rows it deleted, or made nobody's."""
    return sum(number for what, number in task.counts.items() if not what.startswith("keep "))


def _counted(found: models.FindingRow, number: int) -> connectors.PlanRow:
    about: dict[str, Any] = found.about
    return connectors.PlanRow(
        found.table_name,
        found.label,
        {"entry": f"{found.id[-8:]}-{number}"},
        about["action"],
        {},
        about["law"],
        about["until"] or None,
        about["why"],
    )


def _place(task: models.Task) -> Place:
    return Place("case_task", "again", task.id)
