"""A process of its own that imports long lists in three character sets, takes them back, imports them again and scrubs
them; prints what it counted, how long each step took and how much memory it ever held.

    python -m tests.consent.long_list FOLDER ROWS

Of some people there was something before: a later yes, an earlier no of their own, or an objection (`earlier`).
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from portal import audit, consent, db
from portal.consent import Cell
from portal.consent.batches import Batch, Options
from portal.consent.scrubbing import Scrubbing
from portal.lib import clock
from tests.conftest import opened, settings_in
from tests.consent.people import known, publish, say

CHARSETS = {"utf-8": "utf-8-sig", "utf-16": "utf-16", "windows-1250": "cp1250"}
HEAD = "E-Mail;Răspuns;Data;Oraș\n"
OPTIONS = Options(
    columns={"email": "E-Mail", "answer": "R\N{LATIN SMALL LETTER A WITH BREVE}spuns", "said_at": "Data"},
    defaults={"purpose": "newsletter", "channel": "email", "edition": "legacy:old:1"},
)
LATER_YES, EARLIER_NO, OBJECTION = "later yes", "earlier no", "objection"
KEPT = 1000  # problems that a plan names
BAD = "This is not an e-mail address. It looks like name@example.com."
HELD = "Something stronger stands against this yes."


def line(number: int) -> str:
    """One in twenty people says no after a yes, one line in a hundred is bad."""
    if number % 100 == 50:
        return f"person{number};yes;2026-01-01;Iași\n"
    if number % 20 == 19:
        return f"person{number - 1}@example.com;no;2026-03-01T10:00:00Z;Cluj\n"
    answer = "yes" if number % 20 == 18 or number % 3 else "no"
    return f"person{number}@example.com;{answer};2026-0{1 + number % 2}-1{number % 9}T10:00:00Z;Bârlad\n"


def earlier(number: int) -> str:
    """What there was of the person of a line before any import, or nothing."""
    return {1: LATER_YES, 2: EARLIER_NO, 3: OBJECTION}.get(number % 1000, "")


def verdict(number: int) -> str:
    """Of a line, when it is imported first."""
    if number % 100 == 50:
        return "bad"
    is_yes, before = line(number).split(";")[1] == "yes", earlier(number)
    if number % 20 == 18 or before == LATER_YES:
        return "older-ignored"
    return "held-conflict" if is_yes and before else "new"


def allowed(number: int, imported: bool) -> bool:
    """Whether the address of a line may be used, with or without the lists."""
    counts = imported and line(number).split(";")[1] == "yes" and verdict(number) == "new"
    return counts or earlier(number) == LATER_YES


def parts(rows: int) -> dict[str, range]:
    """A third of the rows in each character set."""
    return {each: range(place * rows // 3, (place + 1) * rows // 3) for place, each in enumerate(CHARSETS)}


def write(folder: Path, rows: int) -> dict[str, Path]:
    files = {}
    for charset, numbers in parts(rows).items():
        written_as, files[charset] = CHARSETS[charset], folder / f"{charset}.csv"
        with files[charset].open("w", encoding=written_as, newline="") as file:
            file.write(_for(HEAD, written_as))
            file.writelines(_for(line(each), written_as) for each in numbers)
    return files


def _for(text: str, written_as: str) -> str:
    return text.replace("ș", "ş") if written_as == "cp1250" else text


async def run(folder: Path, rows: int) -> dict[str, object]:
    files, told = write(folder, rows), dict[str, object]()
    lists = Lists(files, rows)
    wanted = settings_in(folder)
    await db.open_database(wanted)
    await db.migrate()
    await db.close()
    async with opened(wanted):
        await publish()
        await _people_of_before(rows)
        before = await lists.scrub(imported=False)
        told["first"] = await lists.bring_in("the first time")
        imported = await lists.scrub(imported=True)
        await lists.take_back()
        await lists.scrub(imported=False)  # its noes stay, so the reasons are others
        told["again"] = await lists.bring_in("again")
        told["same_again"] = await lists.scrub(imported=True) == imported
        await lists.take_back(also_noes=True)
        told["as_before"] = await lists.scrub(imported=False) == before
        with lists.timed("signing"):
            await audit.sequence_all()
        with lists.timed("verifying"):
            told["log_ok"] = (await audit.verify_log()).ok
    return told | {"took": lists.took, "peak_mib": _peak_mib()}


async def _people_of_before(rows: int) -> None:
    for number in range(rows):
        if before := earlier(number):
            who = await known("email", f"person{number}@example.com", proven=True)
            if before == OBJECTION:
                await consent.stops.object_to_marketing(who.subject, by="system")
                continue
            at = datetime(2026, 6, 1, tzinfo=UTC) if before == LATER_YES else datetime(2025, 11, 1, tzinfo=UTC)
            answer = "yes" if before == LATER_YES else "no"
            await say(who, answer, "newsletter", "email", grade="self-verified", said_at=at)


def _peak_mib() -> int:
    """Of this program alone: what getrusage() says counts the memory of whoever started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


