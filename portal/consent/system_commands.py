"""`portal systems …`: how the connected systems fare, telling one again, keys that sign webhooks, a map for a new database."""

import argparse
from typing import Any

from portal import connectors
from portal.consent.propagation import replay
from portal.consent.standings import Fares, fares
from portal.lib import clock


def add_commands(commands: Any) -> None:
    systems = commands.add_parser("systems", help="how the connected systems fare; telling one again", description=__doc__)
    verbs = systems.add_subparsers(required=True, metavar="verb")
    verbs.add_parser("status", help="position, what waits and the last problem of each").set_defaults(run=status)
    again = verbs.add_parser("replay", help="tell a system everything once more from a place in the log on")
    again.add_argument("name")
    again.add_argument("--from", dest="since", type=int, required=True, metavar="N", help="a place in the log; 0: the start")
    again.set_defaults(run=tell_again)
    verbs.add_parser("check", help="whether each system answers; a webhook is sent a portal.ping").set_defaults(run=check)
    verbs.add_parser("keys", help="make a secret and an Ed25519 key that sign webhooks").set_defaults(run=make_keys)
    first = verbs.add_parser("propose", help="print a map made from a live database, to begin with; it only reads")
    first.add_argument("database", nargs="?", default="", help="a system's name, or an address without a password")
    first.add_argument("--variable", default="", metavar="NAME", help="the variable that holds the address, as url_variable does")
    first.add_argument("--schema", metavar="NAME", help="a PostgreSQL schema that is not the usual one")
    first.set_defaults(run=propose)


async def status(arguments: argparse.Namespace) -> None:
    for each in await fares():
        print(_line(each))


async def tell_again(arguments: argparse.Namespace) -> None:
    await replay(arguments.name, since=arguments.since, by="system")
    print(f"{arguments.name} is told everything from place {arguments.since} on, by the running worker.")


async def check(arguments: argparse.Namespace) -> int:
    wrong = 0
    for each in connectors.systems():
        health = await connectors.open_system(each.name).check()
        wrong += not health.ok
        print(f"{each.name}: {'well' if health.ok else ''}{'; '.join(f'{one.place}: {one.sentence}' for one in health.problems)}")
    return 1 if wrong else 0


def make_keys(arguments: argparse.Namespace) -> int:
    """Printed once and stored nowhere."""
    secret, private, public = connectors.new_keys()
    print(f"Secret (v1), for both sides: {secret}")
    print(f"Private key (v1a), for the portal alone: {private}")
    print(f"Public key (v1a), for the receiver: {public}")
    return 0


def propose(arguments: argparse.Namespace) -> None:
    """Needs no database of the portal's own."""
    system = connectors.proposals.described(arguments.database, arguments.variable)
    print(connectors.proposals.proposed_map(system, arguments.schema), end="")


def _line(each: Fares) -> str:
    state = "gone" if each.paused_at else "trouble" if each.in_trouble else "in order"
    parts = [f"{each.name}: {state}, told up to {each.position}, {each.behind} behind, {each.waiting} waiting"]
    if each.oldest:
        parts.append(f"since {clock.rfc3339(each.oldest)}")
    if each.parked:
        parts.append(f"{each.parked} parked")
    if each.told_at:
        parts.append(f"last taken {clock.rfc3339(each.told_at)}")
    if each.problem_at:
        parts.append(f"last problem {clock.rfc3339(each.problem_at)} {each.problem}")
    return ", ".join(parts)
