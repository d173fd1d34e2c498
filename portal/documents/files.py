"""Reads the policies folder so that every mistake is told with file and line.

A file is called as it lies in the repository: `policies/company.toml`. Words for people stand once, or once per language.
"""

import re
from pathlib import Path
from typing import Any

from portal import handwritten, settings
from portal.handwritten import Fault, Faulty
from portal.paper import _, language

CEDILLA = str.maketrans("şţŞŢ", "șțȘȚ")


def folder() -> Path:
    return settings.get().policies


def shown(path: Path) -> str:
    """`policies/statement/en.md`, wherever the policies folder lies."""
    return str(path.relative_to(folder().parent)) if path.is_relative_to(folder().parent) else str(path)


def read_text(path: Path) -> str:
    """A file as text; raises Faulty when it is missing, empty or not UTF-8."""
    text = handwritten.text_of(handwritten.content_of(path, shown(path)), shown(path))
    if not text.strip():
        raise Faulty([Fault(shown(path), 1, _("This file is empty."))])
    return text


def cedillas(text: str, file: str) -> list[Fault]:
    """Romanian writes ș and ț with a comma below; the letters with a cedilla are Turkish."""
    return [
        Fault(
            file,
            number,
            _("Write %(right)s with a comma below, not %(wrong)s with a cedilla.")
            % {"right": found[0].translate(CEDILLA), "wrong": found[0]},
        )
        for number, line in enumerate(text.splitlines(), 1)
        if (found := re.search("[şţŞŢ]", line))
    ]


class Toml(handwritten.Toml):
    """A file of the policies folder: asks for values in the language of the moment."""

    def __init__(self, path: Path) -> None:
        super().__init__(shown(path), read_text(path))
        self.faults += cedillas(self.text, self.file)

    def text_at(self, *keys: str, optional: bool = False) -> str:
        """A string, in the language of the moment where the file has it per language."""
        value = self.at(*keys)
        if value is None and optional:
            return ""
        if isinstance(value, dict):
            value = _spoken(value)
        if isinstance(value, str) and value.strip():
            return value.strip()
        self.wrong(_("%s is missing: a text, or a table with a text per language.") % ".".join(keys), *keys)
        return ""

    def table(self, key: str) -> dict[str, Any]:
        value = self.at(key)
        if isinstance(value, dict):
            return value
        self.wrong(_("%s is missing: it must be a table.") % key, key)
        return {}


def _spoken(texts: dict[str, Any]) -> Any:
    wanted = [language(), *settings.get().language_list, *texts]
    return next((texts[each] for each in wanted if each in texts), None)
