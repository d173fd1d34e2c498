"""The finished package, read again before anybody gets it: nothing that an officer took out is in it (GDPR Art. 15(4)).

What was taken out is known from the findings and not from the snapshot, which no longer has it. Two rules, because the same
word may rightly stand elsewhere. By place: in data.json and in its spreadsheet the entry or value is left out, and each page has
as many such marks as it must. By value: it stands in no file as a whole word, the printed letter and the receipts with them,
unless it is given elsewhere too (in an entry that was not taken out, or in words that the package would have without any
entry), or is too short to tell anything (sought.py). Files that were handed in are searched as they came: what a PDF or a picture
among them packs away, only an officer's eyes can see. Nothing is read again of a request of which nothing was taken out.
"""

import asyncio
import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any
from zipfile import ZipFile

from portal.cases import findings, letter, models
from portal.cases.freeze import as_text
from portal.cases.package import members
from portal.cases.package_pages import Planned, plan_tables
from portal.cases.package_tables import columns
from portal.cases.snapshot import Category, Row, Snapshot, Table
from portal.cases.sought import Sought
from portal.paper import _, in_language, pdf_text

WHOLE = ""  # in place of a column: the whole entry
MARK = b'<span class="left-out">'
_CELL = re.compile(r'"([^"]*(?:""[^"]*)*)"(,|\r\n)')
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Taken:
    """What officers took out of one table: columns by number of the row, the values that stood there, how many they are."""

    place: tuple[str, str, str]  # system, category, table
    label: str
    rows: Mapping[int, frozenset[str]]
    values: frozenset[str]
    count: int


async def read_again(row: models.CaseRow, snapshot: Snapshot, package: bytes) -> tuple[int, str]:
    """How many values were left out, and a sentence for an officer where one is still there, else "".

    Raises Conflict where what was found cannot be read any more, so that nothing can be proven.
    """
    with in_language(snapshot.language):
        changed = {str(each.finding_id) for each in await models.Redaction.filter(case_id=row.id)}
        taken = [_taken(each) async for each in findings.one_by_one(row, changed)]
        known = {each.place: each for each in taken}
        if not known and not any(_left_out(each) for _system, _category, table in snapshot.tables() for each in table.rows):
            return 0, ""
        wrong, found = await asyncio.to_thread(_looked_through, package, snapshot, known)
        if not wrong and found:
            rightly = await _given(row, snapshot, found)
            wrong = [(_label(text, taken), file) for text, file in found.items() if text not in rightly]
    if not wrong:
        return sum(each.count for each in taken), ""
    what, file = wrong[0]
    told = _(
        "The finished copy was read again, and something that was left out is still in it: it belongs to “%(what)s” and stands in"
        " %(file)s. Nobody was given this copy. Look at the reasons and at what was left out, then answer anew."
    )
    return sum(each.count for each in taken), told % {"what": what, "file": file}


def _label(text: str, taken: list[Taken]) -> str:
    return next(each.label for each in taken if any(text == value.strip() for value in each.values))


def _taken(found: findings.Found) -> Taken:
    rows: dict[int, set[str]] = {}
    for number, column in found.redacted:
        rows.setdefault(number, set()).add(column)
    texts, count = set(), 0
    for number, names in rows.items():
        row = found.rows[number]
        gone = [as_text(each.value) for each in row.fields if WHOLE in names or each.column in names]
        texts |= {*gone, *(str(value) for name, value in row.key.items() if WHOLE in names or name in names)}
        count += sum(bool(each) for each in gone)
    place = (found.system, found.category, found.table)
    columns_of = {number: frozenset((WHOLE,)) if WHOLE in names else frozenset(names) for number, names in rows.items()}
    return Taken(place, found.label, columns_of, frozenset(filter(None, texts)), count)


def _looked_through(
    package: bytes, snapshot: Snapshot, known: Mapping[tuple[str, str, str], Taken]
) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """What is not left out at its place (label, file), and each left-out value that stands somewhere, with its first file."""
    tables = [table for _system, _category, table in snapshot.tables()]
    taken = [known.get((system.name, category.name, table.name)) for system, category, table in snapshot.tables()]
    wanted = [_wanted(mine, table) for mine, table in zip(taken, tables, strict=True)]
    wrong = [(table.label, "data.json") for gone, table in zip(wanted, tables, strict=True) if gone != _marked(table)]
    with ZipFile(BytesIO(package)) as archive:
        with archive.open("data.json") as lines:
            unlike = _in_data(lines, wanted, [len(table.rows) for table in tables])
            wrong += [(tables[number].label, "data.json") for number in unlike]
        by_table = {id(table): gone for gone, table in zip(wanted, tables, strict=True)}
        wrong += _on_pages(archive, plan_tables(snapshot), by_table)
        sought = Sought(value for each in known.values() for value in each.values)
        found: dict[str, str] = {}
        for name in archive.namelist():
            for text in _values(archive, name, sought):
                found.setdefault(text, name)
    return wrong, found


def _wanted(taken: Taken | None, table: Table) -> dict[int, frozenset[str]]:
    """What must be left out of a table of the package: without the columns that are not the person's to take along anyway."""
    wanted = dict[int, frozenset[str]]()
    for number, names in (taken.rows if taken else {}).items():
        if number < len(table.rows):
            here = names if WHOLE in names else names & {each.name for each in table.rows[number].fields}
            wanted |= {number: here} if here else {}
    return wanted


