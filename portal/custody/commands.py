"""`portal backup`, `portal restore`, `portal drill`: for the operator, by hand or from a timer; docs/operate.md has the steps."""

import argparse
import asyncio
from pathlib import Path
from typing import Any

from portal.custody import backup
from portal.custody.drill import drill
from portal.custody.restore import complete, restore
from portal.paper import _


def add_commands(commands: Any) -> None:
    copy = commands.add_parser("backup", help="make a sealed backup, and a second file with the keys, beside the running portal")
    copy.add_argument("folder", type=Path, help="where to; best on another machine")
    copy.set_defaults(run=run_backup)
    back = commands.add_parser("restore", help="put a backup in the place of the database; the portal must be stopped")
    what = back.add_mutually_exclusive_group(required=True)
    what.add_argument("file", type=Path, nargs="?", help="portal-….backup")
    what.add_argument("--in-place", action="store_true", help="the database was put back by other tools; complete that")
    back.add_argument("--keys", type=Path, help="portal-….keys; without it the newest beside the backup")
    back.add_argument("--new-log", action="store_true", help="the backup is older than what was signed: go on under a new name")
    back.set_defaults(run=run_restore)
    rehearsal = commands.add_parser("drill", help="restore a backup into a scratch place, verify it, record the day")
    rehearsal.add_argument("file", type=Path, help="a backup, or a folder whose newest one is meant")
    rehearsal.add_argument("--keys", type=Path, help="portal-….keys; without it the newest beside the backup")
    rehearsal.add_argument(
        "--trim", action="store_true", help="leave out of safety.log what every backup in that folder has; no older one is kept"
    )
    rehearsal.set_defaults(run=run_drill)


async def run_backup(arguments: argparse.Namespace) -> int:
    made = await backup.make(arguments.folder)
    print(_("%(file)s: %(entries)d entries of the log, %(bytes)d bytes.") % _shown(made.data, made.entries, made.bytes))
    print(_("%(file)s: the keys. Keep them apart from the backup, 30 days at most.") % {"file": made.keys})
    if made.destroyed:
        print(_("%d older files of keys were destroyed.") % made.destroyed)
    return 0


def run_restore(arguments: argparse.Namespace) -> int:
    new_log: bool = arguments.new_log
    doing = complete(new_log=new_log) if arguments.in_place else restore(arguments.file, keys=arguments.keys, new_log=new_log)
    done = asyncio.run(doing)
    print(_("Restored: %(entries)d entries, all verified; the log goes on as %(origin)s.") % _named(done.entries, done.origin))
    _tell_again(done.again)
    if done.before_unread:
        print(_("The database before could not be read: what it took in after the last line of safety.log is lost."))
    if done.without_owner:
        print(_("Nobody is owner any more. Invite one: portal officer invite EMAIL --name NAME --role owner."))
    print(_("All visits were ended. What a restore cannot do again is named in docs/operate.md: look through it first."))
    if done.before is not None:
        print(_("The database before lies in %s. Destroy it when you do not need it any more.") % done.before)
    return 0


def run_drill(arguments: argparse.Namespace) -> int:
    given: Path = arguments.file
    file = backup.newest(given) if given.is_dir() else given
    done = asyncio.run(drill(file, keys=arguments.keys, trim=arguments.trim))
    print(
        _("%(file)s can be restored: %(entries)d entries verified, %(receipts)d receipts proven, in %(seconds)d seconds.")
        % vars(done)
    )
    if done.anchors:
        print(_("It fits %d signed states that others hold.") % done.anchors)
    _tell_again(done.again)
    if arguments.trim:
        print(_("%d lines of safety.log are in every backup and were left out.") % done.trimmed)
    return 0


def _tell_again(again: dict[str, int]) -> None:
    if again:
        print(_("Done again from the safety log:"))
    for event, count in sorted(again.items()):
        print(f"  {event}: {count}")


def _shown(file: Path, entries: int, size: int) -> dict[str, Any]:
    return {"file": file, "entries": entries, "bytes": size}


def _named(entries: int, origin: str) -> dict[str, Any]:
    return {"entries": entries, "origin": origin}
