"""`portal due`: when is an answer due, and why. For officers and for checking the laws' files, without a database."""

import argparse
from datetime import date
from typing import Any

from portal.cases import deadlines, laws
from portal.lib.errors import Refusal
from portal.settings import get


def add_commands(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser("due", help="when an answer is due under a law, and why")
    parser.add_argument("law", nargs="?", help="the name of a file in policies/laws, such as gdpr")
    parser.add_argument("clock", nargs="?", help="one of the law's clocks, such as answer")
    parser.add_argument("received", nargs="?", type=date.fromisoformat, help="the day of receipt, such as 2026-01-31")
    parser.add_argument("--calendar", help="public holidays of a state (RO, US-CA) or none; default: the law's own")
    parser.add_argument("--extended", action="store_true", help="with the extension the law allows")
    parser.add_argument("--list", action="store_true", help="list the laws and their clocks")
    parser.set_defaults(run=run_due)


def run_due(args: argparse.Namespace) -> int:
    try:
        known = laws.laws()
        if args.list:
            return _list(known)
        if args.law is None or args.clock is None or args.received is None:
            print("Say a law, a clock and the day of receipt, or --list. Example: portal due gdpr answer 2026-01-31")
            return 2
        law = laws.law(args.law)
        found = deadlines.due(
            law, args.clock, args.received, calendar=args.calendar, zone=get().time_zone, extended=args.extended
        )
        print(found.safe.isoformat())
        for sentence in deadlines.explain(found):
            print(f"  {sentence}")
        print(f"  {law.title}, edition {law.edition}.")
    except (laws.LawError, Refusal) as problem:
        print(problem)
        return 2
    return 0


def _list(known: dict[str, laws.Law]) -> int:
    print(f"Laws in {get().policies / 'laws'}:")
    for law in known.values():
        print(f"{law.key}: {law.title}, edition {law.edition}, public holidays of {law.calendar}")
        for clock in law.clocks.values():
            period = f"{clock.amount} {clock.unit}{'' if clock.amount == 1 else 's'}" if clock.amount else clock.note
            print(f"  {clock.key:20} {period:18} {clock.title} ({clock.article})")
    return 0
