"""Filters of the queue: what is saved under an officer's own name for it, sealed under their key, and all that fits one."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, urlencode

from portal import db, vault
from portal.cases.queue import FILTERS, Line, queue
from portal.lib import clock, ids
from portal.lib.errors import Conflict, Invalid, NotFound
from portal.paper import _
from portal.vault import Place

MOST, AT_ONCE = 20, 200
LONGEST = 60
NAMES = ("open", *FILTERS, "waits_for", "wrote")


@dataclass(frozen=True)
class Saved:
    id: str
    title: str
    wanted: dict[str, str]

    @property
    def query(self) -> str:
        return urlencode(self.wanted)


async def save(title: str, wanted: Mapping[str, str], *, officer: str) -> str:
    """Keep a filter under a name; the same filter again only gets the new name. Answers its id."""
    title, query = " ".join(title.split()), urlencode(sorted((name, value) for name, value in wanted.items() if name in NAMES))
    if not title or len(title) > LONGEST:
        raise Invalid(_("Please give it a short name."), {"title": _("At most %d characters.") % LONGEST})
    if not query:
        raise Invalid(_("Nothing is filtered yet. Choose something first."))
    async with db.writing():
        known = await db.row("SELECT id FROM case_filter WHERE officer = ? AND wanted = ?", officer, query)
        counted = await db.row("SELECT count(*) AS n FROM case_filter WHERE officer = ?", officer)
        if known is None and counted is not None and counted["n"] >= MOST:
            raise Conflict(_("You have %d saved filters. Take one away first.") % MOST)
        saved = ids.new() if known is None else str(known["id"])
        sealed = (await vault.key_for("officer", officer)).seal(_place(saved), title)
        await db.run(
            "INSERT INTO case_filter (id, officer, title, wanted, made_at) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (officer, wanted) DO UPDATE SET title = excluded.title",
            *(saved, officer, sealed, query, clock.micros(clock.now())),
        )
    return saved


async def saved_by(officer: str) -> list[Saved]:
    """In the order they were made."""
    found = await db.rows(
        "SELECT id, title, wanted FROM case_filter WHERE officer = ? ORDER BY made_at, id LIMIT ?", officer, MOST
    )
    key = await vault.find_key("officer", officer)
    if key is None:
        return []
    return [
        Saved(each["id"], key.open(_place(each["id"]), bytes(each["title"])), dict(parse_qsl(each["wanted"]))) for each in found
    ]


async def take_away(filter_id: str, *, officer: str) -> None:
    async with db.writing():
        if not await db.run("DELETE FROM case_filter WHERE id = ? AND officer = ?", filter_id, officer):
            raise NotFound(_("There is no such saved filter."))


async def every(filter: Mapping[str, str] | None = None) -> AsyncIterator[list[Line]]:
    """The whole filtered queue, page by page."""
    after = None
    while page := await queue(filter, after, AT_ONCE):
        yield page
        after = page[-1].place


async def in_use(column: Literal["law", "right_name", "requester"]) -> list[str]:
    """What open cases have there, for the filter's form; one look into the index for each."""
    found: list[str] = []
    while True:
        after = found[-1] if found else ""
        sql = f"SELECT {column} AS value FROM case_file WHERE is_open = 1 AND {column} > ? ORDER BY {column} LIMIT 1"
        one = await db.row(sql, after)
        if one is None:
            return found
        found.append(str(one["value"]))


def _place(filter_id: str) -> Place:
    return Place("case_filter", "title", filter_id)
