"""What a person gets without an officer, having signed in for it: a copy, or their own details corrected, where nothing asks
for judgement (GDPR Art. 12(3), 15, 16, 20).

It begins the search as soon as the person has shown who they are, and answers in full as soon as every system has. Whatever an
officer would have to open first (caution.py) stays for officers, with the search done. While it only watches it notes what it
would have answered.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from portal import audit, db, jobs, subjects, vault
from portal.cases import ahead, approval, caution, events, fanout, models, moves, review, states, switches, targets
from portal.lib import clock
from portal.lib.errors import Invalid
from portal.vault import Place

ACTOR = "system"
HOW, ANSWER = "signed in", "fulfilled"
# What people know best of themselves; a telephone number only once it is proven, an e-mail address for this very request.
OWN = frozenset({"name", "street", "city", "postcode", "country", "language"})
PROVEN_FIRST = ("phone",)
LONGEST = 80
# Before a correction is made: long enough to read the mail that it was asked for, and to take it back.
WAIT = timedelta(hours=1)
# What officers do with a request without changing anything about it.
ONLY_LOOKED = (events.SEEN.name, events.LOOKED.name)


class _Looked(Exception):
    """Carries out of a savepoint what it would have signed."""

    def __init__(self, digest: str) -> None:
        self.digest = digest


@jobs.verb("cases.autopilot", at_once=2)
async def autopilot_job(job: jobs.Job) -> None:
    """One look at one request: it may have moved since, or an owner may have switched it off."""
    async with _prepared(job.arguments["case"]) as before, db.writing():
        await job.hold()
        row = await moves.lock(job.arguments["case"])
        mode = await switches.mode_of(row.right)
        if row.state == states.TRIAGE and mode == switches.ACTING and await _may_begin(row):
            await fanout.search(row, actor=ACTOR)
        elif row.state == states.REVIEWING and mode != switches.OFF and not await _is_noted(row):
            # What officers began, or had a hand in, is theirs, also where it acts.
            acts = mode == switches.ACTING and row.officer is None and not await _is_touched(row)
            ready = row.received_at + WAIT
            if acts and row.right == "rectification" and clock.now() < ready:
                await switches.look_later(row, ready)
                return
            await _look(row, before, acts=acts and await _searched_where_it_acts(row))


@asynccontextmanager
async def _prepared(case_id: str) -> AsyncIterator[ahead.Ahead | None]:
    """What was found may be large; a correction's answer is short, and known only once it is accepted."""
    row = await moves.load(case_id)
    if row.state == states.REVIEWING and row.right != "rectification" and await switches.mode_of(row.right) != switches.OFF:
        async with ahead.stored(case_id, answer=ANSWER, reasons="") as before:
            yield before
    else:
        yield None


async def _look(row: models.CaseRow, before: ahead.Ahead | None, *, acts: bool) -> None:
    answers = await _answers(row)
    digest = await _digest(row, before) if answers else ""
    await db.run(
        "INSERT INTO autopilot_note (case_id, round, asked_for, at, digest, acted) VALUES (?, ?, ?, ?, ?, ?)",
        *(row.id, row.round, row.right, clock.micros(clock.now()), digest, int(acts and answers)),
    )
    if acts and answers:
        await _accept(row)
        await approval.freeze_and_go_on(row, ANSWER, "", event=events.AUTOPILOT_ANSWERED, actor=ACTOR, person="", before=before)
    else:
        said = {"answer": ANSWER if answers else "an officer has to look"}
        await audit.record(events.AUTOPILOT_LOOKED, actor=ACTOR, subject=row.subject, case=row.id, payload=said)


async def _answers(row: models.CaseRow) -> bool:
    """Whether something was found, and nothing of it asks for an officer."""
    if not await _is_plain(row) or not (await moves.facts(row)).found:
        return False
    if row.right == "rectification":  # nothing of what was found is given away
        return not await caution.about_the_request(row) and await _are_own_and_clear(row)
    return not await caution.reasons(row)


async def _digest(row: models.CaseRow, before: ahead.Ahead | None) -> str:
    """Of the answer as it would be signed; nothing of it stays."""
    try:
        async with db.savepoint():
            await _accept(row)
            raise _Looked(await ahead.digest(row, ANSWER, "", before))
    except _Looked as looked:
        return looked.digest


async def _accept(row: models.CaseRow) -> None:
    for each in await models.CorrectionRow.filter(case_id=row.id).order_by("id"):
        await review.keep_decision(each, True)


async def _are_own_and_clear(row: models.CaseRow) -> bool:
    """Whether every field is the person's own to say, and stands where it can be corrected without a choice."""
    key = await vault.find_key("case", row.id)
    corrections = await models.CorrectionRow.filter(case_id=row.id)
    if key is None or not corrections:
        return False
    for each in corrections:
        standing = targets.kept(key, each)
        clear = any(target.chosen for target in standing) and all(target.correctable for target in standing)
        once = len({target.system for target in standing}) == len(standing)
        if not (clear and once) or any(target.settled is None for target in standing):
            return False
        new = key.open(Place("case_correction", "new", each.id), each.new)
        own = each.field in OWN and is_plain_text(new)
        if not own and each.proven is None and not await _is_proven(row, each.field, new):
            return False
    return True


def is_plain_text(value: str) -> bool:
    """What a name, a street or a language may be: one short line without signs that mean something to a program."""
    return len(value) <= LONGEST and value.isprintable() and not set(value) & set("<>@=/\\|{}")


async def _is_proven(row: models.CaseRow, kind: str, value: str) -> bool:
    """Whether this is an address that the person has shown to be theirs alone."""
    if kind not in PROVEN_FIRST or row.subject is None:
        return False
    try:
        known = await subjects.find(kind, value)
    except Invalid:
        return False
    mine = known is not None and known.subject in (await subjects.whole(row.subject)).subjects
    return known is not None and mine and known.audience == "person" and known.verified_at is not None


async def _may_begin(row: models.CaseRow) -> bool:
    return row.round == 0 and row.officer is None and await _is_plain(row) and not caution.marks(row)


async def _is_plain(row: models.CaseRow) -> bool:
    """For the first time, by the person, who signed in for it, and wrote nothing since."""
    signed_in = await models.CaseIdentifier.filter(case_id=row.id, how=HOW).exists()
    wrote = await models.Spoken.filter(case_id=row.id).exists()
    return signed_in and row.round <= 1 and row.counted_from is None and not wrote


async def _is_touched(row: models.CaseRow) -> bool:
    """Whether an officer did more than look."""
    entries = await audit.search(case=row.id, limit=200)
    return any(each.actor.startswith("officer:") and each.event not in ONLY_LOOKED for each in entries) or len(entries) == 200


async def _searched_where_it_acts(row: models.CaseRow) -> bool:
    """Whether all that were asked act by themselves still, also those that are in the list no more."""
    asked = await models.Task.filter(case_id=row.id, round=row.round).values_list("system", flat=True)
    acting = {each.system for each in await switches.switches() if each.right == row.right and each.mode == switches.ACTING}
    return {str(each) for each in asked} <= acting


async def _is_noted(row: models.CaseRow) -> bool:
    found = await db.row("SELECT 1 AS one FROM autopilot_note WHERE case_id = ? AND round = ?", row.id, row.round)
    return found is not None
