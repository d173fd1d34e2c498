"""Editions: numbered, dated, immutable, the exact bytes per language (GDPR Art. 5(2), 7(1); EDPB 05/2020 §108).

A decision names the edition that was on the screen ("newsletter@7/en"); its bytes and their hash can be shown for ever.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from tortoise.exceptions import IntegrityError

from portal import audit, db, settings
from portal.documents import events
from portal.documents.models import EditionRow
from portal.documents.rendering import render, split, title_of
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid, NotFound
from portal.paper import _

# `legacy`: what an earlier system showed; proof of what was said there, never offered or translated here.
KINDS = ("statement", "notice", "purpose", "site", "legacy")


@dataclass(frozen=True)
class Edition:
    """One language of one edition; `html` are the very bytes that people were and are shown."""

    name: str
    key: str
    number: int
    language: str
    kind: str
    title: str
    html: bytes
    source: bytes
    sha256: bytes
    in_force_from: datetime
    published_at: datetime
    by: str
    material: bool
    why: str

    @property
    def front(self) -> dict[str, Any]:
        """The front matter of its source."""
        return split(self.source.decode(), self.name).front


async def publish(
    key: str,
    texts: Mapping[str, str | bytes],
    *,
    kind: str,
    by: str,
    in_force: date | None = None,
    material: bool = False,
    why: str = "",
) -> Edition:
    """Publish the texts of all languages as the next edition; the same texts again give the edition in force.

    `in_force` is a moment, or a date in the controller's time zone (today means from now); without it from now.
    Answers the edition in the first language offered.
    """
    if kind not in KINDS or not texts:
        raise ValueError(f"{key}: publish a {', '.join(KINDS)} in at least one language, not {kind!r} in {list(texts)}.")
    sources = {language: text if isinstance(text, str) else text.decode() for language, text in texts.items()}
    pages = {language: render(source, f"{key}/{language}") for language, source in sources.items()}
    now = clock.now()
    moment = _start(in_force, now)
    async with db.writing():
        current = await _rows_in_force(key, max(moment, now))
        if _same(current, sources, pages):
            return _edition(_in_language(current, ""))
        if moment < now:
            raise Invalid(_("A text cannot be in force before it is published. Choose today or a later day."))
        number = await _next_number(key, kind)
        rows = [
            EditionRow(
                name=f"{key}@{number}/{language}",
                key=key,
                number=number,
                language=language,
                kind=kind,
                title=title_of(source, pages[language], key),
                html=pages[language],
                source=source.encode(),
                sha256=hashlib.sha256(pages[language]).digest(),
                in_force_from=moment,
                published_at=now,
                by=by,
                material=int(material),
                why=why,
            )
            for language, source in sources.items()
        ]
        await _keep(rows)
    return _edition(_in_language(rows, ""))


async def in_force(key: str, language: str, at: datetime | None = None) -> Edition:
    """The edition in force (now, or at a moment) in this language, else in the first one offered: `language` says which."""
    rows = await _rows_in_force(key, at or clock.now())
    if not rows:
        raise NotFound(_("This text has not been published yet."))
    return _edition(_in_language(rows, language))


async def named(name: str) -> Edition:
    """The edition of that full name, for example `newsletter@7/en`."""
    row = await EditionRow.get_or_none(name=name)
    if row is None:
        raise NotFound(_("There is no version of that name."))
    return _edition(row)


async def numbered(key: str, number: int, language: str) -> Edition:
    """Edition `number` in this language, else in the first one offered."""
    rows = await EditionRow.filter(key=key, number=number)
    if not rows:
        raise NotFound(_("There is no version of that number."))
    return _edition(_in_language(rows, language))


async def editions(key: str) -> list[Edition]:
    """Every edition ever published under this key, in all languages, newest first."""
    return [_edition(row) for row in await EditionRow.filter(key=key).order_by("-number", "language")]


async def keys(kind: str | None = None) -> list[str]:
    """The keys of everything published, of one kind or of all that we publish ourselves."""
    query = EditionRow.filter(kind=kind) if kind else EditionRow.exclude(kind="legacy")
    return sorted({str(key) for key in await query.distinct().values_list("key", flat=True)})


async def missing_translations(at: datetime | None = None) -> list[tuple[str, str]]:
    """Which (key, language) a reader would see in another language than the one they chose."""
    rows = (
        await EditionRow.filter(in_force_from__lte=at or clock.now())
        .exclude(kind="legacy")
        .order_by("in_force_from", "number")
        .only("name", "key", "number", "language", "in_force_from")
    )
    latest = {row.key: row.number for row in rows}
    have = {(row.key, row.language) for row in rows if row.number == latest[row.key]}
    return [(key, language) for key in sorted(latest) for language in settings.get().language_list if (key, language) not in have]


def _start(in_force: date | None, now: datetime) -> datetime:
    if in_force is None:
        return now
    if isinstance(in_force, datetime):
        return in_force
    zone = ZoneInfo(settings.get().time_zone)
    if in_force == now.astimezone(zone).date():
        return now
    return datetime.combine(in_force, time(), zone).astimezone(now.tzinfo)


async def _rows_in_force(key: str, at: datetime) -> list[EditionRow]:
    newest = await EditionRow.filter(key=key, in_force_from__lte=at).order_by("-in_force_from", "-number").first()
    return await EditionRow.filter(key=key, number=newest.number) if newest else []


def _same(rows: list[EditionRow], sources: dict[str, str], pages: dict[str, bytes]) -> bool:
    stored = {row.language: (row.source, row.html) for row in rows}
    return stored == {language: (source.encode(), pages[language]) for language, source in sources.items()}


async def _next_number(key: str, kind: str) -> int:
    last = await EditionRow.filter(key=key).order_by("-number").first()
    if last is not None and last.kind != kind:
        raise Invalid(_("%s is the name of another kind of text already. Choose another name.") % key)
    return last.number + 1 if last else 1


async def _keep(rows: list[EditionRow]) -> None:
    """In the table and in the log."""
    try:
        await EditionRow.bulk_create(rows)
    except IntegrityError as problem:  # PostgreSQL: two publishers took the same number
        raise Conflict(_("Somebody else published this text at the same moment. Look at it and publish again.")) from problem
    for row in rows:
        await audit.record(events.PUBLISHED, actor=row.by, object=row.name, digest=row.sha256, payload=_particulars(row))


def _in_language(rows: list[EditionRow], language: str) -> EditionRow:
    """The row of a language, of its main language (`ro` for `ro-MD`), or of the first language offered that has one."""
    by_language = {row.language: row for row in sorted(rows, key=lambda row: row.language)}
    wanted = [language, language.split("-")[0], *settings.get().language_list, *by_language]
    return next(by_language[each] for each in wanted if each in by_language)


def _edition(row: EditionRow) -> Edition:
    return Edition(
        name=row.name,
        key=row.key,
        number=row.number,
        language=row.language,
        kind=row.kind,
        title=row.title,
        html=row.html,
        source=row.source,
        sha256=row.sha256,
        in_force_from=row.in_force_from,
        published_at=row.published_at,
        by=row.by,
        material=bool(row.material),
        why=row.why,
    )


def _particulars(row: EditionRow) -> dict[str, object]:
    return {
        "edition": row.name,
        "in_force_from": clock.rfc3339(row.in_force_from),
        "material": bool(row.material),
        "why": row.why,
    }
