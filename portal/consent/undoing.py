"""Taking back one no within ten minutes, because nobody is asked "are you sure?" before it counts."""

from datetime import timedelta

from portal import db, subjects
from portal.consent import fold
from portal.consent.decisions import Decided, find, following, record_again
from portal.consent.permissions import allowed
from portal.consent.purposes import Purpose, in_force, purpose
from portal.consent.words import Cell
from portal.lib import clock, ids
from portal.lib.errors import Conflict, NotFound
from portal.paper import _

UNDO_WITHIN = timedelta(minutes=10)


async def undo(decision_id: str, by: str) -> Decided:
    """Take back exactly one no; doing it twice changes nothing. Joins an open `writing()` or makes its own.

    Never allows more than stood before that no: if something said meanwhile would now count, it is refused.
    """
    async with db.writing():
        no = await find(decision_id)
        person = (await subjects.people([no.word.identifier]))[no.word.identifier]
        if by.startswith("customer:") and by.removeprefix("customer:") not in person.subjects:
            raise NotFound(_("There is no such choice."))
        if no.word.answer != "no":
            raise Conflict(_("Only a refusal can be taken back here."))
        earlier = await following(decision_id, "undone")
        if earlier is not None:
            return earlier
        now = clock.now()
        if now > no.recorded_at + UNDO_WITHIN:
            raise Conflict(_("The ten minutes are over. You can choose again on your page."))
        about = await purpose(no.word.purpose)
        standing = await allowed(person, about, no.word.cell)
        before = await _allowed_before(no, about)
        word = no.word._replace(answer="undone", said_at=None, actor=by, evidence=None)
        undone = await record_again(Decided(ids.new(), word, now, now, None, "firm", "", decision_id), person)
        await fold.rebuild([no.word.identifier])
        if not await allowed(person, about, no.word.cell) - standing <= before:
            # Raising rolls the undoing back.
            raise Conflict(_("Something else was said meanwhile, so this cannot be taken back. Please choose again."))
        return undone


async def _allowed_before(no: Decided, about: Purpose) -> set[tuple[str, Cell]]:
    """What could be used in the moment before the no was recorded."""
    moment = no.recorded_at - timedelta(microseconds=1)
    person = await subjects.person_at(no.word.identifier, moment)
    then = (await in_force([about.key], moment)).get(about.key)
    return set() if person is None or then is None else await allowed(person, then, no.word.cell, moment)
