"""What time alone changes: a yes that runs out (rule 3), a pause that ends. Nobody says a word then, so the portal does.

Each end is recorded once, soon after it has passed, and by that reaches the connected systems in the order of the log.
Also the sooner end of a yes from a collection point for which policies/precedence.toml sets one, and of a yes to a purpose
whose later edition gives it a shorter lifetime. That one is counted in months: of what was said on the last days of a
longer month it is recorded by the first of the next.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from portal import audit, db, jobs
from portal.consent import events, fold, precedence
from portal.consent.propagation import wake
from portal.consent.purposes import Lifetime, lifetimes
from portal.consent.rules import expiry
from portal.lib import clock

AT_ONCE = 500
LONGEST_SHIFT = 10.0

# A no at the same time or later had ended it before; an erased address has nobody to tell about.
_YESES = f"""
SELECT permission.expires_at AS ends_at, permission.decision AS id, identifier.home AS holder, permission.purpose AS purpose,
 permission.said_at AS said_at, permission.expires_at AS own_end
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

# Under a shorter lifetime, in the order in which they were said: only words that still stand beside later ones.
_SHORTER = f"""
SELECT d.said_at AS ends_at, d.id AS id, identifier.home AS holder, d.said_at AS said_at, d.expires_at AS own_end
 FROM decision d JOIN identifier ON identifier.id = d.identifier JOIN permission ON permission.identifier = d.identifier
 AND permission.purpose = d.purpose AND permission.channel = d.channel AND permission.topic = d.topic
 AND permission.grade = d.grade AND permission.answer = d.answer AND permission.decision = d.id
 WHERE d.purpose = ? AND d.answer IN ('yes', 'informed') AND (d.said_at, d.id) > (?, ?) AND d.said_at <= ? AND {fold.COUNTS}
 AND identifier.erased_at IS NULL AND NOT EXISTS (SELECT 1 FROM permission AS no WHERE no.identifier = d.identifier
 AND no.purpose = d.purpose AND no.channel = d.channel AND no.topic = d.topic AND no.answer = 'no'
 AND no.batch = '' AND no.said_at >= d.said_at)
 ORDER BY d.said_at, d.id LIMIT ?"""


class _Look(NamedTuple):
    """One kind of end: how far we looked lies under `what`. `concerns`: whether a row that was found has ended by this."""

    what: str
    sql: str
    event: audit.Event
    up_to: int
    start: tuple[int, str] = (0, "")
    about: tuple[str, ...] = ()
    concerns: Callable[[dict[str, Any]], bool] = lambda _row: True


@jobs.verb("consent.lapse", every=timedelta(minutes=1), at_once=1)
async def lapse(job: jobs.Job) -> None:
    ends = time.monotonic() + LONGEST_SHIFT
    await note_lapses(ends)
    if time.monotonic() > ends:
        raise jobs.TryAgain("There may be more.", after=timedelta(0))


async def note_lapses(ends: float = float("inf")) -> int:
    """Record the ends that have passed since the last look; answers how many. Stops at a moment of the monotonic clock."""
    noted = 0
    for look in await _looks(clock.now()):
        looked = AT_ONCE
        while looked == AT_ONCE and time.monotonic() <= ends:
            looked, found = await _note(look)
            noted += found
    return noted


async def count_from(moment: int, sources: list[str]) -> None:
    """Inside `writing()`: the sooner ends of a yes from these collection points are recorded from this moment on."""
    await db.many(
        "INSERT INTO lapse (what, up_to, last) VALUES (?, ?, '')"
        " ON CONFLICT (what) DO UPDATE SET up_to = excluded.up_to, last = excluded.last",
        [(_early(source), moment) for source in sources],
    )


