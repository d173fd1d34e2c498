"""PostgreSQL: its own tools copy and put back, and the portal looks at the copy and changes the databases over in one step."""

import random
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import asyncpg
import psycopg
import pytest

from portal import audit, custody, db, settings, subjects, vault
from portal.custody import backup
from portal.custody.postgresql_server import environment
from portal.lib.errors import Conflict, Invalid
from portal.settings import HOME, Settings
from tests.audit.acts import require_whole
from tests.custody.copies import (
    allowed,
    back_up,
    backed_up_yesterday,
    beside,
    found_portal,
    meet,
    no_that_was_never_signed,
    open_portal,
    say,
)
from tests.people import ANA, BEN, MALLORY

SECRET = "correct-horse"


@pytest.fixture
async def yesterday(on_postgresql: Settings, tmp_path: Path) -> Path:
    """Ana and Ben said yes, and a backup was made."""
    return await backed_up_yesterday(tmp_path / "backups")


async def test_yesterdays_backup_brings_back_nobody_who_was_erased_and_loses_no_no(
    yesterday: Path, on_postgresql: Settings
) -> None:
    async with open_portal():
        ana, ben = await subjects.find("email", ANA), await subjects.find("email", BEN)
        assert ana is not None and ben is not None
        await say(ana, "no")
        async with db.writing():
            await subjects.forget(ben.subject, by="system")
        await say(await meet(MALLORY), "yes")
        await audit.sequence_all()
        before = await db.row("SELECT count(*) AS n FROM decision")
    with pytest.raises(Invalid, match="--new-log"):
        await custody.restore(yesterday)
    async with open_portal():
        assert await db.row("SELECT count(*) AS n FROM decision") == before, "a refusal changed something"
    done = await custody.restore(yesterday, new_log=True)
    assert done.again == {"consent.refused": 1, "subject.erased": 1} and done.origin.endswith("/audit/2")
    assert beside(on_postgresql.database) == [done.before]
    async with open_portal():
        assert not await allowed(ANA) and await subjects.find("email", MALLORY) is None
        assert (await subjects.get(ben.id)).erased_at is not None and await vault.find_key("life", ben.subject) is None
        await audit.sequence_all()
        assert (await require_whole()).origin.endswith("/audit/2")


async def test_a_no_that_was_taken_in_after_signing_had_stopped_survives_the_restore(yesterday: Path) -> None:
    newest = await no_that_was_never_signed(yesterday.parent)
    done = await custody.restore(newest)
    assert done.again == {"consent.refused": 1} and not done.before_unread
    async with open_portal():
        assert not await allowed(BEN)
        await audit.sequence_all()
        await require_whole()


async def test_a_backup_of_now_goes_on_in_the_same_log_also_under_a_name_that_is_new(
    yesterday: Path, on_postgresql: Settings
) -> None:
    elsewhere = replace(on_postgresql, database_url=f"{on_postgresql.database}".replace("?", "_new?", 1))
    settings.use(elsewhere)
    done = await custody.restore(yesterday)
    assert not done.is_new_log and done.before is None and beside(elsewhere.database) == []
    async with open_portal():
        assert await allowed(ANA)
        await require_whole()
        later = await backup.make(yesterday.parent)
        assert later.entries == done.entries
        keys = await db.row("SELECT count(*) AS n FROM job WHERE verb = 'subjects.scrub' AND state <> 'done'")
        assert keys == {"n": 1}, "what was destroyed while the snapshot was held is cleared away"


async def test_the_dump_holds_no_key_and_nobody_reads_it(yesterday: Path, on_postgresql: Settings) -> None:
    connection = await asyncpg.connect(on_postgresql.database)
    wrapped = [each[0] for each in await connection.fetch("SELECT wrapped FROM data_key")]
    await connection.close()
    dump = b"".join(vault.files.read(yesterday, backup.USE)).partition(b"\n")[2]
    assert dump.startswith(b"PGDMP") and len(wrapped) > 3
    shown = await anyio.run_process(["pg_restore", "--file=-"], input=dump)
    assert b"CREATE TABLE public.data_key" in shown.stdout and b"COPY public.data_key" not in shown.stdout
    assert b"COPY public.decision " in shown.stdout
    assert not [each for each in wrapped if each in dump or each.hex().encode() in shown.stdout]
    for file in (yesterday, yesterday.with_suffix(".keys")):
        raw = file.read_bytes()
        assert not [each for each in (b"PGDMP", b"decision", b"example.com", *wrapped) if each in raw]
    assert not list(on_postgresql.var.glob("custody-*")), "something was left behind"


