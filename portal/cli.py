"""`portal …`: mounts each room's commands. A command that touches the database gets it opened and closed here."""

import argparse
import asyncio
import inspect
import os
import signal
import stat
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from portal import audit, connectors, db, demo, logs, server, settings, vault
from portal.api import commands as api_commands
from portal.api import inbound
from portal.app import build
from portal.audit import commands as audit_commands
from portal.cases import commands as cases_commands
from portal.cases import list_commands, mail_commands, replay_commands
from portal.consent import commands as consent_commands
from portal.consent import migrate_commands, rules_commands, system_commands
from portal.custody import commands as custody_commands
from portal.custody import pack_commands
from portal.identity import commands as identity_commands
from portal.lib.errors import Refusal, Unavailable
from portal.settings import SettingsError
from portal.sites import commands as sites_commands
from portal.statement import commands as statement_commands
from portal.subjects import commands as subjects_commands
from portal.subjects import key_commands
from portal.worker import know_all_verbs, work


def main(arguments: list[str] | None = None) -> int:
    os.umask(0o077)  # what we write is for our own user alone
    wanted = _parser().parse_args(arguments)
    try:
        logs.configure()
        result = wanted.run(wanted)
        return int((asyncio.run(_with_database(result, wanted.run)) if inspect.iscoroutine(result) else result) or 0)
    except (Refusal, SettingsError, db.MigrationError) as problem:
        print(problem, file=sys.stderr)
        return getattr(wanted, "trouble", 1)
    except Exception as problem:
        if not hasattr(wanted, "trouble"):
            raise
        print(f"{type(problem).__name__}: try again later.", file=sys.stderr)  # whoever called us keeps what they have
        return int(wanted.trouble)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="portal", description="A consent-management and privacy-request portal.")
    commands = parser.add_subparsers(required=True, metavar="command")
    serving = _add(commands, "serve", serve, "serve the pages, work the jobs, sign the log")
    serving.add_argument(
        server.VERIFY, action="store_true", help="check the database and its log first, and serve nothing if they are damaged"
    )
    _add(commands, "work", work_only, "only work the jobs and sign the log")
    _add(commands, "init", init, "make the keys of a new portal and say where they are")
    _add(commands, "migrate", migrate, "bring the database's schema up to date")
    _add(commands, "demo", make_demo, "make the demo company in an empty portal (PORTAL_DEMO=1)")
    for room in (
        *(identity_commands, api_commands, statement_commands, cases_commands, consent_commands),
        *(list_commands, mail_commands, replay_commands),
        *(migrate_commands, rules_commands, system_commands, subjects_commands, key_commands, audit_commands, custody_commands),
        pack_commands,
        sites_commands,
    ):
        room.add_commands(commands)
    return parser


def _add(commands: Any, name: str, run: Callable[[argparse.Namespace], Any], help: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=help, description=help)
    parser.set_defaults(run=run)
    return parser


async def _with_database(work: Any, command: Any = None) -> int | None:
    try:
        await db.open_database()
        if command not in (None, migrate, make_demo):  # those bring the schema first
            await _require_schema()
            await vault.check_master_key()
        result: int | None = await work
        return result
    finally:
        work.close()
        await db.close()


def serve(arguments: argparse.Namespace) -> int:
    wanted = settings.get()
    vault.signing_seed()  # refuses missing and public demo keys before anybody is served
    _read_systems()
    rules_commands.require_sound()
    asyncio.run(_with_database(_prepare(arguments)))
    if wanted.processes > 1:
        settings.use(replace(wanted, worker=False))  # before build(), which reads the policies for all of them with these
    server.run(build(), wanted, lambda: asyncio.run(_with_database(work_only(arguments))))
    return 0


async def _prepare(arguments: argparse.Namespace) -> None:
    await migrate(arguments)
    if arguments.verify or db.unproven().exists():
        await _require_sound()
        db.unproven().unlink(missing_ok=True)
    await rules_commands.say_if_unlike()


async def _require_sound() -> None:
    """After the disk failed: what it kept must be a whole database and the log that was signed, or nobody is served from it."""
    told = [each["quick_check"] for each in await db.rows("PRAGMA quick_check")] if settings.get().is_sqlite else ["ok"]
    problems = [*(each for each in told if each != "ok"), *(await audit.verify_log()).problems]
    if problems:
        raise Unavailable("\n".join([*problems, "Restore the newest backup (docs/operate.md)."]))


async def _require_schema() -> None:
    """Nobody works on rows whose columns mean something else by now."""
    if missing := await db.missing_migrations():
        raise db.MigrationError(f"The database lacks {', '.join(missing)}. Run `portal migrate` first.")


def _read_systems() -> None:
    """A mistake in the file of the connected systems or in a map is said with file and line before anything begins."""
    for each in connectors.systems():
        connectors.open_system(each.name)
        inbound.require_sound(each)


async def work_only(arguments: argparse.Namespace) -> None:
    vault.signing_seed()
    _read_systems()
    rules_commands.require_sound()
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    await work(stop)


async def migrate(arguments: argparse.Namespace) -> None:
    for name in await db.migrate():
        print(f"Applied {name}")
    await vault.check_master_key()


async def make_demo(arguments: argparse.Namespace) -> int:
    if not settings.get().demo:
        print("The demo company is made only with PORTAL_DEMO=1, and never beside real people's data.", file=sys.stderr)
        return 1
    await migrate(arguments)
    know_all_verbs()
    await demo.make()
    demo.announce()
    return 0


def init(arguments: argparse.Namespace) -> int:
    """Make key files that only this user can read; never overwrites one."""
    folder = settings.get().var / "keys"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in ("master", "log"):
        path = folder / f"{name}.key"
        if path.exists():
            print(f"{path} exists and was left alone.")
            continue
        _write_secret(path, vault.new_secret())
        print(f"Made {path}. Keep a copy where the database's backups are not.")
    print("Start the portal with:")
    print(f"  PORTAL_MASTER_KEY_FILE={folder}/master.key PORTAL_LOG_KEY_FILE={folder}/log.key portal serve")
    return 0


def _write_secret(path: Path, secret: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR), "w") as file:
        file.write(secret + "\n")


if __name__ == "__main__":
    sys.exit(main())
