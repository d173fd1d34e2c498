"""What a live database holds, seen from outside: tables, keys, and of each column how full it is and what it looks like.

For whoever writes a map. It only reads, the first rows of each table and no more, and every statement has a time limit.
What it read does not leave this file: a survey has names, shares and kinds, never a value.
"""

import re
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Enum,
    Inspector,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    Time,
    cast,
    exc,
    func,
    inspect,
    literal_column,
    select,
    text,
)
from sqlalchemy.engine.interfaces import ReflectedIndex
from sqlalchemy.types import TypeEngine

from portal.connectors.contract import ConnectorError
from portal.connectors.sql import database
from portal.connectors.sql.schema import Reference
from portal.paper import _

Kind: TypeAlias = Literal["text", "whole", "number", "truth", "day", "moment", "instant", "time", "other"]

ROWS_LOOKED_AT = 1000  # of each table
MOST_COLUMNS = 400  # of each table looked into
MOST_TABLES = 1000
_LETTERS = 200  # of each text
_STATEMENT_SECONDS = 5
_STRUCTURE_SECONDS = 60
_MOSTLY = 0.8
_UNIQUE_OF_SQLITE = """
SELECT tables.name, indexes.name, columns.name FROM sqlite_master AS tables
JOIN pragma_index_list(tables.name) AS indexes JOIN pragma_index_info(indexes.name) AS columns
WHERE tables.type = 'table' AND indexes."unique" AND NOT indexes.partial ORDER BY indexes.name, columns.seqno
"""

_NUMBER = re.compile(r"[+(]?[0-9][0-9()\s./-]{4,24}")


@dataclass(frozen=True)
class SurveyedColumn:
    """`filled`: the share of the rows looked at in which it is not null, None where none were. `looks`: "email", "phone"
    (they might be numbers), "international" (numbers with + and country) or "other"; "" where nothing stands to be looked at."""

    name: str
    kind: Kind
    nullable: bool
    computed: bool
    unique: bool
    length: int | None
    filled: float | None = None
    looks: str = ""


@dataclass(frozen=True)
class SurveyedTable:
    """`declared`: the database says that this is the key; `linking`: columns of foreign keys, wherever they point; `rows`: how
    many were looked at, None where it could not be read."""

    name: str
    columns: tuple[SurveyedColumn, ...]
    key: tuple[str, ...]
    declared: bool
    linking: frozenset[str]
    rows: int | None

    def column(self, name: str) -> SurveyedColumn:
        return next(column for column in self.columns if column.name == name)


@dataclass(frozen=True)
class Survey:
    """`more_tables`: how many beyond MOST_TABLES were not looked at."""

    schema: str | None
    tables: tuple[SurveyedTable, ...]
    references: tuple[Reference, ...]
    views: tuple[str, ...]
    more_tables: int


def survey(connection: Connection, schema: str | None = None, seconds: float = 60) -> Survey:
    """All tables of the schema (None: the database's usual one). What cannot be read in time is there without shares."""
    ends = time.monotonic() + seconds
    database.limit_statements(connection, _STRUCTURE_SECONDS)
    inspector = inspect(connection)
    parts = _partitions(connection, schema or inspector.default_schema_name)
    names = sorted(set(inspector.get_table_names(schema)) - parts - {""})
    chosen = names[:MOST_TABLES]
    live, references = _structure(connection, inspector, chosen, schema)
    alone = _unique(connection, chosen, schema)
    tables = [_surveyed(connection, live[name], alone[name], ends) for name in chosen if name in live]
    views = tuple(sorted(inspector.get_view_names(schema)))
    return Survey(schema, tuple(tables), tuple(references), views, len(names) - len(chosen))


