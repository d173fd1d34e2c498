"""A TOML file that somebody wrote by hand, and errors that name its file and line.

For owners connecting a system: whatever is wrong in `systems.toml` or in a map is said with the place to repair.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from portal.connectors.contract import ConnectorError
from portal.paper import _


class Misconfigured(ConnectorError):
    """A file is wrong: `place` is its name and line."""

    def __init__(self, place: str, what: str) -> None:
        super().__init__(f"{place}: {what}", permanent=True)
        self.place = place
        self.what = what


class TomlFile:
    """The parsed `data` of a file, and where in its text something stands."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.text = path.read_text("utf-8")
        except OSError as problem:
            raise Misconfigured(str(path), _("This file cannot be read (%s).") % problem.strerror) from problem
        except UnicodeDecodeError as problem:
            raise Misconfigured(path.name, _("This file is not UTF-8 text.")) from problem
        try:
            self.data: dict[str, Any] = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as problem:
            raise Misconfigured(self._place_of_syntax_error(str(problem)), _("Not valid TOML: %s.") % problem) from problem

    def place(self, section: Iterable[str] = (), *words: str) -> str:
        """`shop.toml, line 12`: the line in the section that has all the words, else the section's own line."""
        start, lines = self._section(tuple(section))
        for number, line in enumerate(lines, start):
            if words and all(_has_word(line, word) for word in words):
                return self._at(number)
        return self.place(section, *words[:-1]) if words else self._at(start)

    def error(self, what: str, section: Iterable[str] = (), *words: str) -> Misconfigured:
        return Misconfigured(self.place(section, *words), what)

    def only(self, table: Mapping[str, Any], known: Iterable[str], section: Iterable[str] = ()) -> None:
        """Refuse keys nobody reads: a misspelt `on_erase` must not be silently ignored."""
        known = sorted(known)
        for key in table:
            if key not in known:
                what = _("%(key)s is not known here. Known: %(known)s.") % {"key": key, "known": ", ".join(known)}
                raise self.error(what, section, key)

    def _section(self, wanted: tuple[str, ...]) -> tuple[int, list[str]]:
        """First line number and lines of a section; `("system", "2")` is the second [[system]]; () is the top."""
        lines, seen = self.text.splitlines(), 0
        starts = [(number, _header(line)) for number, line in enumerate(lines) if line.lstrip().startswith("[")]
        if not wanted:
            return 1, lines
        for position, (number, header) in enumerate(starts):
            seen += header == wanted[:-1] and lines[number].lstrip().startswith("[[")
            if header == wanted or (header == wanted[:-1] and str(seen) == wanted[-1]):
                end = starts[position + 1][0] if position + 1 < len(starts) else len(lines)
                return number + 1, lines[number:end]
        return self._section(wanted[:-1])

    def _at(self, line: int) -> str:
        return _("%(file)s, line %(line)d") % {"file": self.path.name, "line": line}

    def _place_of_syntax_error(self, message: str) -> str:
        found = re.search(r"at line (\d+)", message)
        return self._at(int(found[1]) if found else max(1, len(self.text.splitlines())))


def _has_word(line: str, word: str) -> bool:
    return re.search(rf"(?<![\w]){re.escape(word)}(?![\w])", line) is not None


def _header(line: str) -> tuple[str, ...]:
    """`[tables."Order Line"]` → ("tables", "Order Line"); a continued array line is no header."""
    try:
        inner: Any = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ()
    path: list[str] = []
    while inner and isinstance(inner, dict | list):
        if isinstance(inner, list):
            inner = inner[0]
            continue
        name, inner = next(iter(inner.items()))
        path.append(name)
    return tuple(path)
