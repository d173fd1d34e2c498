"""Recording addresses that somebody hands in: one at a click, thousands in an import, with the same few statements."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from portal import audit, db, settings, vault
from portal.lib import clock, ids
from portal.lib.errors import Conflict, NotFound
from portal.paper import _
from portal.subjects import events, hashes
from portal.subjects.canonical import canonical, mask
from portal.subjects.hints import Spelt, met_again, notice_spellings
from portal.subjects.models import Identifier, Subject
from portal.subjects.notes import note, noted, noted_before, take_along
from portal.subjects.places import BLIND_KEY, NORMALISER, where_they_lie
from portal.subjects.places import place as place_of
from portal.vault import Place

AUDIENCES = ("person", "shared", "role")
# Who adds addresses of others.
OTHERS = ("officer", "key", "import")
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Arrival:
    """An address as it was given: for a known `subject`, or for a new person. `own`: its owner hands it in."""

    kind: str
    value: str
    by: str
    audience: str = "person"
    subject: str | None = None
    own: bool = False


@dataclass(frozen=True, slots=True)
class _New:
    id: str
    blind: bytes
    plain: str
    subject: str
    given: Arrival


async def ensure(
    kind: str, value: str, *, by: str, audience: str = "person", subject: str | None = None, own: bool = False
) -> Identifier:
    """The identifier of that value, recorded now if it is new: for `subject`, or for a new person; inside `writing()`.

    Raises Conflict for an address that asked not to be added again, unless its owner hands it in.
    """
    [found] = await ensure_many([Arrival(kind, value, by, audience, subject, own)])
    if found is None:
        raise Conflict(closed_to_others())
    return await Identifier.get(id=found)


def closed_to_others() -> str:
    return _("This address is closed: whoever has it left it or asked not to be added again. Only its owner can open it again.")


async def ensure_many(arrivals: Sequence[Arrival]) -> list[str | None]:
    """The ids of the identifiers of these values, new ones recorded; inside `writing()`. Raises Invalid for what is no address.

    None for an address that asked not to be added again, when an officer, an import or a connected system adds it. One
    that is known already stays with whom it points to: meeting it again is a hint, never a merge.
    """
    places = await where_they_lie([(each.kind, each.value) for each in arrivals])
    known = await _stored(places)
    given = list(zip(places, arrivals, strict=True))
    await met_again([(known[place], each.subject, each.by) for place, each in given if each.subject and place in known])
    new: dict[tuple[str, bytes], _New] = {}
    strange = [(place, each) for place, each in given if place not in known and _by_others(each)]
    closed = await noted([place for place, _each in strange]) | await noted_before(
        [(each.kind, each.value) for _place, each in strange]
    )
    on_lists = await hashes.closed((each.kind, each.value) for place, each in given if place not in known)
    closed |= {_place(*address): since for address, since in on_lists.items()}
    for place, each in given:
        if place not in known and place not in new and not (place in closed and _by_others(each)):
            if each.audience not in AUDIENCES:
                raise ValueError(f"{each.audience!r} is no audience; there are {', '.join(AUDIENCES)}.")
            person = ids.new() if each.subject is None else await current(each.subject)
            new[place] = _New(ids.new(), place[1], canonical(each.kind, each.value), person, each)
    recorded = await _record(dict(sorted(new.items())))  # in one order everywhere: no two rounds wait for each other
    for address in on_lists:  # its owner hands it in: it stays closed for advertising until they say yes themselves
        if (place := _place(*address)) in recorded:
            await note(*place, hashes.BASIS, "system", None)
    known |= recorded
    return [known.get(place) for place in places]


async def hold(identifier_ids: Collection[str]) -> set[str]:
    """Inside `writing()`: nobody erases these until the commit. Answers those that are not erased already."""
    if settings.get().is_sqlite:  # one writer at a time
        return set(identifier_ids)
    wanted, living = sorted(identifier_ids), set[str]()
    for start in range(0, len(wanted), AT_ONCE):
        part = wanted[start : start + AT_ONCE]
        marks = ", ".join("?" * len(part))
        sql = f"SELECT id FROM identifier WHERE erased_at IS NULL AND id IN ({marks}) ORDER BY id FOR SHARE"
        living |= {each["id"] for each in await db.rows(sql, *part)}
    return living


async def known_ids(addresses: Sequence[tuple[str, str]]) -> list[str | None]:
    """The ids of the identifiers of these addresses (kind and value), None where there is none."""
    places = await where_they_lie(addresses)
    found = await _stored(places)
    return [found.get(place) for place in places]


async def _stored(places: Sequence[tuple[str, bytes]]) -> dict[tuple[str, bytes], str]:
    found: dict[tuple[str, bytes], str] = {}
    for kind in sorted({kind for kind, _blind in places}):
        blinds = sorted({blind for each, blind in places if each == kind})
        for start in range(0, len(blinds), AT_ONCE):
            part = blinds[start : start + AT_ONCE]
            sql = f"SELECT id, blind FROM identifier WHERE kind = ? AND blind IN ({', '.join('?' * len(part))})"
            found |= {(kind, bytes(each["blind"])): each["id"] for each in await db.rows(sql, kind, *part)}
    return found


async def current(subject_id: str) -> str:
    """Whom a record of a person points to now; a session may still name the record from before a merge."""
    moved = await Identifier.filter(home=subject_id).first()
    person = await Subject.get_or_none(id=moved.subject if moved else subject_id)
    if person is None:
        raise NotFound(_("There is no such person."))
    if person.erased_at is not None:
        raise Conflict(_("This person was erased. Whoever comes back is recorded anew."))
    return str(person.id)


async def _record(new: dict[tuple[str, bytes], _New]) -> dict[tuple[str, bytes], str]:
    if not new:
        return {}
    now = clock.micros(clock.now())
    people = [each.subject for each in new.values() if each.given.subject is None]
    await db.many("INSERT INTO subject (id, created_at) VALUES (?, ?)", [(each, now) for each in people])
    made = await vault.make_keys([(kind, each) for each in people for kind in ("life", "evidence")])
    keys = {owner: key for (kind, owner), key in made.items() if kind == "life"}
    keys |= await vault.keys_for("life", {each.subject for each in new.values()} - keys.keys())
    await db.many(
        "INSERT INTO identifier (id, kind, blind, blind_key, normaliser, value, home, subject, audience, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (kind, blind) DO NOTHING",
        [
            (
                *(each.id, each.given.kind, each.blind, BLIND_KEY, NORMALISER),
                *(keys[each.subject].seal(Place("identifier", "value", each.id), each.given.value.strip()), each.subject),
                *(each.subject, each.given.audience, now),
            )
            for each in new.values()
        ],
    )
    stored = {place: each.id for place, each in new.items()}
    if not settings.get().is_sqlite:  # there others may have been faster
        stored = await _stored(list(new))
    added = [each for place, each in new.items() if stored[place] == each.id]
    await db.many(
        "INSERT INTO link (id, identifier, subject, at, by, why) VALUES (?, ?, ?, ?, ?, 'recorded')",
        [(ids.new(), each.id, each.subject, now, each.given.by) for each in added],
    )
    await audit.record_many([_note(each) for each in added])
    await notice_spellings([Spelt(each.id, each.plain, each.given.by) for each in added if each.given.kind == "email"])
    await take_along([(each.given.kind, each.given.value) for each in added])
    return stored


def _note(new: _New) -> audit.Note:
    given = new.given
    payload = {"kind": given.kind, "address": mask(given.kind, new.plain), "audience": given.audience}
    return audit.Note(events.ADDED, given.by, new.subject, object=new.id, payload=payload)


def _place(kind: str, value: str) -> tuple[str, bytes]:
    return place_of(kind, value)


def _by_others(given: Arrival) -> bool:
    return not given.own and given.by.partition(":")[0] in OTHERS
