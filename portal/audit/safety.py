"""What a restored backup must not lose: each erasure and no, and all that closes or shuts out; in `safety.log`, beside the
lock file.

The log knows no privacy words: a room says for its own events what to keep of them, and how to do it once more when a
backup lacks it (`keeps`). Written in the sequencer's turn, after the commit and before the lock file; what a crash left out
is caught up from the last line's place in the log.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from portal.audit import safetyfile
from portal.audit.head import head
from portal.audit.lockfile import LogBroken
from portal.audit.safetyfile import Line as Line
from portal.audit.succession import beginning, is_kin, number_of
from portal.audit.vocabulary import Event
from portal.db import rows, writing
from portal.lib import clock

AT_ONCE = 1000


@dataclass(frozen=True)
class Kept:
    """An entry that got its place, as the room that recorded it is asked about it."""

    id: str
    event: str
    actor: str
    subject: str | None
    case: str | None
    object: str


Tell = Callable[[Sequence[Kept]], Awaitable[dict[str, dict[str, Any]]]]
Again = Callable[[dict[str, Any]], Awaitable[bool]]


@dataclass(frozen=True)
class _Kind:
    tell: Tell
    again: Again


_kinds: dict[str, _Kind] = {}
_looked_at: tuple[Path, int, int] = Path(), 0, -1


def keeps(events: Iterable[Event | str], *, tell: Tell, again: Again) -> None:
    """Keep entries of these events. `tell` answers by entry id what to keep (JSON); `again`, inside `writing()`, does it once
    more unless it is known, and says whether it had to."""
    _kinds.update({each if isinstance(each, str) else each.name: _Kind(tell, again) for each in events})


async def catch_up() -> None:
    """Write what entries since the last line have to be remembered by; outside `writing()`."""
    global _looked_at
    await asyncio.to_thread(safetyfile.renew)
    here, last = safetyfile.path(), await asyncio.to_thread(safetyfile.last)
    now = await head()  # after the file: what another process adds meanwhile is no sign of a restored copy
    log = number_of(now.origin)
    if last is not None and (last.log, last.index) >= (log, now.size):
        raise LogBroken(f"{here} goes further than this database: it is a restored copy. Restore it with `portal restore`.")
    after = last.index if last is not None and last.log == log else (await beginning())[0] - 1
    if _looked_at[:2] == (here, log) and _looked_at[2] < now.size:
        after = max(after, _looked_at[2])
    while _kinds and after < now.size - 1:
        until = min(after + AT_ONCE, now.size - 1)
        found = await rows(_BETWEEN.format(marks=", ".join("?" * len(_kinds))), after, until, *_kinds)
        if lines := await _lines(log, found):
            await asyncio.to_thread(safetyfile.append, lines)
        after = until
        _looked_at = here, log, after


# `event` in disguise: the index on events would find every no there ever was.
_BETWEEN = (
    "SELECT id, event, log_index, recorded_at, actor, subject, case_id, object FROM entry WHERE log_index > ? AND log_index <= ?"
    " AND event || '' IN ({marks}) AND sealed IS NOT NULL ORDER BY log_index"
)
_WAITING = (
    "SELECT id, event, recorded_at, actor, subject, case_id, object FROM entry WHERE log_index IS NULL AND event IN ({marks})"
    " AND sealed IS NOT NULL ORDER BY id"
)


async def not_kept_yet() -> list[Line]:
    """What the open database has and safety.log has not: a crash came between the two, or its log is signed no more. Entries
    that wait get the places that would have been theirs."""
    now, last = await head(), await asyncio.to_thread(safetyfile.last)
    log = number_of(now.origin)
    after = last.index if last is not None and last.log == log else (await beginning())[0] - 1
    marks = ", ".join("?" * len(_kinds))
    found = await rows(_BETWEEN.format(marks=marks), after, now.size, *_kinds)
    waiting = await rows(_WAITING.format(marks=marks), *_kinds)
    placed = [each | {"log_index": max(now.size, after + 1) + number} for number, each in enumerate(waiting)]
    return await _lines(log, [*found, *placed])


def add(lines: Sequence[Line]) -> None:
    """Behind the last one that is there."""
    if lines:
        safetyfile.append(lines)


async def _lines(log: int, found: Sequence[dict[str, Any]]) -> list[Line]:
    what: dict[str, dict[str, Any]] = {}
    for event in sorted({each["event"] for each in found}):
        asked = [
            Kept(each["id"], event, each["actor"], each["subject"], each["case_id"], each["object"])
            for each in found
            if each["event"] == event
        ]
        what |= await _kinds[event].tell(asked)
    return [
        Line(log, each["log_index"], each["event"], clock.rfc3339(clock.from_micros(each["recorded_at"])), what[each["id"]])
        for each in found
        if each["id"] in what
    ]


async def trim(kept: Sequence[tuple[str, int]]) -> int:
    """Leave out what each of these copies of the database has, by the log it holds and how many entries of it; answers how
    many lines. Copies that are older than all of these will be refused from then on: what they lack is known no more."""
    now = await head()
    for origin, size in kept:
        if not is_kin(origin, now.origin) or (number_of(origin), size) > (number_of(now.origin), now.size):
            raise LogBroken(f"The {size} entries of {origin} are none of this portal's log, {now.origin}.")
    log, size = min((number_of(origin), size) for origin, size in kept)
    begins = Line(log, size - 1, safetyfile.BEGINS, clock.rfc3339(clock.now()), {})
    return await asyncio.to_thread(safetyfile.trim, begins)


async def replay() -> dict[str, int]:
    """Do once more what the open database lacks, in the order it happened; answers how much of what.

    What stands in the database's own log it has: a role that was taken away and given back before the backup stays. A
    database that is not in use yet: nobody may be served before this is through. Doing it twice changes nothing.
    """
    done: dict[str, int] = {}
    now = await head()
    reached = number_of(now.origin), now.size
    await asyncio.to_thread(_require_whole)
    lines = safetyfile.read()
    while part := await asyncio.to_thread(lambda: list(islice(lines, AT_ONCE))):
        if part[0].event == safetyfile.BEGINS:
            await _require_reached(part.pop(0))
        async with writing():
            for each in part:
                if (each.log, each.index) >= reached and await _known(each.event).again(each.what):
                    done[each.event] = done.get(each.event, 0) + 1
    return done


def _require_whole() -> None:
    """Every line is right and of a known kind, before the first of them is done; a long file is read twice, never held."""
    for number, each in enumerate(safetyfile.read()):
        if number or each.event != safetyfile.BEGINS:
            _known(each.event)


def _known(event: str) -> _Kind:
    kind = _kinds.get(event)
    if kind is None:
        raise LogBroken(f"Nobody knows what {event} in {safetyfile.path()} means: it is of a newer version.")
    return kind


async def _require_reached(begins: Line) -> None:
    now = await head()
    if (begins.log, begins.index) >= (number_of(now.origin), now.size):
        raise LogBroken(
            f"safety.log was trimmed: it begins after entry {begins.index} of log {begins.log}, and this backup has"
            f" {now.size} of {now.origin}. Who said no in between, nobody knows any more. Take a newer backup."
        )
