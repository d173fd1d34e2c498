"""Publishes what the company says in public: read, check against configuration, fill in the tables, make editions.

Purposes, statement and notices go together in one transaction: while prose and configuration disagree, `Faulty` names
each place and nothing changes. Serves GDPR Art. 5(2), 12(1), 13.
"""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from portal import consent, db, documents, settings, sites
from portal.documents import Edition, Faulty, Source
from portal.lib import clock
from portal.lib.errors import Invalid
from portal.paper import _, in_language
from portal.statement import checks, commitments, marks, tables
from portal.statement.register import Register, register

KEY = "statement"


@dataclass(frozen=True)
class Published:
    """A new edition in one language, and the one it took the place of (None: it is the first)."""

    edition: Edition
    before: Edition | None


class _OnlyLooking(Exception):
    """Rolls a rehearsal back."""


async def publish(
    by: str,
    *,
    folder: Path | None = None,
    in_force: date | None = None,
    material: bool = False,
    why: str = "",
) -> Edition:
    """Publish the statement (from policies/statement, or another folder of its kind); the purposes must be published."""
    async with db.writing():
        source = documents.read_source(folder or settings.get().policies / KEY, KEY, "statement")
        (filled,) = await _checked([source])
        return await _publish(filled, by, in_force, material, why)


async def publish_all(by: str, *, material: bool = False, why: str = "") -> list[Published]:
    """Publish all of the policies folder: purposes, statement, notices, websites; answers what is new, perhaps nothing."""
    started = clock.now()
    async with db.writing():
        new = [(name.split("@")[0], int(name.split("@")[1])) for name in await consent.publish_purposes(by, why=why)]
        sources = [documents.read_source(settings.get().policies / KEY, KEY, "statement"), *documents.read_notices()]
        for source in await _checked(sources):
            edition = await _publish(source, by, None, material, why)
            if edition.published_at >= started:
                new.append((edition.key, edition.number))
        new += await sites.texts.publish(by, material=material, why=why)
        return [each for key, number in new for each in await _news(key, number)]


async def rehearse(by: str) -> list[Published]:
    """What `publish_all` would do now: it is done and rolled back."""
    found: list[Published] = []
    try:
        async with db.writing():
            found = await publish_all(by)
            raise _OnlyLooking
    except _OnlyLooking:
        return found


async def _checked(sources: list[Source]) -> list[Source]:
    if not (await register()).purposes:
        raise Invalid(_("No purposes are published yet, so the statement has nothing to tell. Publish the purposes first."))
    found = await checks.faults(sources)
    if found:
        raise Faulty(found)
    return [await _filled(source) for source in sources]


async def _filled(source: Source) -> Source:
    """The source with its tables and company facts in it: what is hashed is what people read."""
    texts: dict[str, str] = {}
    for language, whole in source.texts.items():
        with in_language(language):
            text = source.text(language)
            head = "".join(line + "\n" for line in whole.splitlines()[: text.first_line - 1])
            texts[language] = head + _body(text.body, await register(), commitments.read(text.front))
    return replace(source, texts=texts)


def _body(body: str, facts: Register, promises: list[commitments.Commitment]) -> str:
    company = documents.company()

    def value(kind: str, name: str) -> str:
        if kind == "table":
            return tables.table(name, facts, promises)
        if kind == "data":
            return ", ".join(next(each.data for each in facts.purposes if each.key == name))
        return "  \n".join(str(getattr(company, name)).splitlines())

    return marks.filled(body, value)


async def _publish(source: Source, by: str, in_force: date | None, material: bool, why: str) -> Edition:
    return await documents.publish(
        source.key, source.texts, kind=source.kind, by=by, in_force=in_force, material=material, why=why
    )


async def _news(key: str, number: int) -> list[Published]:
    every = await documents.editions(key)
    before = {each.language: each for each in every if each.number == number - 1}
    return [Published(each, before.get(each.language)) for each in every if each.number == number]
