"""What lies on the disk, byte by byte, whatever wrote it: files of the portal, of SQLite and of PostgreSQL."""

import base64
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg

from portal import db
from portal.settings import Settings, get


def forms(secret: bytes) -> list[bytes]:
    """A word as it is, in hexadecimal and within anything in base64."""
    found = [secret, secret.hex().encode()]
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + secret)
        found.append(encoded[(0, 2, 3)[shift] : len(encoded) // 4 * 4 - 4])
    return found


def where(secrets: dict[str, bytes], files: list[Path]) -> list[str]:
    """Which of them stand in which files; PostgreSQL may have taken one of its files away since they were listed."""
    wanted = [(what, form) for what, secret in secrets.items() for form in forms(secret)]
    found = []
    for file in files:
        with suppress(FileNotFoundError):
            content = file.read_bytes()
            found += [f"{what} in {file}" for what, form in wanted if form in content]
    return found


def files_of(settings: Settings) -> list[Path]:
    """All that the portal and its database wrote, PostgreSQL's log of changes included."""
    found = [each for each in settings.var.rglob("*") if each.is_file()]
    return found if settings.is_sqlite else found + list(_of_postgresql(settings))


def written_out(settings: Settings, *, shorten: bool = False) -> None:
    """Everything that the server holds in memory goes to its files; `shorten`: what its log no longer needs goes as well."""
    if settings.is_sqlite:
        return
    with psycopg.connect(settings.database_url, autocommit=True) as server:
        if shorten:
            server.execute("ALTER SYSTEM SET wal_recycle = off")
            server.execute("SELECT pg_reload_conf(), pg_sleep(0.5)")
            server.execute("SELECT pg_switch_wal()")
        server.execute("CHECKPOINT")
        if shorten:
            server.execute("ALTER SYSTEM RESET wal_recycle")
            server.execute("SELECT pg_reload_conf()")


async def all_rows() -> bytes:
    """Every row of every table: what is compressed in a file, or not written there yet, is seen here."""
    parts = []
    for table in await _tables():
        for row in await db.rows(f'SELECT * FROM "{table}"'):
            parts += [bytes(each) if isinstance(each, bytes | memoryview) else str(each).encode() for each in row.values()]
    return b"\n".join(parts)


async def _tables() -> list[str]:
    sqlite = "SELECT name FROM sqlite_master WHERE type = 'table'"
    postgresql = "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"
    return [each["name"] for each in await db.rows(sqlite if get().is_sqlite else postgresql)]


def _of_postgresql(settings: Settings) -> Iterator[Path]:
    """Of this database alone, beside what all of them share: others are other tests'."""
    with psycopg.connect(settings.database_url) as server:
        [[number]] = server.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchall()
    data = Path(parse_qs(urlsplit(settings.database_url).query)["host"][0])
    for folder, _folders, names in os.walk(data):
        inside = Path(folder).relative_to(data).parts
        if inside[:1] == ("base",) and inside[1:2] not in ((), (str(number),)):
            continue
        yield from (each for name in names if (each := Path(folder) / name).is_file() and not each.is_socket())
