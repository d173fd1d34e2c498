"""Reads the policies folder so that every mistake is told with file and line.

A file is called as it lies in the repository: `policies/company.toml`. Words for people stand once, or once per language.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from portal import settings
from portal.documents.faults import Fault, Faulty
from portal.documents.rendering import read_toml
from portal.paper import _, language

CEDILLA = str.maketrans("şţŞŢ", "șțȘȚ")


def folder() -> Path:
    return settings.get().policies


def shown(path: Path) -> str:
    """`policies/statement/en.md`, wherever the policies folder lies."""
    return str(path.relative_to(folder().parent)) if path.is_relative_to(folder().parent) else str(path)


def read_text(path: Path) -> str:
    """A file as text; raises Faulty when it is missing, empty or not UTF-8."""
    try:
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as problem:
        raise Faulty([Fault(shown(path), 1, _("This file cannot be read: %s.") % problem.strerror)]) from problem
    except UnicodeDecodeError as problem:
        line = path.read_bytes()[: problem.start].count(b"\n") + 1
        raise Faulty([Fault(shown(path), line, _("This is not UTF-8 text."))]) from problem
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


class Toml:
    """A TOML file being read: asks for values, gathers what is wrong, and tells all of it at once."""

    def __init__(self, path: Path) -> None:
        self.file = shown(path)
        self.text = read_text(path)
        self.values = read_toml(self.text, self.file)
        self.faults: list[Fault] = cedillas(self.text, self.file)

    def text_at(self, *keys: str, optional: bool = False) -> str:
        """A string, in the language of the moment where the file has it per language."""
        value = self._value(keys)
        if value is None and optional:
            return ""
        if isinstance(value, dict):
            value = _spoken(value)
        if isinstance(value, str) and value.strip():
            return value.strip()
        self.wrong(_("%s is missing: a text, or a table with a text per language.") % ".".join(keys), *keys)
        return ""

    def tables(self, *keys: str) -> dict[str, Any]:
        value = self._value(keys) if keys else self.values
        if isinstance(value, dict):
            return value
        self.wrong(_("%s is missing: it must be a table.") % ".".join(keys), *keys)
        return {}

    def only(self, allowed: Iterable[str], *keys: str) -> None:
        """A name that nobody reads is a spelling mistake."""
        for name in set(self.tables(*keys)) - set(allowed):
            what = _("%(name)s is not known here. Known: %(known)s.")
            self.wrong(what % {"name": name, "known": ", ".join(sorted(allowed))}, *keys, name)

    def wrong(self, sentence: str, *keys: str) -> None:
        self.faults.append(Fault(self.file, self.line(*keys), sentence))

    def done(self) -> None:
        """Raises everything that was wrong."""
        if self.faults:
            raise Faulty(self.faults)

    def line(self, *keys: str) -> int:
        """Where a value stands; where it is missing, where the table around it starts."""
        table = ""
        best = 1
        for number, line in enumerate(self.text.splitlines(), 1):
            header = re.match(r"\s*\[\[?\s*(.+?)\s*\]\]?\s*(?:#.*)?$", line)
            name = re.match(r"\s*([\w\"'.-]+)\s*=", line)
            if header:
                table = _plain(header[1])
                if ".".join(keys[: table.count(".") + 1]) == table:
                    best = number
            elif name and _starts(".".join(keys), ".".join(filter(None, [table, _plain(name[1])]))):
                return number
        return best

    def _value(self, keys: tuple[str, ...]) -> Any:
        value: Any = self.values
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value


def _spoken(texts: dict[str, Any]) -> Any:
    wanted = [language(), *settings.get().language_list, *texts]
    return next((texts[each] for each in wanted if each in texts), None)


def _plain(name: str) -> str:
    return re.sub(r"[\"'\s]", "", name)


def _starts(wanted: str, found: str) -> bool:
    return wanted == found or wanted.startswith(found + ".")
