"""The language of the moment and its texts: gettext catalogues in portal/locale/<language>/portal.po.

English is the language of the source. Catalogues are read as text at start, so no compiled file can drift from them.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from portal.settings import get

FOLDER = Path(__file__).resolve().parent.parent / "locale"
_chosen: ContextVar[str | None] = ContextVar("language", default=None)


def language() -> str:
    """The language of the moment: a request's, a mail's, or the first of PORTAL_LANGUAGES."""
    return _chosen.get() or get().language_list[0]


@contextmanager
def in_language(wanted: str) -> Iterator[None]:
    """Speak `wanted` inside the block; a language that is not offered falls back to the first one."""
    token = _chosen.set(wanted if wanted in get().language_list else None)
    try:
        yield
    finally:
        _chosen.reset(token)


def spoken(accepted: str) -> str | None:
    """The best offered language for an Accept-Language header, or None."""
    wanted: list[tuple[float, str]] = []
    for item in accepted.split(",")[:20]:
        name, _semicolon, quality = item.strip().partition(";q=")
        try:
            wanted.append((-float(quality or 1), name.split("-")[0].lower()))
        except ValueError:
            continue
    offered = get().language_list
    return next((name for _quality, name in sorted(wanted, key=lambda each: each[0]) if name in offered), None)


def _(text: str) -> str:
    return _catalogue(language()).gettext(text)


def ngettext(one: str, many: str, count: int) -> str:
    return _catalogue(language()).ngettext(one, many, count)


def missing_texts(wanted: str) -> list[str]:
    """Texts that a language has no translation for; they appear in English."""
    with (FOLDER / wanted / "portal.po").open("rb") as file:
        return [str(message.id) for message in read_po(file, locale=wanted) if message.id and not message.string]


@lru_cache
def _catalogue(wanted: str) -> NullTranslations:
    path = FOLDER / wanted / "portal.po"
    if not path.exists():
        return NullTranslations()
    compiled = io.BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=wanted))
    compiled.seek(0)
    return GNUTranslations(compiled)


def locale() -> Locale:
    return Locale.parse(language())
