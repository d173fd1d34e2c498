"""`portal replay SYSTEM --since DATE`: its owner restored a backup of that day, so what was done there since is undone.

First a dry run, then with --commit it is done again: deletions, corrections, and what people took back.
"""

import argparse
from collections import Counter
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import track

from portal.cases import replay
from portal.cases.repeating import CORRECT, ERASE
from portal.consent import retelling
from portal.lib import clock
from portal.paper import _, date_text
from portal.settings import get


def add_commands(subparsers: "argparse._SubParsersAction[Any]") -> None:
    again = subparsers.add_parser(
        "replay", help="a system's backup was restored: do again there what was done since", description=__doc__
    )
    again.add_argument("system", help="its name in the list of systems")
    again.add_argument(
        "--since", type=_moment, required=True, metavar="DATE", help="when the backup was made: 2026-11-17 or 2026-11-17T02:00"
    )
    again.add_argument("--commit", action="store_true", help="do what the dry run showed; again after a kill: go on")
    again.add_argument("--by", default="system", help="who does it, as the audit log names them")
    again.set_defaults(run=run_replay)


async def run_replay(args: argparse.Namespace) -> int:
    """0: all is done, asked or was right already; 1: something has to be done by hand, and each is named."""
    wanted = await replay.prepare(args.system, args.since)
    parts = []
    what = _("Doing again") if args.commit else _("Looking")
    for task in track(wanted.tasks, description=what, console=Console(stderr=True)):
        parts.append(await (replay.carry_out(wanted, task, by=args.by) if args.commit else replay.look(wanted, task)))
    for part in parts:
        if part.state != replay.NOTHING or part.why:
            print(_told(part))
    print(_("%(system)s, since %(day)s:") % {"system": args.system, "day": date_text(wanted.day)})
    counts = Counter((part.step, part.state) for part in parts)
    for step, named in ((ERASE, _("deletions")), (CORRECT, _("corrections"))):
        said = ", ".join(f"{_state(state)}: {counts[step, state]}" for state in replay.STATES if counts[step, state])
        print(f"  {named}: {said or '0'}")
    print("  " + await _answers(args))
    if not args.commit:
        print(_("Nothing was done. To do it: the same command with --commit"))
    if stuck := sum(part.state == replay.STUCK for part in parts):
        print(_("%d have to be done by hand: see above. Then run the same command again.") % stuck)
    return 1 if stuck else 0


async def _answers(args: argparse.Namespace) -> str:
    """What people said: told by the running worker, in the order of the log."""
    found = await (
        retelling.begin(args.system, args.since, by=args.by) if args.commit else retelling.look(args.system, args.since)
    )
    if found.since is None:
        return _("what people said: nothing to tell it again")
    counts = {"answers": found.answers, "people": found.people, "back": found.taken_back}
    if not args.commit:
        return _("what people said: %(answers)d answers of %(people)d people to tell again, %(back)d taken back") % counts
    what = _("what people said: the running worker tells %(answers)d answers of %(people)d people again, %(back)d taken back")
    return what % counts


def _told(part: replay.Part) -> str:
    if part.state == replay.STUCK:
        return f"{part.case} {_step(part.step)}, {_state(part.state)}: {part.why}"
    counts = _("%(rows)d (then %(then)d)") % {"rows": part.rows, "then": part.then}
    return " ".join(filter(None, [f"{part.case} {_step(part.step)}, {_state(part.state)}: {counts}", part.why]))


def _step(step: str) -> str:
    return _("deletion") if step == ERASE else _("correction")


def _state(state: str) -> str:
    return {
        replay.OPEN: _("to do again"),
        replay.DONE: _("done again and looked at afterwards"),
        replay.ASKED: _("a colleague was asked again"),
        replay.NOTHING: _("nothing to do"),
        replay.STUCK: _("by hand"),
    }[state]


def _moment(text: str) -> datetime:
    """A day begins at midnight where the company is; what was done on the backup's own day is looked at as well."""
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(get().time_zone))
    if moment > clock.now():
        raise argparse.ArgumentTypeError("this lies in the future")
    return moment
