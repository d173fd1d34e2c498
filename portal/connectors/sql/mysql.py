"""What MariaDB and MySQL do differently: settings of a connection, texts that are equal without being the same, error numbers.

Nothing of the server's own settings is relied on: each connection is strict (a value that does not fit is refused, not bent),
takes zero dates as they are, is never in autocommit, and reads and writes TIMESTAMP in UTC.
"""

import unicodedata
from collections.abc import Iterable
from typing import Any, Literal

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Engine,
    Float,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    Time,
    cast,
    column,
    create_engine,
    event,
    exc,
    func,
    select,
    table,
)
from sqlalchemy.dialects.mysql import BIT, CHAR, MEDIUMINT, SET, TINYINT, YEAR
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

KINDS = ("mysql", "mariadb")
OLDEST = {"mariadb": (10, 5), "mysql": (8, 0)}
ALREADY_THERE = 1062

# No way to it, busy, stopped, read-only after a failover, full, or nobody let in: another time it may go.
_LATER = frozenset(
    [
        *(0, 1020, 1021, 1028, 1037, 1038, 1040, 1041, 1042, 1043, 1044, 1045, 1047, 1049, 1053, 1077, 1078, 1079, 1114, 1129),
        *(1135, 1152, *range(1154, 1162), 1180, 1184, 1203, 1205, 1206, 1213, 1226, 1290, 1317, 1412, 1429, 1430, 1836, 1927),
        *(1969, *range(2000, 2070), 3024, 3168, 3572),
    ]
)
# Keys of theirs, NOT NULL, CHECK, and what a trigger refuses.
_RULES = frozenset([1022, 1048, ALREADY_THERE, 1216, 1217, 1451, 1452, 1557, 1586, 1644, 1761, 1762, 3819, 4025])


def engine(url: URL, *, wait_seconds: float, statement_milliseconds: int) -> Engine:
    """Timeouts for connecting, statements and locks; MySQL's own ends only reading statements, the socket's the others."""
    from pymysql import converters
    from pymysql.constants import FIELD_TYPE

    wait, longest = max(1, round(wait_seconds)), statement_milliseconds // 1000
    settings = (
        f"SET SESSION time_zone = '+00:00', lock_wait_timeout = {wait}, innodb_lock_wait_timeout = {wait}"
        # MariaDB reads the first of these, MySQL from 5.7.8 the second
        f" /*M!100108 , max_statement_time = {longest} */ /*!50708 , max_execution_time = {statement_milliseconds} */"
    )
    arguments: dict[str, Any] = {
        "connect_timeout": wait,
        "read_timeout": longest + wait,
        "write_timeout": longest + wait,
        "charset": "utf8mb4",
        "sql_mode": "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION",
        "init_command": settings,
        "autocommit": False,
        "local_infile": False,
        "conv": {kind: convert for kind, convert in converters.conversions.items() if kind != FIELD_TYPE.TIME},
        "program_name": "privacy portal",
    }
    made = create_engine(url.set(drivername="mysql+pymysql"), connect_args=arguments, poolclass=NullPool)

    @event.listens_for(made, "begin")
    def begin(connection: Connection) -> None:
        access = "READ WRITE" if connection.get_execution_options().get("write", False) else "READ ONLY"
        # of the session: not even after a statement that ends transactions on its own a reading verb can write
        connection.exec_driver_sql(f"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, {access}")
        connection.exec_driver_sql(f"START TRANSACTION WITH CONSISTENT SNAPSHOT, {access}")

    return made


def limit_statements(connection: Connection, seconds: float) -> None:
    """From now on a reading statement of this connection may take so long."""
    dialect: Any = connection.dialect
    milliseconds = max(1, int(seconds * 1000))
    limit = f"max_statement_time = {milliseconds / 1000}" if dialect.is_mariadb else f"max_execution_time = {milliseconds}"
    connection.exec_driver_sql(f"SET SESSION {limit}")


