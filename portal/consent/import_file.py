"""Reading other systems' lists as they come: CSV or NDJSON, in the usual character sets, line by line.

Whatever cannot be read is named with its line and the reading goes on with the next one. Nothing here holds more than
a few lines, so a file may be of any length.
"""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from portal import settings
from portal.lib.errors import Invalid
from portal.paper import _

CHARSETS = ("utf-8", "utf-16", "windows-1250", "windows-1252")
NDJSON = "ndjson"
SEPARATORS = ("", ",", ";", "\t", "|", NDJSON)
LONGEST_LINE = 1 << 20
LONGEST_RECORD = 100
_BLOCK = 1 << 20
# Where these are offered, a list from an older system is more likely in the Central European character set.
_CENTRAL = frozenset({"bs", "cs", "hr", "hu", "pl", "ro", "sk", "sl", "sq"})
# Letters in Windows-1250 (ș ț ą ł ż ş ţ …) where Windows-1252 has a sign or nothing: inside a word only one makes sense.
_ONLY_1250 = re.compile(rb"[A-Za-z\xc0-\xff][\x8d\x8f\x9d\x9f\xa3\xa5\xaa\xaf\xb3\xb9\xba\xbf\xbe\xbc][A-Za-z\xc0-\xff]")
_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HALVES = re.compile("[\ud800-\udfff]")
_DAMAGED = "�"


class AnyFile(Protocol):
    """What a list is read from, several times: a file of the operator's, or what another program sent."""

    @property
    def name(self) -> str: ...

    def open(self, mode: Literal["rb"], /) -> io.BufferedReader: ...


@dataclass(frozen=True, slots=True)
class ListFile:
    """A file as it was found: what identifies it, how it is read, how many lines it has, its columns."""

    content: AnyFile
    sha256: bytes
    charset: str
    separator: str
    lines: int
    columns: tuple[str, ...]


class Record(NamedTuple):
    """The values of a line by column, or in a sentence why it cannot be read."""

    line: int
    values: list[str]
    problem: str = ""


def look_at(file: AnyFile, charset: str = "", separator: str = "") -> ListFile:
    """Read the file once: hash it, tell its character set and separator (unless told), read its columns."""
    if charset and charset not in CHARSETS:
        raise Invalid(_("The character set is one of: %s.") % ", ".join(CHARSETS), {"charset": ", ".join(CHARSETS)})
    if separator not in SEPARATORS:
        raise Invalid(
            _("The separator is a comma, a semicolon, a tab or a bar."), {"separator": _("Leave it out to have it found.")}
        )
    sha256, found, lines = _scan(file)
    charset = charset or found
    with _opened(file, charset) as text:
        first = text.readline(LONGEST_LINE)
    if not first.strip():
        raise Invalid(_("This file is empty."), {"file": _("It begins with a line that names its columns.")})
    if separator in ("", NDJSON) and first.lstrip().startswith("{"):
        return ListFile(file, sha256, charset, NDJSON, lines, ())
    separator = separator or max(",;\t|", key=lambda each: (first.count(each), each == ","))
    return ListFile(file, sha256, charset, separator, lines, _columns(first, separator))


def records(file: ListFile) -> Iterator[Record]:
    """The records after the header, each with the number of its first line; empty lines are no records."""
    with _opened(file.content, file.charset) as text:
        yield from _objects(_Lines(text)) if file.separator == NDJSON else _rows(_Lines(text), file)


def _columns(first: str, separator: str) -> tuple[str, ...]:
    try:
        named = tuple(each.strip() for each in next(csv.reader([first], delimiter=separator, strict=True)))
    except csv.Error:
        named = (_DAMAGED,)
    if _DAMAGED in "".join(named) or not all(each.isprintable() for each in named):
        raise Invalid(_("The first line does not name columns."), {"file": _("It begins with a line that names its columns.")})
    return named


def _scan(file: AnyFile) -> tuple[bytes, str, int]:
    hashed, lines, zeros, tail = hashlib.sha256(), 0, [0, 0], b""
    counted = [0, 0, 0]
    with file.open("rb") as stream:
        start = stream.read(4)
        stream.seek(0)
        while block := stream.read(_BLOCK):
            hashed.update(block)
            lines += block.count(b"\n")
            zeros[0] += block[::2].count(0)
            zeros[1] += block[1::2].count(0)
            # The last bytes may belong to a character that ends in the next block.
            text = tail + block
            tail = b"" if text.isascii() else text[-3:]
            _count(counted, text[: len(text) - len(tail)])
    _count(counted, tail)
    return hashed.digest(), _charset(start, zeros, *counted), lines


def _count(counted: list[int], text: bytes) -> None:
    """Characters of several bytes in UTF-8, bytes that are none of it, and letters of Windows-1250 alone."""
    if text.isascii():
        return
    rest, found = _MULTIBYTE.subn(b"", text)
    counted[0] += found
    counted[1] += len(rest) - len(rest.decode("ascii", "ignore"))
    counted[2] += len(_ONLY_1250.findall(text)) if counted[1] else 0


