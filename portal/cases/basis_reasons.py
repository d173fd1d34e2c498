"""Why somebody without a basis is not proposed for deletion at the moment: something of theirs is still being decided.

`case` a request is open, also one that nobody has proven yet · `hold` counsel needs the data · `restriction` it is only stored,
as the person wished · `pending` a yes waits to be confirmed · `duplicate` it may be somebody else's as well.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from portal import consent, db, subjects, vault
from portal.subjects import Person

AT_ONCE = 500


async def against(people: Sequence[Person], *, but: str = "") -> dict[str, str]:
    """By person the reason, which is not this one request; whoever may be proposed is missing."""
    of_record = {record: each.subject for each in people for record in each.subjects}
    of_address = {known.id: each.subject for each in people for known in each.identifiers}
    found: dict[str, str] = {}
    for subject in await subjects.duplicates.open_for(each.subject for each in people):
        found[subject] = "duplicate"
    living = [known.id for each in people for known in each.identifiers if known.erased_at is None]
    for part in _parts(living):
        found |= {of_address[each.identifier]: "pending" for each in await consent.awaiting.pending_of(part)}
    restricted = "SELECT holder AS one FROM stop WHERE kind = 'restricted' AND lifted_at IS NULL AND holder IN"
    found |= dict.fromkeys(await _whose(restricted, of_record), "restriction")
    held = "SELECT subject AS one FROM legal_hold WHERE lifted_at IS NULL AND subject IN"
    found |= dict.fromkeys(await _whose(held, of_record), "hold")
    found |= dict.fromkeys(await _with_open_case(people, of_record, of_address, but), "case")
    return found


async def _with_open_case(people: Sequence[Person], of_record: dict[str, str], of_address: dict[str, str], but: str) -> set[str]:
    found = await _whose("SELECT subject AS one FROM case_file WHERE is_open = 1 AND id <> ? AND subject IN", of_record, but)
    for table in ("case_identifier", "case_concerned"):
        joined = f"SELECT t.identifier AS one FROM {table} t JOIN case_file c ON c.id = t.case_id"
        found |= await _whose(f"{joined} WHERE c.is_open = 1 AND c.id <> ? AND t.identifier IN", of_address, but)
    # Nobody has shown yet that such a request is theirs; only the keyed index of what was typed says whom it may be about.
    records = [each for person in people for each in await subjects.identifiers_of(person.subject) if each.erased_at is None]
    values = await subjects.values_of(records)
    asked = {
        vault.blind("case", subjects.canonical(each.kind, value)): of_address[each.id]
        for each in records
        if each.id in of_address and (value := values[each.id]) is not None
    }
    for part in _parts(asked):
        sql = f"SELECT asked AS one FROM case_file WHERE is_open = 1 AND id <> ? AND asked IN ({', '.join('?' * len(part))})"
        found |= {asked[bytes(row["one"])] for row in await db.rows(sql, but, *part)}
    return found


async def _whose(sql: str, of: dict[str, str], *values: str) -> set[str]:
    found: set[str] = set()
    for part in _parts(of):
        found |= {of[row["one"]] for row in await db.rows(f"{sql} ({', '.join('?' * len(part))})", *values, *part)}
    return found


def _parts(values: Iterable[Any]) -> Iterable[list[Any]]:
    wanted = sorted(set(values))
    return (wanted[start : start + AT_ONCE] for start in range(0, len(wanted), AT_ONCE))