def number(problem: exc.DBAPIError) -> int | None:
    """The server's or the driver's number of an error; None for one of another database."""
    first = problem.orig.args[0] if problem.orig and problem.orig.args else None
    return first if isinstance(first, int) else None


def meaning(code: int) -> Literal["later", "rule", "never"]:
    """What an error means for us; the driver's own classes take a refused date for a lost connection."""
    return "later" if code in _LATER else "rule" if code in _RULES else "never"


def name(reflected: str) -> str:
    """A column's name as it is: SQLAlchemy reads it from a statement, and leaves a backtick in it doubled."""
    return reflected.replace("``", "`")


def named(_inspector: Any, _table: Table, reflected: Any) -> None:
    reflected["name"] = name(reflected["name"])


def as_written(reflected: Iterable[Table]) -> None:
    """Types that Python or SQLAlchemy cannot hold are read as the server writes them: TIME beyond a day, SET, JSON.

    `info["folds"]` marks columns whose own comparison takes letters for the same that are not.
    """
    for each in (each for one in reflected for each in one.columns):
        if isinstance(each.type, Time | SET | JSON):
            each.type = Text()
        if isinstance(each.type, Float):
            each.type = Float()  # its own would cut them to ten places
        each.info["folds"] = isinstance(each.type, String)


def bits(kind: Integer) -> int:
    """How many bits a whole number may have beside its sign, where it is one of these types alone; else 0."""
    size = 7 if isinstance(kind, TINYINT) else 23 if isinstance(kind, MEDIUMINT) else 0
    return size and size + bool(kind.unsigned)  # type: ignore[attr-defined]  # of those two alone, which the size tells


def is_number(kind: Any) -> bool:
    """A type without one in Python that holds whole numbers all the same."""
    return isinstance(kind, BIT | YEAR)


def to_the_letter(text: ColumnElement[Any]) -> ColumnElement[Any]:
    """A text whose letters are compared one by one, whatever the collation of its column says of case and accents."""
    return cast(text, CHAR(charset="utf8mb4")).collate("utf8mb4_bin")


def to_the_byte(text: ColumnElement[Any]) -> ColumnElement[Any]:
    """The same with blanks at the end, which a collation of letters would not see. Compared with bytes of UTF-8."""
    return cast(cast(text, CHAR(charset="utf8mb4")), LargeBinary)


def trimmed(text: ColumnElement[Any], characters: str) -> ColumnElement[Any]:
    """`text` is one of `to_the_letter`, and so is what comes out."""
    return func.regexp_replace(text, f"^[{characters}]+|[{characters}]+$", "").collate("utf8mb4_bin")


def without_transactions(connection: Connection, schema: str | None, names: Iterable[str]) -> dict[str, str]:
    """Tables that keep half a change when the other half fails, and their engine. A view's own tables are not looked at."""
    tables = table("tables", column("table_schema"), column("table_name"), column("engine"), schema="information_schema")
    engines = table("engines", column("engine"), column("transactions"), schema="information_schema")
    statement = (
        select(tables.c.table_name, tables.c.engine)
        .join(engines, engines.c.engine == tables.c.engine)
        .where(tables.c.table_schema == (schema or func.database()), engines.c.transactions != "YES")
    )
    wanted = set(names)
    return {str(name): str(kept_by) for name, kept_by in connection.execute(statement) if name in wanted}


def folded(value: Any) -> str:
    """A text without case, accents and blanks at its end, near enough to what a collation takes for equal."""
    apart = unicodedata.normalize("NFKD", str(value).casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).rstrip()


def too_old(connection: Connection) -> bool:
    """Without regular expressions over UTF-8 that replace, `trimmed` is no statement there."""
    dialect: Any = connection.dialect
    return bool(dialect.server_version_info[:2] < OLDEST["mariadb" if dialect.is_mariadb else "mysql"])


def is_one(connection: Connection) -> bool:
    return connection.dialect.name in KINDS
