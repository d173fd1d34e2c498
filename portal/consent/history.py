"""A person's choices over time, with the text each rests on and its entry in the audit log (GDPR Art. 7(1), 15)."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from portal import db, subjects, vault
from portal.consent import legacy
from portal.consent.undoing import UNDO_WITHIN
from portal.lib import clock
from portal.paper import language
from portal.vault import Place


@dataclass(frozen=True)
class Entry:
    """One line. `what`: yes, no, unset, informed, undone; objected, suppressed, restricted, erased, lifted; pause, resumed.

    `entry` is what a receipt proves, for words; `undo_until` stands at a no that can still be taken back; `shown` is the
    edition that can be read, empty where the text of an earlier system is not known.
    """

    id: str
    at: datetime
    said_at: datetime
    what: str
    purpose: str
    channel: str
    topic: str
    identifier: str | None
    source: str
    grade: str
    actor: str
    edition: str
    language: str
    state: str
    entry: str
    until: datetime | None
    undone: bool
    undo_until: datetime | None
    shown: str = ""


async def history(subject_id: str, limit: int = 500) -> list[Entry]:
    """Everything the whole person said and had stopped or paused, newest first."""
    person = await subjects.whole(subject_id)
    holders = [*person.subjects, *(each.id for each in person.identifiers)]
    marks = ", ".join("?" * len(holders))
    words = await db.rows(f"SELECT * FROM decision WHERE identifier IN ({marks}) ORDER BY id DESC LIMIT ?", *holders, limit)
    undone = {row["refers_to"] for row in words if row["answer"] == "undone"}
    stops = await db.rows(f"SELECT * FROM stop WHERE holder IN ({marks})", *holders)
    pauses = await db.rows(f"SELECT * FROM pause WHERE holder IN ({marks})", *holders)
    texts = await legacy.pages_of({row["edition"] for row in words}, language())
    entries = [_word(row, row["id"] in undone, texts) for row in words]
    for row in {each["act"]: each for each in stops}.values():
        entries.append(_act(row, row["kind"], row["since"], row["by"]))
        if row["lifted_at"] is not None:
            entries.append(_act(row, "lifted", row["lifted_at"], row["lifted_by"]))
    for row in {each["act"]: each for each in pauses}.values():
        entries.append(_act(row, "pause", row["since"], row["by"]))
        if row["ended_at"] is not None:
            entries.append(_act(row, "resumed", row["ended_at"], row["ended_by"]))
    return sorted(entries, key=lambda each: (each.at, each.id), reverse=True)[:limit]


async def evidence_of(decision_id: str) -> dict[str, Any] | None:
    """What was kept as evidence of a word; None when there was none, raises vault.Shredded when it is gone."""
    row = await db.row(
        "SELECT decision.evidence, decision.identifier FROM decision WHERE decision.id = ? AND evidence IS NOT NULL", decision_id
    )
    if row is None:
        return None
    key = await vault.find_key("evidence", (await subjects.get(row["identifier"])).home)
    if key is None:
        raise vault.Shredded("This evidence was destroyed at its end.")
    opened: dict[str, Any] = json.loads(key.open(Place("decision", "evidence", decision_id), bytes(row["evidence"])))
    return opened


def _word(row: dict[str, Any], undone: bool, texts: dict[str, str]) -> Entry:
    at = clock.from_micros(row["recorded_at"])
    may_undo = row["answer"] == "no" and not undone and at + UNDO_WITHIN > clock.now()
    return Entry(
        id=row["id"],
        at=at,
        said_at=clock.from_micros(row["said_at"]),
        what=row["answer"],
        purpose=row["purpose"],
        channel=row["channel"],
        topic=row["topic"],
        identifier=row["identifier"],
        source=row["source"],
        grade=row["grade"],
        actor=row["actor"],
        edition=row["edition"],
        language=row["language"],
        state=row["state"],
        entry=row["entry"],
        until=None if row["expires_at"] is None else clock.from_micros(row["expires_at"]),
        undone=undone,
        undo_until=at + UNDO_WITHIN - timedelta(seconds=1) if may_undo else None,
        shown=texts.get(row["edition"], "") if legacy.is_base(row["edition"]) else row["edition"],
    )


def _act(row: dict[str, Any], what: str, at: int, by: str) -> Entry:
    moment = clock.from_micros(at)
    ends = row.get("until")
    return Entry(
        id=row["act"],
        at=moment,
        said_at=moment,
        what=what,
        purpose=row.get("purpose", row.get("scope", "")),
        channel=row.get("channel", ""),
        topic="",
        identifier=row["holder"] if row.get("kind") == "suppressed" else None,
        source=row.get("why", ""),
        grade="",
        actor=by,
        edition="",
        language="",
        state="firm",
        entry="",
        until=None if ends is None else clock.from_micros(ends),
        undone=False,
        undo_until=None,
    )
