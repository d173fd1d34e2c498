"""A TOML file of somebody who connects a system: refused at its first mistake, which is said with file and line."""

from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from portal.connectors.contract import ConnectorError
from portal.handwritten import Faulty, Toml, place, text_of
from portal.paper import _


class Misconfigured(ConnectorError):
    """A file is wrong: `place` is its name and line."""

    def __init__(self, place: str, what: str) -> None:
        super().__init__(f"{place}: {what}", permanent=True)
        self.place = place
        self.what = what


class TomlFile(Toml):
    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            super().__init__(path.name, text_of(path.read_bytes(), path.name))
        except OSError as problem:
            raise Misconfigured(str(path), _("This file cannot be read (%s).") % problem.strerror) from problem
        except Faulty as problem:
            raise Misconfigured(problem.faults[0].place, problem.faults[0].sentence) from problem

    def not_toml(self, what: str) -> str:
        return _("Not valid TOML: %s.") % what

    def place(self, section: Iterable[str] = (), *words: str) -> str:
        """`shop.toml, line 12`: where the last of the words is written in the section, else the section's own line."""
        path = (*section, *words)
        return place(self.file, self.line_of(path[-1], *path[:-1]) if words else self.line(*path))

    def error(self, what: str, section: Iterable[str] = (), *words: str) -> Misconfigured:
        return Misconfigured(self.place(section, *words), what)

    def wrong_at(self, line: int, sentence: str) -> NoReturn:
        raise Misconfigured(place(self.file, line), sentence)
