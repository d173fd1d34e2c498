"""`portal vault rotate`: a new master key for every data key, for operators; beside the running portal, which serves on."""

import argparse
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from portal import audit, vault
from portal.paper import _
from portal.subjects import events, evidence


def add_commands(commands: Any) -> None:
    keys = commands.add_parser("vault", help="the keys to personal data").add_subparsers(required=True, metavar="command")
    rotation = keys.add_parser("rotate", help="wrap every data key under a new PORTAL_MASTER_KEY; goes on where it was killed")
    rotation.add_argument("--by", default="system", help="who asks, as the audit log names them")
    rotation.set_defaults(run=run_rotate)


async def run_rotate(arguments: argparse.Namespace) -> int:
    async def finished(count: int) -> None:
        await audit.record(events.REWRAPPED, actor=arguments.by, object="master key", count=count)
        await evidence.scrub_soon()  # what the old key opens leaves the database's files as well

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(TextColumn("{task.description}"), *columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(_("Keys"), total=None)
        count = await vault.rotate(finished, lambda seen, total: bar.update(task, completed=seen, total=total))
    if not count:
        print(_("The master key is not being changed: every key is wrapped under PORTAL_MASTER_KEY."))
        print(_("To change it, give the new one as PORTAL_MASTER_KEY and the old one as PORTAL_FORMER_MASTER_KEY."))
        return 0
    print(_("%d keys are wrapped under the new master key. The old one opens nothing any more.") % count)
    print(_("Start the portal without PORTAL_FORMER_MASTER_KEY and destroy the old key when no key backup needs it."))
    return 0
