"""What deleted rows leave on the disk: for whoever destroyed a key and promised that nothing opens its data again.

SQLite overwrites deleted rows (secure_delete) but keeps older pages in its write-ahead log until that is emptied.
PostgreSQL leaves bytes of deleted rows in the free space of their pages; a table that is written anew has none.
"""

import re
from typing import TYPE_CHECKING

from portal.db.connections import is_sqlite, writer

if TYPE_CHECKING:
    from asyncpg import Connection
    from asyncpg.pool import PoolConnectionProxy

WRITTEN_ANEW = 64 * 1024**2  # a larger one would stand still for too long meanwhile
# Whoever wants to read the table waits behind us while we wait for somebody who reads long, as pg_dump does.
LONGEST_WAIT = "100ms"


async def scrub(table: str) -> bool:
    """Let deleted rows of a table vanish from the disk too; not inside `writing()`. False: somebody reads, try again."""
    client = writer()
    if is_sqlite(client):
        found = await client.execute_query_dict("PRAGMA wal_checkpoint(TRUNCATE)")
        return not found[0]["busy"]
    found = await client.execute_query_dict(f"SELECT pg_total_relation_size('{table}') AS size")
    if found[0]["size"] > WRITTEN_ANEW:
        await client.execute_script(f"VACUUM {table}")
        return True
    async with client.acquire_connection() as connection:
        return await _write_anew(connection, table)


async def _write_anew(connection: "PoolConnectionProxy[Connection]", table: str) -> bool:
    from asyncpg.exceptions import LockNotAvailableError  # SQLite's portals never load the driver

    told: list[str] = []

    def hear(_connection: object, message: object) -> None:
        told.append(getattr(message, "detail", None) or "")

    connection.add_log_listener(hear)
    try:
        await connection.execute(f"SET lock_timeout = '{LONGEST_WAIT}'")
        await connection.execute(f"VACUUM (FULL, VERBOSE) {table}")
    except LockNotAvailableError:
        return False
    finally:
        connection.remove_log_listener(hear)
        await connection.execute("RESET lock_timeout")
    return not _left(told)


def _left(told: list[str]) -> int:
    """How many deleted rows a snapshot from before still sees; they were copied along. In whatever language, it comes first."""
    counts = [re.match(r"\D*(\d+)", each) for each in told if each]
    return sum(int(each[1]) for each in counts if each)
