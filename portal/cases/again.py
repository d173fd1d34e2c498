"""A form that the same signed-in person sends twice, by a double click or from two tabs, is one request (GDPR Art. 12(2)).

The second gets the first one's page. A request that says anything else, or comes when the first is closed, is a new one.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from portal import audit, db, subjects, vault
from portal.cases import events, mine, models, moves, states, together
from portal.lib import clock

OPEN_FOR = timedelta(hours=1)
# What acts at once is closed already, and whoever said yes since and changed their mind once more asks anew: no later no is lost.
AT_ONCE_FOR = timedelta(seconds=5)
GIVEN = ("consent.granted", "consent.confirmed")


def mark(identifier: str, rights: Sequence[str], who: str, language: str, details: Mapping[str, Any], appeal_of: str) -> bytes:
    """The keyed hash of all that somebody asks for; `identifier`: the address they signed in with, which alone opens the page."""
    said = json.dumps([identifier, list(rights), who, language, dict(details), appeal_of], sort_keys=True, ensure_ascii=False)
    return vault.blind("case arrival", f"signed in {said}")


async def before(identifier: str, form: bytes, actor: str) -> tuple[list[models.CaseRow], str] | None:
    """Inside `writing()`: the requests that this form became a moment ago, locked, and the first one's reference.

    Whoever sends it at the same moment waits here until the first has committed.
    """
    await db.count_many({f"case:{identifier}:turn": 1}, per=OPEN_FOR)
    arrival = await models.Arrival.get_or_none(mark=form)
    if arrival is None:
        return None
    rows = [await moves.lock(each.id) for each in await together.rows(await moves.load(arrival.case_id))]
    lasting = [each for each in rows if each.right not in states.AT_ONCE]
    since = clock.now() - (OPEN_FOR if len(lasting) == len(rows) else AT_ONCE_FOR)
    if arrival.at < since or not all(each.is_open for each in lasting) or await _said_since(rows, arrival.at, actor):
        return None
    return rows, await mine.reference_of(rows[0].id)


async def _said_since(rows: list[models.CaseRow], at: datetime, actor: str) -> bool:
    """Whether they asked for something else meanwhile, or a yes came in: then the same words are new ones."""
    asked = await audit.search(actor=actor, event=events.OPENED.name, limit=1)
    if asked and _is_since(asked[0], at) and asked[0].case not in {each.id for each in rows}:
        return True
    mine = rows[0].subject
    records = (await subjects.whole(mine)).subjects if mine else ()
    given = [each for record in records for event in GIVEN for each in await audit.search(subject=record, event=event, limit=1)]
    return any(_is_since(each, at) for each in given)


def _is_since(entry: audit.Entry, at: datetime) -> bool:
    return entry.recorded_at is not None and entry.recorded_at >= at


async def keep(form: bytes, case_id: str) -> None:
    """Inside `writing()`: this is what the form became."""
    await db.run(
        "INSERT INTO case_arrival (mark, case_id, at) VALUES (?, ?, ?)"
        " ON CONFLICT (mark) DO UPDATE SET case_id = excluded.case_id, at = excluded.at",
        *(form, case_id, clock.micros(clock.now())),
    )
