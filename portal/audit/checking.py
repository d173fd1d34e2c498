"""The check of the whole log for a page: in a process of its own (checker.py), so that nobody else waits for it.

One at a time in this process, with an end: `portal audit verify` is the same check on a terminal, without one.
"""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import structlog

from portal import settings
from portal.audit.notes import NoteError, open_checkpoint
from portal.audit.receipts import log_keys
from portal.audit.verification import LogReport
from portal.lib.errors import Conflict, Invalid, Unavailable
from portal.paper import _, language

PATIENCE = 600.0
log = structlog.get_logger()
_checking = False


async def verify_log_apart(*, kept: str = "", patience: float = PATIENCE) -> LogReport:
    """`verify_log()` in a child, one at a time; `kept` is the note of a checkpoint that somebody kept. Raises Invalid when
    this log did not sign that, Conflict while another check runs, Unavailable when it takes too long."""
    if kept:
        await _require_ours(kept)
    async with _alone():
        child = await asyncio.create_subprocess_exec(sys.executable, "-m", "portal.audit.checker", stdin=PIPE, stdout=PIPE)
        try:
            written, _unused = await asyncio.wait_for(child.communicate(_order(kept)), patience)
        except TimeoutError as problem:
            raise Unavailable(
                _("The record is too long to check here. Please ask the operator to check it with: portal audit verify")
            ) from problem
        finally:
            await _end(child)
        if child.returncode != 0:
            log.error("audit.check_failed", returncode=child.returncode)
            raise Unavailable(_("The check stopped half way. It says nothing about the record; please try again."))
        return _report(json.loads(written))


@asynccontextmanager
async def _alone() -> AsyncIterator[None]:
    global _checking
    if _checking:
        raise Conflict(_("The record is being checked already. Please wait until that check is done."))
    _checking = True
    try:
        yield
    finally:
        _checking = False


async def _require_ours(note: str) -> None:
    try:
        open_checkpoint(note, await log_keys())
    except NoteError as problem:
        raise Invalid(_("This is no signature of our record: it was changed, or it is not whole.")) from problem


def _order(kept: str) -> bytes:
    used = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(settings.get()).items()}
    return json.dumps({"settings": used, "language": language(), "kept": kept}).encode()


async def _end(child: Process) -> None:
    """Also when the one who asked has gone and this task is cancelled: no child is left behind."""
    if child.returncode is None:
        child.kill()
        await asyncio.shield(child.wait())


def _report(told: dict[str, Any]) -> LogReport:
    return LogReport(**told | {"root": None if told["root"] is None else bytes.fromhex(told["root"])})
