"""The next step of several requests at once: each in a transaction of its own, once, with its outcome in words.

A search begins at once and sends nothing. Answers wait for `undo_seconds`, and until then can be undone as if nothing had
been pressed. A request that needs an officer's eyes is left out until that officer has opened it, and nothing is ever
approved here: four eyes stay with states.py. After a crash the job goes on with what still waits.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from portal import audit, db, identity, jobs
from portal.cases import approval, caution, closing, events, fanout, models, moves, states
from portal.lib import clock, ids
from portal.lib.errors import Conflict, Invalid, NotAllowed, NotFound, Refusal
from portal.paper import _, in_language, language
from portal.settings import get

MOST = 200
KEPT = timedelta(days=30)
SEARCH, ANSWER, NONE = "search", "answer", ""
NEXT = {states.TRIAGE: SEARCH, states.REVIEWING: ANSWER}
MAY = "cases.process"


@dataclass(frozen=True)
class Item:
    """One request in a bulk: `outcome` is waiting, done, left out or undone; `stands` where the request stands now."""

    case: str
    right: str
    stands: str
    ended: str
    step: str
    outcome: str
    sentence: str


@dataclass(frozen=True)
class Bulk:
    """`undo_until`: while the answers have not begun. `busy`: something is still going on, here or in the systems."""

    id: str
    officer: str
    made_at: datetime
    answers_at: datetime | None
    undo_until: datetime | None
    items: tuple[Item, ...]

    def count(self, outcome: str) -> int:
        return sum(each.outcome == outcome for each in self.items)

    @property
    def ready(self) -> int:
        """How many can go on from here."""
        return sum(each.stands in NEXT and each.outcome != "waiting" for each in self.items)

    @property
    def busy(self) -> bool:
        under_way = (states.COLLECTING, states.FULFILLING)
        return any(each.outcome == "waiting" or (each.outcome == "done" and each.stands in under_way) for each in self.items)


async def start(picks: Sequence[tuple[str, str]], *, officer: str, once: str) -> str:
    """The next step of each of `picks`: a case and the state it was seen in. The same form sent twice is one bulk."""
    shown = dict(picks)
    if not shown:
        raise Invalid(_("Please choose at least one request."))
    if len(shown) > MOST:
        raise Invalid(_("Please choose at most %d requests at once.") % MOST)
    steps = {case_id: NEXT.get(state, NONE) for case_id, state in shown.items()}
    now = clock.now()
    answers_at = now + timedelta(seconds=get().undo_seconds) if ANSWER in steps.values() else None
    async with db.writing():
        bulk_id = ids.new()
        added = await db.run(
            "INSERT INTO case_bulk (id, officer, language, once, made_at, answers_at) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (once) DO NOTHING",
            *(bulk_id, officer, language(), _once(officer, once, shown), clock.micros(now)),
            None if answers_at is None else clock.micros(answers_at),
        )
        if not added:
            return await _known(_once(officer, once, shown))
        await _forget_old()
        await db.many(
            "INSERT INTO case_bulk_item (bulk, case_id, step, state, sentence) VALUES (?, ?, ?, ?, ?)",
            [await _new_item(bulk_id, case_id, step) for case_id, step in steps.items()],
        )
        for step, at in ((SEARCH, None), (ANSWER, answers_at)):
            if step in steps.values():
                await jobs.later("cases.bulk", {"bulk": bulk_id, "step": step}, key=f"cases.bulk {bulk_id} {step}", at=at)
        await audit.record(events.BULK_STARTED, actor=f"officer:{officer}", object=f"bulk:{bulk_id}", count=len(shown))
    return bulk_id


async def undo(bulk_id: str, *, officer: str) -> None:
    """Before the answers begin: none of them is given. Of an undo and a beginning at the same moment one wins, whole."""
    async with db.writing():
        changed = await db.run(
            "UPDATE case_bulk SET undone_at = ? WHERE id = ? AND officer = ? AND answers_at IS NOT NULL AND begun_at IS NULL"
            " AND undone_at IS NULL",
            *(clock.micros(clock.now()), bulk_id, officer),
        )
        if not changed:
            raise await _too_late(bulk_id, officer)
        await db.run(
            "UPDATE case_bulk_item SET state = 'undone' WHERE bulk = ? AND step = ? AND state = 'waiting'", bulk_id, ANSWER
        )
        await audit.record(events.BULK_UNDONE, actor=f"officer:{officer}", object=f"bulk:{bulk_id}")


async def look(bulk_id: str) -> Bulk:
    """How far it is, request by request in the order of their dates."""
    bulk = await _load(bulk_id)
    found = await db.rows(
        'SELECT i.case_id AS "case", i.step, i.state AS outcome, i.sentence, c.state AS stands, c.outcome AS ended,'
        ' c.right_name AS "right" FROM case_bulk_item i JOIN case_file c ON c.id = i.case_id WHERE i.bulk = ?'
        " ORDER BY c.due_on, c.id LIMIT ?",
        *(bulk_id, MOST),
    )
    answers_at = None if bulk["answers_at"] is None else clock.from_micros(bulk["answers_at"])
    return Bulk(
        bulk["id"],
        bulk["officer"],
        clock.from_micros(bulk["made_at"]),
        answers_at,
        answers_at if bulk["begun_at"] is None and bulk["undone_at"] is None else None,
        tuple(Item(**each) for each in found),
    )


@jobs.verb("cases.bulk", max_tries=12, longest_pause=timedelta(minutes=1), at_once=2)
async def bulk_job(job: jobs.Job) -> None:
    """A crash between two requests leaves the later ones waiting; one in the middle of a request leaves it as it was."""
    bulk, step = await _load(job.arguments["bulk"]), job.arguments["step"]
    if step == ANSWER and not await _begin(job, bulk["id"]):
        return
    waiting = await db.rows(
        "SELECT i.case_id FROM case_bulk_item i JOIN case_file c ON c.id = i.case_id"
        " WHERE i.bulk = ? AND i.step = ? AND i.state = 'waiting' ORDER BY c.due_on, c.id",
        *(bulk["id"], step),
    )
    troubles = list[Exception]()
    with in_language(bulk["language"]):
        for each in waiting:
            try:
                await _take(job, bulk, each["case_id"])
            except jobs.LeaseLost:
                raise
            except Exception as problem:  # one that cannot be done now does not hold up the others
                troubles.append(problem)
    if troubles and not job.is_last_try:
        raise troubles[0]
    if troubles:
        await _give_up(job, bulk)


async def _begin(job: jobs.Job, bulk_id: str) -> bool:
    """From here on nothing is undone any more; false when it was."""
    async with db.writing():
        await job.hold()
        now = clock.micros(clock.now())
        sql = "UPDATE case_bulk SET begun_at = COALESCE(begun_at, ?) WHERE id = ? AND undone_at IS NULL"
        return bool(await db.run(sql, now, bulk_id))


async def _take(job: jobs.Job, bulk: dict[str, Any], case_id: str) -> None:
    """One request: what it does and that it was done are one commit."""
    async with db.writing():
        await job.hold()
        row = await moves.lock(case_id)
        held = "UPDATE case_bulk_item SET state = state WHERE bulk = ? AND case_id = ? AND state = 'waiting'"
        if not await db.run(held, bulk["id"], case_id):
            return  # another worker did it, or it was undone
        try:
            async with db.savepoint():
                outcome, sentence = "done", await _do(row, job.arguments["step"], bulk["officer"])
        except Refusal as problem:
            outcome, sentence = "left out", problem.sentence
        await _say(bulk["id"], case_id, outcome, sentence)


async def _do(row: models.CaseRow, step: str, officer: str) -> str:
    """What the one obvious button on the request's own page does; answers what happened, raises why not."""
    identity.require(await identity.officer(officer), MAY)  # who left meanwhile does nothing any more
    if NEXT.get(row.state) != step:
        raise Conflict(_why_not(row.state))
    if step == SEARCH:
        if row.right not in states.COLLECTED:
            raise Conflict(_("It is answered in words. Please open it."))
        if (said := caution.marks(row)) and not await caution.is_seen(row, officer):
            raise Conflict(_("Open it first. %s") % " ".join(said))
        await fanout.collect(row.id, officer=officer)
        return _("Every system is being asked.")
    if row.wrote_at is not None:
        raise Conflict(_("The person wrote to us and waits for an answer to that."))
    if not await caution.is_opened(row, officer) and (said := await caution.reasons(row)):
        raise Conflict(_("Open it and look at what was found first. %s") % " ".join(said))
    if "nothing held" in states.outcomes(await moves.facts(row)):
        await closing.close(row.id, "nothing held", officer=officer)
        return _("We hold nothing, and said so.")
    stands = await approval.propose(row.id, officer=officer)
    return _("Waits for a second person now.") if stands == states.APPROVING else _("Its answer goes out.")