def _charset(start: bytes, zeros: list[int], multibyte: int, broken: int, only_1250: int) -> str:
    if start[:2] in (b"\xff\xfe", b"\xfe\xff") or (start.count(0) >= 1 and max(zeros) > 4 * min(zeros)):
        return "utf-16"
    # A few damaged lines do not make it another character set: they are named as bad.
    if start[:3] == b"\xef\xbb\xbf" or broken == 0 or multibyte > broken:
        return "utf-8"
    central = only_1250 > 0 or bool(_CENTRAL & set(settings.get().language_list))
    return "windows-1250" if central else "windows-1252"


def _opened(file: AnyFile, charset: str) -> io.TextIOWrapper:
    stream = file.open("rb")
    name = {"utf-8": "utf-8-sig", "windows-1250": "cp1250", "windows-1252": "cp1252"}.get(charset, charset)
    if charset == "utf-16" and (start := stream.read(2)) not in (b"\xff\xfe", b"\xfe\xff"):
        name = "utf-16-be" if start[:1] == b"\0" else "utf-16-le"
    stream.seek(0)
    return io.TextIOWrapper(stream, encoding=name, errors="replace", newline="")


class _Unclosed(Exception):
    """A quotation mark was opened and the next hundred lines do not close it."""


class _TooLong(Exception):
    pass


class _Lines:
    """The lines one by one, with their numbers, and those of an unreadable record once more."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._again: list[str] = []
        self._taken: list[str] = []
        self._number = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else self._text.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        self._number += 1
        self._taken.append(line)
        if len(line) == LONGEST_LINE and line[-1] not in "\r\n":
            while line and line[-1] not in "\r\n":
                line = self._text.readline(LONGEST_LINE)
            raise _TooLong
        if len(self._taken) > 1 and (len(self._taken) > LONGEST_RECORD or sum(map(len, self._taken)) > LONGEST_LINE):
            raise _Unclosed
        return line

    def begin(self) -> int:
        """A new record begins with the next line: its number."""
        self._taken.clear()
        return self._number + 1

    def only_first_is_bad(self) -> None:
        """The lines after the first of this record are read again as records of their own."""
        self._number -= len(self._taken) - 1
        self._again += reversed(self._taken[1:])


def _rows(lines: _Lines, file: ListFile) -> Iterator[Record]:
    def new_reader() -> Iterator[list[str]]:
        return csv.reader(lines, delimiter=file.separator, strict=True)

    reader, header, width = new_reader(), True, len(file.columns)
    while True:
        line = lines.begin()
        try:
            row = next(reader)
        except StopIteration:
            return
        except (csv.Error, _Unclosed, _TooLong) as problem:
            if not isinstance(problem, _TooLong):
                lines.only_first_is_bad()
            yield Record(line, [], _what_is_wrong(problem))
            reader = new_reader()
            continue
        if header or not row:
            header = False
        elif len(row) != width:
            yield Record(
                line, [], _("It has %(found)d columns, the first line has %(wanted)d.") % {"found": len(row), "wanted": width}
            )
        elif _DAMAGED in (text := "".join(row)):
            yield Record(line, [], _not_readable(file.charset))
        elif not is_text(text):
            yield Record(line, [], no_text())
        else:
            yield Record(line, row)


def _what_is_wrong(problem: Exception) -> str:
    if isinstance(problem, _TooLong) or "field limit" in str(problem):
        return _("It is too long.")
    if isinstance(problem, _Unclosed) or "unexpected end" in str(problem):
        return _("A quotation mark is opened and not closed.")
    return _("Its quotation marks cannot be understood.")


def _objects(lines: _Lines) -> Iterator[Record]:
    """NDJSON: the values come as one JSON text, since every line may name other columns."""
    while True:
        line = lines.begin()
        try:
            text = next(lines)
        except StopIteration:
            return
        except _TooLong:
            yield Record(line, [], _("It is too long."))
            continue
        if not text.strip():
            continue
        if _DAMAGED in text:
            yield Record(line, [], _not_readable("utf-8"))
        elif "\\u" in text and not is_text("".join((object_of(text) or {}).values())):
            yield Record(line, [], no_text())
        else:
            yield Record(line, [text])


def object_of(text: str) -> dict[str, str] | None:
    """The values of one NDJSON line as text, None for what is no flat object."""
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(read, dict) or any(isinstance(each, dict | list) for each in read.values()):
        return None
    return {str(key).strip().casefold(): _as_text(value) for key, value in read.items()}


def is_text(value: str) -> bool:
    """No NUL, and no half of a surrogate pair: databases keep neither."""
    return "\0" not in value and (value.isascii() or not _HALVES.search(value))


def no_text() -> str:
    return _("This holds characters that no text can hold.")


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _not_readable(charset: str) -> str:
    return _("It cannot be read as %s.") % charset
