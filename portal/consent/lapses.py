"""What time alone changes: a yes that runs out (rule 3), a pause that ends. Nobody says a word then, so the portal does.

Each end is recorded once, soon after it has passed, and by that reaches the connected systems in the order of the log.
Also the sooner end of a yes from a collection point for which policies/precedence.toml sets one.
"""

from datetime import timedelta
from typing import Any

from portal import audit, db, jobs
from portal.consent import events, fold, precedence
from portal.consent.propagation import wake
from portal.lib import clock

AT_ONCE = 500

# A no at the same time or later had ended it before; an erased address has nobody to tell about.
_YESES = f"""
SELECT permission.expires_at AS ends_at, permission.decision AS id, identifier.home AS holder
 FROM permission JOIN identifier ON identifier.id = permission.identifier
 WHERE permission.expires_at IS NOT NULL AND (permission.expires_at, permission.decision) > (?, ?)
 AND permission.expires_at <= ? AND permission.answer IN ('yes', 'informed') AND {fold.COUNTS}
 AND identifier.erased_at IS NULL AND NOT EXISTS (SELECT 1 FROM permission AS no WHERE no.identifier = permission.identifier
 AND no.purpose = permission.purpose AND no.channel = permission.channel AND no.topic = permission.topic AND no.answer = 'no'
 AND no.batch = '' AND no.said_at >= permission.said_at)
 ORDER BY permission.expires_at, permission.decision LIMIT ?"""
# One act has a row for each record of the person.
_PAUSES = """
SELECT p.until AS ends_at, p.id AS id, p.act AS act, p.holder AS holder FROM pause p JOIN subject s ON s.id = p.holder
 WHERE p.ended_at IS NULL AND (p.until, p.id) > (?, ?) AND p.until <= ? AND s.erased_at IS NULL
 ORDER BY p.until, p.id LIMIT ?"""
# From every decision, not only the latest of a grade: an earlier one may stand until its own end. One shift per tuning.
_EARLY = """
SELECT d.said_at + {shift} AS ends_at, d.id AS id, identifier.home AS holder
 FROM decision d JOIN identifier ON identifier.id = d.identifier
 WHERE d.source = '{source}' AND d.answer IN ('yes', 'informed') AND (d.said_at, d.id) > (? - {shift}, ?)
 AND d.said_at <= ? - {shift} AND d.state = 'firm' AND (d.expires_at IS NULL OR d.expires_at > d.said_at + {shift})
 AND (d.batch IS NULL OR EXISTS (SELECT 1 FROM batch WHERE batch.id = d.batch AND batch.in_force_at IS NOT NULL
 AND batch.undone_at IS NULL)) AND identifier.erased_at IS NULL
 AND NOT EXISTS (SELECT 1 FROM decision AS no WHERE no.identifier = d.identifier AND no.purpose = d.purpose
 AND no.channel = d.channel AND no.topic = d.topic AND no.answer = 'no' AND no.batch IS NULL AND no.said_at >= d.said_at
 AND NOT EXISTS (SELECT 1 FROM decision AS undoing WHERE undoing.refers_to = no.id AND undoing.answer = 'undone'))
 ORDER BY d.said_at, d.id LIMIT ?"""


@jobs.verb("consent.lapse", every=timedelta(minutes=1), at_once=1)
async def lapse(job: jobs.Job) -> None:
    await note_lapses()


async def note_lapses() -> int:
    """Record the ends that have passed since the last look; answers how many."""
    noted, looks = 0, [("yes", _YESES, events.LAPSED), ("pause", _PAUSES, events.PAUSE_OVER)]
    for source, days in (await precedence.tuning()).counts_for:
        looks.append((_early(source), _EARLY.format(source=source, shift=days * precedence.DAY), events.LAPSED))
    for what, sql, event in looks:
        while found := await _note(what, sql, event):
            noted += found
            if found < AT_ONCE:
                break
    return noted


async def count_from(moment: int, sources: list[str]) -> None:
    """Inside `writing()`: the sooner ends of a yes from these collection points are recorded from this moment on."""
    await db.many(
        "INSERT INTO lapse (what, up_to, last) VALUES (?, ?, '')"
        " ON CONFLICT (what) DO UPDATE SET up_to = excluded.up_to, last = excluded.last",
        [(_early(source), moment) for source in sources],
    )


async def _note(what: str, sql: str, event: audit.Event) -> int:
    """One portion: the entries and how far we looked, in one transaction."""
    now = clock.micros(clock.now())
    if not await _portion(what, sql, now):
        return 0  # most of the time: nothing is written
    async with db.writing():
        ended = await _portion(what, sql, now)
        if not ended:
            return 0
        await audit.record_many(
            [audit.Note(event, "system", each["holder"], object=each.get("act") or each["id"]) for each in ended]
        )
        last = ended[-1]
        await db.run(
            "INSERT INTO lapse (what, up_to, last) VALUES (?, ?, ?)"
            " ON CONFLICT (what) DO UPDATE SET up_to = excluded.up_to, last = excluded.last",
            *(what, last["ends_at"], last["id"]),
        )
        await wake()
    return len(ended)


async def _portion(what: str, sql: str, now: int) -> list[dict[str, Any]]:
    looked = await db.row("SELECT up_to, last FROM lapse WHERE what = ?", what) or {"up_to": 0, "last": ""}
    return await db.rows(sql, looked["up_to"], looked["last"], now, AT_ONCE)


def _early(source: str) -> str:
    return f"yes from {source}"
