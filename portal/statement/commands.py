"""`portal publish`: shows what publishing the policies folder would change, and publishes it."""

import argparse
import sys
from typing import Any

from rich.console import Console

from portal import documents
from portal.documents import Faulty
from portal.lib.errors import Refusal
from portal.paper import _, ngettext
from portal.statement.publishing import Published, publish_all, rehearse


def add_commands(subparsers: Any) -> None:
    publish = subparsers.add_parser("publish", help="show what would change in the published texts, and publish it")
    publish.add_argument("--yes", action="store_true", help="publish without asking")
    publish.add_argument("--by", default="system", help="who publishes, as the audit log names them")
    publish.add_argument("--material", action="store_true", help="the change matters to people who have answered before")
    publish.add_argument("--why", default="", help="the reason, kept with the version")
    publish.set_defaults(run=run)


async def run(args: argparse.Namespace) -> int:
    """0: published, or nothing to publish; 1: refused, and each place to put right is named; 2: not confirmed."""
    screen = Console(highlight=False, markup=False, soft_wrap=True)
    try:
        planned = await rehearse(args.by)
        if not planned:
            screen.print(_("Nothing has changed: what is published is what the folder says."))
            return 0
        for each in planned:
            _show(screen, each)
        if not args.yes and not _confirmed(screen, len(planned)):
            return 2
        done = await publish_all(args.by, material=args.material, why=args.why)
    except Faulty as refused:
        screen.print(_("Nothing was published. Put these right first:"))
        for fault in refused.faults:
            screen.print(f"  {fault}")
        return 1
    except Refusal as refused:
        screen.print(refused.sentence)
        return 1
    for each in done:
        screen.print(_("Published %(name)s  sha256 %(hash)s") % {"name": each.edition.name, "hash": each.edition.sha256.hex()})
    for key, language in await documents.missing_translations():
        screen.print(
            _("%(key)s is not translated: readers of %(language)s see another language.") % {"key": key, "language": language}
        )
    return 0


def _show(screen: Console, planned: Published) -> None:
    if planned.before is None:
        screen.print(_("New: %(name)s, “%(title)s”") % {"name": planned.edition.name, "title": planned.edition.title})
        return
    screen.print(_("Changed: %(old)s → %(new)s") % {"old": planned.before.name, "new": planned.edition.name})
    for change in documents.changes_between(planned.before, planned.edition):
        screen.print(f"  {change.under} · {change}" if change.under else f"  {change}")


def _confirmed(screen: Console, count: int) -> bool:
    if not sys.stdin.isatty():
        screen.print(_("Nothing was published. Say --yes to publish."))
        return False
    screen.print(ngettext("Publish this text? [y/N]", "Publish these %(n)d texts? [y/N]", count) % {"n": count}, end=" ")
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