def _marked(table: Table) -> dict[int, frozenset[str]]:
    return {number: marks for number, row in enumerate(table.rows) if (marks := _left_out(row))}


def _left_out(row: Row) -> frozenset[str]:
    return frozenset((WHOLE,)) if row.redacted else frozenset(each.name for each in row.fields if each.redacted)


def _in_data(lines: Iterable[bytes], wanted: list[dict[int, frozenset[str]]], lengths: list[int]) -> Iterator[int]:
    """Numbers of the tables in data.json with something that is not left out. Each row is a line; text has no bare quotes."""
    table, place, read = -1, -1, [0] * len(lengths)
    for line in lines:
        if line.startswith(b'{"key":'):
            place += 1
            read[table] += 1
            names = wanted[table].get(place)
            if names and not _is_empty(_DECODER.raw_decode(line.decode())[0], names):
                yield table
        opened = line.count(b'"rows":[')
        table, place = table + opened, -1 if opened else place
    yield from (number for number, length in enumerate(lengths) if read[number] != length)


def _is_empty(entry: dict[str, Any], names: frozenset[str]) -> bool:
    if WHOLE in names:
        return bool(entry["redacted"]) and not entry["fields"] and "=" not in entry["key"]
    fields = [each for each in entry["fields"] if each["name"] in names]
    return all(each["redacted"] and not each["value"] for each in fields)


def _on_pages(
    archive: ZipFile, planned: list[Planned], wanted: Mapping[int, Mapping[int, frozenset[str]]]
) -> Iterator[tuple[str, str]]:
    """Label and file where a cell is filled that must not be, or a page has fewer marks than it must."""
    on_index = 0
    for each in planned:
        gone = wanted[id(each.table)]
        marks = {number: _marks(each.table.rows[number], names) for number, names in gone.items()}
        on_index += sum(count for number, count in marks.items() if number < len(each.shown))
        for page, name in enumerate(each.pages):
            start, end = page * each.per_page, (page + 1) * each.per_page
            here = sum(count for number, count in marks.items() if start <= number < end)
            if here and archive.read(name).count(MARK) != here:
                yield each.table.label, name
        if each.csv and gone and not _is_csv_empty(archive.read(each.csv).decode("utf-8-sig"), columns(each.table), gone):
            yield each.table.label, each.csv
    if archive.read("index.html").count(MARK) != on_index:
        yield _("all tables"), "index.html"


def _marks(row: Row, names: frozenset[str]) -> int:
    return 1 if WHOLE in names else sum(each.name in names for each in row.fields)


def _is_csv_empty(text: str, names: list[str], gone: Mapping[int, frozenset[str]]) -> bool:
    number, cells, seen = -1, list[str](), 0
    for cell, is_last in _cells(text):
        if number in gone:
            cells.append(cell)
        if not is_last:
            continue
        if number in gone:
            filled = [each for name, each in zip(names, cells, strict=True) if WHOLE in gone[number] or name in gone[number]]
            if any(each != _("(left out)") for each in filled):
                return False
            seen += 1
        number, cells = number + 1, []
    return seen == len(gone)


def _cells(text: str) -> Iterator[tuple[str, bool]]:
    """The cells as they stand between their quotes, however long, and whether a line ends with each (RFC 4180)."""
    place = 0
    while cell := _CELL.match(text, place):
        yield cell[1], cell[2] != ","
        place = cell.end()


def _values(archive: ZipFile, name: str, sought: Sought) -> set[str]:
    """Which of the values stand in one file."""
    if name == "letter.pdf":
        return sought.in_print(pdf_text(archive.read(name)))
    if name.startswith("receipts/"):
        return sought.in_pieces([_said(archive.read(name))])
    with archive.open(name) as file:
        return sought.in_pieces(iter(lambda: file.read(1 << 16), b""))


def _said(receipt: bytes) -> bytes:
    """What a receipt says happened: it stands packed in its second line."""
    extra = json.loads(base64.b64decode(receipt.split(b"\n")[1].removeprefix(b"extra ")))
    statement = json.loads(extra["statement"])
    return json.dumps([statement.get("object"), statement.get("payload")], ensure_ascii=False).encode()


async def _given(row: models.CaseRow, snapshot: Snapshot, found: Iterable[str]) -> set[str]:
    """Those values that the person is rightly given elsewhere."""
    sought = Sought(found)
    systems = tuple(replace(each, categories=tuple(map(_emptied, each.categories))) for each in snapshot.systems)
    bare = replace(snapshot, systems=systems, reasons="", enclosures=())
    rightly = sought.in_print(letter.letter_page(bare))
    for member in members(bare, b""):
        rightly |= sought.in_pieces(member.pieces())
    async for each in findings.one_by_one(row):
        rightly |= await asyncio.to_thread(sought.in_pieces, _rightly(each))
    return rightly


def _emptied(category: Category) -> Category:
    return replace(category, tables=tuple(replace(each, rows=()) for each in category.tables))


def _rightly(found: findings.Found) -> Iterator[bytes]:
    """What one table gives: the names of its columns, and what was not taken out."""
    yield "\n".join(["", found.system, found.category, found.table, found.label, ""]).encode()
    for number, row in enumerate(found.rows):
        if (number, WHOLE) in found.redacted:
            continue
        given = [f"{name}={value}" for name, value in row.key.items() if (number, name) not in found.redacted]
        for field in row.fields:
            given += [field.column, field.label]
            if (number, field.column) not in found.redacted:
                given.append(as_text(field.value))
        yield "\n".join([*given, ""]).encode()