def _why_not(state: str) -> str:
    """Why a request that stands there takes no step together with others."""
    return {
        states.RECEIVED: _("Waits for the person, who has to confirm who they are."),
        states.VERIFYING: _("Waits for the person, who has to confirm who they are."),
        states.TRIAGE: _("It was not searched for any more."),
        states.COLLECTING: _("Not every system has answered yet."),
        states.REVIEWING: _("It was searched for meanwhile. Look at what was found."),
        states.APPROVING: _("Waits for a second person, who has to open it."),
        states.FULFILLING: _("It is being carried out already."),
        states.DELIVERING: _("It was answered already."),
        states.CLOSED: _("It is closed."),
    }.get(state, _("This is not possible in the state the request is in."))


async def _new_item(bulk_id: str, case_id: str, step: str) -> tuple[str, ...]:
    row = await moves.load(case_id)
    outcome = "waiting" if step else "left out"
    return bulk_id, row.id, step, outcome, "" if step else _why_not(row.state)


async def _say(bulk_id: str, case_id: str, outcome: str, sentence: str) -> None:
    sql = "UPDATE case_bulk_item SET state = ?, sentence = ? WHERE bulk = ? AND case_id = ?"
    await db.run(sql, outcome, sentence, bulk_id, case_id)


async def _give_up(job: jobs.Job, bulk: dict[str, Any]) -> None:
    """What could not be done after many tries stays with its officer."""
    async with db.writing():
        await job.hold()
        with in_language(bulk["language"]):
            sentence = _("It could not be done, although we tried many times. Please open it.")
        sql = "UPDATE case_bulk_item SET state = 'left out', sentence = ? WHERE bulk = ? AND step = ? AND state = 'waiting'"
        await db.run(sql, sentence, bulk["id"], job.arguments["step"])