def _structure(
    connection: Connection, inspector: Inspector, names: list[str], schema: str | None
) -> tuple[dict[str, Table], list[Reference]]:
    reflected = MetaData(schema=schema)
    try:
        reflected.reflect(connection, only=names, resolve_fks=False)
        live = {table.name: table for table in reflected.tables.values()}
        return live, list(_references(inspector, names, schema, live))
    except AttributeError as problem:  # SQLAlchemy reads PostgreSQL's foreign keys with a pattern that ends at a line break
        what = _("The database has names with line breaks in its foreign keys. They cannot be read.")
        raise ConnectorError(what, permanent=True) from problem


def _partitions(connection: Connection, schema: str | None) -> set[str]:
    """Parts of a table whose rows are found in the whole."""
    if connection.dialect.name != "postgresql":
        return set()
    asked = (
        "SELECT relname FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace"
        " WHERE relispartition AND nspname = :schema"
    )
    return set(connection.execute(text(asked), {"schema": schema}).scalars())


def _surveyed(connection: Connection, table: Table, alone: list[tuple[str, ...]], ends: float) -> SurveyedTable:
    declared = tuple(column.name for column in table.primary_key.columns)
    key = declared or _other_key(table, alone)
    singles = {names[0] for names in [*alone, key] if len(names) == 1}
    columns = [column for column in table.columns if column.name]
    described = [_described(column, column.name in singles) for column in columns]
    looked = _looked_at(connection, table, columns[:MOST_COLUMNS], ends)
    for number, values in enumerate(zip(*looked, strict=True) if looked and columns else ()):
        described[number] = _with_looks(
            described[number], [each for each in values if each is not None and each is not False], len(values)
        )
    linking = frozenset(column.name for column in table.columns if column.foreign_keys)
    rows = None if looked is None else len(looked)
    return SurveyedTable(table.name, tuple(described), key, bool(declared), linking, rows)


def _unique(connection: Connection, names: list[str], schema: str | None) -> dict[str, list[tuple[str, ...]]]:
    """Of each table the columns that are different in each row."""
    found: dict[str, list[tuple[str, ...]]] = {name: [] for name in names}
    if connection.dialect.name == "sqlite":
        told: dict[tuple[str, str], list[str | None]] = defaultdict(list)  # SQLAlchemy misses UNIQUE behind VARCHAR(9)
        for table, index, column in connection.exec_driver_sql(_UNIQUE_OF_SQLITE):
            told[table, index].append(column)
        listed = [(table, columns) for (table, _index), columns in told.items()]
    else:
        indexes = inspect(connection).get_multi_indexes(schema, names)  # a constraint is an index as well
        whole = [(name, each) for (_schema, name), several in indexes.items() for each in several if _is_whole(each)]
        listed = [(name or "", list(each["column_names"])) for name, each in whole]
    for name, columns in listed:
        if name in found and None not in columns:
            found[name].append(tuple(each for each in columns if each is not None))
    return found


def _is_whole(index: ReflectedIndex) -> bool:
    return bool(index["unique"]) and "postgresql_where" not in index.get("dialect_options", {})


