"""What stands between a PostgreSQL portal and its copy (roles, missing tools, broken connections) is told in a sentence."""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import asyncpg
import pytest

from portal import custody, settings, vault
from portal.custody import backup, postgresql_copy, postgresql_server
from portal.lib.errors import Invalid, Unavailable
from portal.settings import Settings
from tests.custody.copies import allowed, backed_up_yesterday, beside, on_the_server, open_portal
from tests.people import ANA


@pytest.fixture
async def yesterday(on_postgresql: Settings, tmp_path: Path) -> Path:
    """Ana and Ben said yes, and a backup was made."""
    return await backed_up_yesterday(tmp_path / "backups")


async def test_what_stands_in_the_way_is_told_with_what_to_do(
    yesterday: Path, on_postgresql: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    role, address = f"clerk_{secrets.token_hex(4)}", on_postgresql.database
    on_the_server(address, f"CREATE ROLE {role}")
    try:
        with monkeypatch.context() as another:
            another.setitem(postgresql_server._PATIENT, "role", role)
            with pytest.raises(Invalid, match="belongs to the role"):
                await custody.restore(yesterday, new_log=True)
            with pytest.raises(Invalid, match=f'ALTER ROLE "{role}" CREATEDB'):
                await custody.drill(yesterday)
    finally:
        on_the_server(address, f"DROP ROLE {role}")
    (tmp_path / "pg_restore").write_text("#!/bin/sh\necho 'pg_restore (PostgreSQL) 9.6.24'\n")
    (tmp_path / "pg_restore").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(Invalid, match=r"of version 9, the server of version \d+. Install PostgreSQL's client programs"):
        await custody.drill(yesterday)
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(Invalid, match=r"pg_restore was not found. Install PostgreSQL's client programs of version \d+"):
        await custody.drill(yesterday)
    settings.use(replace(on_postgresql, database_url=""))
    with pytest.raises(Invalid, match="holds a database of postgresql, but PORTAL_DATABASE_URL names one of sqlite"):
        await custody.restore(yesterday, new_log=True)
    assert beside(address) == []


async def test_what_postgresql_has_against_it_is_a_sentence(
    yesterday: Path, on_postgresql: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table that the role may not read; connections that break while keys are read, and while they are put back."""
    address, usual = on_postgresql.database, vault.files.write

    def write(path: Path, use: str, about: dict[str, Any], content: Iterable[bytes]) -> None:
        _cut_our_connections(address)
        usual(path, use, about, content)

    def broken() -> Iterator[dict[str, Any]]:
        _cut_our_connections(address)
        yield {"id": "1", "kind": "life", "owner": "1", "wrapped": "00", "master": "", "created_at": 0, "ends_at": None}

    role = f"clerk_{secrets.token_hex(4)}"
    on_the_server(address, f"CREATE ROLE {role}")
    try:
        with monkeypatch.context() as another:
            another.setitem(postgresql_server._PATIENT, "role", role)
            async with open_portal():
                with pytest.raises(Unavailable, match="does not go on: permission denied"):
                    await backup.make(yesterday.parent)
    finally:
        on_the_server(address, f"DROP ROLE {role}")
    async with open_portal():
        with monkeypatch.context() as cutting:
            cutting.setattr("portal.vault.files.write", write)
            with pytest.raises(Unavailable, match="does not go on: .*Nothing was changed"):
                await backup.make(yesterday.parent)
    with pytest.raises(Unavailable, match="does not go on: .*Nothing was changed"):
        await anyio.to_thread.run_sync(postgresql_copy.put_keys_back, on_postgresql, broken())
    assert sorted(each.suffix for each in yesterday.parent.iterdir()) == [".backup", ".keys"]


async def test_a_connection_that_breaks_at_the_change_over_is_told_with_how_to_see_what_became_of_it(
    yesterday: Path, on_postgresql: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = asyncpg.transaction.Transaction.__aexit__

    async def cut(*values: Any) -> None:
        _cut_our_connections(on_postgresql.database)
        await usual(*values)

    with monkeypatch.context() as cutting:
        cutting.setattr(asyncpg.transaction.Transaction, "__aexit__", cut)
        with pytest.raises(Unavailable, match=r"broke .* If a database .*_before_.* is there"):
            await custody.restore(yesterday, new_log=True)
    assert beside(on_postgresql.database) == []
    async with open_portal():
        assert await allowed(ANA)


def _cut_our_connections(address: str) -> None:
    on_the_server(address, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'portal custody'")
