"""A deletion that nobody asked for: the company opens it because no basis for the data is left (GDPR Art. 5(1)(e), 17(1)(b)).

An ordinary request from the search on: dry run, a second person, evidence file. But nobody shows who they are, nothing is
objected to in the person's name, and nobody is written to: no mail may say that they asked. The law's clock runs from the
opening, as the measure of "without undue delay"; the published figures leave it out.
"""

from portal import db, subjects
from portal.cases import events, intake, models, moves, states
from portal.lib import clock, ids
from portal.lib.errors import Conflict
from portal.paper import _
from portal.settings import get

SOURCE = "no basis left"
NOTED = "no basis was left; kept off lists"


async def open_erasure(subject_id: str, *, officer: str, keep_note: bool) -> str:
    """Inside `writing()`: for every address of the whole person that is left and theirs alone; answers the case's id.

    Raises Conflict where there is none.

    `keep_note`: the coded note of each address stays, so that no later list brings the person back with a yes.
    """
    person = await subjects.whole(subject_id)
    living = [each for each in person.identifiers if each.erased_at is None and each.audience == "person"]
    values = await subjects.values_of(living)
    known = [each for each in living if values[each.id]]
    reachable = sorted(known, key=lambda each: (each.kind != "email", each.created_at, each.id))
    if not reachable:
        raise Conflict(_("Nothing of this person is left here that could be deleted."))
    first, actor = reachable[0], f"officer:{officer}"
    asker = intake.Asker(
        values[first.id] or "", get().language_list[0], states.BY_COMPANY, SOURCE, actor, received_at=None, kind=first.kind
    )
    details = {"keep_note": keep_note, "noted": NOTED, "changes": {}}
    row, _reference = await intake.create("erasure", details, asker, event=events.OPENED_BY_US)
    now = clock.now()
    for each in living:
        await models.Concerned.create(id=ids.new(), case_id=row.id, identifier=each.id, noted_at=now)
    row.subject = person.subjects[0]
    await row.save(update_fields=["subject"])
    await moves.move(row, "open ourselves", event=events.BASIS_OPENED, actor=actor)
    return row.id


async def end(case_id: str, *, officer: str) -> None:
    """An officer found a reason to keep the data, before any of it was deleted."""
    async with db.writing():
        row = await moves.lock(case_id)
        if row.requester != states.BY_COMPANY:
            raise Conflict(_("Somebody asked for this deletion: only they can take that back."))
        await moves.move(row, "withdraw", event=events.ENDED_BY_US, actor=f"officer:{officer}")
        await moves.papers_later(row)
        await models.Task.filter(case_id=case_id, state="waiting").update(state="void")


def is_ours(requester: str) -> bool:
    """Whether nobody asked for a request."""
    return requester == states.BY_COMPANY