async def _looks(now: datetime) -> list[_Look]:
    moment = clock.micros(now)
    sooner = {purpose: lived for purpose, lived in (await lifetimes()).items() if _is_shorter(lived)}

    def at_its_own_end(row: dict[str, Any]) -> bool:
        lived = sooner.get(row["purpose"])
        return lived is None or not _ended_by(lived[-1], row)

    looks = [
        _Look("yes", _YESES, events.LAPSED, moment, concerns=at_its_own_end),
        _Look("pause", _PAUSES, events.PAUSE_OVER, moment),
    ]
    for source, days in (await precedence.tuning()).counts_for:
        looks.append(_Look(_early(source), _EARLY.format(source=source, shift=days * precedence.DAY), events.LAPSED, moment))
    return looks + [await _under(purpose, lived, now) for purpose, lived in sooner.items()]


async def _under(purpose: str, lived: list[Lifetime], now: datetime) -> _Look:
    """What the lifetime in force ends sooner than it was given for."""
    latest, start = lived[-1], await _start(purpose, lived)
    up_to = clock.micros(_months_before(now, latest.months or 0))
    concerns = partial(_ended_by, latest)
    return _Look(_within(purpose, latest.months), _SHORTER, events.LAPSED, up_to, start, (purpose,), concerns)


async def _start(purpose: str, lived: list[Lifetime]) -> tuple[int, str]:
    """What still stood when a shorter lifetime came into force; and what one before it had ended and nobody had looked at."""
    before, latest = lived[-2:]
    if before.months is None or latest.months is None:
        return 0, ""
    start = clock.micros(_months_before(latest.since, max(before.months, latest.months))) + 1, ""
    if before.months < latest.months or not _is_shorter(lived[:-1]):
        return start
    looked = await _looked(_within(purpose, before.months))
    return min(start, looked or await _start(purpose, lived[:-1]))


def _is_shorter(lived: list[Lifetime]) -> bool:
    months = lived[-1].months
    return months is not None and any(each.months is None or each.months > months for each in lived[:-1])


async def _note(look: _Look) -> tuple[int, int]:
    """One portion: the entries and how far we looked, in one transaction. Answers how many were looked at and noted."""
    if not await _portion(look):
        return 0, 0  # most of the time: nothing is written
    async with db.writing():
        looked = await _portion(look)
        if not looked:
            return 0, 0
        ended = [each for each in looked if look.concerns(each)]
        await audit.record_many(
            [audit.Note(look.event, "system", each["holder"], object=each.get("act") or each["id"]) for each in ended]
        )
        last = looked[-1]
        await db.run(
            "INSERT INTO lapse (what, up_to, last) VALUES (?, ?, ?)"
            " ON CONFLICT (what) DO UPDATE SET up_to = excluded.up_to, last = excluded.last",
            *(look.what, last["ends_at"], last["id"]),
        )
        if ended:
            await wake()
    return len(looked), len(ended)


async def _portion(look: _Look) -> list[dict[str, Any]]:
    after = await _looked(look.what) or look.start
    return await db.rows(look.sql, *look.about, *after, look.up_to, AT_ONCE)


async def _looked(what: str) -> tuple[int, str] | None:
    found = await db.row("SELECT up_to, last FROM lapse WHERE what = ?", what)
    return (found["up_to"], found["last"]) if found else None


def _ended_by(latest: Lifetime, row: dict[str, Any]) -> bool:
    """A shorter lifetime ends a word before its own end, and that had not passed when it came into force."""
    said, own = clock.from_micros(row["said_at"]), row["own_end"]
    ends = expiry(said, None, latest.months)
    return own is None or (ends is not None and clock.micros(ends) < own and own > clock.micros(latest.since))


def _months_before(moment: datetime, months: int) -> datetime:
    """Whatever was said by then has run out at this moment; the other way around on all days that both months have."""
    found = expiry(moment, None, -months)
    assert found is not None
    return found


def _within(purpose: str, months: int | None) -> str:
    return f"yes to {purpose} within {months} months"


def _early(source: str) -> str:
    return f"yes from {source}"
