"""Looking at cases as an officer: the queue sorted by what is due, and the figures of the day.

Everything is sorted and filtered by columns that say nothing about the person; a page reads no more rows than it shows.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from portal import db, identity
from portal.cases import deadlines, moves, states
from portal.cases.whole import ANSWERED
from portal.lib import clock
from portal.lib.errors import Invalid
from portal.paper import _
from portal.settings import get

PAGE = 50
MOST = 200
COUNTED = 10_000
# What a filter asks of a case; `waits_for`, `wrote` and `bulk` are asked in words of their own.
FILTERS = {
    "state": "state = ?",
    "right": "right_name = ?",
    "law": "law = ?",
    "officer": "officer = ?",
    "requester": "requester = ?",
    "due_before": "due_on < ?",
    "bulk": "id IN (SELECT case_id FROM case_bulk_item WHERE bulk = ?)",
}


@dataclass(frozen=True)
class Line:
    """One line of the queue: clear columns only, nothing about the person. `rows`, `systems`: what was found, and where."""

    id: str
    right: str
    state: str
    outcome: str
    law: str
    due_on: date
    days_left: int
    received_at: datetime
    requester: str
    source: str
    officer: str | None
    flags: tuple[str, ...]
    waiting: int
    rows: int = 0
    systems: int = 0

    @property
    def answered(self) -> bool:
        """The answer was given in time or not; what is left, fetching it, is the person's: nothing is due any more."""
        return self.state in ANSWERED

    @property
    def needs_opening(self) -> bool:
        """Known from its columns alone: never answered together with others before somebody looked at it."""
        return bool(self.flags) or self.requester != "me" or moves.ACTS.get(self.right) != "package"

    @property
    def place(self) -> str:
        """Give the last line's as `after` to get the next page."""
        return f"{self.due_on.isoformat()}/{self.id}"


async def queue(filter: Mapping[str, str] | None = None, after: str | None = None, limit: int = PAGE) -> list[Line]:
    """Open cases (or with {"open": "no"} closed ones), soonest due first; the next page begins `after` the last `place`.

    `filter` has names of FILTERS, "waits_for": the id of the officer whose turn it is, and "wrote": a message waits.
    """
    wanted = dict(filter or {})
    wrote = ["wrote_at IS NOT NULL"] if wanted.pop("wrote", "") else []
    conditions, known = ["is_open = ?", *wrote], [0 if wanted.pop("open", "yes") == "no" else 1, *list[Any]()]
    for name, value in wanted.items():
        if name == "waits_for":
            condition, values = await _their_turn(value)
        elif name in FILTERS:
            condition, values = FILTERS[name], [value]
        else:
            raise Invalid(_("The queue cannot be filtered by %s.") % name)
        conditions.append(condition)
        known += values
    if after:
        due_on, _slash, case_id = after.partition("/")
        conditions.append("(due_on, id) > (?, ?)")
        known += [due_on, case_id]
    found = await db.rows(
        "SELECT id, right_name, state, outcome, law, due_on, received_at, requester, source, officer, flags FROM case_file"
        f" WHERE {' AND '.join(conditions)} ORDER BY due_on, id LIMIT ?",
        *known,
        min(limit, MOST),
    )
    ids = [each["id"] for each in found]
    waiting, rows = await _waiting(ids), await _rows(ids)
    today = deadlines.today(get().time_zone)
    return [_line(each, today, waiting.get(each["id"], 0), *rows.get(each["id"], (0, 0))) for each in found]


