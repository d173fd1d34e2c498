"""`portal import` and `portal scrub`: lists of millions of lines, on the command line, with a bar that moves."""

import argparse
import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from portal import audit
from portal.consent import scrub_journal
from portal.consent.batches import Batch, commit_import, find_batch, plan_import, undo_import
from portal.consent.hashed import HASHED, options_for
from portal.consent.import_batch import planned_before
from portal.consent.import_file import CHARSETS, look_at
from portal.consent.import_plan import VERDICTS
from portal.consent.import_rows import COLUMNS, Options
from portal.consent.scrubbing import Scrubbing
from portal.consent.vendors import PRESETS, read_map
from portal.consent.words import Cell
from portal.lib.errors import Invalid
from portal.paper import _

_SHOWN = 20
_COUNTS_OF_HASHES = ("rows", "new", "same", "bad", "known")


def add_commands(subparsers: Any) -> None:
    lists = subparsers.add_parser("import", help="read a list of answers from another system: first a dry run, then --commit")
    lists.add_argument("file", nargs="?", type=Path, help="CSV or NDJSON")
    lists.add_argument("--commit", action="store_true", help="record what the dry run showed; again after a kill: go on")
    lists.add_argument("--resume", metavar="ID", help="go on with this import (the same file)")
    lists.add_argument("--undo", metavar="ID", help="take an import back; its refusals stay, but for a list of hashes")
    lists.add_argument("--also-noes", action="store_true", help="with --undo and --why: its refusals were never said")
    lists.add_argument("--why", default="", help="the reason for taking back")
    lists.add_argument(
        "--map", action="append", default=[], metavar="OURS=THEIRS", help="a column with another name; with --from: FILE.toml"
    )
    lists.add_argument(
        "--from", dest="vendor", default="", choices=(*PRESETS, HASHED), help="the export of an earlier system (docs/migrate.md)"
    )
    lists.add_argument("--kind", default="email", help="with --from hashed: email or phone")
    lists.add_argument("--status", default="", help="with --from mailchimp: of all people in the file, where it does not say")
    lists.add_argument("--answer", action="append", default=[], metavar="THEIRS=OURS", help="what they call it: OPT_OUT=no")
    for name in COLUMNS:
        if name != "answer":
            lists.add_argument(f"--{name.replace('_', '-')}", default="", help="where the file has no such column")
    lists.add_argument("--as-of", default="", metavar="DATE", help="the day you vouch for, for a yes without a date")
    lists.add_argument("--charset", default="", choices=CHARSETS, help="when it is not recognised")
    lists.add_argument("--separator", default="", help="when it is not recognised")
    lists.add_argument("--by", default="system", help="who imports, as the audit log names them")
    lists.set_defaults(run=run_import)
    scrub = subparsers.add_parser("scrub", help="check a list: which addresses may be used; again after a kill: go on")
    scrub.add_argument("file", type=Path, help="CSV or NDJSON with a column of addresses")
    scrub.add_argument("--purpose", required=True)
    scrub.add_argument("--channel", required=True)
    scrub.add_argument("--topic", default="")
    scrub.add_argument("--map", default="", metavar="KIND=THEIRS", help="the column of addresses: email=E-Mail")
    scrub.add_argument("--charset", default="", choices=CHARSETS)
    scrub.add_argument("--out", type=Path, help="where the answer goes (FILE.scrubbed.csv), beside it its receipt (….tlog-proof)")
    scrub.add_argument("--by", default="system", help="who asks, as the audit log names them")
    scrub.set_defaults(run=run_scrub)


async def run_import(args: argparse.Namespace) -> int:
    """0: done as asked; 1: refused, with the reason. Without --commit nothing but the plan is written."""
    if args.undo:
        batch = await undo_import(args.undo, by=args.by, why=args.why, also_noes=args.also_noes)
        _say(_("Import %s was taken back.") % batch.id)
        return 0
    if args.file is None:
        raise Invalid(_("Name the file."))
    require_file(args.file)
    if args.resume:
        return _report(await _commit(args.resume, args), committed=True)
    options = vendor_options(args) if args.vendor else _options(args)
    known = await planned_before((await asyncio.to_thread(look_at, args.file, args.charset, args.separator)).sha256, options)
    if known is not None and args.commit and (await find_batch(known)).phase != "in force":
        return _report(await _commit(known, args), committed=True)
    with _bar(_("Reading")) as moved:
        planned = await plan_import(args.file, options, by=args.by, progress=moved)
    _report(planned, committed=False)
    return _report(await _commit(planned.id, args), committed=True) if args.commit else 0


async def _commit(batch: str, args: argparse.Namespace) -> Batch:
    with _bar(_("Recording")) as moved:
        return await commit_import(batch, args.file, by=args.by, progress=moved)


