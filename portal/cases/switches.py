"""What the portal may answer by itself, per right and system: off from the start, then watching, then acting (GDPR Art. 24).

While it watches it notes the answer that it would give, and officers answer. An owner may let it act after a month in which
officers gave the very same answer each time. A request is answered so only when every system that is asked acts for its
right; a system that is connected later is off, and with it the rest waits for officers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from portal import audit, connectors, db, jobs
from portal.cases import events, models, own_data, states
from portal.lib import clock
from portal.lib.errors import Conflict, NotFound
from portal.paper import _

RIGHTS = ("access", "portability", "rectification")
OFF, WATCHING, ACTING = "off", "watching", "acting"
MONTH = timedelta(days=30)
_OBJECT = "autopilot:"


@dataclass(frozen=True)
class Switch:
    """Of one right in one system. `since`: in this mode; None while it is off."""

    right: str
    system: str
    title: str
    mode: str
    since: datetime | None = None
    watches_since: datetime | None = None


@dataclass(frozen=True)
class Watched:
    """What became of the answers that it would have given since a moment; `other`: ids of requests answered differently."""

    same: int
    other: tuple[str, ...]
    left: int
    waiting: int


async def switches() -> list[Switch]:
    """Of every right and every system that answers by itself, in the order of the systems."""
    stored = {(each["asked_for"], each["system"]): each for each in await db.rows("SELECT * FROM autopilot")}
    return [_switch(right, name, title, stored.get((right, name))) for name, title in _systems() for right in RIGHTS]


async def mode_of(right: str) -> str:
    """How far requests of this right go by themselves: as far as in the system where they go least far."""
    modes = {each.mode for each in await switches() if each.right == right}
    if right not in RIGHTS or OFF in modes or _asks_people():
        return OFF
    return WATCHING if WATCHING in modes else ACTING


async def watch(right: str, system: str, *, officer: str) -> None:
    """Begin to watch, anew if it did before: the month begins now."""
    async with db.writing():
        await _known(right, system)
        await db.run("DELETE FROM autopilot WHERE asked_for = ? AND system = ?", right, system)
        await db.run(
            "INSERT INTO autopilot (asked_for, system, watches_since) VALUES (?, ?, ?)",
            *(right, system, clock.micros(clock.now())),
        )
        await _record(events.AUTOPILOT_WATCHES, right, system, f"officer:{officer}")


async def act(right: str, system: str, *, officer: str) -> None:
    """Let it act; raises Conflict with what is missing."""
    async with db.writing():
        switch = await _known(right, system)
        if missing := await why_not(switch):
            raise Conflict(missing)
        now = clock.micros(clock.now())
        await db.run("UPDATE autopilot SET acts_since = ? WHERE asked_for = ? AND system = ?", now, right, system)
        await _record(events.AUTOPILOT_ACTS, right, system, f"officer:{officer}")


async def stop(right: str, system: str, *, officer: str) -> None:
    """Off at once: what it began to search for waits for an officer."""
    async with db.writing():
        await _known(right, system)
        await _off(right, system, f"officer:{officer}")


async def off_again(switch: str) -> bool:
    """Inside `writing()`: in a restored database, by the object of the entry that turned it off."""
    right, _slash, system = switch.removeprefix(_OBJECT).partition("/")
    return await _off(right, system, "system")


async def why_not(switch: Switch) -> str:
    """What is missing before it may act, in a sentence; empty when nothing is."""
    if switch.mode != WATCHING or switch.watches_since is None:
        return _("It has to watch for a month first.")
    if clock.now() - switch.watches_since < MONTH:
        return _("It has not watched for a month yet.")
    seen = await watched(switch.right, switch.watches_since)
    if seen.other:
        return _("Officers gave another answer than it would have given. Look why, and let it watch anew.")
    if not seen.same:
        return _("There was no request yet that it would have answered.")
    return ""


async def watched(right: str, since: datetime) -> Watched:
    """Since a moment: an answer is the same when an officer sent the very same content."""
    found = await db.rows(
        "SELECT n.case_id, n.digest, c.is_open, a.digest AS signed"
        " FROM autopilot_note n JOIN case_file c ON c.id = n.case_id LEFT JOIN case_approval a ON a.id ="
        " (SELECT id FROM case_approval WHERE case_id = n.case_id AND (decision = 'approved' OR (decision = ''"
        " AND c.state <> 'approving')) ORDER BY proposed_at DESC, id DESC LIMIT 1)"
        " WHERE n.asked_for = ? AND n.at >= ? AND n.acted = 0"
        # what an officer answered otherwise comes first, so that no number of others hides it
        " ORDER BY CASE WHEN n.digest <> '' AND a.digest <> n.digest THEN 0 ELSE 1 END, n.at DESC LIMIT 1000",
        *(right, clock.micros(since)),
    )
    judged = [(each["case_id"], _judged(each)) for each in found]
    verdicts = [verdict for _case, verdict in judged]
    other = tuple(case_id for case_id, verdict in judged if verdict == "other")
    return Watched(verdicts.count("same"), other, verdicts.count("left"), verdicts.count("waiting"))


async def seen(right: str) -> Watched | None:
    """Since the first of its switches began to watch; None while all are off."""
    since = [each.watches_since for each in await switches() if each.right == right and each.watches_since is not None]
    return await watched(right, min(since)) if since else None


async def acted(right: str, since: datetime) -> int:
    """How many it answered."""
    sql = "SELECT count(*) AS n FROM autopilot_note WHERE asked_for = ? AND at >= ? AND acted = 1"
    found = await db.row(sql, right, clock.micros(since))
    return int(found["n"]) if found else 0


async def wake(row: models.CaseRow) -> None:
    """Inside `writing()`, when a request has moved: where it may go on by itself, or would, a job looks."""
    if row.right not in RIGHTS or row.state not in (states.TRIAGE, states.REVIEWING):
        return
    if await mode_of(row.right) != OFF:
        await look_later(row, None)


async def look_later(row: models.CaseRow, at: datetime | None) -> None:
    """Inside `writing()`: at that moment, or soon."""
    await jobs.later("cases.autopilot", {"case": row.id}, key=f"cases.autopilot {row.id} {row.version}", at=at)


def _judged(noted: dict[str, Any]) -> str:
    if not noted["digest"]:
        return "left"
    if noted["signed"] is None:
        return "waiting" if noted["is_open"] else "left"  # taken back before anybody answered
    return "same" if noted["signed"] == noted["digest"] else "other"


def _systems() -> Sequence[tuple[str, str]]:
    """Those that answer without a person: what a colleague hands in is looked at."""
    own = [(own_data.NAME, own_data.TITLE)]
    return [*((each.name, each.title) for each in connectors.systems() if each.kind != "person"), *own]


def _asks_people() -> bool:
    return any(each.kind == "person" for each in connectors.systems())


def _switch(right: str, system: str, title: str, row: dict[str, Any] | None) -> Switch:
    if row is None:
        return Switch(right, system, title, OFF)
    watches, acts = clock.from_micros(row["watches_since"]), row["acts_since"]
    if acts is None:
        return Switch(right, system, title, WATCHING, watches, watches)
    return Switch(right, system, title, ACTING, clock.from_micros(acts), watches)


async def _known(right: str, system: str) -> Switch:
    for each in await switches():
        if (each.right, each.system) == (right, system):
            return each
    raise NotFound(_("There is no such system."))


async def _off(right: str, system: str, actor: str) -> bool:
    off = bool(await db.run("DELETE FROM autopilot WHERE asked_for = ? AND system = ?", right, system))
    if off:
        await _record(events.AUTOPILOT_OFF, right, system, actor)
    return off


async def _record(event: audit.Event, right: str, system: str, actor: str) -> None:
    await audit.record(event, actor=actor, object=f"{_OBJECT}{right}/{system}")
