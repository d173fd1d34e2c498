"""The preference page's matrix: every purpose × channel (× topic) × address of a person, and why it is on or off."""

from dataclasses import dataclass

from portal import subjects
from portal.consent.permissions import Facts
from portal.consent.purposes import Purpose, Topic, in_force
from portal.consent.rules import Answer, Because
from portal.consent.words import CHANNELS, Cell
from portal.lib import clock
from portal.subjects import Known, Person


@dataclass(frozen=True)
class Choice:
    """One square. `identifier` None: we have no address for this channel, and `answer` is None too.

    `changeable` False: fixed by contract or law. `edition` is the text to show and to name in a yes; `no_decision` is
    the id of the no that decides now, which the page can offer to undo. `by_another`: a stop of somebody who may be the same
    person decides.
    """

    purpose: Purpose
    channel: str
    topic: Topic | None
    identifier: Known | None
    answer: Answer | None
    changeable: bool
    by_another: bool = False

    @property
    def allowed(self) -> bool:
        return self.answer is not None and self.answer.allowed

    @property
    def because(self) -> Because | None:
        return None if self.answer is None else self.answer.because

    @property
    def edition(self) -> str:
        return self.purpose.edition

    @property
    def no_decision(self) -> str | None:
        because = self.because
        return because.id if because is not None and because.what == "decision" and because.answer == "no" else None


async def choices(subject_id: str, *, alone: bool = False) -> list[Choice]:
    """All squares of the whole person in the order of the purposes, in a handful of queries.

    `alone`: as they would be if nobody else could be the same person.
    """
    whole = await subjects.whole(subject_id)
    known = await in_force(None)
    now = clock.now()
    living = [each.id for each in whole.identifiers if each.erased_at is None]
    person = (await subjects.people(living[:1])).get(living[0]) if living else None
    facts = await Facts.load([person] if person else [], alone=alone)
    reachable = [each for each in person.identifiers if each.erased_at is None] if person else []
    found: list[Choice] = []
    for about in known.values():
        for channel in about.channels:
            mine = [each for each in reachable if each.kind in CHANNELS[channel]]
            for topic in (None, *about.topics):
                place = Cell(about.key, channel, topic.key if topic else "")
                changeable = about.default != "fixed"
                if not mine or person is None:
                    found.append(Choice(about, channel, topic, None, None, changeable))
                    continue
                for each in mine:
                    answer = facts.answer(person, each.id, place, about, now)
                    by_another = _is_of_another(answer, person, facts)
                    found.append(Choice(about, channel, topic, each, answer, changeable, by_another))
    return found


def _is_of_another(answer: Answer, person: Person, facts: Facts) -> bool:
    """A stop decides that lies on nobody of this person (rule 5: on who may be the same)."""
    if answer.because.what != "stop" or not answer.because.id:
        return False
    holders = (*person.subjects, *(each.id for each in person.identifiers))
    return all(stop.id != answer.because.id for holder in holders for stop in facts.stops.get(holder, ()))
