"""`portal audit …`: for the operator the whole log, for anybody a receipt or an exported log, checked offline with its key."""

import argparse
import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from portal import db, vault
from portal.audit import earlier, lockfile
from portal.audit.export import export_log
from portal.audit.folders import verify_folder
from portal.audit.head import checkpoint, log_key
from portal.audit.lockfile import LogBroken
from portal.audit.notes import Checkpoint, NoteError, VerifierKey, open_checkpoint, read_checkpoint, verifier_key
from portal.audit.receipts import verify_receipt
from portal.audit.verification import LogReport, verify_log
from portal.paper import _

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_commands(subparsers: "Subparsers") -> None:
    """Adds `audit verify`, `export`, `checkpoint` and `key`; each opens the database itself, if it needs one."""
    audit = subparsers.add_parser("audit", help="check the audit log or a receipt, or export it").add_subparsers(required=True)
    verify = audit.add_parser("verify", help="check the whole log, or a receipt or an exported log without any database")
    verify.add_argument("path", nargs="?", type=Path, help="a receipt, or the folder of an exported log")
    verify.add_argument("--key", help="public key of the log (portal audit key), to check what another portal signed")
    kept = verify.add_mutually_exclusive_group()
    kept.add_argument("--seen", type=Path, help="a checkpoint you kept: the log must have grown from it")
    kept.add_argument("--remember", type=Path, help="the same, kept for you: written anew each time that all is right")
    verify.set_defaults(run=_verify)
    export = audit.add_parser("export", help="write the log as files that C2SP tools read (tlog-tiles)")
    export.add_argument("folder", type=Path, help="a new folder, or one that an earlier export filled")
    export.set_defaults(run=_export)
    audit.add_parser("checkpoint", help="print the newest signed checkpoint").set_defaults(run=_print_checkpoint)
    audit.add_parser("key", help="print the public key by which others check this log").set_defaults(run=_print_key)


def _verify(args: argparse.Namespace) -> int:
    what = args.path or args.seen or args.remember
    try:
        if args.path is not None and not args.path.is_dir():
            return _verify_receipt(args.path, args.key)
        kept = _kept(args)
        report, newest = _verify_folder(args, kept) if args.path is not None else asyncio.run(_verify_whole_log(kept))
    except (NoteError, LogBroken, OSError, UnicodeDecodeError) as problem:
        return _told([], [_("%(path)s cannot be checked: %(problem)s") % {"path": what, "problem": problem}], None)
    if args.remember is not None and report.ok:
        args.remember.write_text(newest, encoding="utf-8")
    return _told(report.sentences, report.problems, report.first_bad)


def _verify_receipt(path: Path, key: str | None) -> int:
    # As bytes: read as text, other line ends would pass.
    receipt = path.read_bytes().decode()
    origin = receipt.partition("\n\n")[2].partition("\n")[0]
    known = _key(key, origin)
    report = verify_receipt(receipt, earlier.keys_of(known, origin))
    if report.ok and (where := earlier.belongs(origin, known.name if key else _log_in_use(origin))):
        report.sentences.append(where)
    return _told(report.sentences, report.problems, None)


def _log_in_use(otherwise: str) -> str:
    """Which log this place signed last, without any database: what the lock file says, if there is one."""
    try:
        held = lockfile.stored()
        return otherwise if held is None else read_checkpoint(held.decode()).origin
    except (NoteError, UnicodeDecodeError):
        return otherwise  # damaged: that is the portal's trouble, not the receipt's


def _verify_folder(args: argparse.Namespace, kept: str | None) -> tuple[LogReport, str]:
    note = (args.path / "checkpoint").read_bytes().decode()
    key = _key(args.key, note.partition("\n")[0])
    seen = None if kept is None else _open(kept, key)
    with _progress() as shown:
        return verify_folder(args.path, earlier.keys_of(key, note.partition("\n")[0]), seen=seen, progress=shown), note


async def _verify_whole_log(kept: str | None) -> tuple[LogReport, str]:
    await db.open_database()
    try:
        # Signed by the log itself, so that a mistyped file is not taken for a fork.
        seen = None if kept is None else _open(kept, await log_key())
        with _progress() as shown:
            report = await verify_log(seen=seen, progress=shown)
        newest = await db.row("SELECT note FROM checkpoint WHERE size = ?", report.size) if report.ok else None
        return report, newest["note"] if newest else ""
    finally:
        await db.close()


def _key(given: str | None, origin: str) -> VerifierKey:
    """The key that was given, or this portal's under the origin that a note names: the key tells whose it is, the origin
    only which log."""
    return VerifierKey.parse(given) if given else verifier_key(origin, vault.signing_seed())


def _open(kept: str, key: VerifierKey) -> Checkpoint:
    """A checkpoint that somebody kept, also of an earlier log with the same key."""
    return open_checkpoint(kept, earlier.keys_of(key, kept.partition("\n")[0]))


def _kept(args: argparse.Namespace) -> str | None:
    """The checkpoint that the verifier kept from an earlier time; the first time there is none to remember."""
    if args.remember is not None and not args.remember.exists():
        return None
    file: Path | None = args.seen or args.remember
    return None if file is None else file.read_bytes().decode()


def _export(args: argparse.Namespace) -> int:
    async def export() -> Checkpoint | None:
        await db.open_database()
        try:
            with _progress() as shown:
                return await export_log(args.folder, shown)
        finally:
            await db.close()

    try:
        signed = asyncio.run(export())
    except (LogBroken, NoteError, OSError) as problem:
        return _told([], [str(problem)], None)
    if signed is None:
        return _told([_("The log is empty.")], [], None)
    told = {"size": signed.size, "origin": signed.origin, "folder": args.folder}
    return _told([_("%(size)s entries of %(origin)s are in %(folder)s.") % told], [], None)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, and how it moves on: so many done, of so many."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(_("Going through the log"), total=None)
        yield lambda done, size: bar.update(task, completed=done, total=size)


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
