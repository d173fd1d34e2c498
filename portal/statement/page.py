"""The public page of the statement: the edition in force, its promises beside what was measured, earlier editions."""

from dataclasses import dataclass

from portal import documents
from portal.documents import Edition
from portal.paper import in_language
from portal.statement import commitments
from portal.statement.commitments import Measured


@dataclass(frozen=True)
class Page:
    """`fallback` says that the reader asked for another language than they get; `earlier` is newest first."""

    edition: Edition
    fallback: bool
    measured: list[Measured]
    earlier: list[Edition]


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
    return Page(edition, edition.language != language.split("-")[0], measured, earlier)
