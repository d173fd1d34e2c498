"""What the customers said over the years, at which collection point: some of it in conflict, as in real life."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from portal import consent, subjects
from portal.demo.people import Customer
from portal.demo.story import Story
from portal.lib import clock


@dataclass(frozen=True)
class Said:
    """An answer and where it was given."""

    purpose: str
    channel: str
    answer: str
    source: str
    grade: str


@dataclass(frozen=True)
class Met:
    """A customer whose addresses are recorded: the identifier of each kind."""

    subject: str
    identifiers: dict[str, str]


def conflicted(people: list[Customer], now: datetime) -> Customer:
    """The one everybody asks about: a yes with a purchase in January, a no with a competition in March."""
    january, _march = _january_and_march(now)
    return next(person for person in people if person.since < january.date() - timedelta(days=30))


def tell(story: Story, people: list[Customer], seed: int, now: datetime) -> None:
    """Note in the story what each customer said."""
    chance = random.Random(seed + 2)  # noqa: S311  # a fixed sequence is what we want
    torn = conflicted(people, now)
    met: dict[int, Met] = {}
    for person in people:
        joined = now - timedelta(days=(now.date() - person.since).days, minutes=chance.randint(1, 600))
        story.at(_after_opening(joined, now), partial(_join, met, person, chance.random(), says_yes=person != torn))
        for _ in range(chance.choice([0, 0, 1, 1, 2])):
            later = joined + (now - joined) * chance.uniform(0.1, 0.98)
            said = chance.choice(WORDS)
            if person != torn and (said.channel != "sms" or person.phone):
                story.at(_after_opening(later, now), partial(_say, met, person, said))
    january, march = _january_and_march(now)
    story.at(january, partial(_say, met, torn, Said("newsletter", "email", "yes", "order", "self-verified")))
    story.at(march, partial(_say, met, torn, Said("newsletter", "email", "no", "competition", "self")))


def _january_and_march(now: datetime) -> tuple[datetime, datetime]:
    year = now.year if now.month > 3 else now.year - 1
    return now.replace(year=year, month=1, day=14, hour=11), now.replace(year=year, month=3, day=14, hour=11)


WORDS = [
    Said("newsletter", "email", "yes", "subscription", "self"),
    Said("newsletter", "email", "yes", "preference-centre", "self-verified"),
    Said("newsletter", "email", "no", "unsubscribe-link", "self"),
    Said("newsletter", "email", "yes", "competition", "self"),
    Said("similar-books", "email", "no", "preference-centre", "self-verified"),
    Said("offers", "sms", "yes", "loyalty-programme", "self"),
    Said("offers", "sms", "no", "call-centre", "staff"),
    Said("catalogue", "post", "no", "letter", "staff"),
]


SHOWN_AT_CHECKOUT = {
    "sale": "first order",
    "family": "books and audio books from our own shop",
    "opt_out": "untick the line above the button, or write to us, free of charge",
}


async def _join(met: dict[int, Met], person: Customer, lucky: float, *, says_yes: bool) -> None:
    """A first order: the address is recorded, the way to refuse is told, and two in three say yes to the newsletter."""
    first = await subjects.ensure("email", person.email, by="key:shop")
    known = {"email": first.id}
    if person.phone:
        known["phone"] = (await subjects.ensure("phone", person.phone, by="key:shop", subject=first.subject)).id
    address = f"{person.street}, {person.postcode} {person.city}"
    known["post"] = (await subjects.ensure("post", address, by="key:shop", subject=first.subject)).id
    met[person.number] = Met(first.subject, known)
    if lucky > 0.2 or not says_yes:
        await subjects.mark_verified(first.id)
    said = [Said("similar-books", "email", "informed", "checkout", "self")]
    if lucky > 0.35 and says_yes:
        said.append(Said("newsletter", "email", "yes", "checkout", "self-verified" if lucky > 0.4 else "self"))
    await _say(met, person, *said)


async def _say(met: dict[int, Met], person: Customer, *said: Said) -> None:
    """What was said on one occasion."""
    editions = {each.key: each.number for each in await consent.purposes()}
    await consent.decide_many([_word(met[person.number], person.speaks, each, editions[each.purpose]) for each in said])


def _word(known: Met, speaks: str, said: Said, edition: int) -> consent.Word:
    return consent.Word(
        identifier=known.identifiers[{"sms": "phone", "post": "post"}.get(said.channel, "email")],
        purpose=said.purpose,
        channel=said.channel,
        topic="",
        answer=said.answer,
        said_at=clock.now(),
        source=said.source,
        grade=said.grade,
        actor=f"customer:{known.subject}" if said.grade.startswith("self") else "key:shop",
        edition=f"{said.purpose}@{edition}/{speaks}",
        language=speaks,
        evidence=SHOWN_AT_CHECKOUT if said.answer == "informed" else None,
    )


def _after_opening(moment: datetime, now: datetime) -> datetime:
    """Never before the texts were published, never in the future."""
    return min(max(moment, now - timedelta(days=1520)), now - timedelta(hours=2))
