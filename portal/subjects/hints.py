"""Why two records may be one person's: noted when addresses arrive, without opening any other value. A hint merges nothing.

Three reasons, each of which a person can check: `mailbox`, two spellings that most likely reach one mailbox; `together`,
two addresses that somebody handed in as one person's; `form`, two rows whose addresses a changed form makes equal.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from portal import audit, db
from portal.lib import clock, ids
from portal.subjects import events
from portal.subjects.canonical import mailbox
from portal.subjects.places import AT_ONCE, blind_of, stored_at

MAILBOX, TOGETHER, FORM = "mailbox", "together", "form"
REASONS = (MAILBOX, TOGETHER, FORM)


@dataclass(frozen=True, slots=True)
class Spelt:
    """An e-mail address that was just recorded: its row, its canonical form, and from whom it came."""

    id: str
    canonical: str
    by: str


async def handed_in_together(pairs: Iterable[tuple[str, str]], by: str) -> int:
    """Somebody handed in each of these pairs of identifiers as one person's: a line of a list, a form; inside `writing()`.

    Answers how many hints are new: none for what belongs to one person already, or was found not to be one person's.
    """
    return await note([(one, other, TOGETHER, by) for one, other in pairs])


async def met_again(met: Sequence[tuple[str, str, str]]) -> int:
    """Identifiers that were handed in for a person (id, person, from whom) while they are another's; inside `writing()`."""
    own: dict[str, str] = {}
    for row in await _in(
        "SELECT id, home, subject FROM identifier WHERE subject IN", sorted({person for _id, person, _by in met})
    ):
        own.setdefault(row["subject"], row["id"])
    return await note([(each, own[person], TOGETHER, by) for each, person, by in met if person in own])


async def notice_spellings(new: Sequence[Spelt]) -> int:
    """Whether these e-mail addresses are other spellings of a mailbox that is known; inside `writing()`."""
    if not new:
        return 0
    plainest = {each.id: blind_of("email", mailbox(each.canonical)) for each in new}
    spelt = [each for each in new if mailbox(each.canonical) != each.canonical]
    await db.many(
        "INSERT INTO spelling (identifier, mailbox) VALUES (?, ?)"
        " ON CONFLICT (identifier) DO UPDATE SET mailbox = excluded.mailbox",
        [(each.id, plainest[each.id]) for each in spelt],
    )
    plain = await stored_at([("email", plainest[each.id]) for each in spelt])
    found = [(each.id, known, MAILBOX, each.by) for each in spelt if (known := plain.get(("email", plainest[each.id])))]
    others: dict[bytes, list[str]] = {}
    for row in await _in("SELECT identifier, mailbox FROM spelling WHERE mailbox IN", sorted(set(plainest.values()))):
        others.setdefault(bytes(row["mailbox"]), []).append(row["identifier"])
    found += [(each.id, other, MAILBOX, each.by) for each in new for other in others.get(plainest[each.id], ())]
    return await note(found)


async def note(hints: Iterable[tuple[str, str, str, str]]) -> int:
    """Keep those hints (two identifiers, why, from whom) that are between two people and new; inside `writing()`."""
    wanted = {(min(one, other), max(one, other), why): by for one, other, why, by in hints if one != other}
    if not wanted:
        return 0
    known = await _rows_of({each for first, second, _why in wanted for each in (first, second)})
    between = [each for each in wanted if each[0] in known and each[1] in known and _apart(known[each[0]], known[each[1]])]
    there, dismissed = await _noted({each[0] for each in between}, {each["subject"] for each in known.values()})
    new = [
        (ids.new(), each)
        for each in between
        if each not in there and frozenset(known[one]["subject"] for one in each[:2]) not in dismissed
    ]
    now = clock.micros(clock.now())
    await db.many(
        "INSERT INTO duplicate (id, one, other, why, since, by, state) VALUES (?, ?, ?, ?, ?, ?, 'open')"
        " ON CONFLICT (one, other, why) DO NOTHING",
        [(hint, *each, now, wanted[each]) for hint, each in new],
    )
    # Each of the two hears of it: what may be sent to either can change.
    await audit.record_many(
        [
            audit.Note(
                *(events.HINTED, wanted[each], known[one]["subject"]),
                object=hint,
                payload={"why": each[2], "with": known[other]["subject"]},
            )
            for hint, each in new
            for one, other in (each[:2], each[1::-1])
        ]
    )
    return len(new)


async def _noted(firsts: Collection[str], people: Collection[str]) -> tuple[set[tuple[str, str, str]], set[frozenset[str]]]:
    """Hints that are there already, and pairs of people of whom an officer found that they are two."""
    there = await _in("SELECT one, other, why FROM duplicate WHERE one IN", sorted(firsts))
    kept = await _in(
        "SELECT a.subject AS one, b.subject AS other FROM identifier a"
        " JOIN duplicate d ON d.one = a.id AND d.state = 'dismissed' JOIN identifier b ON b.id = d.other WHERE a.subject IN",
        sorted(people),
    )
    hints = {(each["one"], each["other"], each["why"]) for each in there}
    return hints, {frozenset((each["one"], each["other"])) for each in kept}


async def _rows_of(identifiers: Collection[str]) -> dict[str, dict[str, Any]]:
    asked = "SELECT id, subject FROM identifier WHERE erased_at IS NULL AND id IN"
    return {each["id"]: each for each in await _in(asked, sorted(identifiers))}


def _apart(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(one["subject"] != other["subject"])


async def _in(sql: str, values: Sequence[Any]) -> list[dict[str, Any]]:
    """The rows of a question that ends with IN, for any number of values."""
    found: list[dict[str, Any]] = []
    for start in range(0, len(values), AT_ONCE):
        part = values[start : start + AT_ONCE]
        found += await db.rows(f"{sql} ({', '.join('?' * len(part))})", *part)
    return found