async def test_the_keys_and_the_dump_are_of_one_moment(
    on_postgresql: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that are committed between the two would make the counts differ."""
    usual, added = vault.files.write, list[str]()

    def write(path: Path, use: str, about: dict[str, Any], content: Iterable[bytes]) -> None:
        usual(path, use, about, content)
        with psycopg.connect(on_postgresql.database) as other:
            other.execute("INSERT INTO throttle VALUES (%s, 0, 0, 0)", [use])
        added.append(use)

    async with open_portal():
        await found_portal()
        monkeypatch.setattr("portal.vault.files.write", write)
        made = await back_up(tmp_path / "backups")
    assert added == [backup.USE_OF_KEYS, backup.USE]
    assert (await custody.drill(made.data)).entries == made.entries


async def test_the_tools_get_the_password_in_their_environment_and_none_of_our_secrets(
    on_postgresql: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_MASTER_KEY", SECRET)
    told = environment("postgres://portal:p%40ss@db.example.com:5433/shop?ssl=1")
    wanted = {"PGHOST": "db.example.com", "PGPORT": "5433", "PGUSER": "portal", "PGPASSWORD": "p@ss", "PGDATABASE": "shop"}
    assert wanted.items() <= told.items() and told["PGSSLMODE"] == "verify-full"
    assert SECRET not in told.values()
    commands = list[str]()

    class Watched(subprocess.Popen[bytes]):
        def __init__(self, command: list[str], **how: object) -> None:
            commands.extend(command)
            super().__init__(command, **how)  # type: ignore[call-overload]  # passed on as it came

    address = on_postgresql.database.replace("postgres@", f"postgres:{SECRET}@", 1)
    with monkeypatch.context() as watching:
        watching.setattr("portal.custody.postgresql_copy.subprocess.Popen", Watched)
        settings.use(replace(on_postgresql, database_url=address))
        async with open_portal():
            await found_portal()
            made = await back_up(on_postgresql.var / "backups")
        await custody.drill(made.data)
    assert {"pg_dump", "pg_restore"} <= {Path(each).name for each in commands}
    assert not [each for each in commands if SECRET in each]


async def test_nothing_is_restored_below_a_running_portal_or_whoever_else_is_connected(
    yesterday: Path, on_postgresql: Settings
) -> None:
    async with open_portal():
        with pytest.raises(Conflict, match="running"):
            await custody.restore(yesterday, new_log=True)
        assert await allowed(ANA)
    other = await asyncpg.connect(on_postgresql.database, server_settings={"application_name": "psql"})
    with pytest.raises(Conflict, match="psql"):
        await custody.restore(yesterday, new_log=True)
    await other.close()
    assert beside(on_postgresql.database) == []


async def test_a_kill_before_the_change_over_touches_nothing_and_leaves_nothing_for_long(
    yesterday: Path, on_postgresql: Settings
) -> None:
    command = [
        sys.executable,
        "-m",
        "tests.custody.dying_restore",
        str(on_postgresql.var),
        on_postgresql.database,
        str(yesterday),
    ]
    dead = await anyio.run_process(command, cwd=HOME, check=False)
    assert dead.returncode == -signal.SIGKILL, dead.stderr.decode()
    assert len(left := beside(on_postgresql.database)) == 1 and "_custody_" in left[0]
    async with open_portal():
        assert await allowed(ANA)
        await say(await meet(MALLORY), "no")
        await audit.sequence_all()
        await require_whole()
    assert (await custody.drill(yesterday)).again == {"consent.refused": 1}
    assert beside(on_postgresql.database) == [] and not list(on_postgresql.var.glob("custody-*"))


CUTS_AND_FLIPS = [6, pytest.param(120, marks=[pytest.mark.deep, pytest.mark.timeout(600)])]


@pytest.mark.parametrize("cases", CUTS_AND_FLIPS)
async def test_a_cut_or_flipped_backup_is_refused_with_the_reason(yesterday: Path, on_postgresql: Settings, cases: int) -> None:
    """A third cuts, the rest random bits; in the backup and in the keys' file by turns."""
    whole = {file: file.read_bytes() for file in (yesterday, yesterday.with_suffix(".keys"))}
    chance = random.Random(15)
    for number in range(cases):
        file = yesterday.with_suffix(".keys") if number % 4 == 3 else yesterday
        damaged = bytearray(whole[file])
        if number % 3 == 0:
            del damaged[chance.randrange(len(damaged)) :]
        else:
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        file.write_bytes(damaged)
        with pytest.raises(Invalid) as refused:
            await custody.restore(yesterday, new_log=True)
        assert "Nothing was restored" in refused.value.sentence and file.name in refused.value.sentence
        file.write_bytes(whole[file])
    assert beside(on_postgresql.database) == [] and not list(on_postgresql.var.glob("custody-*"))
    async with open_portal():
        assert await allowed(ANA) and await allowed(BEN)
        await require_whole()
