"""Whoever got data from us hears that it was corrected, deleted or restricted, and the person who they are (GDPR Art. 19).

Noted when the request is carried out: by name, those that the purposes in force say the data goes to. No program of ours
reaches them, so an officer tells them and says so here, or why it is impossible or would take disproportionate effort; the
reason lies under the request's key.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from portal import audit, consent, db, vault
from portal.cases import events, findings, freeze, models, moves, own_data, states, targets, verification
from portal.lib import clock, ids
from portal.lib.errors import Conflict, Invalid, NotFound
from portal.paper import _, in_language
from portal.settings import get
from portal.vault import Place

OPEN, TOLD, IMPOSSIBLE = STATES = ("open", "told", "impossible")
RIGHTS = ("rectification", "erasure", "restriction")
LONGEST = 500


@dataclass(frozen=True)
class Recipient:
    """`why` it is impossible, "" also once the request's words have fallen with its key."""

    id: str
    name: str
    state: str
    at: datetime | None
    why: str


async def note(row: models.CaseRow) -> None:
    """Inside `writing()`, when all is done: who has to be told. Who was told in an earlier round has to be told again."""
    if row.right not in RIGHTS:
        return
    names = await _names(row)
    await models.RecipientRow.filter(case_id=row.id).delete()
    for name in names:
        await models.RecipientRow.create(id=ids.new(), case_id=row.id, recipient=name, state=OPEN)
    if names:
        await audit.record(events.RECIPIENTS_NOTED, actor="system", subject=row.subject, case=row.id, payload={"names": names})


async def of(case_id: str) -> list[Recipient]:
    """In the order of the systems."""
    key = await vault.find_key("case", case_id)
    found = []
    for each in await models.RecipientRow.filter(case_id=case_id).order_by("id"):
        why = key.open(Place("case_recipient", "why", each.id), each.why) if each.why and key else ""
        found.append(Recipient(each.id, each.recipient, each.state, each.told_on, why))
    return found


async def say(case_id: str, recipient: str, state: str, why: str, *, officer: str) -> None:
    """An officer told them, or could not. What was said may be corrected; said twice, the first day counts. With the last of
    them the evidence file is made anew. Raises Invalid, NotFound.
    """
    if state not in (TOLD, IMPOSSIBLE):
        raise Invalid(_("Say whether you told them."))
    if state == IMPOSSIBLE and not 10 <= len(why.strip()) <= LONGEST:
        told = _("Please give the reason in 10 to 500 letters; the person can read it.")
        raise Invalid(told, {f"why-{recipient}": _("Please give the reason.")})
    async with db.writing():
        row = await moves.lock(case_id)
        found = await models.RecipientRow.get_or_none(id=recipient, case_id=case_id)
        if found is None:
            raise NotFound(_("There is nothing of this name here."))
        if found.state == state == TOLD:
            return
        sealed = None
        if state == IMPOSSIBLE:
            key = await vault.find_key("case", row.id)
            if key is None:
                raise Conflict(_("The words of this request are gone, so no reason can be kept any more."))
            sealed = key.seal(Place("case_recipient", "why", recipient), why.strip())
        await models.RecipientRow.filter(id=recipient).update(state=state, why=sealed, told_on=clock.now())
        payload = {"recipient": found.recipient, "how": state}
        await audit.record(events.RECIPIENT_TOLD, actor=f"officer:{officer}", subject=row.subject, case=row.id, payload=payload)
        if await _are_all_said(row):
            await moves.evidence_later(row)


async def waiting(limit: int = 20) -> list[str]:
    """Requests with somebody who has not been told, the oldest first."""
    sql = f"SELECT case_id FROM case_recipient {db.through('case_recipient_open')} WHERE state = 'open' ORDER BY id LIMIT ?"
    return list(dict.fromkeys(each["case_id"] for each in await db.rows(sql, limit)))


async def _are_all_said(row: models.CaseRow) -> bool:
    """After the end, and as long as an evidence file can still be made."""
    if row.state != states.CLOSED or await models.RecipientRow.filter(case_id=row.id, state=OPEN).exists():
        return False
    return row.right == "erasure" or not await findings.are_gone(row)


async def _names(row: models.CaseRow) -> list[str]:
    """Of a correction those of the entries that were written; else those of all purposes: a dry run knows no categories.

    All as well where what was written stands for no purpose, as a name or an address: nobody knows which of them got it.
    """
    with in_language(get().language_list[0]):
        published = await consent.purposes()
    everybody = list(dict.fromkeys(freeze.name_of(each) for purpose in published for each in purpose.recipients))
    if row.right != "rectification":
        return everybody
    written = await _corrected(row)
    found = await models.FindingRow.filter(case_id=row.id, round=row.round).order_by("id")
    held = [(each.category, each.system) for each in found if (each.system, each.table_name) in written]
    elsewhere = [each for each in held if each[1] != own_data.NAME]
    if not all(freeze.purposes_of(*each, published) for each in elsewhere):
        return everybody
    return freeze.recipients_of(held, published)


async def _corrected(row: models.CaseRow) -> set[tuple[str, str]]:
    key = await verification.case_key(row)
    accepted: Sequence[models.CorrectionRow] = await models.CorrectionRow.filter(case_id=row.id, accepted=1)
    return {(each.system, each.table) for one in accepted for each in targets.kept(key, one) if each.chosen}
