"""The texts of an auditor's pack: the exact bytes that people were shown, with their hash and the receipt of their publishing."""

from dataclasses import dataclass
from datetime import datetime

from portal import audit, documents
from portal.custody.archive import Archive
from portal.custody.auditor_chapters import Chapters, Step
from portal.documents import Edition
from portal.lib.errors import NotFound


@dataclass(frozen=True)
class Text:
    """An edition in one language; `file` has its bytes. `published` is None when its entry has no place in the log yet."""

    name: str
    title: str
    sha256: str
    in_force_from: datetime
    file: str
    published: Step | None


async def in_force_between(archive: Archive, chapters: Chapters, start: datetime, end: datetime, shown: set[str]) -> list[Text]:
    """Every text in force at any moment of the window, and those named by the answers drawn; in the order of their names."""
    texts: dict[str, Text] = {}
    for key in await documents.keys():
        for edition in _in_force(await documents.editions(key), start, end):
            texts[edition.name] = await _text(archive, chapters, edition)
    for name in sorted(shown - texts.keys() - {""}):
        try:
            texts[name] = await _text(archive, chapters, await documents.named(name))
        except NotFound:
            continue  # an answer from elsewhere names a text that nobody has
    return [texts[name] for name in sorted(texts)]


def _in_force(editions: list[Edition], start: datetime, end: datetime) -> list[Edition]:
    """Of one key, newest first: an edition is in force until the next one is."""
    found, until = list[Edition](), end
    for number in dict.fromkeys(each.number for each in editions):
        same = [each for each in editions if each.number == number]
        begins = same[0].in_force_from
        if begins < until and until > start:
            found += same
        until = min(until, begins)
    return found


async def _text(archive: Archive, chapters: Chapters, edition: Edition) -> Text:
    file = f"texts/{edition.name.replace('/', '-')}"
    archive.add(f"{file}.html", edition.html)
    entries = await audit.search(event="document.published", object=edition.name, limit=1)
    placed = [each for each in entries if each.log_index is not None]
    published = await chapters.step(placed[0], f"{file}.txt") if placed else None
    return Text(edition.name, edition.title, edition.sha256.hex(), edition.in_force_from, f"{file}.html", published)
