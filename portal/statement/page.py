"""The public page of the statement: the edition in force, promises beside what was measured, the last drill, earlier ones."""

from dataclasses import dataclass
from datetime import datetime

from portal import documents
from portal.documents import Edition
from portal.paper import in_language
from portal.statement import commitments
from portal.statement.commitments import Measured
from portal.statement.figures import last_drill


@dataclass(frozen=True)
class Page:
    """`fallback` says that the reader asked for another language than they get; `earlier` is newest first; `rehearsed` is when
    restoring from a backup last worked, None when it was not yet tried."""

    edition: Edition
    fallback: bool
    measured: list[Measured]
    earlier: list[Edition]
    rehearsed: datetime | None


async def page(language: str) -> Page:
    """The statement in this language; raises NotFound before its first publication."""
    edition = await documents.in_force("statement", language)
    promises = commitments.read(edition.front)
    earlier = [
        each
        for each in await documents.editions("statement")
        if each.language == edition.language and each.number != edition.number and each.in_force_from <= edition.in_force_from
    ]
    with in_language(edition.language):
        measured = await commitments.measured(promises)
    return Page(edition, edition.language != language.split("-")[0], measured, earlier, await last_drill())