class Lists:
    """The three files and what is done with all of them; `took`: of each step the seconds by the clock and of the processor."""

    def __init__(self, files: dict[str, Path], rows: int) -> None:
        self._files, self._parts = files, parts(rows)
        self._batches: list[Batch] = []
        self.took: dict[str, tuple[float, float]] = {}

    async def bring_in(self, when: str) -> Counter[str]:
        """Planned and recorded; the dry run must have named the bad lines and those held back, and the commit do as it said."""
        counts = Counter[str]()
        for charset, path in self._files.items():
            columns = dict(OPTIONS.columns) | {"answer": _for(OPTIONS.columns["answer"], CHARSETS[charset])}
            with self.timed(f"dry run {when}"):
                planned = await consent.batches.plan_import(path, Options(columns, OPTIONS.defaults), by="officer:petra")
            assert planned.charset == charset, (planned.charset, charset)
            assert planned.problems == _problems(self._parts[charset]), planned.problems[:5]
            with self.timed(f"commit {when}"):
                done = await consent.batches.commit_import(planned.id, path, by="officer:petra")
            assert done.counts == planned.counts
            self._batches.append(done)
            counts.update(planned.counts)
        return counts

    async def take_back(self, *, also_noes: bool = False) -> None:
        """All of them, the last first; with their noes also those that were taken back without."""
        with self.timed("two undos"):
            for each in reversed(self._batches):
                await consent.batches.undo_import(
                    each.id, by="officer:petra", why="Another shop." if also_noes else "", also_noes=also_noes
                )

    async def scrub(self, *, imported: bool) -> str:
        """A digest of answers and rules; each answer must be right."""
        digest = sha256()
        for charset, path in self._files.items():
            with self.timed("five scrubs"):
                scrubbing = await Scrubbing.of(path, Cell("newsletter", "email"), column="email=E-Mail")
                answers = iter(self._parts[charset])
                async for text in scrubbing.parts():
                    digest.update(text.encode())
                    _require_right(text.splitlines(), answers, lambda number: allowed(number, imported))
            assert scrubbing.done.lines == len(self._parts[charset])
        return digest.hexdigest()

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        began, busy = time.monotonic(), time.process_time()
        yield
        before = self.took.get(what, (0.0, 0.0))
        self.took[what] = before[0] + time.monotonic() - began, before[1] + time.process_time() - busy


def _problems(numbers: range) -> list[tuple[int, str, str]]:
    named = {"bad": BAD, "held-conflict": HELD}
    found = ((place, verdict(number)) for place, number in enumerate(numbers, 2))
    return [(place, each, named[each]) for place, each in found if each in named][:KEPT]


def _require_right(lines: list[str], numbers: Iterator[int], may: Callable[[int], bool]) -> None:
    for each in lines:
        if each != "identifier,allowed,rule":
            number = next(numbers)
            assert each.split(",")[1] == ("true" if may(number) else "false"), (number, each)


if __name__ == "__main__":
    with clock.at(datetime(2026, 11, 20, 12, tzinfo=UTC)):  # a yes of these lists has not run out
        print(json.dumps(asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2])))))
