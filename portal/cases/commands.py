"""`portal due`: when is an answer due, and why. For officers and for checking the laws' files, without a database."""

import argparse
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from portal.cases import clocks, deadlines, laws
from portal.lib.errors import Refusal
from portal.settings import get


def add_commands(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser("due", help="when an answer is due under a law, and why")
    parser.add_argument("law", nargs="?", help="the name of a file in policies/laws, such as gdpr")
    parser.add_argument("clock", nargs="?", help="one of the law's clocks, such as answer")
    parser.add_argument("received", nargs="?", type=_moment, help="the day of receipt, such as 2026-01-31, or 2026-01-31T18:00")
    parser.add_argument("--calendar", help="public holidays of a state (RO, US-CA) or none; default: the law's own")
    parser.add_argument(
        "--paused", action="append", type=_pause, default=[], metavar="FROM/TO", help="days that do not count, both included"
    )
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
        if args.paused and args.clock in law.clocks and not law.clocks[args.clock].pauses:
            knowing = ", ".join(_with_pauses(known)) or "none"
            print(f"No day stands still for {law.key} {args.clock}. Pauses are known to: {knowing}.")
            return 2
        found = deadlines.due(
            law,
            args.clock,
            args.received,
            calendar=args.calendar or clocks.calendar_of(law),
            zone=get().time_zone,
            extended=args.extended,
            pauses=args.paused,
        )
        print(found.moment.astimezone(ZoneInfo(get().time_zone)).isoformat() if found.moment else found.safe.isoformat())
        for sentence in deadlines.explain(found):
            print(f"  {sentence}")
        if found.received < law.since:
            print(f"  It applies to what is received from {law.since} on.")
        print(f"  {law.title}, edition {law.edition}; public holidays: {found.calendar}.")
    except (laws.LawError, Refusal) as problem:
        print(problem)
        return 2
    return 0


def _list(known: dict[str, laws.Law]) -> int:
    print(f"Laws in {get().policies / 'laws'}:")
    for law in known.values():
        print(f"{law.key}: {law.title}, edition {law.edition}, public holidays: {clocks.calendar_of(law)}")
        for each in law.clocks.values():
            print(f"  {each.key:22} {period_text(each):28} {each.title} ({each.article})")
    return 0


def period_text(period: laws.Clock) -> str:
    """`45 days (+ 45)`."""
    number = period.amount or period.ours
    if number is None:
        return period.note
    said = f"{number} {period.unit}{'' if number == 1 else 's'}"
    longer = f" (+ {period.extension})" if period.extension else ""
    return said + longer + (" of our own" if period.amount is None else "")


def _with_pauses(known: dict[str, laws.Law]) -> list[str]:
    return [f"{law.key} {each.key}" for law in known.values() for each in law.clocks.values() if each.pauses]


def _moment(text: str) -> date | datetime:
    if "T" not in text:
        return date.fromisoformat(text)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(get().time_zone))


def _pause(text: str) -> deadlines.Pause:
    since, _slash, until = text.partition("/")
    return date.fromisoformat(since), date.fromisoformat(until)
