"""A process of its own that imports long lists in three character sets, takes them back, imports them again and scrubs
them; prints what it counted, how long each step took and how much memory it ever held.

    python -m tests.consent.long_list FOLDER ROWS
"""

import asyncio
import json
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from portal import consent, db
from portal.consent import Cell
from portal.consent.batches import Batch, Options
from portal.consent.scrubbing import Scrubbing
from portal.lib import clock
from tests.conftest import opened, settings_in
from tests.consent.people import publish

CHARSETS = {"utf-8": "utf-8-sig", "utf-16": "utf-16", "windows-1250": "cp1250"}
HEAD = "E-Mail;Răspuns;Data;Oraș\n"
OPTIONS = Options(
    columns={"email": "E-Mail", "answer": "R\N{LATIN SMALL LETTER A WITH BREVE}spuns", "said_at": "Data"},
    defaults={"purpose": "newsletter", "channel": "email", "edition": "legacy:old:1"},
)


def line(number: int) -> str:
    """One in twenty people says no after a yes, one line in a hundred is bad."""
    if number % 100 == 50:
        return f"person{number};yes;2026-01-01;Iași\n"
    if number % 20 == 19:
        return f"person{number - 1}@example.com;no;2026-03-01T10:00:00Z;Cluj\n"
    answer = "yes" if number % 20 == 18 or number % 3 else "no"
    return f"person{number}@example.com;{answer};2026-0{1 + number % 2}-1{number % 9}T10:00:00Z;Bârlad\n"


def write(folder: Path, rows: int) -> dict[str, Path]:
    """A third of the rows in each character set."""
    files = {}
    for number, (charset, written_as) in enumerate(CHARSETS.items()):
        files[charset] = folder / f"{charset}.csv"
        with files[charset].open("w", encoding=written_as, newline="") as file:
            file.write(_for(HEAD, written_as))
            file.writelines(_for(line(each), written_as) for each in range(number * rows // 3, (number + 1) * rows // 3))
    return files


def _for(text: str, written_as: str) -> str:
    return text.replace("ș", "ş") if written_as == "cp1250" else text


async def run(folder: Path, rows: int) -> dict[str, object]:
    files, took, told = write(folder, rows), Counter[str](), dict[str, object]()
    wanted = settings_in(folder)
    await db.open_database(wanted)
    await db.migrate()
    await db.close()
    async with opened(wanted):
        await publish()
        told["first"], batches = await _import_all(files, took)
        told["allowed"] = await _scrub_all(files, took)
        for each in batches:
            await consent.batches.undo_import(each.id, by="officer:petra")
        told["allowed_undone"] = await _scrub_all(files, Counter())
        told["again"], _batches = await _import_all(files, Counter())
        told["allowed_again"] = await _scrub_all(files, Counter())
    return told | {"seconds": took, "peak_mib": _peak_mib()}


def _peak_mib() -> int:
    """Of this program alone: what getrusage() says counts the memory of whoever started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


async def _import_all(files: dict[str, Path], took: Counter[str]) -> tuple[Counter[str], list[Batch]]:
    counts, batches = Counter[str](), list[Batch]()
    for charset, path in files.items():
        began = time.monotonic()
        columns = dict(OPTIONS.columns) | {"answer": _for(OPTIONS.columns["answer"], CHARSETS[charset])}
        planned = await consent.batches.plan_import(path, Options(columns, OPTIONS.defaults), by="officer:petra")
        took["dry run"] += int((time.monotonic() - began) * 1000)
        assert planned.charset == charset, (planned.charset, charset)
        began = time.monotonic()
        batches.append(await consent.batches.commit_import(planned.id, path, by="officer:petra"))
        took["commit"] += int((time.monotonic() - began) * 1000)
        assert batches[-1].counts == planned.counts
        counts.update(planned.counts)
    return counts, batches


async def _scrub_all(files: dict[str, Path], took: Counter[str]) -> int:
    allowed, began = 0, time.monotonic()
    for path in files.values():
        scrubbing = await Scrubbing.of(path, Cell("newsletter", "email"), column="email=E-Mail")
        async for _text in scrubbing.parts():
            pass
        allowed += scrubbing.done.allowed
    took["scrub"] += int((time.monotonic() - began) * 1000)
    return allowed


if __name__ == "__main__":
    with clock.at(datetime(2026, 11, 20, 12, tzinfo=UTC)):  # a yes of these lists has not run out
        print(json.dumps(asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2])))))
