"""What may be handed in: known by its content, not by its name; read as rows where it is a table; never opened otherwise.

Markup and programs are refused, because somebody will open what is in their package. Nothing is unpacked, run or shown.
"""

import csv
import io
import json
import re
from dataclasses import dataclass
from typing import Any

from portal.connectors.contract import Value
from portal.lib.errors import Invalid
from portal.paper import _

MOST_ROWS, MOST_COLUMNS, LONGEST_CELL, LONGEST_LINE = 20_000, 200, 50_000, 200
_MAGIC = (
    (b"%PDF-", ("pdf",)),
    (b"\x89PNG\r\n\x1a\n", ("png",)),
    (b"\xff\xd8\xff", ("jpg", "jpeg")),
    (b"PK\x03\x04", ("zip", "docx", "xlsx", "pptx", "odt", "ods")),
)
_MEDIA = {"pdf": "application/pdf", "png": "image/png", "jpg": "image/jpeg", "json": "application/json", "csv": "text/csv"}
_MEDIA |= {"txt": "text/plain", "zip": "application/zip"}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
Rows = list[dict[str, Value]]


@dataclass(frozen=True)
class HandedIn:
    """A file as it came in."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Read:
    """`tables`: name → rows, for a file that is one; otherwise it stays a file with this `ending`.

    What a table is called is kept in clear; a file's own name may name somebody, so no table is called by it.
    """

    stem: str
    ending: str
    media: str
    tables: dict[str, Rows] | None = None


def read_file(file: HandedIn) -> Read:
    """Raises Invalid with what to do instead."""
    stem, named = _name(file.name)
    if not file.content:
        raise _wrong(_("This file is empty."))
    for magic, endings in _MAGIC:
        if file.content.startswith(magic):
            ending = named or endings[0]
            if ending not in endings:
                raise _disguised(named)
            return Read(stem, ending, _MEDIA.get(ending, "application/octet-stream"))
    return _read_text(stem, named, file.content)


def has_controls(text: str) -> bool:
    """Whether it holds what no database keeps, or what turns the letters around on a page."""
    return _CONTROL.search(text) is not None


def slug(text: str) -> str:
    return re.sub(r"[\W_]+", "-", text.casefold()).strip("-")[:60] or "answer"


def _read_text(stem: str, named: str, content: bytes) -> Read:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise _wrong(_("We take PDF, pictures, office files, ZIP, and text in UTF-8. This is none of them.")) from problem
    if _CONTROL.search(text):
        raise _wrong(_("We take PDF, pictures, office files, ZIP, and text in UTF-8. This is none of them."))
    if text.lstrip()[:1] == "<" or "<script" in text[:LONGEST_CELL].casefold():
        raise _wrong(_("We take no web pages. Please save it as PDF or as plain text."))
    if named not in ("", "csv", "txt", "json"):
        raise _disguised(named)
    if named in ("", "json") and text.lstrip()[:1] in ("{", "["):
        tables = _tables_of_json(text)
        return Read(stem, "json", _MEDIA["json"], tables)
    if named == "json":
        raise _disguised(named)
    if named == "csv":
        return Read(stem, "csv", _MEDIA["csv"], {"": _rows_of_csv(text)})
    return Read(stem, "txt", _MEDIA["txt"])


def _rows_of_csv(text: str) -> Rows:
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    found: Rows = []
    try:
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        names = [each.strip() for each in next(lines)]
        if not all(names) or len(set(names)) != len(names) or len(names) > MOST_COLUMNS:
            raise _wrong(_("The first line must name each column, and none twice."))
        for cells in lines:
            if not cells:
                continue
            if len(cells) != len(names):
                counts = {"line": lines.line_num, "cells": len(cells), "names": len(names)}
                raise _wrong(_("Line %(line)d has %(cells)d cells, but the first line names %(names)d.") % counts)
            found.append(dict(zip(names, cells, strict=True)))
            if len(found) > MOST_ROWS:
                raise _wrong(_("This has more than %d rows. Please send it in a ZIP file.") % MOST_ROWS)
    except csv.Error as problem:
        raise _wrong(_("This cannot be read as a table. Please send it as a .txt file.")) from problem
    return _checked(found)


def _tables_of_json(text: str) -> dict[str, Rows] | None:
    """A list of objects, or an object of such lists; anything else stays a file."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise _wrong(_("This is not valid JSON.")) from problem
    if isinstance(told, dict) and told and all(isinstance(each, list) for each in told.values()):
        tables = told
    else:
        tables = {"": told if isinstance(told, list) else [told]}
    rows = [row for each in tables.values() for row in each]
    if not all(isinstance(row, dict) for row in rows) or len(rows) > MOST_ROWS:
        return None
    return {name: _checked([{key: _plain(value) for key, value in row.items()} for row in each]) for name, each in tables.items()}


def _plain(value: Any) -> Value:
    if value is None or isinstance(value, str | bool) or (isinstance(value, int) and abs(value) < 2**53):
        return value
    return json.dumps(value, ensure_ascii=False)


def _checked(rows: Rows) -> Rows:
    for row in rows:
        for name, value in row.items():
            if len(name) > LONGEST_LINE or (isinstance(value, str) and len(value) > LONGEST_CELL):
                raise _wrong(_("A cell is longer than we can take. Please send it as a .txt file."))
            if _CONTROL.search(name) or (isinstance(value, str) and _CONTROL.search(value)):
                raise _wrong(_("A cell holds a character that cannot be kept."))
    return rows


def _name(name: str) -> tuple[str, str]:
    """Stem and ending, without the folders that some browsers send."""
    last = _CONTROL.sub("", re.split(r"[/\\]", name)[-1]).strip()
    stem, _dot, ending = last.rpartition(".")
    return (stem or last or "answer")[:80], ending.casefold() if stem else ""


def _disguised(ending: str) -> Invalid:
    return _wrong(_("The name says .%s, but this is something else. Please send the file as it is.") % ending[:10])


def _wrong(sentence: str) -> Invalid:
    return Invalid(sentence, {"file": sentence})
