"""Who of a long list of addresses is known, in two queries per some thousand: for lists that are checked line by line."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple

from portal import db
from portal.subjects import hashes, places
from portal.subjects.identifiers import values_of
from portal.subjects.models import Identifier
from portal.subjects.places import blind_of, changing, former_places

AT_MOST = 4000


class Listed(NamedTuple):
    """An address of the list that is known, or stands under a note (then `id` may be None). `alone`: all there is of its
    person is this one address, where it was first recorded, no note stands on it, and nobody else may be the same person."""

    id: str | None
    subject: str
    alone: bool


async def addresses_of(kind: str, at_once: int = 500) -> AsyncIterator[list[tuple[str, str]]]:
    """The living addresses of one kind, opened some hundred at a time: identifier and value."""
    last = ""
    while rows := await Identifier.filter(kind=kind, erased_at=None, id__gt=last).order_by("id").limit(at_once):
        values = await values_of(rows)
        yield [(each.id, value) for each in rows if (value := values[each.id]) is not None]
        last = rows[-1].id


async def listed(kind: str, canonicals: Sequence[str], given: Mapping[str, str] | None = None) -> dict[str, Listed]:
    """Those of at most `AT_MOST` canonical values that are known; of what is missing here nothing is known.

    `given`: the spelling each came in. Once a form was changed it is needed, to find what lies under the form from before.
    """
    values = {blind_of(kind, each): each for each in canonicals}
    if places.FORMER and given is None:
        raise RuntimeError("A form was changed: the given spellings are needed, or a refusal might be overlooked.")
    if changing():
        for each in canonicals:
            values |= {blind: each for _kind, blind in former_places(kind, (given or {}).get(each, each))}
    if not values:
        return {}
    marks = ", ".join("?" * len(values))
    found = await db.rows(
        "SELECT blind, id, subject, CASE WHEN subject = home AND NOT EXISTS (SELECT 1 FROM identifier other"
        " WHERE other.subject = identifier.subject AND other.id <> identifier.id) AND NOT EXISTS (SELECT 1 FROM duplicate"
        " WHERE duplicate.state <> 'dismissed' AND (duplicate.one = identifier.id OR duplicate.other = identifier.id))"
        " THEN 1 ELSE 0 END AS alone"
        f" FROM identifier WHERE kind = ? AND blind IN ({marks})",
        *(kind, *values),
    )
    noted = await db.rows(f"SELECT hash FROM suppression WHERE kind = ? AND hash IN ({marks})", kind, *values)
    closed = {bytes(each["hash"]) for each in noted}
    known = {
        values[blind]: Listed(each["id"], each["subject"], bool(each["alone"]) and blind not in closed)
        for each in found
        if (blind := bytes(each["blind"])) in values
    }
    on_lists = await hashes.closed((kind, each) for each in canonicals if each not in known)
    closed_ones = [*(values[blind] for blind in closed), *(each for _kind, each in on_lists)]
    return {each: Listed(None, "", False) for each in closed_ones} | known
