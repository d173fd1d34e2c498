"""What visitors answered, counted by day: all that is kept of a plain refusal, and the figures of the back office.

A refusal's count is durable before it is acknowledged and happens once per id; those of the same moment share their commit.
A recorded answer is counted beside its decision, which is the proof: within a second, and kill -9 loses that one. No row
is about anybody (EDPB 05/2020 §106: a refusal needs no profile of who refused).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from portal import db, settings
from portal.lib import clock
from portal.lib.errors import Conflict
from portal.lib.together import Together
from portal.paper import _, in_language, language

AT_MOST = 500
BROUGHT_WITHIN = timedelta(days=30)  # a browser may bring an answer again for so long, and it counts once


@dataclass(frozen=True, slots=True)
class Ballot:
    """One answered question: what was said per purpose and how. With a `key` it counts once, and `reply` is kept."""

    site: str
    day: str
    answers: tuple[tuple[str, str], ...]
    how: str
    key: str = ""
    request_hash: bytes = b""
    reply: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """How often a purpose got this answer on a day, by how it was given."""

    day: date
    purpose: str
    answer: str
    how: str
    number: int


async def count(ballot: Ballot) -> str:
    """Count it; answers its reply, or the first one when the same id was counted before. Raises Conflict for another's id."""
    return await _together.ask(ballot)


def count_later(ballot: Ballot) -> None:
    """Count what was recorded already; `fold` does it."""
    _waiting.setdefault(settings.get().database, []).append(ballot)


async def fold() -> None:
    """Add what was to be counted later; what cannot be added now waits on."""
    waiting = _waiting.get(settings.get().database, [])
    if part := list(waiting):
        await _count_round(part)
        del waiting[: len(part)]


async def days(site: str, since: date) -> list[Day]:
    """What was counted from a day on, the latest day last."""
    found = await db.rows(
        "SELECT day, purpose, answer, how, number FROM site_count WHERE site = ? AND day >= ? ORDER BY day, purpose, answer, how",
        *(site, since.isoformat()),
    )
    return [Day(date.fromisoformat(each["day"]), each["purpose"], each["answer"], each["how"], each["number"]) for each in found]


def today() -> date:
    return clock.now().astimezone(ZoneInfo(settings.get().time_zone)).date()


def ballot(site: str, answers: Mapping[str, bool], how: str, key: str = "", request_hash: bytes = b"", reply: str = "") -> Ballot:
    said = tuple((purpose, "yes" if yes else "no") for purpose, yes in answers.items())
    return Ballot(site, today().isoformat(), said, how, key, request_hash, reply, language())


async def _count_round(ballots: Sequence[Ballot]) -> list[str | Exception]:
    async with db.writing():
        return await db.in_one_trip(partial(_counted, ballots))


async def _counted(ballots: Sequence[Ballot]) -> list[str | Exception]:
    kept = await db.kept_replies({each.key for each in ballots if each.key})
    first: dict[str, tuple[bytes, str]] = {}
    numbers: Counter[tuple[str, str, str, str, str]] = Counter()
    outcomes: list[str | Exception] = []
    for each in ballots:
        before = (kept | first).get(each.key) if each.key else None
        if before is not None:
            outcomes.append(before[1] if before[0] == each.request_hash else _taken(each))
            continue
        if each.key:
            first[each.key] = each.request_hash, each.reply
        numbers.update(_lines(each))
        outcomes.append(each.reply)
    await db.keep_replies([(key, hashed, reply) for key, (hashed, reply) in first.items()], BROUGHT_WITHIN)
    await db.many(
        "INSERT INTO site_count (site, day, purpose, answer, how, number) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (site, day, purpose, answer, how) DO UPDATE SET number = site_count.number + excluded.number",
        [(*line, number) for line, number in sorted(numbers.items())],
    )
    return outcomes


def _lines(ballot: Ballot) -> list[tuple[str, str, str, str, str]]:
    site, day = ballot.site, ballot.day
    return [(site, day, "", "", ballot.how), *((site, day, purpose, said, ballot.how) for purpose, said in ballot.answers)]


def _taken(ballot: Ballot) -> Conflict:
    with in_language(ballot.language):
        return Conflict(_("This id was used for a different answer. Use a new one for a new answer."))


_waiting: dict[str, list[Ballot]] = {}
_together: Together[Ballot, str] = Together(_count_round, at_most=AT_MOST, is_for_all=db.is_trouble)
