"""A copy for somebody who signed in, without an officer: where nothing found asks for judgement (GDPR Art. 12(3), 15, 20).

It begins the search as soon as the person has shown who they are, and answers in full as soon as every system has. Whatever an
officer would have to open first (caution.py) stays for officers, with the search done. While it only watches it notes what it
would have answered.
"""

from portal import audit, db, jobs
from portal.cases import approval, caution, events, fanout, freeze, models, moves, states, switches
from portal.lib import clock

ACTOR = "system"
HOW, ANSWER = "signed in", "fulfilled"


@jobs.verb("cases.autopilot", at_once=2)
async def autopilot_job(job: jobs.Job) -> None:
    """One look at one request: it may have moved since, or an owner may have switched it off."""
    async with db.writing():
        await job.hold()
        row = await moves.lock(job.arguments["case"])
        mode = await switches.mode_of(row.right)
        if row.state == states.TRIAGE and mode == switches.ACTING and await _may_begin(row):
            await fanout.search(row, actor=ACTOR)
        elif row.state == states.REVIEWING and mode != switches.OFF and not await _is_noted(row):
            # What officers began is theirs, also where it acts.
            await _look(row, acts=mode == switches.ACTING and row.officer is None)


async def _look(row: models.CaseRow, *, acts: bool) -> None:
    answers = await _answers(row)
    digest = (await freeze.take(row, answer=ANSWER)).digest if answers else ""
    await db.run(
        "INSERT INTO autopilot_note (case_id, round, asked_for, at, digest, acted) VALUES (?, ?, ?, ?, ?, ?)",
        *(row.id, row.round, row.right, clock.micros(clock.now()), digest, int(acts and answers)),
    )
    if acts and answers:
        await approval.freeze_and_go_on(row, ANSWER, "", event=events.AUTOPILOT_ANSWERED, actor=ACTOR, person="")
    else:
        said = {"answer": ANSWER if answers else "an officer has to look"}
        await audit.record(events.AUTOPILOT_LOOKED, actor=ACTOR, subject=row.subject, case=row.id, payload=said)


async def _answers(row: models.CaseRow) -> bool:
    """Whether something was found, and nothing of it asks for an officer."""
    return await _is_plain(row) and (await moves.facts(row)).found and not await caution.reasons(row)


async def _may_begin(row: models.CaseRow) -> bool:
    return row.round == 0 and row.officer is None and await _is_plain(row) and not caution.marks(row)


async def _is_plain(row: models.CaseRow) -> bool:
    """For the first time, by the person, who signed in for it, and wrote nothing since."""
    signed_in = await models.CaseIdentifier.filter(case_id=row.id, how=HOW).exists()
    return signed_in and row.round <= 1 and row.counted_from is None and row.wrote_at is None


async def _is_noted(row: models.CaseRow) -> bool:
    found = await db.row("SELECT 1 AS one FROM autopilot_note WHERE case_id = ? AND round = ?", row.id, row.round)
    return found is not None
