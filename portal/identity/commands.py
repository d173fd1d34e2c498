"""The operator's command line for officers: the first one comes in here, and whoever lost everything comes back here.

`portal officer invite olga@example.com --name "Olga" --role owner --role privacy-officer` mails and prints the link.
"""

import argparse
import sys
from typing import Any

from portal import db
from portal.identity.invitations import invite, invite_again
from portal.identity.officers import grant_role, let_go, officer_by_email, officers, person_of, remove_role
from portal.identity.roles import ROLES
from portal.lib.errors import Invalid, Refusal


def add_commands(subparsers: Any) -> None:
    """Mount `officer` with its verbs; each leaves `run`, an async function of the arguments that answers the exit code."""
    officer = subparsers.add_parser("officer", help="the people who work in the back office").add_subparsers(
        required=True, metavar="VERB"
    )
    inviting = _verb(officer, "invite", _invite, "invite somebody; prints the link, which works once, for three days")
    inviting.add_argument("--name", required=True, help="as colleagues know it")
    inviting.add_argument("--role", action="append", required=True, choices=sorted(ROLES), help="may be given several times")
    inviting.add_argument(
        "--same-person-as", metavar="EMAIL", help="a second account of this colleague: the two are one pair of eyes"
    )
    inviting.add_argument("--language", default="en", help="of the mail (default: en)")
    _verb(officer, "invite-again", _invite_again, "new password and second factor; the old ones stop working at once")
    for name, run, help in (
        ("grant", _grant, "give a role; ends the officer's sessions"),
        ("remove", _remove, "take a role; ends the officer's sessions at once"),
    ):
        _verb(officer, name, run, help).add_argument("role", choices=sorted(ROLES))
    _verb(officer, "let-go", _let_go, "somebody leaves: no roles, no sessions, no way in")
    listing = officer.add_parser("list", help="who works here, with which roles")
    listing.set_defaults(run=_list)


def _verb(officer: Any, name: str, run: Any, help: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = officer.add_parser(name, help=help)
    parser.add_argument("email")
    parser.set_defaults(run=_refusals_as_sentences(run))
    return parser


def _refusals_as_sentences(run: Any) -> Any:
    async def told(arguments: argparse.Namespace) -> int:
        try:
            await run(arguments)
        except Refusal as refusal:
            details = [f"  {field}: {fault}" for field, fault in refusal.fields.items()] if isinstance(refusal, Invalid) else []
            print("\n".join([refusal.sentence, *details]), file=sys.stderr)
            return 1
        return 0

    return told


async def _invite(arguments: argparse.Namespace) -> None:
    same = arguments.same_person_as
    invitation = await invite(
        arguments.email,
        name=arguments.name,
        roles=arguments.role,
        by=None,
        language=arguments.language,
        person=await person_of((await officer_by_email(same)).id) if same else None,
    )
    print(invitation.link)


async def _invite_again(arguments: argparse.Namespace) -> None:
    invitation = await invite_again((await officer_by_email(arguments.email)).id, by=None)
    print(invitation.link)


async def _grant(arguments: argparse.Namespace) -> None:
    await grant_role((await officer_by_email(arguments.email)).id, arguments.role, by=None)


async def _remove(arguments: argparse.Namespace) -> None:
    await remove_role((await officer_by_email(arguments.email)).id, arguments.role, by=None)


async def _let_go(arguments: argparse.Namespace) -> None:
    await let_go((await officer_by_email(arguments.email)).id, by=None)


async def _list(arguments: argparse.Namespace) -> int:
    async with db.reading():
        for each in await officers():
            state = "left" if each.left_at else "works here" if each.joined_at else "invited"
            print(f"{each.email or '-'}\t{each.name}\t{state}\t{', '.join(sorted(each.roles)) or '-'}")
    return 0
