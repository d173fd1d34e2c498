"""Letters on paper, for people whom no mail reaches (GDPR Art. 12(1)-(3)): printed by an officer, noted when posted.

What a letter says lies sealed under the case's key; its PDF is made when it is printed. The words of a letter with a code
are gone as soon as it is noted as posted. A code that nobody posts ends as well, after as long as it would have worked.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from portal import audit, db, jobs, paper, vault
from portal.cases import deadlines, doubts, events, models
from portal.cases.letterhead import letterhead
from portal.cases.policy import policy
from portal.lib import clock, ids
from portal.lib.errors import Conflict, NotFound
from portal.paper import _
from portal.settings import get
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

    @property
    def is_over(self) -> bool:
        """A code that was not posted in its time."""
        return self.posted_at is None and self.ends_at is not None


@dataclass(frozen=True)
class Unposted:
    """One that lies here, for the officers' first page. `post_by`: a working day. `over`: its code ended, nobody posted it, and
    the person still waits for another one."""

    case: str
    kind: str
    post_by: date
    late: bool
    over: bool


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
            " WHERE id = ? AND posted_at IS NULL AND ends_at IS NULL",
            *(clock.micros(now), f"officer:{officer}", ends, letter_id),
        )
        if not changed:
            raise Conflict(_("This letter was noted as posted already, or its time is over."))
        row = await models.CaseRow.get(id=case_id)
        await audit.record(
            events.LETTER_POSTED,
            actor=f"officer:{officer}",
            subject=row.subject,
            case=case_id,
            object=letter_id,
            payload={"step": letter.kind},
        )


async def keep_tracking(letter: models.Letter, number: str) -> None:
    """Inside `writing()`: the number by which the post follows it, beside its words and gone with them."""
    key = await _case_key(letter.case_id)
    said = json.loads(key.open(Place("case_letter", "text", letter.id), letter.text)) if letter.text else {}
    letter.text = key.seal(Place("case_letter", "text", letter.id), json.dumps(said | {"tracking": number}, ensure_ascii=False))
    await letter.save(update_fields=["text"])


async def tracking_of(letter: models.Letter) -> str:
    """The same, or nothing where none was noted or its words are gone."""
    key = await vault.find_key("case", letter.case_id)
    if key is None or letter.text is None:
        return ""
    return str(json.loads(key.open(Place("case_letter", "text", letter.id), letter.text)).get("tracking", ""))


async def unposted() -> list[Unposted]:
    """The oldest first, at most fifty. Not a code that a later letter took the place of, or that nobody needs any more, and no
    letter whose words fell with its case's key."""
    now = clock.now()
    found = await db.rows(
        f"SELECT l.case_id, l.kind, l.made_at, l.ends_at FROM case_letter l {db.through('case_letter_unposted')}"
        " JOIN case_file c ON c.id = l.case_id"
        " WHERE l.posted_at IS NULL AND (c.contact_until IS NULL OR c.contact_until > ?) AND (l.kind <> ? OR (c.is_open = 1"
        " AND (l.ends_at IS NULL OR c.state = 'verifying') AND NOT EXISTS"
        " (SELECT 1 FROM case_letter n WHERE n.case_id = l.case_id AND n.kind = l.kind AND n.made_at > l.made_at)))"
        " ORDER BY l.made_at, l.id LIMIT 50",
        *(clock.micros(now), CODE),
    )
    today = deadlines.today(get().time_zone)
    days = [doubts.decide_by(clock.from_micros(each["made_at"])) for each in found]
    return [
        Unposted(each["case_id"], each["kind"], day, day < today, each["ends_at"] is not None)
        for each, day in zip(found, days, strict=True)
    ]


async def code_of(case_id: str) -> Letter | None:
    """The newest letter with a code."""
    return next((each for each in reversed(await of_case(case_id)) if each.kind == CODE), None)


def ends_unposted(letter: Letter) -> date:
    """The day on which its code ends if nobody posts it, in the controller's time zone."""
    return (letter.made_at + policy().letter_lives).astimezone(ZoneInfo(get().time_zone)).date()


@jobs.verb("cases.lapse_letters", every=timedelta(days=1))
async def lapse(job: jobs.Job) -> None:
    """Codes that nobody posted in their time end: the person reads it on their page, the officers on their first one."""
    since = clock.now() - policy().letter_lives
    for each in await models.Letter.filter(kind=CODE, posted_at=None, ends_at=None, made_at__lte=since):
        async with db.writing():
            await job.hold()
            row = await models.CaseRow.get(id=each.case_id)
            ended = await db.run(
                "UPDATE case_letter SET ends_at = ?, text = NULL, code = NULL"
                " WHERE id = ? AND posted_at IS NULL AND ends_at IS NULL",
                *(clock.micros(clock.now()), each.id),
            )
            if ended:
                await audit.record(
                    events.LETTER_LAPSED, actor="system", subject=row.subject, case=row.id, object=each.id, payload={"step": CODE}
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
