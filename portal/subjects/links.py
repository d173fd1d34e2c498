"""Which records are one person: linking, splitting, and the whole of a person.

Everything recorded under one home moves together, so a person is a union of homes, two persons never share one, and
erasing somebody never touches a stranger's key. Linking writes links and nothing else; a split is exact.
"""

from dataclasses import dataclass
from datetime import datetime

from portal import audit, db
from portal.lib import clock
from portal.lib.errors import Conflict, NotFound
from portal.paper import _
from portal.subjects import events
from portal.subjects.identifiers import append_link, get
from portal.subjects.models import Identifier, Link, Subject


@dataclass(frozen=True)
class Whole:
    """All of a person: every record (`subjects`, oldest link first) and every identifier that points to them now."""

    subjects: list[str]
    identifiers: list[Identifier]


async def whole(subject_id: str, at: datetime | None = None) -> Whole:
    """The person behind any one of their records, now or as the links stood at a moment."""
    if at is not None:
        return await _whole_at(subject_id, at)
    home = await Identifier.filter(home=subject_id).first()
    person = home.subject if home else subject_id
    identifiers = await Identifier.filter(subject=person).order_by("created_at", "id")
    if not identifiers and not await Subject.exists(id=subject_id):
        raise NotFound(_("There is no such person."))
    return Whole(_records(person, identifiers), identifiers)


async def link(identifier_id: str, subject_id: str, *, by: str, why: str) -> None:
    """Say that an identifier, with all that was recorded under its home, is that person's; inside `writing()`.

    What was linked to this home comes along: it would be left with a record that is somebody else's now.
    """
    identifier = await get(identifier_id)
    target = await _living(subject_id)
    await _living(identifier.subject)
    if identifier.subject == target:
        return
    moving = {identifier.home: identifier_id}
    if identifier.subject == identifier.home:
        moving = {each.home: each.id for each in await _newest_first(identifier.home)} | moving
    for home, named in sorted(moving.items()):
        await _point(home, target, by=by, why=why)
        await audit.record(
            events.LINKED, actor=by, subject=target, object=named, payload={"from": identifier.subject, "why": why}
        )


async def merge(subject_id: str, *, into: str, by: str, why: str) -> None:
    """Two records are one person: everything behind the first is linked to the second; inside `writing()`."""
    target = await _living(into)
    for home in sorted({each.home for each in (await whole(subject_id)).identifiers if each.subject != target}):
        first = await Identifier.filter(home=home).order_by("created_at", "id").first()
        assert first is not None
        await link(first.id, target, by=by, why=why)


async def split(identifier_id: str, *, by: str, why: str) -> None:
    """Take a link back: the identifier and its home stand for themselves again; inside `writing()`."""
    identifier = await get(identifier_id)
    await _living(identifier.subject)
    if identifier.subject == identifier.home:
        raise Conflict(_("This address was recorded with this person from the start; there is no link to take back."))
    await _point(identifier.home, identifier.home, by=by, why=why)
    await audit.record(
        events.SPLIT, actor=by, subject=identifier.home, object=identifier_id, payload={"from": identifier.subject, "why": why}
    )


async def taken_back_at(identifier_id: str) -> datetime | None:
    """When the last link of an identifier was taken back, so that it stands for itself again; None when that never was."""
    first, *later = await Link.filter(identifier=identifier_id).order_by("at", "id")
    back = [each.at for each in later if each.subject == first.subject]
    return max(back, default=None)


async def _newest_first(person: str) -> list[Identifier]:
    return await Identifier.filter(subject=person).order_by("-created_at", "-id")


def _records(person: str, identifiers: list[Identifier]) -> list[str]:
    return list(dict.fromkeys([person, *(each.home for each in identifiers)]))


async def _living(subject_id: str) -> str:
    """The person a record belongs to now; raises Conflict after an erasure, when there is nothing left to link or split."""
    person = (await whole(subject_id)).subjects[0]
    if (await Subject.get(id=person)).erased_at is not None:
        raise Conflict(_("This person was erased; links can no longer be changed."))
    return person


async def _point(home: str, subject_id: str, *, by: str, why: str) -> None:
    now = clock.now()
    for each in await Identifier.filter(home=home).order_by("created_at", "id"):
        await append_link(each.id, subject_id, by=by, why=why, at=now)
    await db.run("UPDATE identifier SET subject = ? WHERE home = ?", subject_id, home)


async def _whole_at(subject_id: str, at: datetime) -> Whole:
    stood = await _stood(await _linked([subject_id], at), at)
    homes = await Identifier.filter(home=subject_id, created_at__lte=at)
    pointed = (await _stood([each.id for each in homes], at)).values()
    person = next(iter(pointed), subject_id)
    if person != subject_id:
        stood = await _stood(await _linked([person], at), at)
    mine = [each for each, subject in stood.items() if subject == person]
    identifiers = await Identifier.filter(id__in=mine).order_by("created_at", "id") if mine else []
    return Whole(_records(person, identifiers), identifiers)


async def _linked(subjects: list[str], at: datetime) -> list[str]:
    found = await Link.filter(subject__in=subjects, at__lte=at).values_list("identifier", flat=True)
    return sorted({str(each) for each in found})


async def _stood(identifiers: list[str], at: datetime) -> dict[str, str]:
    """To whom each identifier pointed at that moment."""
    if not identifiers:
        return {}
    links = await Link.filter(identifier__in=identifiers, at__lte=at).order_by("at", "id")
    return {each.identifier: each.subject for each in links}
