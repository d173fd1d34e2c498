"""What takes long about an answer, before the turn to write: the case is frozen, and its snapshot stored.

Nobody else writes while an answer is signed. So only a glance at the log is left for then: if it says anything new of the case,
all is done once more, inside.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from portal import db, vault
from portal.cases import freeze, models, moves
from portal.lib.errors import Refusal


@dataclass(frozen=True)
class Ahead:
    """A snapshot taken with this answer and these reasons, when the log had so many entries about the case."""

    answer: str
    reasons: str
    entries: int
    digest: str
    blob: str = ""


@asynccontextmanager
async def stored(case_id: str, *, answer: str, reasons: str) -> AsyncIterator[Ahead | None]:
    """What `keep` claims inside the block; None where there is nothing to freeze: the transaction says why."""
    ahead = await _stored(case_id, answer, reasons)
    try:
        yield ahead
    finally:
        await vault.drop_unclaimed([ahead.blob] if ahead else [])


async def taken(case_id: str) -> Ahead | None:
    """The case as it stands, with the reasons of the answer that waits for an approval; None where none does."""
    with suppress(Refusal):
        entries, row = await _entries(case_id), await moves.load(case_id)
        approval = await moves.latest_approval(row)
        if approval is not None:
            reasons = await moves.reasons_of(approval)
            return Ahead("", reasons, entries, (await freeze.take(row, reasons=reasons)).digest)
    return None


async def keep(row: models.CaseRow, answer: str, reasons: str, ahead: Ahead | None) -> tuple[str, str]:
    """Inside `writing()`, before anything is recorded there: digest and blob of the snapshot."""
    if ahead is not None and await _is_as_taken(row, answer, reasons, ahead):
        with suppress(vault.Shredded):
            await vault.claim_blob(ahead.blob, (await freeze.place(row, answer))[1])
            return ahead.digest, ahead.blob
    snapshot = await freeze.take(row, answer=answer, reasons=reasons)
    key, until = await freeze.place(row, answer)
    return snapshot.digest, await vault.store_blob(key, freeze.content(snapshot), until)


async def digest(row: models.CaseRow, answer: str, reasons: str, ahead: Ahead | None) -> str:
    """Inside `writing()`, before anything is recorded there: that of the case as it stands."""
    if ahead is not None and await _is_as_taken(row, answer, reasons, ahead):
        return ahead.digest
    return (await freeze.take(row, answer=answer, reasons=reasons)).digest


async def _stored(case_id: str, answer: str, reasons: str) -> Ahead | None:
    with suppress(Refusal, vault.Shredded):
        entries, row = await _entries(case_id), await moves.load(case_id)  # what happens while it is taken shows later
        snapshot = await freeze.take(row, answer=answer, reasons=reasons)
        blob = await vault.store_ahead((await freeze.place(row, answer))[0], freeze.content(snapshot))
        return Ahead(answer, reasons, entries, snapshot.digest, blob)
    return None


async def _is_as_taken(row: models.CaseRow, answer: str, reasons: str, ahead: Ahead) -> bool:
    return (answer, reasons, await _entries(row.id)) == (ahead.answer, ahead.reasons, ahead.entries)


async def _entries(case_id: str) -> int:
    found = await db.row("SELECT count(*) AS n FROM entry WHERE case_id = ?", case_id)
    return found["n"] if found is not None else 0
