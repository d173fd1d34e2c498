"""Nobody with a basis is ever proposed, and everybody whose last one is gone long enough is, whatever was said in whatever order.

The oracle is what the doors answer: the permission of every cell, now and at moments of the past.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from portal import audit, consent, db, subjects
from portal.cases import basis_proposals, basis_search
from portal.consent.permissions import Facts, below, permissions
from portal.consent.words import ALL, CHANNELS, Cell
from portal.lib import clock
from portal.lib.errors import Conflict
from portal.subjects import Identifier
from tests.conftest import House, on_both
from tests.consent.people import known, publish, say

START = datetime.fromisoformat("2026-01-05T10:00:00Z")
DAY = timedelta(days=1)
WAIT = 30 * DAY
TOLD = {"sale": "B-1", "family": "books", "opt_out": "link"}
STOCK, SIMILAR, SURVEYS = ("back-in-stock", "email"), ("similar-books", "email"), ("surveys", "email")

_who = st.integers(0, 2)
_grade = st.sampled_from(["import", "staff", "self", "self-verified"])
_act = st.one_of(
    st.tuples(st.just("yes"), _who, st.sampled_from([STOCK, STOCK, SURVEYS]), _grade, st.sampled_from([None, 3, 20])),
    st.tuples(st.just("no"), _who, st.sampled_from([STOCK, SURVEYS, SIMILAR]), _grade, st.none()),
    st.tuples(st.just("unset"), _who, st.just(STOCK), _grade, st.none()),
    st.tuples(st.just("informed"), _who, st.just(SIMILAR), _grade, st.none()),
    st.tuples(st.sampled_from(["object", "prove", "link", "split", "search"]), _who, st.just(STOCK), _grade, st.none()),
)
_story = st.lists(st.tuples(_act, st.sampled_from([0, 0, 1, 9, 25, 31, 45])), min_size=1, max_size=9)


@dataclass
class Town:
    """Three addresses; the first two may be linked to one person."""

    addresses: list[Identifier] = field(default_factory=list)


async def _held() -> None:
    """In place of a job's lease."""


async def _search() -> None:
    await consent.lapses.note_lapses()
    await audit.sequence_all()
    await basis_search.search_on(_held)


async def _do(town: Town, kind: str, who: int, place: tuple[str, str], grade: str, days: int | None) -> None:
    mine = town.addresses[who]
    person = (await subjects.get(mine.id)).subject
    if kind in ("yes", "no", "unset", "informed"):
        more: dict[str, Any] = {"grade": grade, "until": clock.now() + days * DAY if days else None}
        if kind == "informed":
            more |= {"source": "order", "evidence": TOLD, "edition": "similar-books@1/en"}
        await say(mine, kind, *place, **more)
    elif kind == "object":
        await consent.stops.object_to_marketing(person, by="officer:olga")
    elif kind == "search":
        await _search()
    else:
        async with db.writing():
            if kind == "prove":
                await subjects.mark_verified(mine.id)
            elif kind == "link":
                await subjects.link(town.addresses[1].id, town.addresses[0].subject, by="officer:olga", why="told us")
            else:
                with suppress(Conflict):
                    await subjects.split(town.addresses[1].id, by="officer:olga", why="not the same person")


async def _on_a_word(identifiers: list[str]) -> bool:
    """Whether any cell of these addresses may be used because somebody said so: as the doors answer it."""
    answers = (await permissions([(each, cell) for each in identifiers for cell in _cells(await consent.purposes())])).values()
    return any(answer.allowed and answer.because.what == "decision" for answer in answers)


async def _rested(identifiers: list[str], at: datetime) -> bool:
    """The same by what was known at a moment."""
    known = {each.key: each for each in await consent.purposes()}
    for one in identifiers:
        person = await subjects.person_at(one, at)
        assert person is not None
        facts = await Facts.load([person], at=at)
        answers = [facts.answer(person, one, cell, known[cell.purpose], at) for cell in _cells(list(known.values()))]
        if any(answer.allowed and answer.because.what == "decision" for answer in answers):
            return True
    return False


def _cells(purposes: list[consent.Purpose]) -> list[Cell]:
    """By e-mail, which all the addresses are."""
    cells = [cell for each in purposes for cell in below(each, Cell(each.key, ALL, ALL))]
    return [cell for cell in cells if "email" in CHANNELS[cell.channel]]


async def _people(town: Town) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in town.addresses:
        found.setdefault((await subjects.get(each.id)).subject, []).append(each.id)
    return found


async def _begin() -> tuple[Town, datetime]:
    """Three strangers, later than all that was recorded before: time runs one way."""
    newest = await audit.search(limit=1)
    begin = START if not newest or newest[0].recorded_at is None else newest[0].recorded_at + 100 * DAY
    with clock.at(begin):
        if not newest:
            await publish()
        names = [f"{name}-{begin.date()}@example.com" for name in ("ana", "ben", "carl")]
        return Town([await known("email", each) for each in names]), begin + DAY


@on_both
@settings(max_examples=max(15, settings().max_examples // 4))  # each example asks the doors hundreds of questions
@given(story=_story, quiet=st.sampled_from([0, 10, 40]))
async def test_who_has_a_basis_is_never_proposed_and_who_has_lost_the_last_is(house: House, story: list[Any], quiet: int) -> None:
    town, now = await _begin()
    moments: list[datetime] = []
    for act, days in story:
        with clock.at(now):
            await _do(town, *act)
            moments.append(clock.now())
        now += days * DAY + timedelta(hours=1)
    now += quiet * DAY
    with clock.at(now):
        await _search()
        # Who is whom is played back as it is known now: a yes that somebody else's no had closed was theirs all the same.
        known_better = any(act[0] in ("link", "split", "prove") for act, _days in story)
        for person, addresses in (await _people(town)).items():
            standing, proposed = await consent.bases.standing(person), await basis_proposals.of_person(person) is not None
            assert standing.has_basis == await _on_a_word(addresses)
            rested = [each for each in moments if await _rested(addresses, each)]
            if standing.has_basis or not rested:
                assert not proposed or (known_better and not standing.has_basis)
                continue
            ended = standing.ended_at
            assert ended is not None and rested[-1] < ended <= clock.now()
            assert known_better or await _rested(addresses, ended - timedelta(microseconds=1))
            assert proposed == (ended + WAIT <= now)
