"""A portal that is opened and closed like the operator does, people in it, and backups of it."""

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from tortoise.backends.base.executor import EXECUTOR_CACHE

from portal import audit, consent, db, settings, subjects, vault
from portal.consent import Word
from portal.custody import backup
from portal.custody.postgresql_server import name_of, with_name
from portal.lib import clock
from portal.settings import Settings
from portal.subjects import Identifier
from tests.audit.acts import without_triggers
from tests.conftest import settings_in
from tests.people import ANA, BEN

NEWSLETTER = ("newsletter", "email")


@contextmanager
def home(migrated: Path, var: Path) -> Iterator[Settings]:
    """An empty portal whose settings are the ones in use; nobody has its database open."""
    var.mkdir(exist_ok=True)
    shutil.copy(migrated, var / "portal.db")
    with in_use(settings_in(var)) as wanted:
        yield wanted


@contextmanager
def in_use(wanted: Settings) -> Iterator[Settings]:
    before = settings.get()
    try:
        yield settings.use(wanted)
    finally:
        settings.use(before)


@asynccontextmanager
async def open_portal() -> AsyncIterator[None]:
    EXECUTOR_CACHE.clear()  # an operator's process speaks to one kind of database, this one to both
    await db.open_database()
    try:
        await vault.check_master_key()
        yield
    finally:
        await db.close()


async def found_portal() -> None:
    async with db.writing():
        await consent.publish_purposes("system")


async def meet(address: str) -> Identifier:
    async with db.writing():
        identifier = await subjects.ensure("email", address, by="system")
        return await subjects.mark_verified(identifier.id)


async def say(identifier: Identifier, answer: str) -> str:
    purpose, channel = NEWSLETTER
    edition = f"{purpose}@1/en" if answer == "yes" else ""
    said = ("preference-centre", "self-verified", f"customer:{identifier.subject}", edition, "en")
    return (await consent.decide(Word(identifier.id, purpose, channel, "", answer, None, *said))).id


async def allowed(address: str) -> bool:
    identifier = await subjects.find("email", address)
    assert identifier is not None
    return (await consent.permission(identifier.id, *NEWSLETTER)).allowed


async def back_up(folder: Path) -> backup.Made:
    await audit.sequence_all()
    return await backup.make(folder)


def on_the_server(address: str, statement: str) -> None:
    """A statement about whole databases, on the server at an address."""
    with psycopg.connect(with_name(address, "postgres"), autocommit=True) as server:
        server.execute(statement.encode())


def beside(address: str, kind: str = "") -> list[str]:
    """The databases that were made from the one at an address: scratch places, and those that were replaced."""
    with psycopg.connect(with_name(address, "postgres")) as server:
        named = server.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{name_of(address)}\\_{kind}%"])
        return [name for (name,) in named]


async def backed_up_yesterday(folder: Path) -> Path:
    """Ana and Ben said yes, and a backup was made."""
    with clock.at(clock.now() - timedelta(days=1)):
        async with open_portal():
            await found_portal()
            for each in (ANA, BEN):
                await say(await meet(each), "yes")
            return (await back_up(folder)).data


async def no_that_was_never_signed(folder: Path) -> Path:
    """A backup; after it an old entry is changed, which stops signing, and with it safety.log. Then Ben says no."""
    async with open_portal():
        newest = (await back_up(folder)).data
        await without_triggers()
        async with db.writing():
            await db.run("UPDATE leaf SET bytes = ? WHERE log_index = 3", b"{}")
        ben = await subjects.find("email", BEN)
        assert ben is not None
        await say(ben, "no")
        with pytest.raises(audit.LogBroken, match="Nothing more is signed"):
            await audit.sequence_all()
    return newest
