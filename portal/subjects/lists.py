"""Who of a long list of addresses is known, in two queries per some thousand: for lists that are checked line by line."""

from collections.abc import Sequence
from typing import NamedTuple

from portal import db, vault

AT_MOST = 4000


class Listed(NamedTuple):
    """An address of the list that is known, or stands under a note (then `id` may be None). `alone`: all there is of its
    person is this one address, where it was first recorded, and no note stands on it."""

    id: str | None
    subject: str
    alone: bool


async def listed(kind: str, canonicals: Sequence[str]) -> dict[str, Listed]:
    """Those of at most `AT_MOST` canonical values that are known; of what is missing here nothing is known."""
    values = {vault.blind(kind, each): each for each in canonicals}
    if not values:
        return {}
    marks = ", ".join("?" * len(values))
    found = await db.rows(
        "SELECT blind, id, subject, CASE WHEN subject = home AND NOT EXISTS (SELECT 1 FROM identifier other"
        " WHERE other.subject = identifier.subject AND other.id <> identifier.id) THEN 1 ELSE 0 END AS alone"
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
    return {values[blind]: Listed(None, "", False) for blind in closed} | known
