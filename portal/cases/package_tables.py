"""The tables of a package as CSV files that no spreadsheet takes for formulas (RFC 4180; OWASP: CSV injection).

A cell that a spreadsheet could calculate begins with an apostrophe here, and so does one that begins with an apostrophe
itself: taking one leading apostrophe away gives back every value exactly. The package's own index says so.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator

from portal.cases.snapshot import Row, Table
from portal.paper import _

FORMULA = frozenset("=+-@＝＋－＠−﹢﹣﹦﹫")
QUOTES = frozenset("\"'`´“”„‘’‚«»‹›＂＇")
UNSEEN = frozenset(("Cc", "Cf", "Zs", "Zl", "Zp"))


def csv_lines(table: Table) -> Iterator[bytes]:
    """The file line by line: UTF-8 with a mark so that spreadsheets read it as such, every cell quoted."""
    names = columns(table)
    yield b"\xef\xbb\xbf" + csv_line(list(headings(table).values()))
    for row in table.rows:
        yield csv_line(_cells(row, names))


def csv_line(cells: list[str]) -> bytes:
    """One line of a file, its cells as they may stand there."""
    target = io.StringIO()
    csv.writer(target, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow([neutral(cell) for cell in cells])
    return target.getvalue().encode()


def neutral(value: str) -> str:
    """The value as it may stand in a cell."""
    if value[:1] in ("'", "\t", "\r", "\n"):
        return "'" + value
    first = next((each for each in value if each not in QUOTES and unicodedata.category(each) not in UNSEEN), "")
    return "'" + value if first in FORMULA else value


def restored(cell: str) -> str:
    """The value that a cell stands for."""
    return cell[1:] if cell[:1] == "'" else cell


def columns(table: Table) -> list[str]:
    """Names of all fields that any row has, in the order in which they come up."""
    return list(dict.fromkeys(field.name for row in table.rows for field in row.fields))


def headings(table: Table) -> dict[str, str]:
    """The label of each column; two columns with one label are told apart by their names."""
    labels = {field.name: field.label for row in table.rows for field in row.fields}
    seen = list(labels.values())
    return {name: label if seen.count(label) == 1 else f"{label} ({name})" for name, label in labels.items()}


def safe_name(text: str) -> str:
    """A name of [a-z0-9-] for a file in the package."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", plain)[:60].strip("-") or "table"


def _cells(row: Row, names: list[str]) -> list[str]:
    if row.redacted:
        return [_("(left out)")] * len(names)
    found = {field.name: _("(left out)") if field.redacted else field.value for field in row.fields}
    return [found.get(name, "") for name in names]
