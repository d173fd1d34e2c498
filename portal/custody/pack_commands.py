"""`portal auditor-pack`: for the operator, at an auditor's request; docs/auditors.md says what is in it and how to check it."""

import argparse
from datetime import date
from pathlib import Path
from typing import Any

from portal.custody import auditor_pack
from portal.lib.errors import Invalid
from portal.paper import _


def add_commands(commands: Any) -> None:
    pack = commands.add_parser("auditor-pack", help="make a pack by which an outside auditor checks us without us")
    pack.add_argument("first", metavar="FROM", help="first day, such as 2026-01-01")
    pack.add_argument("last", metavar="TO", help="last day, which is included")
    pack.add_argument("--out", type=Path, help="the file; without it auditor-FROM-TO.zip here")
    pack.add_argument("--seed", default="", help="what the sample follows from, the auditor's own; else what we signed after TO")
    pack.set_defaults(run=run)


async def run(arguments: argparse.Namespace) -> int:
    first, last = _day(arguments.first), _day(arguments.last)
    file: Path = arguments.out or Path(f"auditor-{first}-{last}.zip")
    made = await auditor_pack.make(first, last, file, seed=arguments.seed)
    told = {"file": made.file, "requests": made.requests, "answers": made.answers, "count": made.places.high - made.places.low}
    print(_("%(file)s: %(requests)d requests and %(answers)d answers, of %(count)d entries of the log.") % told)
    print(_("Drawn by the seed %s") % made.seed)
    print(_("SHA-256 of its manifest, which stands in the log: %s") % made.digest.hex())
    return 0


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as problem:
        raise Invalid(_("%s is no day. Write it like 2026-01-31.") % text) from problem
