"""Forgetting a person (GDPR Art. 17).

Destroying the life keys makes everything sealed under them unreadable, also in backups, which carry no keys. What the person
said and when stays as proof under the evidence key until its own end (Art. 17(3)(e)); evidence.py lets it go then.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from portal import audit, db, vault
from portal.lib import clock
from portal.subjects import events, evidence
from portal.subjects.identifiers import get
from portal.subjects.links import whole
from portal.subjects.models import Identifier
from portal.subjects.notes import note

CONTACT_KINDS = ("email", "phone", "post")


@dataclass(frozen=True)
class Forgotten:
    """What was destroyed, in figures for the certificate."""

    subjects: list[str]
    identifiers: int
    keys: int
    notes: int


ASKED = "asked when erased"


async def forget(subject_id: str, *, by: str, case: str | None = None, keep_note: bool = False, noted: str = ASKED) -> Forgotten:
    """Erase the whole person: life keys, values and blind indexes; inside `writing()`. Doing it again changes nothing.

    With `keep_note` the keyed hashes of their addresses stay in `suppression`; `noted`: why, the person's wish or ours.
    """
    person = await whole(subject_id)
    living = [each for each in person.identifiers if each.erased_at is None]
    now = clock.micros(clock.now())
    notes = 0
    for each in living:
        notes += await _erase(each, by, keep_note, noted)
    keys = [await vault.shred("life", each) for each in person.subjects]
    await evidence.keep(person.subjects)
    marks = ", ".join("?" * len(person.subjects))
    erased = await db.run(f"UPDATE subject SET erased_at = ? WHERE erased_at IS NULL AND id IN ({marks})", now, *person.subjects)
    if any(keys):
        await evidence.scrub_soon()
    if erased:
        await audit.record(events.ERASED, actor=by, subject=person.subjects[0], case=case, count=sum(keys))
    return Forgotten(person.subjects, len(living), sum(keys), notes)


async def forget_addresses(identifier_ids: Iterable[str], *, by: str, case: str | None = None, keep_note: bool = False) -> int:
    """Erase these identifiers alone, of a person who has others that nobody asked about; inside `writing()`."""
    living = [each for each in [await get(one) for one in sorted(identifier_ids)] if each.erased_at is None]
    for each in living:
        await _erase(each, by, keep_note, ASKED)
        await audit.record(events.ADDRESS_ERASED, actor=by, subject=each.subject, case=case, object=each.id)
    return len(living)


async def _erase(identifier: Identifier, by: str, keep_note: bool, noted_because: str) -> int:
    """Answers how many coded notes were added."""
    noted = False
    if keep_note and identifier.kind in CONTACT_KINDS:
        noted = await note(identifier.kind, identifier.blind, noted_because, by, None, key=identifier.blind_key)
    # A hash of the row's own id takes the place of the blind index: the address may come back as somebody new.
    free, now = vault.blind("erased", identifier.id), clock.micros(clock.now())
    await db.run("DELETE FROM spelling WHERE identifier = ?", identifier.id)
    await db.run("UPDATE identifier SET value = NULL, blind = ?, erased_at = ? WHERE id = ?", free, now, identifier.id)
    return int(noted)
