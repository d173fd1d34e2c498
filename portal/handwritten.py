"""Files that people write by hand, in TOML: each mistake is told with file and line, all of them at once.

For every room that reads policies, maps or lists. What a file may say is the room's; how its text is read, where in it
something stands and how it is refused is here.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from portal.lib.errors import Invalid
from portal.paper import _


@dataclass(frozen=True, order=True)
class Fault:
    """One thing to put right: the file as whoever wrote it calls it, its line, and what is wrong there."""

    file: str
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.sentence}"

    @property
    def place(self) -> str:
        return place(self.file, self.line)


class Faulty(Invalid):
    """What was written cannot be used as it is; `faults` names every place, the sentence all of them."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = sorted(set(faults))
        super().__init__("\n".join(map(str, self.faults)))


def place(file: str, line: int) -> str:
    return _("%(file)s, line %(line)d") % {"file": file, "line": line}


def content_of(path: Path, file: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise Faulty([Fault(file, 1, _("This file cannot be read: %s.") % problem.strerror)]) from problem


def text_of(content: bytes, file: str) -> str:
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as problem:
        line = content[: problem.start].count(b"\n") + 1
        raise Faulty([Fault(file, line, _("This is not UTF-8 text."))]) from problem


def read(path: Path) -> "Toml":
    """A file that is called by its name alone."""
    return Toml(path.name, text_of(content_of(path, path.name), path.name))


class Toml:
    """A file being read: its `values`, where each stands, and what is wrong, which `done` tells all at once.

    A path names a value by its keys: `"controller", "name"`; `"purpose", "2", "key"` lies in the second [[purpose]].
    """

    def __init__(self, file: str, text: str) -> None:
        self.file, self.text = file, text
        self.faults: list[Fault] = []
        try:
            self.values: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as problem:
            found = re.search(r" \(at (?:line (\d+))?[^()]*\)$", str(problem))
            line = int(found[1]) if found and found[1] else text.rstrip().count("\n") + 1
            sentence = self.not_toml(str(problem)[: found.start()] if found else str(problem))
            raise Faulty([Fault(file, line, sentence)]) from problem

    def not_toml(self, what: str) -> str:
        return _("This is not valid TOML: %s.") % what

    def at(self, *path: str) -> Any:
        """A value, or None."""
        value: Any = self.values
        for name in path:
            if isinstance(value, list) and name.isdecimal():
                value = value[int(name) - 1] if 0 < int(name) <= len(value) else None
            else:
                value = value.get(name) if isinstance(value, dict) else None
        return value

    def unknown(self, known: Collection[str], *path: str) -> list[str]:
        """A name that nobody reads is a spelling mistake."""
        part = self.at(*path)
        return [name for name in part if name not in known] if isinstance(part, dict) else []

    def only(self, known: Collection[str], *path: str) -> None:
        told = ", ".join(sorted(known))
        for name in self.unknown(known, *path):
            self.wrong(_("%(name)s is not known here. Known: %(known)s.") % {"name": name, "known": told}, *path, name)

    def part(self, kinds: Mapping[str, type], *path: str, optional: Collection[str] = ()) -> dict[str, Any]:
        """What stands there, as far as it is of its kind; all else is wrong. That a whole part is missing is told outside it."""
        part = self.at(*path)
        if not isinstance(part, dict):
            if part is not None:
                self.wrong(_another_kind(dict) % path[-1], *path)
            return {}
        self.only(kinds, *path)
        for name, kind in kinds.items():
            if name in part and not _is(kind, part[name]):
                self.wrong(_another_kind(kind) % name, *path, name)
            elif name not in part and name not in optional:
                self.wrong(_("%s is missing here.") % repr(name), *path)
        return {name: value for name, value in part.items() if name in kinds and _is(kinds[name], value)}

    def wrong(self, sentence: str, *path: str) -> None:
        self.wrong_at(self.line(*path), sentence)

    def wrong_at(self, line: int, sentence: str) -> None:
        self.faults.append(Fault(self.file, line, sentence))

    def done(self) -> None:
        """Raises everything that was wrong."""
        if self.faults:
            raise Faulty(self.faults)

    def line(self, *path: str) -> int:
        """Where it stands; when it is missing, where the part begins in which it should."""
        depth, around = self._around(path)
        return around[0].line if depth else 1

    def line_of(self, word: str, *path: str, nth: int = 0) -> int:
        """Where a word is written in a part: as a key, else anywhere, perhaps not for the first time."""
        if self._around((*path, word))[0] > len(path):
            return self.line(*path, word)
        whole = re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])")
        lines = [pair for each in self._around(path)[1] for pair in enumerate(each.text.split("\n"), each.line)]
        found = [number for number, line in lines for _again in whole.findall(line.partition("#")[0])]
        return found[nth] if nth < len(found) else self.line(*path)

    def _around(self, path: tuple[str, ...]) -> "tuple[int, list[_Statement]]":
        """The statements that lead furthest along a path, and how far."""
        reached = [each.reach(path) for each in self._statements]
        furthest = max(reached, default=0)
        return furthest, [each for each, depth in zip(self._statements, reached, strict=True) if depth == furthest]

    @cached_property
    def _statements(self) -> "list[_Statement]":
        return list(_statements(self.text))