async def figures(*, asked_for: bool = False) -> dict[str, int]:
    """For the start page: open, due within a week, late, waiting for an approval, answered and not yet fetched, systems that
    do not answer. What was answered is neither due nor late. It counts the ten thousand that are due next, and no more.

    `asked_for`: without deletions that the company opened itself.
    """
    somebodys = f" AND requester <> '{states.BY_COMPANY}'" if asked_for else ""
    today = deadlines.today(get().time_zone)
    week = today + timedelta(days=7)
    found = await db.row(
        "SELECT count(*) AS open, sum(CASE WHEN due_on < ? AND state <> 'delivering' THEN 1 ELSE 0 END) AS late,"
        " sum(CASE WHEN due_on >= ? AND due_on <= ? AND state <> 'delivering' THEN 1 ELSE 0 END) AS soon,"
        " sum(CASE WHEN state = 'delivering' THEN 1 ELSE 0 END) AS answered,"
        " sum(CASE WHEN state = 'approving' THEN 1 ELSE 0 END) AS approving"
        f" FROM (SELECT due_on, state FROM case_file WHERE is_open = 1{somebodys} ORDER BY due_on, id LIMIT ?) AS next_due",
        *(today.isoformat(), today.isoformat(), week.isoformat(), COUNTED),
    )
    stuck = await db.row(
        "SELECT count(DISTINCT system) AS n FROM case_task t JOIN case_file c ON c.id = t.case_id AND c.round = t.round"
        " WHERE c.is_open = 1 AND (t.state = 'stopped' OR (t.state = 'waiting' AND t.failures > 0))"
    )
    counted = {name: int((found or {}).get(name) or 0) for name in ("open", "soon", "late", "approving", "answered")}
    return counted | {"systems_not_answering": int((stuck or {}).get("n") or 0)}


async def _their_turn(officer_id: str) -> tuple[str, list[str]]:
    """What an officer can do something about: their own or nobody's to be started or reviewed; others' proposals to approve."""
    me = await identity.officer(officer_id)
    turns, values = ["1 = 0"], list[str]()
    if identity.may(me, "cases.process"):
        turns.append("(state IN (?, ?) AND (officer IS NULL OR officer = ?))")
        values += [states.TRIAGE, states.REVIEWING, me.id]
    if identity.may(me, "cases.approve"):
        theirs = "SELECT 1 FROM case_approval a WHERE a.case_id = case_file.id AND a.decision = '' AND a.proposed_person = ?"
        turns.append(f"(state = ? AND NOT EXISTS ({theirs}))")
        values += [states.APPROVING, await identity.person_of(me.id)]
    return f"({' OR '.join(turns)})", values


async def _waiting(case_ids: list[str]) -> dict[str, int]:
    """How many systems each case waits for; asked also for an empty page, so that every page asks alike."""
    found = await db.rows(
        "SELECT t.case_id, count(*) AS n FROM case_task t JOIN case_file c ON c.id = t.case_id AND c.round = t.round"
        f" WHERE t.case_id IN ({_marks(case_ids)}) AND t.state IN ('waiting', 'stopped') GROUP BY t.case_id",
        *case_ids,
    )
    return {each["case_id"]: int(each["n"]) for each in found}


async def _rows(case_ids: list[str]) -> dict[str, tuple[int, int]]:
    """How many rows were found for each case, in how many systems."""
    found = await db.rows(
        "SELECT f.case_id, sum(f.row_count) AS n, count(DISTINCT f.system) AS systems FROM case_finding f"
        " JOIN case_file c ON c.id = f.case_id AND c.round = f.round"
        f" WHERE f.case_id IN ({_marks(case_ids)}) AND f.row_count > 0 GROUP BY f.case_id",
        *case_ids,
    )
    return {each["case_id"]: (int(each["n"]), int(each["systems"])) for each in found}


def _marks(values: list[str]) -> str:
    return ", ".join("?" * len(values)) or "NULL"


def _line(row: dict[str, Any], today: date, waiting: int, rows: int, systems: int) -> Line:
    due_on = date.fromisoformat(row["due_on"])
    return Line(
        row["id"],
        row["right_name"],
        row["state"],
        row["outcome"],
        row["law"],
        due_on,
        (due_on - today).days,
        clock.from_micros(row["received_at"]),
        row["requester"],
        row["source"],
        row["officer"],
        tuple(json.loads(row["flags"])),
        waiting,
        rows,
        systems,
    )
