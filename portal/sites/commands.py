"""`portal sites …`: the websites that embed the script, what to paste there, and the secret of a site's server,
and what its pages really set."""

import argparse
from typing import Any

from portal.lib import clock
from portal.paper import _
from portal.sites import inventory, links, scan, traffic
from portal.sites.register import key_of, named, sites
from portal.sites.snippet import snippet


def add_commands(commands: Any) -> None:
    ours = commands.add_parser("sites", help="websites that embed the script; what to paste there", description=__doc__)
    verbs = ours.add_subparsers(required=True, metavar="verb")
    verbs.add_parser("list", help="each with its public key and when it was last heard of").set_defaults(run=show)
    tag = verbs.add_parser("snippet", help="the tag to paste, and what a strict Content-Security-Policy has to allow")
    tag.add_argument("name")
    tag.set_defaults(run=paste)
    secret = verbs.add_parser("secret", help="a new secret with which the site's server signs who is signed in there")
    secret.add_argument("name")
    secret.set_defaults(run=make_secret)
    look = verbs.add_parser("scan", help="open pages in a browser: what they set before a choice, after a no, after a yes")
    look.add_argument("name")
    look.add_argument("address", nargs="*", help="a page of the site; without one its first page")
    look.set_defaults(run=look_at_pages)


async def show(arguments: argparse.Namespace) -> None:
    for site in sites().values():
        seen = (await traffic.last(site.name)).get(traffic.SETTINGS)
        heard = clock.rfc3339(seen.at) if seen else _("never")
        print(f"{site.name}  {key_of(site)}  {', '.join(site.origins)}  {heard}")


async def paste(arguments: argparse.Namespace) -> None:
    """The database holds the key behind the site's public key."""
    found = snippet(named(arguments.name))
    print(*(each for each in (found.guard, found.tag, found.form, found.link) if each), "", *found.policy, sep="\n")


async def make_secret(arguments: argparse.Namespace) -> None:
    """Printed once; the portal keeps it sealed."""
    print(await links.make_secret(named(arguments.name), by="system"))


async def look_at_pages(arguments: argparse.Namespace) -> None:
    """Names and hosts are printed and kept, never a value."""
    found = await scan.scan(named(arguments.name), arguments.address, by="system")
    for page, script in found.pages:
        print(page, inventory.script_in_words(script))
    for each in found.findings:
        kind, when, state = inventory.in_words(each)
        host = each.host if each.host != each.name else ""
        declared = ", ".join(each.purposes) or _("not declared")
        print("  ".join(part for part in (state, kind, each.name, host, when, declared) if part))
    numbers = {"found": len(found.findings), "faults": found.faults, "undeclared": found.undeclared}
    print(_("%(found)s found; %(faults)s run though nobody allowed it, %(undeclared)s are not declared.") % numbers)
