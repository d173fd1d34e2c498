"""Collects the texts of pages, mails and errors from the source and brings each translators' catalogue up to date.

`python tools/texts.py` writes portal/locale/<language>/portal.po and lists what is not translated yet; with `--check`
it writes nothing and fails when a catalogue is out of date, lacks a text, or breaks a placeholder.
"""

import io
import re
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

PORTAL = Path(__file__).resolve().parent.parent / "portal"
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "Event": (2,)}
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2"), ("templates/**.txt", "jinja2")]
OPTIONS = {"templates/**.html": {"newstyle_gettext": "true"}, "templates/**.txt": {"newstyle_gettext": "true"}}


def collected() -> Catalog:
    """Every text in the source, without places: a moved line changes no catalogue."""
    found = Catalog(charset="utf-8")
    for _file, _line, text, _comments, context in extract_from_dir(
        str(PORTAL), METHODS, OPTIONS, keywords=KEYWORDS, comment_tags=()
    ):
        found.add(text, context=context)
    return found


def updated(path: Path, source: Catalog) -> tuple[bytes, list[str]]:
    """The catalogue's text with exactly the source's messages, and what is wrong with it."""
    language = path.parent.name
    with path.open("rb") as file:
        known = read_po(file, locale=language)
    fresh = Catalog(locale=language, charset="utf-8")
    faults = []
    for message in sorted((each for each in source if each.id), key=lambda each: str(each.id)):
        old = known.get(message.id, message.context)
        translated = fresh.add(message.id, old.string if old else None, context=message.context)
        strings = translated.string if isinstance(translated.string, tuple) else (translated.string,)
        if not all(strings):
            faults.append(f"not translated: {message.id!r}")
        faults += [f"{message.id!r}: {fault}" for string in strings if string for fault in _broken(message.id, string)]
    written = io.BytesIO()
    write_po(written, fresh, omit_header=True, width=110, sort_output=False)
    header = f'msgid ""\nmsgstr ""\n"Language: {language}\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
    header += f'"Plural-Forms: {fresh.plural_forms}\\n"\n\n'
    return header.encode() + written.getvalue(), faults


def _broken(text: str | tuple[str, ...], translation: str) -> list[str]:
    """A placeholder that the translation invented or lost would break the page; a plural form may spell its number out."""
    has_plural = not isinstance(text, str)
    wanted, given = _placeholders("".join(text)), _placeholders(translation)
    fits = given <= wanted if has_plural else given == wanted
    return [] if fits else [f"placeholders {sorted(given)} instead of {sorted(wanted)}"]


def _placeholders(text: str) -> set[str]:
    return set(re.findall(r"%(?:\(\w+\))?[sd%]", text))


def main(arguments: list[str]) -> int:
    source, wrong = collected(), 0
    for path in sorted(PORTAL.glob("locale/*/portal.po")):
        text, faults = updated(path, source)
        if "--check" not in arguments:
            path.write_bytes(text)
        elif path.read_bytes() != text:
            faults.append("out of date: run `make texts`")
        for fault in faults:
            print(f"{path.parent.name}: {fault}")
        wrong += len(faults)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
