"""PostgreSQL: a database that its own tools put back is completed in its place before it is used."""

from dataclasses import replace

import asyncpg
import pytest

from portal import audit, custody, db, settings, subjects
from portal.custody.postgresql_server import name_of, with_name
from portal.lib.errors import Conflict, Invalid
from portal.settings import Settings
from tests.audit.acts import require_whole
from tests.custody.copies import allowed, found_portal, meet, on_the_server, open_portal, say
from tests.people import ANA, BEN


async def test_an_older_postgresql_database_is_completed_in_its_place(on_postgresql: Settings) -> None:
    async with open_portal():
        await found_portal()
        ana, ben = await meet(ANA), await meet(BEN)
        await say(ana, "yes")
        await audit.sequence_all()
    name = name_of(on_postgresql.database)
    older = with_name(on_postgresql.database, f"{name}_older")
    on_the_server(older, f"CREATE DATABASE {name}_older TEMPLATE {name}")
    async with open_portal():
        await say(ana, "no")
        async with db.writing():
            await subjects.forget(ben.subject, by="system")
        await audit.sequence_all()
    settings.use(replace(on_postgresql, database_url=older))
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