def _another_kind(kind: type) -> str:
    return {
        str: _("%s must be a text in quotes."),
        int: _("%s must be a whole number, 0 or more."),
        bool: _("%s must be true or false."),
        list: _("%s must be a list of texts in quotes."),
        dict: _("%s must be a section of keys and values."),
    }[kind]


def _is(kind: type, value: Any) -> bool:
    if kind is int:
        return type(value) is int and value >= 0
    if kind is list:
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    return isinstance(value, kind)


@dataclass(frozen=True)
class _Statement:
    """A header, or what one key is set to, over as many lines as it takes; `section` is where it stands."""

    line: int
    text: str
    section: tuple[str, ...]
    values: Mapping[str, Any]

    def reach(self, path: tuple[str, ...]) -> int:
        """How much of a path leads to it or into it."""
        inside: Any = self.values
        for depth, name in enumerate(path):
            if depth < len(self.section):
                if self.section[depth] != name:
                    return depth
            elif isinstance(inside, dict) and name in inside:
                inside = inside[name]
            else:
                return depth
        return len(path)


_LAST_LINE = re.compile(r"""[]}]|\"{3}|'{3}""")  # of what takes several lines; spares a long list a try at each


def _statements(text: str) -> Iterator[_Statement]:
    """Valid TOML taken apart: a statement ends with the first line at which it is TOML by itself."""
    lines, start = text.split("\n"), 0
    section: tuple[str, ...] = ()
    seen: Counter[tuple[str, ...]] = Counter()
    for end, line in enumerate(lines, 1):
        if end - start > 1 and not _LAST_LINE.search(line):
            continue
        written = "\n".join(lines[start:end])
        try:
            values = tomllib.loads(written)
        except tomllib.TOMLDecodeError:
            continue
        if written.lstrip().startswith("["):
            section, values = _section(values, seen), {}
            yield _Statement(start + 1, written, section, values)
        elif values:
            yield _Statement(start + 1, written, section, values)
        start = end


def _section(header: Any, seen: Counter[tuple[str, ...]]) -> tuple[str, ...]:
    """`[tables."Order Line"]` is ("tables", "Order Line"), the second [[purpose]] is ("purpose", "2")."""
    section: tuple[str, ...] = ()
    while header:
        [(name, header)] = header.items()
        section += (name,)
        if isinstance(header, list):
            seen[section] += 1
            header = {}
        if section in seen:
            section += (str(seen[section]),)
    return section


def header(*names: str) -> str:
    """The line that begins a section."""
    return f"[{'.'.join(map(key, names))}]"


def setting(name: str, value: str | Sequence[str]) -> str:
    """The line that sets a key to a text or a list of texts."""
    written = quoted(value) if isinstance(value, str) else f"[{', '.join(map(quoted, value))}]"
    return f"{key(name)} = {written}"


def key(name: str) -> str:
    """A name as a key of TOML, in quotes where it needs them."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else quoted(name)


def quoted(value: str) -> str:
    """A TOML basic string on one line. What cannot be seen is written as its number, so that it survives being copied
    and nobody publishes a mark that turns the reading direction without noticing."""
    return '"' + "".join(_SHORT.get(each) or (each if each.isprintable() else _number(each)) for each in value) + '"'


def _number(letter: str) -> str:
    return f"\\u{ord(letter):04X}" if ord(letter) <= 0xFFFF else f"\\U{ord(letter):08X}"


_SHORT: Mapping[str, str] = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
