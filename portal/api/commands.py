"""The operator's command line for other programs' keys; it prints a new key once, and nobody can be shown it again.

`portal key add "Web shop" --scope decisions:write --source checkout --grade self`
"""

import argparse
from typing import Any

from portal import consent, identity


def add_commands(subparsers: Any) -> None:
    """Mount `key` with its verbs; each leaves `run`, an async function of the arguments that answers the exit code."""
    key = subparsers.add_parser("key", help="keys with which other programs speak to the portal").add_subparsers(
        required=True, metavar="VERB"
    )
    adding = key.add_parser("add", help="make a key; prints it once")
    adding.add_argument("name", help="which program will use it")
    adding.add_argument("--scope", action="append", required=True, choices=identity.SCOPES, help="may be given several times")
    adding.add_argument(
        "--source", action="append", default=[], type=_point, metavar="POINT", help="a collection point it speaks for"
    )
    adding.add_argument("--grade", required=True, choices=consent.GRADES, help="how sure we are who spoke there")
    adding.add_argument("--by", metavar="EMAIL", help="the officer who makes it (default: the operator)")
    adding.add_argument(
        "--proves-people",
        action="store_true",
        help="with --grade self-verified and --by: the officer states that this program proves who speaks",
    )
    adding.set_defaults(run=_add)
    key.add_parser("list", help="all keys, what they may do, and the day of their last use").set_defaults(run=_list)
    revoking = key.add_parser("revoke", help="end a key; in every process within a second")
    revoking.add_argument("id")
    revoking.add_argument("--by", metavar="EMAIL", help="the officer who ends it (default: the operator)")
    revoking.set_defaults(run=_revoke)


def _point(name: str) -> str:
    """Looked up only when one is named, so that a mistake in the operator's file stops no other command."""
    if not consent.collection_points.exists(name):
        known = ", ".join(consent.collection_points.names())
        raise argparse.ArgumentTypeError(f"there is no collection point {name!r}; there are {known}")
    return name


async def _add(arguments: argparse.Namespace) -> int:
    made, secret = await identity.add_key(
        arguments.name,
        scopes=arguments.scope,
        sources=arguments.source,
        grade=arguments.grade,
        by=await _officer(arguments.by),
        proves_people=arguments.proves_people,
    )
    print(f"{made.id}\n{secret}")
    return 0


async def _list(arguments: argparse.Namespace) -> int:
    for each in await identity.keys():
        state = "revoked" if each.revoked_at else f"used {each.used_on}" if each.used_on else "not used yet"
        may = f"{', '.join(sorted(each.scopes))}\t{', '.join(sorted(each.sources)) or '-'}\t{each.grade}"
        print(f"{each.id}\t{each.label}\t{state}\t{may}")
    return 0


async def _revoke(arguments: argparse.Namespace) -> int:
    await identity.revoke_key(arguments.id, by=await _officer(arguments.by))
    return 0


async def _officer(email: str | None) -> identity.Officer | None:
    return await identity.officer_by_email(email) if email else None
