"""Texts that an earlier system showed: `legacy:<vendor>:<version>`, kept byte for byte or marked unknown.

A yes proves nothing without its text (GDPR Art. 7(1), EDPB 05/2020 §108). Whoever moves here uploads what was shown there,
or says that nobody knows any more; an import that names a text of which neither was said is refused.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from portal import db, documents, settings
from portal.documents import Edition, Faulty
from portal.lib.errors import Conflict, Invalid, NotFound
from portal.paper import _, in_language

PREFIX = "legacy:"
_NAME = re.compile(r"legacy:[a-z0-9][a-z0-9-]{0,29}:[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


@dataclass(frozen=True)
class Legacy:
    """`languages`: the text's editions, first the one that counts where a word names no language."""

    name: str
    known: bool
    languages: tuple[Edition, ...]


def is_name(text: str) -> bool:
    """`legacy:onetrust:12`; one language of it is called by its edition, `legacy:onetrust:12@1/ro`."""
    return _NAME.fullmatch(text) is not None


def is_base(text: str) -> bool:
    """Whether it names a text of an earlier system rather than one edition of it; also by a name that was never allowed."""
    return text.startswith(PREFIX) and "@" not in text


async def add(name: str, texts: Mapping[str, bytes], *, by: str) -> Legacy:
    """Keep what was shown, per language. What was marked unknown may turn up later; a known text never becomes another."""
    _require_name(name)
    sources = {language: _as_text(content) for language, content in texts.items()}
    async with db.writing():
        before = await find(name)
        if before is not None and before.known and _sources(before) != sources:
            raise Conflict(_("%s stands for another text already. Give this one a version of its own.") % name)
        try:
            await documents.publish(name, sources, kind="legacy", by=by, why="shown by an earlier system")
        except Faulty as problem:
            raise Invalid(str(problem)) from problem
    return await get(name)


async def add_unknown(name: str, *, by: str) -> Legacy:
    """Say that nobody knows any more what was shown: pages and receipts then say so too."""
    _require_name(name)
    async with db.writing():
        before = await find(name)
        if before is not None and before.known:
            raise Conflict(_("The text of %s is known.") % name)
        if before is None:
            sources = {language: _unknown_text(name, language) for language in settings.get().language_list}
            await documents.publish(name, sources, kind="legacy", by=by, why="text not known")
    return await get(name)


async def find(name: str) -> Legacy | None:
    """What was said about that text, None if nothing was."""
    try:
        first = await documents.in_force(name, "")
    except NotFound:
        return None
    others = [each for each in await documents.editions(name) if each.number == first.number and each.name != first.name]
    return Legacy(name, first.front.get("unknown") is not True, (first, *others))


async def get(name: str) -> Legacy:
    found = await find(name)
    if found is None:
        raise NotFound(how_to_declare(name))
    return found


async def declared() -> list[Legacy]:
    return [await get(key) for key in await documents.keys("legacy")]


async def sha256_of(name: str) -> str:
    """Of the bytes that were shown, as the log and its receipts name them; `unknown` where nobody knows them."""
    found = await get(name)
    return found.languages[0].sha256.hex() if found.known else "unknown"


async def pages_of(names: Iterable[str], language: str) -> dict[str, str]:
    """Of these texts the edition to be shown to a reader; those that nobody knows are missing."""
    found = {name: await find(name) for name in sorted({each for each in names if is_name(each)})}
    return {name: in_language_of(each, language).name for name, each in found.items() if each is not None and each.known}


def in_language_of(text: Legacy, language: str) -> Edition:
    """Its edition in a language, else in the first one."""
    return next((each for each in text.languages if each.language == language), text.languages[0])


def how_to_declare(name: str) -> str:
    if not is_name(name) and "@" not in name:
        return _("%s is no name of an earlier text. Such a name looks like legacy:onetrust:12.") % name
    return _(
        "Nobody has said yet which text %(name)s is. Type: portal legacy add %(name)s --text FILE --language en; or, if"
        " nobody knows it any more: portal legacy add %(name)s --unknown"
    ) % {"name": name}


def _sources(text: Legacy) -> dict[str, str]:
    return {each.language: each.source.decode() for each in text.languages}


def _require_name(name: str) -> None:
    if not is_name(name):
        raise Invalid(how_to_declare(name), {"name": "legacy:onetrust:12"})


def _as_text(content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError as problem:
        raise Invalid(_("This is not UTF-8 text.")) from problem
    if not text.strip():
        raise Invalid(_("This file is empty."))
    return text


def _unknown_text(name: str, language: str) -> str:
    with in_language(language):
        title = _("A text of our earlier system")
        said = _("We do not know any more which words our earlier system showed you. It called them %s.") % f"`{name}`"
    return f'+++\ntitle = "{title}"\nunknown = true\n+++\n\n# {title}\n\n{said}\n'
