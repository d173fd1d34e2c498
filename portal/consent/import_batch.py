"""What is kept of an import: what was planned, how far it is, whether it was taken back; of a list of answers or of hashes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from portal import audit, db, vault
from portal.consent import events
from portal.consent.import_file import ListFile
from portal.consent.import_plan import VERDICTS
from portal.consent.import_rows import Options
from portal.lib import clock
from portal.lib.errors import Conflict, NotFound
from portal.paper import _
from portal.vault import Place

# `known`: of a list of hashes, the addresses that we have and that are on it.
COUNTED = ("rows", *VERDICTS, "blank", "repeated", "known")


@dataclass(frozen=True)
class Batch:
    """An import and how far it is. `counts`: see COUNTED; of the dry run until it is committed. `problems`: line, verdict,
    why (the first thousand of the dry run)."""

    id: str
    name: str
    sha256: bytes
    options: Options
    phase: str
    counts: dict[str, int]
    problems: list[tuple[int, str, str]] = field(default_factory=list)
    charset: str = ""
    in_force_at: datetime | None = None
    undone_at: datetime | None = None
    position: int = 0
    parts: int = 0
    started_at: datetime | None = None
    planned_by: str = ""


async def keep_plan(
    batch: str,
    file: ListFile,
    options: Options,
    counts: Mapping[str, int],
    problems: list[tuple[int, str, str]],
    *,
    by: str,
    name: str,
) -> Batch:
    """What a dry run found, under the id that commits it."""
    details = {"name": name, "problems": problems, "charset": file.charset}
    async with db.writing():
        sealed = (await vault.key_for("portal")).seal(Place("batch", "details", batch), json.dumps(details, ensure_ascii=False))
        await db.run(
            "INSERT INTO batch (id, sha256, options, planned, done, details, planned_by, planned_at, phase, position, parts)"
            " VALUES (?, ?, ?, ?, '{}', ?, ?, ?, 'planned', 0, 0)",
            *(batch, file.sha256, options.as_text(), json.dumps(counts), sealed, by, clock.micros(clock.now())),
        )
        payload = {"sha256": file.sha256.hex(), "charset": file.charset, "counts": dict(counts)}
        await audit.record(events.IMPORT_PLANNED, actor=by, object=batch, payload=payload, count=counts["rows"])
    return await find_batch(batch)


async def start(batch: str, by: str, file: ListFile) -> None:
    """The recording begins; does nothing if it did before."""
    async with db.writing():
        changed = await db.run(
            "UPDATE batch SET phase = 'noes', started_at = ?, started_by = ? WHERE id = ? AND phase = 'planned'",
            *(clock.micros(clock.now()), by, batch),
        )
        if changed:
            await audit.record(events.IMPORT_STARTED, actor=by, object=batch, payload={"sha256": file.sha256.hex()})


async def find_batch(batch_id: str) -> Batch:
    row = await db.row("SELECT * FROM batch WHERE id = ?", batch_id)
    if row is None:
        raise NotFound(_("There is no such import."))
    key = await vault.find_key("portal")
    details: dict[str, Any] = json.loads(key.open(Place("batch", "details", batch_id), bytes(row["details"]))) if key else {}
    in_force, undone, started = (
        None if row[name] is None else clock.from_micros(row[name]) for name in ("in_force_at", "undone_at", "started_at")
    )
    counts: dict[str, int] = json.loads(row["planned"] if row["phase"] == "planned" else row["done"])
    return Batch(
        id=batch_id,
        name=details.get("name", ""),
        sha256=bytes(row["sha256"]),
        options=Options.from_text(row["options"]),
        counts={name: counts.get(name, 0) for name in COUNTED},
        problems=[(line, verdict, why) for line, verdict, why in details.get("problems", ())],
        charset=details.get("charset", ""),
        in_force_at=in_force,
        undone_at=undone,
        started_at=started,
        **{name: row[name] for name in ("phase", "position", "parts", "planned_by")},
    )


async def planned_before(sha256: bytes, options: Options) -> str | None:
    """The newest batch of that very file and options that was not undone: the same command again goes on with it."""
    row = await db.row(
        "SELECT id FROM batch WHERE sha256 = ? AND options = ? AND undone_at IS NULL ORDER BY planned_at DESC LIMIT 1",
        *(sha256, options.as_text()),
    )
    return None if row is None else str(row["id"])


def refuse_undone(batch: Batch) -> None:
    if batch.undone_at:
        raise Conflict(_("This import was taken back. Plan the file again."))


def actor_of(batch: str) -> str:
    """Who speaks, in what an import records."""
    return f"import:{batch}"


def undone_why(batch: str) -> Place:
    return Place("batch", "undone_why", batch)
