"""Handing a copy over without the portal: by tracked post to a postal address on file, or from hand to hand.

For people who showed who they are in another way than by their mailbox, and for whoever asks for it on paper (GDPR Art. 12(1),
15(3); EDPB 01/2022 §66): nothing goes to an address that the request itself named first. The number of the parcel is noted, and
the person reads it on their page.
"""

import re
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from portal import audit, db, subjects, vault
from portal.cases import events, handover, letters, models, moves, plain_words, postal, review, states, verification
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid, NotFound
from portal.paper import _, in_language
from portal.settings import get

POST, IN_PERSON = "tracked post", "in person"
HOW = (POST, IN_PERSON)
COPY = "copy"  # the kind of letter that goes with a copy, to an address that an officer found on file
# Whether an officer may choose the post now, or has: what its page offers.
CHOOSE, READY = "choose", "ready"


@dataclass(frozen=True)
class Sent:
    """The day on which a copy was handed to the post, and the number to follow it by."""

    on: date
    tracking: str


async def stage(case_id: str) -> str:
    """CHOOSE: the copy waits in the portal, and may go by post instead. READY: it is to be printed. "": nothing of this."""
    row = await moves.load(case_id)
    if moves.ACTS.get(row.right) != "package" or row.state != states.DELIVERING or await verification.is_erased(row):
        return ""
    cover = await _cover(row)
    if row.reach == "post" or (cover is not None and cover.kind == COPY):
        return READY
    return CHOOSE if row.requester == "me" and row.address_kind == "email" else ""


async def choose_post(case_id: str, place: str, system: str, *, officer: str) -> None:
    """Send the copy to a postal address on file, as `system` holds it beside the address that was asked with, and write the
    letter that goes with it. Raises Invalid for an address that does not stand there, Conflict for one that they named only now.
    """
    row = await moves.load(case_id)
    if await stage(case_id) != CHOOSE:
        raise Conflict(_("This copy is not ready, or goes by post already."))
    if not await postal.stands_on_file(row, await verification.case_address(row), place, system):
        fields = {"place": _("Write it exactly as it stands there, without the country.")}
        raise Invalid(_("This postal address does not stand with this person in that system."), fields)
    async with db.writing():
        row = await moves.lock(case_id)
        if await stage(case_id) != CHOOSE:
            raise Conflict(_("This copy is not ready, or goes by post already."))
        if await _named_since(row, place):
            raise Conflict(_("The person gave this address only with this request or after it. Nothing may go there."))
        package = await _kept(row)
        until = package.keep_until.astimezone(ZoneInfo(get().time_zone)).date()
        with in_language(row.language):
            context = {"what": plain_words.asked_for(row.right), "until": until}
        actor = f"officer:{officer}"
        letter = await letters.write(row, "mail/case-ready", context, kind=COPY, place=place.strip(), by=actor)
        await audit.record(events.POST_CHOSEN, actor=actor, subject=row.subject, case=case_id, object=letter)


async def package(case_id: str, *, officer: str) -> handover.File:
    """For the officer who prints it, or puts it on a stick; recorded."""
    async with db.writing():
        row = await moves.lock(case_id)
        found = await _waiting(row)
        await audit.record(events.LETTER_READ, actor=f"officer:{officer}", subject=row.subject, case=case_id, object=found.id)
    return handover.File(f"case-{case_id}.zip", found.size, vault.read_blob(found.blob_id))


async def given(case_id: str, how: str, tracking: str = "", *, officer: str) -> None:
    """It was handed to the post as a tracked letter, or into the person's hands; the request closes."""
    if how not in HOW:
        raise Invalid(_("Please say how it was given."), {"given": _("Choose one of these.")})
    tracking = tracking.strip().upper()
    if how == POST and not re.fullmatch("[A-Z0-9][A-Z0-9 -]{3,38}[A-Z0-9]", tracking):
        told = _("Please note the number by which the post follows it.")
        raise Invalid(told, {"tracking": _("Letters and digits, as they stand on the receipt.")})
    async with db.writing():
        row = await moves.lock(case_id)
        found, cover = await _waiting(row), await _cover(row)
        if how == POST and (cover is None or (cover.kind != COPY and not await _has_place(row))):
            raise Conflict(_("No postal address was proven in this request. Give it from hand to hand."))
        if cover is not None and how == POST:
            await letters.keep_tracking(cover, tracking)
        if cover is not None and cover.posted_at is None:
            await letters.posted(case_id, cover.id, officer=officer)
        found.opened_at = clock.now()
        await found.save(update_fields=["opened_at"])
        actor = f"officer:{officer}"
        await audit.record(
            events.COPY_GIVEN, actor=actor, subject=row.subject, case=case_id, object=found.id, payload={"how": how}
        )
        await moves.finish(row, row.proposed, actor=actor)


async def sent(case_id: str) -> Sent | None:
    """For the person's page: the newest copy that went by post, as long as the letters of the request are kept."""
    cover = await _cover(await moves.load(case_id))
    number = "" if cover is None else await letters.tracking_of(cover)
    if cover is None or cover.posted_at is None or not number:
        return None
    return Sent(cover.posted_at.astimezone(ZoneInfo(get().time_zone)).date(), number)


async def _waiting(row: models.CaseRow) -> models.PackageRow:
    if await stage(row.id) != READY:
        raise Conflict(_("This copy is fetched in the portal, or it is not ready."))
    if await models.Hold.filter(case_id=row.id, kind="freeze", lifted_at=None).exists():
        raise Conflict(_("Somebody said that they did not ask for this. Decide about that first."))
    return await _kept(row)


async def _kept(row: models.CaseRow) -> models.PackageRow:
    found = (
        await models.PackageRow.filter(case_id=row.id, kind="package", keep_until__gt=clock.now()).order_by("-made_at").first()
    )
    if found is None:
        raise NotFound(_("This package is not kept any more. You can ask for a new one at any time."))
    return found


async def _cover(row: models.CaseRow) -> models.Letter | None:
    """The letter that goes with the newest copy, where one was written."""
    made = await models.PackageRow.filter(case_id=row.id, kind="package").order_by("-made_at").first()
    if made is None:
        return None
    written = models.Letter.filter(case_id=row.id, kind__in=(COPY, "case-ready"), made_at__gte=made.made_at)
    return await written.order_by("-made_at", "-id").first()


async def _has_place(row: models.CaseRow) -> bool:
    return await models.Letter.filter(case_id=row.id, kind="code", used_at__isnull=False).exists()


async def _named_since(row: models.CaseRow, place: str) -> bool:
    """Whether the person had it corrected to this, with this request or after it: what stands on file then proves nothing."""
    people = (await subjects.whole(row.subject)).subjects if row.subject else ()
    asked = await models.CaseRow.filter(subject__in=list(people), right="rectification")
    for each in asked:
        if each.closed_at is not None and each.closed_at < row.created_at:
            continue
        for correction in await review.corrections(each.id):
            if correction["field"] in postal.FIELDS and postal.shares_a_line(place, correction["new"]):
                return True
    return False
