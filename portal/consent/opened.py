"""What is kept of an erased person, read by the two who opened it (openings.py): the entries of the log about them, with what
was kept as evidence of each word, and the receipts of these entries."""

from dataclasses import dataclass
from typing import Any

from portal import audit, subjects, vault
from portal.consent import openings
from portal.consent.history import evidence_of
from portal.consent.openings import Opening
from portal.lib.errors import NotFound
from portal.paper import _


@dataclass(frozen=True)
class Kept:
    """One entry with its contents, and what proves the word beside them."""

    entry: audit.Entry
    payload: dict[str, Any]
    evidence: dict[str, Any]


@dataclass(frozen=True)
class Page:
    """Newest first; `older` is where the next page begins, "" on the last one."""

    opening: Opening
    kept: list[Kept]
    older: str


async def read(opening_id: str, *, officer: str, before: str = "", limit: int = 50) -> Page:
    opening = await openings.look(opening_id, {"what": "entries", "before": before}, officer=officer)
    found = list[audit.Entry]()
    for each in (await subjects.whole(opening.subject)).subjects:
        # The steps of their requests are no part of it: those lie under the requests' own keys and are read there.
        found += await audit.search(subject=each, case="", before=before or None, limit=limit + 1)
    found.sort(key=lambda each: each.id, reverse=True)
    older = found[limit - 1].id if len(found) > limit else ""
    return Page(opening, [await _opened(each) for each in found[:limit]], older)


async def proof(opening_id: str, entry_id: str, *, officer: str) -> str:
    """The receipt of one of these entries, for the court: it can be checked without us."""
    opening = await openings.look(opening_id, {"what": "proof", "entry": entry_id}, officer=officer)
    entry = await audit.entry(entry_id)
    if entry is None or entry.case is not None or entry.subject not in (await subjects.whole(opening.subject)).subjects:
        raise NotFound(_("There is no such proof."))
    return await audit.prove(entry_id)


async def _opened(entry: audit.Entry) -> Kept:
    payload = await audit.open_payload(entry) or {}
    try:
        evidence = await evidence_of(entry.object) if "answer" in payload else None
    except vault.Shredded:
        evidence = None
    return Kept(entry, payload, evidence or {})
