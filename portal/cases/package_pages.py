"""The package's pages for people: index.html and, for long tables, pages of their own; they work offline for ever.

No script and nothing from outside: the style sheet stands inside and the page's own policy (CSP) allows just that one,
so that whatever stands in somebody's data stays text. Short tables are shown whole; of long ones the index shows the
first entries and leads to the rest.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from babel import Locale
from markupsafe import Markup

from portal import documents
from portal.cases import plain_words
from portal.cases.package_receipts import Receipts
from portal.cases.package_tables import headings, safe_name
from portal.cases.snapshot import Category, Field, Row, Snapshot, System, Table
from portal.paper import language, render
from portal.settings import HOME, get

SHORT = 100  # entries up to which a table stands whole in the index
SHOWN = 20  # entries of a longer one
PAGE = 1000  # entries on a page of their own
PAGES = 500  # pages of all tables together, at most: unpackers refuse archives of thousands of files
WIDE = 6  # columns that fit beside each other
LONG = 90  # letters that fit in a cell


@dataclass(frozen=True)
class Planned:
    """A table with the files it fills: `csv`, and `pages` of `per_page` entries when it is long."""

    system: System
    category: Category
    table: Table
    csv: str
    pages: tuple[str, ...]
    per_page: int

    @property
    def shown(self) -> tuple[Row, ...]:
        """What the index shows."""
        return self.table.rows[:SHOWN] if self.pages else self.table.rows


def plan_tables(snapshot: Snapshot) -> list[Planned]:
    """Every table that has entries, with names for its files that occur once."""
    found = [each for each in snapshot.tables() if each[2].rows]
    per_page = max(PAGE, -(-sum(len(table.rows) for _system, _category, table in found) // PAGES))
    taken: Counter[str] = Counter()
    planned = []
    for system, category, table in found:
        name = f"{safe_name(system.name)}-{safe_name(table.name)}"
        taken[name] += 1
        if taken[name] > 1:
            # A dot keeps it apart from a table that is really called so.
            name = f"{name}.{taken[name]}"
        count = -(-len(table.rows) // per_page) if len(table.rows) > SHORT else 0
        pages = tuple(f"pages/{name}.page-{number + 1}.html" for number in range(count))
        csv = f"tables/{name}.csv" if headings(table) else ""
        planned.append(Planned(system, category, table, csv, pages, per_page))
    return planned


def index_page(snapshot: Snapshot, tables: list[Planned], receipts: Receipts) -> list[bytes]:
    systems = [(system, list(_by_category([each for each in tables if each.system is system]))) for system in snapshot.systems]
    things = {"systems": systems, "tables": tables, "left_out": left_out(snapshot), "receipts": receipts}
    return _page("package/index.html", snapshot, **things)


def table_page(snapshot: Snapshot, planned: Planned, number: int) -> list[bytes]:
    start = number * planned.per_page
    rows = planned.table.rows[start : start + planned.per_page]
    return _page("package/table.html", snapshot, planned=planned, rows=rows, number=number, start=start)


def left_out(snapshot: Snapshot) -> list[tuple[str, str, int, int]]:
    """What is not in the package: label of the table, reason's code, whole entries, single fields."""
    rows: Counter[tuple[str, str]] = Counter()
    single: Counter[tuple[str, str]] = Counter()
    for _system, _category, table in snapshot.tables():
        rows.update((table.label, row.redacted) for row in table.rows if row.redacted)
        single.update((table.label, field.redacted) for row in table.rows for field in row.fields if field.redacted)
    return [(*each, rows[each], single[each]) for each in dict.fromkeys([*rows, *single])]


def layout(rows: tuple[Row, ...], columns: dict[str, str]) -> str:
    """`facts` (one entry), `grid` (short values beside each other) or `cards` (entry below entry)."""
    if len(rows) == 1:
        return "facts"
    if len(columns) > WIDE or any(len(field.value) > LONG for row in rows for field in row.fields):
        return "cards"
    return "grid"


def said(field: Field) -> str:
    """A value as people read it: moments and dates in their language, everything else as it is kept."""
    value = field.value
    if len(value) < 10 or value[4:5] != "-" or value[7:8] != "-":
        return value
    return plain_words.day(value) if len(value) == 10 else plain_words.moment(value)


def _by_category(tables: list[Planned]) -> Iterator[tuple[Category, list[Planned]]]:
    names = list(dict.fromkeys(each.category.name for each in tables))
    for name in names:
        these = [each for each in tables if each.category.name == name]
        yield these[0].category, these


def _page(template: str, snapshot: Snapshot, **things: Any) -> list[bytes]:
    styles = _styles()
    allowed = base64.b64encode(hashlib.sha256(styles.encode()).digest()).decode()
    page = render(
        template,
        snapshot=snapshot,
        company=documents.company(),
        language=language(),
        direction=Locale.parse(language()).text_direction,
        style=Markup(f"<style>{styles}</style>"),  # noqa: S704  # our own style sheets and colours that were checked
        policy=f"default-src 'none'; style-src 'sha256-{allowed}'; form-action 'none'; base-uri 'none'",
        words=plain_words,
        headings=headings,
        layout=layout,
        said=said,
        portal_address=get().base_url,
        **things,
    )
    return [page.encode()]


def _styles() -> str:
    brand = documents.company().brand
    light = f":root {{ --brand: {brand.accent}; --brand-ink: {brand.on_accent}; --radius: {brand.radius} }}"
    dark = f":root {{ --brand: {brand.accent_dark}; --brand-ink: {brand.on_accent_dark} }}"
    brand_css = f"{light}\n@media screen and (prefers-color-scheme: dark) {{ {dark} }}\n"
    return "\n" + _style_sheet("tokens.css") + brand_css + _style_sheet("package.css")


def _style_sheet(name: str) -> str:
    return (HOME / "portal" / "static" / "css" / name).read_text()