async def run_scrub(args: argparse.Namespace) -> int:
    require_file(args.file)
    out: Path = args.out or args.file.with_name(args.file.name + ".scrubbed.csv")
    scrubbing = await Scrubbing.of(args.file, Cell(args.purpose, args.channel, args.topic), column=args.map, charset=args.charset)
    part = out.with_name(out.name + ".part")
    with scrub_journal.opened(part) as file:
        journal = await scrub_journal.Journal.taken_up(file, part, scrubbing)
        if journal.broken_off:
            _say(_gone_on(scrubbing.done.lines))
        with _bar(_("Checking")) as moved:
            async for text in scrubbing.parts(lambda done: moved(done, scrubbing.lines)):
                file.write(text.encode())
                journal.keep(scrubbing.done)
        entry = await scrubbing.sign(args.by)
        await audit.sequence_all()
        receipt = out.with_name(out.name + ".tlog-proof")
        with new_file(receipt) as proof:
            proof.write(await audit.prove(entry))
        file.flush()
        part.replace(out)
        journal.end()
    told = {"lines": scrubbing.done.lines, "allowed": scrubbing.done.allowed, "invalid": scrubbing.done.invalid}
    _say(_("%(lines)d lines: %(allowed)d may be used, %(invalid)d are no addresses.") % told)
    _say(_("Answer: %(out)s, SHA-256 %(hash)s") % {"out": out, "hash": scrubbing.done.sha256.hex()})
    _say(_("Receipt: %s (portal audit verify)") % receipt)
    return 0


def _gone_on(lines: int) -> str:
    if lines:
        return _("This was broken off. Nothing that could change an answer was recorded since: it goes on after line %d.") % lines
    return _("This was broken off, and what it had answered may have changed: it begins anew.")


def _options(args: argparse.Namespace) -> Options:
    defaults = {name: getattr(args, name) for name in COLUMNS if name != "answer" and getattr(args, name)}
    columns, answers = _pairs(args.map), _pairs(args.answer)
    return Options(columns, defaults, answers, args.charset, args.separator.replace("\\t", "\t"), args.as_of)


def _nothing_yet() -> str:
    return _("Nothing was recorded. To record it: the same command with --commit")


def vendor_options(args: argparse.Namespace) -> Options:
    """How the export of an earlier system is read: by its preset and the operator's map; a list of hashes needs none."""
    separator = args.separator.replace("\\t", "\t")
    if args.vendor == HASHED:
        return options_for(args.kind, args.charset, separator)
    if len(args.map) != 1:
        raise Invalid(_("Say with --map FILE.toml which of their purposes is which of ours (docs/migrate.md)."))
    if told := [name for name in (*COLUMNS, "answer") if getattr(args, name, None)]:
        raise Invalid(_("With --from this stands in the map: %s.") % ", ".join(dict.fromkeys(told)))
    read = read_map(Path(args.map[0])) | ({"status": args.status} if args.status else {})
    more = {"vendor": args.vendor, "map": read, "as_of": args.as_of}
    return Options(charset=args.charset, separator=separator, **more)


def _pairs(texts: list[str]) -> dict[str, str]:
    wrong = [each for each in texts if "=" not in each]
    if wrong:
        raise Invalid(_("%s: write it with an equals sign.") % wrong[0])
    return {name.strip(): value.strip() for name, _equals, value in (each.partition("=") for each in texts)}


def require_file(path: Path) -> None:
    if not path.is_file() or not os.access(path, os.R_OK):
        raise Invalid(_("There is no file %s that can be read.") % path)


def _report(batch: Batch, *, committed: bool) -> int:
    _say(_("Import %(id)s of %(name)s, read as %(charset)s") % {"id": batch.id, "name": batch.name, "charset": batch.charset})
    for name in _COUNTS_OF_HASHES if batch.options.vendor == HASHED else ("rows", *VERDICTS, "blank"):
        _say(f"  {name:<14} {batch.counts[name]:>10}")
    if committed:
        _say(_("Recorded and in force. To take it back: portal import --undo %s") % batch.id)
        return 0
    for line, verdict, why in batch.problems[:_SHOWN]:
        _say(_("  line %(line)d: %(verdict)s. %(why)s") % {"line": line, "verdict": verdict, "why": why})
    if len(batch.problems) > _SHOWN:
        _say(_("  … and more; the plan keeps the first thousand."))
    _say(_nothing_yet())
    return 0


@contextmanager
def _bar(what: str) -> Iterator[Any]:
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(TextColumn("{task.description}"), *columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=min(done, total), total=total)


def new_file(path: Path) -> IO[str]:
    return path.open("w", encoding="utf-8", newline="")


def _say(text: str) -> None:
    print(text, file=sys.stdout)
