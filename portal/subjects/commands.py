"""`portal reindex`: after an update that changed how addresses are compared, for operators; beside the running portal."""

import argparse
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from portal.paper import _
from portal.subjects.reindexing import reindex


def add_commands(commands: Any) -> None:
    again = commands.add_parser(
        "reindex", help="bring stored addresses to the form they are looked up in now; goes on where it was killed"
    )
    again.add_argument("--by", default="system", help="who asks, as the audit log names them")
    again.set_defaults(run=run_reindex)


async def run_reindex(arguments: argparse.Namespace) -> int:
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(TextColumn("{task.description}"), *columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(_("Addresses"), total=None)
        done = await reindex(by=arguments.by, progress=lambda seen, total: bar.update(task, completed=seen, total=total))
    if not any((done.moved, done.notes, done.equal, done.unreadable)):
        print(_("Every address is up to date; nothing was changed."))
        return 0
    print(_("%(moved)d addresses and %(notes)d notes brought up to date.") % {"moved": done.moved, "notes": done.notes})
    if done.equal:
        print(_("%d addresses equal another one now and stay under their own spelling until an officer decides.") % done.equal)
    if done.unreadable:
        print(_("%d addresses cannot be read in the new form and stay as they are.") % done.unreadable)
    return 0
