"""Purposes: what the company wants data for, from policies/purposes.toml, each change a dated edition.

The words of an edition are published as a document (`newsletter@7/en`), so that the text a person saw can be shown
byte for byte (EDPB 05/2020 §108); what the rules need of it is kept here.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from portal import audit, db, documents, settings
from portal.consent import events, purposes_file
from portal.consent.purpose_text import texts
from portal.consent.rules import Terms
from portal.lib import clock
from portal.lib.errors import NotFound
from portal.paper import _, language

FILE = "purposes.toml"


@dataclass(frozen=True)
class Topic:
    key: str
    titles: dict[str, str]

    @property
    def title(self) -> str:
        return str(in_language_of_page(self.titles))


@dataclass(frozen=True)
class Purpose:
    """One edition of a purpose. `title`, `what`, `value`, `retention`, `data` come in the language of the page."""

    key: str
    number: int
    kind: str
    basis: str
    default: str
    channels: tuple[str, ...]
    topics: tuple[Topic, ...]
    controller: dict[str, str]
    recipients: tuple[str, ...]
    lifetime_months: int | None
    double_opt_in: bool
    texts: dict[str, dict[str, Any]]
    hashes: dict[str, str]
    in_force_from: datetime
    retired_at: datetime | None

    @property
    def title(self) -> str:
        return str(self.text("title"))

    @property
    def what(self) -> str:
        return str(self.text("what"))

    @property
    def value(self) -> str:
        return str(self.text("value"))

    @property
    def retention(self) -> str:
        return str(self.text("retention"))

    @property
    def data(self) -> list[str]:
        return list(self.text("data"))

    @property
    def edition(self) -> str:
        """The full name of this edition in the language of the page, as a decision names it."""
        spoken = language() if language() in self.hashes else next(iter(self.hashes))
        return f"{self.key}@{self.number}/{spoken}"

    @property
    def terms(self) -> Terms:
        return Terms(self.kind, self.basis, self.default, self.lifetime_months, f"{self.key}@{self.number}")

    def text(self, name: str) -> Any:
        return in_language_of_page(self.texts.get(name, {}))

    def topic_keys(self) -> frozenset[str]:
        return frozenset(topic.key for topic in self.topics)


def in_language_of_page(per_language: dict[str, Any]) -> Any:
    """The text in the language of the page, else in the first one offered that has it."""
    wanted = (language(), *settings.get().language_list, *per_language)
    return next((per_language[each] for each in wanted if each in per_language), "")


async def purposes(at: datetime | None = None) -> list[Purpose]:
    """The purposes in force, in the order of the file."""
    return list((await in_force(None, at)).values())


async def purpose(key: str, at: datetime | None = None) -> Purpose:
    found = await in_force([key], at)
    if key not in found:
        raise NotFound(_("There is no such purpose: %s.") % key)
    return found[key]


async def in_force(keys: Iterable[str] | None, at: datetime | None = None) -> dict[str, Purpose]:
    """The editions in force of these purposes (of all, for None) by key, in one query."""
    moment = clock.micros(at or clock.now())
    wanted = None if keys is None else sorted(set(keys))
    where = "" if wanted is None else f" AND key IN ({', '.join('?' * len(wanted))})"
    if wanted is not None and not wanted:
        return {}
    found = await db.rows(
        "SELECT key, number, content, in_force_from, retired_at FROM purpose"
        f" WHERE in_force_from <= ?{where} ORDER BY in_force_from, number",
        *(moment, *(wanted or ())),
    )
    latest = {row["key"]: row for row in found}
    living = [row for row in latest.values() if row["retired_at"] is None or row["retired_at"] > moment]
    parsed = [_edition(row) for row in living]
    return {each.key: each for each in sorted(parsed, key=lambda each: each.texts["order"][""])}


async def latest() -> dict[str, Purpose]:
    """The newest edition that came into force of every purpose there ever was, by key; a retired one says since when."""
    sql = "SELECT key, number, content, in_force_from, retired_at FROM purpose WHERE in_force_from <= ?"
    rows = await db.rows(f"{sql} ORDER BY in_force_from, number", clock.micros(clock.now()))
    return {row["key"]: _edition(row) for row in rows}


class Lifetime(NamedTuple):
    """How many months a yes lives, None for ever, since an edition came into force."""

    months: int | None
    since: datetime


async def lifetimes() -> dict[str, list[Lifetime]]:
    """Of each purpose in force the lifetimes it had, the last is that of now."""
    sql = "SELECT key, number, content, in_force_from, retired_at FROM purpose WHERE in_force_from <= ?"
    rows = await db.rows(f"{sql} ORDER BY key, in_force_from, number", clock.micros(clock.now()))
    found: dict[str, list[Lifetime]] = {}
    for key, group in groupby((_edition(row) for row in rows), key=lambda each: each.key):
        editions = list(group)
        if editions[-1].retired_at is None or editions[-1].retired_at > clock.now():
            runs = [list(run) for _months, run in groupby(editions, key=lambda each: each.lifetime_months)]
            found[key] = [Lifetime(run[0].lifetime_months, run[0].in_force_from) for run in runs]
    return found


async def publish_purposes(by: str, *, path: Path | None = None, in_force_from: date | None = None, why: str = "") -> list[str]:
    """Read the file and publish every purpose that changed; answers the names of the new editions.

    Purposes that are no longer in the file are retired. Raises Faulty, with file and line, and changes nothing.
    """
    read = purposes_file.read(path or settings.get().policies / FILE, settings.get().language_list)
    new: list[str] = []
    async with db.writing():
        for order, each in enumerate(read):
            new += await _publish(each, order, by, in_force_from, why)
        await _retire({str(each["key"]) for each in read}, by)
    return new


async def _publish(raw: dict[str, Any], order: int, by: str, in_force_from: date | None, why: str) -> list[str]:
    key = str(raw["key"])
    edition = await documents.publish(key, texts(raw), kind="purpose", by=by, in_force=in_force_from, why=why)
    stored = await db.row("SELECT number, retired_at FROM purpose WHERE key = ? ORDER BY number DESC LIMIT 1", key)
    if stored is not None and stored["number"] == edition.number:
        # The same edition; one that was retired is in use again.
        await db.run("UPDATE purpose SET retired_at = NULL WHERE key = ? AND number = ?", key, edition.number)
        return []
    languages = [each for each in await documents.editions(key) if each.number == edition.number]
    hashes = {each.language: each.sha256.hex() for each in languages}
    await db.run(
        "INSERT INTO purpose (key, number, content, published_at, in_force_from) VALUES (?, ?, ?, ?, ?)",
        *(key, edition.number, json.dumps(raw | {"hashes": hashes, "order": order}, ensure_ascii=False, sort_keys=True)),
        *(clock.micros(clock.now()), clock.micros(edition.in_force_from)),
    )
    return [f"{key}@{edition.number}"]


async def _retire(kept: set[str], by: str) -> None:
    for row in await db.rows("SELECT DISTINCT key FROM purpose WHERE retired_at IS NULL"):
        if row["key"] not in kept:
            await db.run("UPDATE purpose SET retired_at = ? WHERE key = ?", clock.micros(clock.now()), row["key"])
            await audit.record(events.RETIRED, actor=by, object=row["key"])


def _edition(row: dict[str, Any]) -> Purpose:
    return _purpose(*(row[name] for name in ("key", "number", "content", "in_force_from", "retired_at")))


@lru_cache(maxsize=1000)
def _purpose(key: str, number: int, content: str, in_force_from: int, retired_at: int | None) -> Purpose:
    raw = json.loads(content)
    named = ("title", "what", "value", "retention", "data", "family", "law")
    return Purpose(
        key=key,
        number=number,
        kind=raw["kind"],
        basis=raw["basis"],
        default=raw["default"],
        channels=tuple(raw["channels"]),
        topics=tuple(Topic(each["key"], each["title"]) for each in raw.get("topics", [])),
        controller=raw["controller"],
        recipients=tuple(raw["recipients"]),
        lifetime_months=raw.get("lifetime_months"),
        double_opt_in=raw.get("double_opt_in", False),
        texts={name: raw[name] for name in named if name in raw} | {"order": {"": raw["order"]}},
        hashes=raw["hashes"],
        in_force_from=clock.from_micros(in_force_from),
        retired_at=None if retired_at is None else clock.from_micros(retired_at),
    )