async def _load(bulk_id: str) -> dict[str, Any]:
    found = await db.row("SELECT * FROM case_bulk WHERE id = ?", bulk_id)
    if found is None:
        raise NotFound(_("There is nothing of this name here."))
    return found


async def _known(once: str) -> str:
    found = await db.row("SELECT id FROM case_bulk WHERE once = ?", once)
    assert found is not None
    return str(found["id"])


async def _too_late(bulk_id: str, officer: str) -> Conflict | NotAllowed:
    if (await _load(bulk_id))["officer"] != officer:
        return NotAllowed(_("Only the colleague who started this can undo it."))
    return Conflict(_("This cannot be undone any more."))


async def _forget_old() -> None:
    """What happened to each request stands in the log; the list of a bulk is only kept while it is of use."""
    before = clock.micros(clock.now() - KEPT)
    old = "SELECT id FROM case_bulk WHERE made_at < ? ORDER BY made_at LIMIT 20"
    await db.run(f"DELETE FROM case_bulk_item WHERE bulk IN ({old})", before)
    await db.run(f"DELETE FROM case_bulk WHERE id IN ({old})", before)


def _once(officer: str, once: str, shown: dict[str, str]) -> str:
    """Of the form as it was sent: the same one with other requests ticked is another."""
    said = "\n".join([officer, once, *(f"{case_id} {state}" for case_id, state in sorted(shown.items()))])
    return hashlib.sha256(said.encode()).hexdigest()
