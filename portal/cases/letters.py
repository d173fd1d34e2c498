"""Letters on paper, for people whom no mail reaches (GDPR Art. 12(1)-(3)): printed by an officer, noted when posted.

What a letter says lies sealed under the case's key; its PDF is made when it is printed. The words of a letter with a code
are gone as soon as it is noted as posted.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal import audit, db, paper, vault
from portal.cases import events, models
from portal.cases.letterhead import letterhead
from portal.cases.policy import policy
from portal.lib import clock, ids
from portal.lib.errors import Conflict, NotFound
from portal.paper import _
from portal.vault import Place

CODE = "code"
# On paper nobody signs in: these say the same in other words.
ON_PAPER = {"mail/case-ready": "letter/case-ready"}


@dataclass(frozen=True)
class Letter:
    """One letter for an officer's page. `place`: where it goes, empty when it is given by hand."""

    id: str
    kind: str
    place: str
    made_at: datetime
    posted_at: datetime | None
    ends_at: datetime | None
    used_at: datetime | None
    printable: bool


async def write(
    row: models.CaseRow,
    template: str,
    context: Mapping[str, Any],
    *,
    kind: str = "",
    place: str | None = None,
    code: bytes | None = None,
    by: str = "system",
) -> str:
    """Inside `writing()`: a letter in the person's language, by a mail's text; to the place that an earlier one proved."""
    letter_id, key = ids.new(), await _case_key(row.id)
    with paper.in_language(row.language):
        text = paper.render(f"{ON_PAPER.get(template, template)}.txt", **context)
    first, _newline, body = text.partition("\n")
    said = json.dumps({"subject": first.removeprefix("Subject: "), "text": body.strip()}, ensure_ascii=False)
    await models.Letter.create(
        id=letter_id,
        case_id=row.id,
        kind=kind or template.removeprefix("mail/"),
        place=key.seal(Place("case_letter", "place", letter_id), await _proven_place(row) if place is None else place),
        text=key.seal(Place("case_letter", "text", letter_id), said),
        code=code,
        made_at=clock.now(),
        made_by=by,
    )
    return letter_id


async def of_case(case_id: str) -> list[Letter]:
    key = await vault.find_key("case", case_id)
    return [
        Letter(
            each.id,
            each.kind,
            key.open(Place("case_letter", "place", each.id), each.place) if key else "",
            each.made_at,
            each.posted_at,
            each.ends_at,
            each.used_at,
            bool(key and each.text),
        )
        for each in await models.Letter.filter(case_id=case_id).order_by("made_at", "id")
    ]


async def pdf(case_id: str, letter_id: str, *, officer: str) -> bytes:
    """For the printer; that an officer printed it is recorded."""
    row = await models.CaseRow.get_or_none(id=case_id)
    letter = await models.Letter.get_or_none(id=letter_id, case_id=case_id)
    if row is None or letter is None or letter.text is None:
        raise NotFound(_("This letter is not there, or it was posted already."))
    async with db.writing():
        await audit.record(events.LETTER_READ, actor=f"officer:{officer}", subject=row.subject, case=case_id, object=letter_id)
    key = await _case_key(case_id)
    said = json.loads(key.open(Place("case_letter", "text", letter_id), letter.text))
    place = key.open(Place("case_letter", "place", letter_id), letter.place)
    with paper.in_language(row.language):
        page = paper.render("pdf/posted.html", **letterhead(), **said, place=place, made_at=letter.made_at)
        return await paper.pdf(page)


async def posted(case_id: str, letter_id: str, *, officer: str) -> None:
    """Handed to the post, or given to the person: from here on a code in it works, and its words are kept no longer."""
    async with db.writing():
        letter = await models.Letter.get_or_none(id=letter_id, case_id=case_id)
        if letter is None:
            raise NotFound(_("This letter is not there, or it was posted already."))
        now = clock.now()
        ends = clock.micros(now + policy().letter_lives) if letter.code else None
        changed = await db.run(
            "UPDATE case_letter SET posted_at = ?, posted_by = ?, ends_at = ?, text = CASE WHEN code IS NULL THEN text END"
            " WHERE id = ? AND posted_at IS NULL",
            *(clock.micros(now), f"officer:{officer}", ends, letter_id),
        )
        if not changed:
            raise Conflict(_("This letter was noted as posted already."))
        row = await models.CaseRow.get(id=case_id)
        await audit.record(
            events.LETTER_POSTED,
            actor=f"officer:{officer}",
            subject=row.subject,
            case=case_id,
            object=letter_id,
            payload={"step": letter.kind},
        )


async def _proven_place(row: models.CaseRow) -> str:
    """Where the letter went whose code came back; nowhere else."""
    found = await models.Letter.filter(case_id=row.id, kind=CODE, used_at__isnull=False).order_by("-used_at").first()
    key = await _case_key(row.id)
    return key.open(Place("case_letter", "place", found.id), found.place) if found else ""


async def _case_key(case_id: str) -> vault.Key:
    key = await vault.find_key("case", case_id)
    if key is None:
        raise Conflict(_("The address and the letters of this request were deleted when their time was over."))
    return key
