"""`portal audit …`: for the operator the whole log, for anybody a receipt, checked offline with the log's public key."""

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from portal import db, vault
from portal.audit.head import checkpoint, log_key
from portal.audit.notes import Checkpoint, NoteError, VerifierKey, open_checkpoint, verifier_key
from portal.audit.receipts import verify_receipt
from portal.audit.verification import LogReport, verify_log
from portal.paper import _

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_commands(subparsers: "Subparsers") -> None:
    """Adds `audit verify`, `audit checkpoint` and `audit key`; each opens the database itself, if it needs one."""
    audit = subparsers.add_parser("audit", help="check the audit log or a receipt").add_subparsers(required=True)
    verify = audit.add_parser("verify", help="check the whole log, or one receipt without any database")
    verify.add_argument("receipt", nargs="?", type=Path, help="a .tlog-proof file")
    verify.add_argument("--key", help="public key of the log (portal audit key), to check a receipt of another portal")
    verify.add_argument("--seen", type=Path, help="a checkpoint you kept: the log must have grown from it")
    verify.set_defaults(run=_verify)
    audit.add_parser("checkpoint", help="print the newest signed checkpoint").set_defaults(run=_print_checkpoint)
    audit.add_parser("key", help="print the public key by which others check this log").set_defaults(run=_print_key)


def _verify(args: argparse.Namespace) -> int:
    if args.receipt is not None:
        return _verify_receipt(args.receipt, args.key)
    report = asyncio.run(_verify_whole_log(args.seen))
    return _told(report.sentences, report.problems, report.first_bad)


def _verify_receipt(path: Path, key: str | None) -> int:
    try:
        receipt = path.read_text(encoding="utf-8")
        keys = [VerifierKey.parse(key)] if key else [_own_key(receipt)]
    except (OSError, UnicodeDecodeError, NoteError) as problem:
        return _told([], [_("%(path)s cannot be checked: %(problem)s") % {"path": path, "problem": problem}], None)
    report = verify_receipt(receipt, keys)
    return _told(report.sentences, report.problems, None)


def _own_key(receipt: str) -> VerifierKey:
    """This portal's key under the origin that the receipt names: the key tells whose it is, the origin only which log."""
    origin = receipt.partition("\n\n")[2].partition("\n")[0]
    return verifier_key(origin, vault.signing_seed())


async def _verify_whole_log(seen_file: Path | None) -> LogReport:
    await db.open_database()
    try:
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        ) as bar:
            task = bar.add_task(_("Checking the log"), total=None)
            seen = None if seen_file is None else await _seen(seen_file)
            return await verify_log(seen=seen, progress=lambda done, size: bar.update(task, completed=done, total=size))
    except (NoteError, OSError, UnicodeDecodeError) as problem:
        report = LogReport()
        report.found(_("%(path)s cannot be checked: %(problem)s") % {"path": seen_file, "problem": problem})
        return report
    finally:
        await db.close()


async def _seen(path: Path) -> Checkpoint:
    # Signed by the log itself, so that a mistyped file is not taken for a fork.
    return open_checkpoint(await asyncio.to_thread(path.read_text, encoding="utf-8"), [await log_key()])


def _print_checkpoint(_args: argparse.Namespace) -> int:
    async def newest() -> Checkpoint | None:
        await db.open_database()
        try:
            return await checkpoint()
        finally:
            await db.close()

    signed = asyncio.run(newest())
    Console().out(signed.note if signed else _("The log is empty."), end="" if signed else "\n", highlight=False)
    return 0


def _print_key(_args: argparse.Namespace) -> int:
    async def own() -> VerifierKey:
        await db.open_database()
        try:
            return await log_key()
        finally:
            await db.close()

    Console().out(str(asyncio.run(own())), highlight=False)
    return 0


def _told(sentences: list[str], problems: list[str], first_bad: int | None) -> int:
    console = Console()
    for sentence in sentences:
        console.out(sentence, highlight=False)
    for problem in problems:
        console.out(_("WRONG: %s") % problem, style="bold red", highlight=False)
    if first_bad is not None:
        console.out(_("The first entry that is wrong: %s") % first_bad, style="bold red", highlight=False)
    return 1 if problems else 0