def _other_key(table: Table, alone: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """What tells the rows of a table without a primary key apart, or nothing."""
    certain = [names for names in alone if names and not any(table.columns[name].nullable for name in names)]
    return min(certain, key=len, default=())


def _described(column: Column[Any], unique: bool) -> SurveyedColumn:
    length = column.type.length if isinstance(column.type, String) else None
    kind = _kind(column.type) if column.identity is None else "other"
    return SurveyedColumn(column.name, kind, bool(column.nullable), column.computed is not None, unique, length)


def _kind(declared: TypeEngine[Any]) -> Kind:
    if isinstance(declared, String) and not isinstance(declared, Enum):
        return "text"
    if isinstance(declared, DateTime | Time) and declared.timezone:
        return "instant" if isinstance(declared, DateTime) else "other"
    for kind, types in _KINDS.items():
        if isinstance(declared, types):
            return kind
    return "other"


_KINDS: dict[Kind, tuple[type[TypeEngine[Any]], ...]] = {
    "truth": (Boolean,),
    "whole": (Integer,),
    "number": (Numeric,),
    "day": (Date,),
    "moment": (DateTime,),
    "time": (Time,),
}


def _looked_at(connection: Connection, table: Table, columns: Sequence[Column[Any]], ends: float) -> list[Any] | None:
    """The first rows: of texts their beginning, of everything else whether it is there. None: it cannot be read now."""
    left = ends - time.monotonic()
    if left <= 0:
        return None
    try:
        with connection.begin_nested():
            database.limit_statements(connection, min(_STATEMENT_SECONDS, left))
            asked = [_asked(connection, column).label(f"c{number}") for number, column in enumerate(columns)]
            wanted = select(*asked or [literal_column("1")]).select_from(table).limit(ROWS_LOOKED_AT)
            return [tuple(row) for row in connection.execute(wanted)]
    except (exc.DBAPIError, UnicodeDecodeError):
        return None
    finally:
        database.limit_statements(connection, _STRUCTURE_SECONDS)


def _asked(connection: Connection, column: Column[Any]) -> Any:
    anything = connection.dialect.name == "sqlite" and not isinstance(column.type, LargeBinary | Boolean)
    if _kind(column.type) == "text" or anything:
        return func.substr(cast(column, Text), 1, _LETTERS, type_=Text)
    return column.is_not(None)


def _with_looks(column: SurveyedColumn, found: Sequence[Any], rows: int) -> SurveyedColumn:
    texts = [each.strip() for each in found if isinstance(each, str) and each.strip()]
    share = len(found) / rows if rows else None
    return replace(column, filled=share, looks=_looks(texts))


def _looks(texts: Sequence[str]) -> str:
    if not texts:
        return ""
    if _share(texts, _is_address) >= _MOSTLY:
        return "email"
    if _share(texts, _is_number) < _MOSTLY:
        return "other"
    return "international" if _share(texts, lambda each: each.startswith("+")) >= _MOSTLY else "phone"


def _is_address(each: str) -> bool:
    local, _at, domain = each.partition("@")
    ends = domain.split(".")
    plain = "@" not in domain and not any(letter.isspace() or letter in "<>" for letter in each)
    return plain and 0 < len(local) <= 64 and len(ends) > 1 and all(ends) and len(ends[-1]) > 1


def _is_number(each: str) -> bool:
    return bool(_NUMBER.fullmatch(each)) and 6 <= sum(letter.isdigit() for letter in each) <= 15


def _share(texts: Sequence[str], holds: Any) -> float:
    return sum(1 for each in texts if holds(each)) / len(texts)


def _references(inspector: Inspector, names: list[str], schema: str | None, live: dict[str, Table]) -> Iterator[Reference]:
    """Those between tables of this schema."""
    found = inspector.get_multi_foreign_keys(schema, names)
    for name in names:
        order = {column.name: number for number, column in enumerate(live[name].columns)} if name in live else {}
        keys = [([order.get(one, 0) for one in each["constrained_columns"]], each) for each in found.get((schema, name), [])]
        # no database promises an order, and the first of two ways is the likelier one
        for _position, key in sorted(keys, key=lambda each: each[0]):
            parent = _called(key["referred_table"], live)
            if parent is None or key.get("referred_schema") not in (schema, None):
                continue
            there = {column.name: column for column in live[parent].columns}
            # no `referred_columns` on SQLite when the constraint names only the table: then it is its primary key
            wanted = key["referred_columns"] or [column.name for column in live[parent].primary_key.columns]
            targets = [target for each in wanted if (target := _called(each, there)) is not None]
            if targets and len(targets) == len(key["constrained_columns"]):
                yield Reference(name, tuple(key["constrained_columns"]), parent, tuple(targets))


def _called(name: str, present: Mapping[str, Any]) -> str | None:
    """As it is called there: SQLite keeps a name in a foreign key as somebody typed it."""
    if name in present:
        return name
    return next((each for each in present if each.lower() == name.lower()), None)
