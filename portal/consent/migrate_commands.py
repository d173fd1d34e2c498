"""`portal legacy` and `portal shadow`: moving here from an earlier consent system (docs/migrate.md)."""

import argparse
import asyncio
import csv
import sys
from pathlib import Path
from typing import Any

from portal.consent import legacy
from portal.consent.commands import new_file, require_file, vendor_options
from portal.consent.import_file import CHARSETS
from portal.consent.shadow import LOOSER, SAME, STRICTER, Report, Shadow
from portal.consent.vendors import PRESETS
from portal.lib.errors import Invalid
from portal.paper import _


def add_commands(subparsers: Any) -> None:
    texts = subparsers.add_parser("legacy", help="texts that an earlier system showed: keep them, or say that nobody knows them")
    verbs = texts.add_subparsers(required=True, metavar="verb")
    add = verbs.add_parser("add", help="legacy:<vendor>:<version>, with its text or --unknown")
    add.add_argument("name", metavar="legacy:VENDOR:VERSION")
    add.add_argument("--text", action="append", default=[], type=Path, metavar="FILE", help="what was shown; per --language one")
    add.add_argument("--language", action="append", default=[], help="of the --text before it")
    add.add_argument("--unknown", action="store_true", help="nobody knows any more what was shown")
    add.add_argument("--by", default="system", help="who says so, as the audit log names them")
    add.set_defaults(run=add_text)
    verbs.add_parser("list", help="which there are").set_defaults(run=list_texts)
    show = verbs.add_parser("show", help="write the text as it was handed in, byte for byte")
    show.add_argument("name", metavar="legacy:VENDOR:VERSION")
    show.add_argument("--language", default="")
    show.set_defaults(run=show_text)
    shadow = subparsers.add_parser("shadow", help="an earlier system's answers beside ours: where they differ, and why")
    shadow.add_argument("file", type=Path, help="its export, as for portal import --from")
    shadow.add_argument("--from", dest="vendor", required=True, choices=PRESETS)
    shadow.add_argument("--map", action="append", default=[], metavar="FILE.toml", help="the map that the import used")
    shadow.add_argument("--status", default="", help="with --from mailchimp: of all people in the file")
    shadow.add_argument("--as-of", default="", metavar="DATE")
    shadow.add_argument("--charset", default="", choices=CHARSETS)
    shadow.add_argument("--separator", default="")
    shadow.add_argument("--csv", type=Path, metavar="OUT", help="all differences, with masked addresses")
    shadow.set_defaults(run=run_shadow)


async def run_shadow(args: argparse.Namespace) -> int:
    """0: nothing that they keep closed is open here; 1: something is, or lines could not be read."""
    require_file(args.file)
    shadow = Shadow(args.file, vendor_options(args))
    if args.csv is None:
        async for _each in shadow.differences():
            pass
    else:
        with new_file(args.csv) as out:
            writer = csv.writer(out)
            writer.writerow(("line", "address", "purpose", "channel", "topic", "difference", "theirs", "rule", "why"))
            async for each in shadow.differences():
                theirs = "allowed" if each.theirs else "not allowed"
                writer.writerow((each.line, each.address, *each.cell, each.what, theirs, each.rule, each.why))
    return _tell(shadow.report)


def _tell(report: Report) -> int:
    print(_("%(lines)d lines, %(silent)d of them say nothing.") % {"lines": report.lines, "silent": report.silent})
    names = {SAME: _("the same"), STRICTER: _("we are stricter"), LOOSER: _("we are looser")}
    for what, named in names.items():
        print(f"  {named:<18} {report.cells[what]:>10}")
    for (what, rule, why), times in sorted(report.reasons.items(), key=lambda each: (each[0][0] != LOOSER, -each[1])):
        print(
            _("%(what)s, %(times)d times, by rule %(rule)d: %(why)s")
            % {"what": names[what], "times": times, "rule": rule, "why": why}
        )
        for each in report.examples[what, rule, why]:
            print(
                _("  line %(line)d, %(address)s, %(cell)s: %(why)s")
                % (each._asdict() | {"cell": "/".join(filter(None, each.cell))})
            )
    for line, why in report.problems:
        print(_("  line %(line)d: %(verdict)s. %(why)s") % {"line": line, "verdict": "bad", "why": why})
    if report.cells[LOOSER]:
        print(_("ALARM: what the earlier system keeps closed is open here. Do not switch before each of these is understood."))
    if report.bad:
        print(_("ALARM: %d lines could not be read, so nobody knows what they close.") % report.bad)
    return 0 if report.is_safe else 1


async def add_text(args: argparse.Namespace) -> int:
    if args.unknown == bool(args.text):
        raise Invalid(_("Give either the text (--text FILE) or --unknown."))
    if args.unknown:
        await legacy.add_unknown(args.name, by=args.by)
        print(_("%s stands for a text that is not known any more.") % args.name)
        return 0
    languages = args.language or ["en"]
    if len(languages) != len(args.text) or len(set(languages)) != len(languages):
        raise Invalid(_("Say for each --text its --language."))
    for each in args.text:
        require_file(each)
    contents = [await asyncio.to_thread(each.read_bytes) for each in args.text]
    added = await legacy.add(args.name, dict(zip(languages, contents, strict=True)), by=args.by)
    for each in added.languages:
        print(_("Kept %(name)s  sha256 %(hash)s") % {"name": each.name, "hash": each.sha256.hex()})
    return 0


async def list_texts(args: argparse.Namespace) -> None:
    for each in await legacy.declared():
        known = ", ".join(edition.language for edition in each.languages) if each.known else _("not known")
        print(f"{each.name}  {known}")


async def show_text(args: argparse.Namespace) -> int:
    found = await legacy.get(args.name)
    if not found.known:
        print(_("%s stands for a text that is not known any more.") % args.name, file=sys.stderr)
        return 1
    sys.stdout.buffer.write(legacy.in_language_of(found, args.language).source)
    return 0
