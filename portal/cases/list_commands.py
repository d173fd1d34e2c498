"""`portal cases import FILE`: a list of earlier requests; first the dry run, with --commit they are opened."""

import argparse
import os
from collections import Counter
from pathlib import Path
from typing import Any

from portal.cases import backlog
from portal.lib.errors import Invalid
from portal.paper import _, date_text


def add_commands(subparsers: "argparse._SubParsersAction[Any]") -> None:
    cases = subparsers.add_parser("cases", help="requests").add_subparsers(required=True, metavar="VERB")
    lists = cases.add_parser("import", help="read a list of earlier requests (CSV): first a dry run, then --commit")
    lists.add_argument("file", type=Path, help=f"with the columns {', '.join(backlog.NEEDED)}; more: docs/operate.md")
    lists.add_argument("--commit", action="store_true", help="open what the dry run showed; again after a kill: go on")
    lists.add_argument("--report", type=Path, metavar="CSV", help="write what became of each line into a new file")
    lists.add_argument("--by", default="system", help="who brings it in, as the audit log names them")
    lists.set_defaults(run=run_import)


async def run_import(args: argparse.Namespace) -> int:
    """0: every line became a request or was one already; 1: some are wrong."""
    if not args.file.is_file() or not os.access(args.file, os.R_OK):
        raise Invalid(_("There is no file %s that can be read.") % args.file)
    outcomes = await backlog.commit(args.file, by=args.by) if args.commit else await backlog.plan(args.file)
    for each in outcomes:
        print(_told(each))
    counts = Counter(each.verdict for each in outcomes)
    print(", ".join(f"{verdict}: {counts[verdict]}" for verdict in backlog.VERDICTS))
    if args.report:
        args.report.write_bytes(backlog.report(outcomes))
    if not args.commit:
        print(_("Nothing was opened. To open them: the same command with --commit"))
    return 1 if counts[backlog.WRONG] else 0


def _told(each: backlog.Outcome) -> str:
    if each.verdict != backlog.OPENS or each.due_on is None:
        return f"{each.line}: {each.verdict}. {each.sentence}"
    due = date_text(each.due_on) + (", " + _("late") if each.is_late else "")
    return f"{each.line}: {each.verdict} {each.case[-8:]} {each.right}, {each.law}, {due}"
