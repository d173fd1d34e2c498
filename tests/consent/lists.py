"""Lists of answers from other systems, for the tests: written as files, planned and imported."""

from pathlib import Path
from typing import Any

from portal import db, subjects
from portal.consent import fold
from portal.consent.batches import Batch, commit_import, plan_import
from portal.consent.import_rows import Options
from tests.consent.people import allowed

STOCK = {"purpose": "back-in-stock", "channel": "email", "edition": "legacy:old:1"}
LIST = """email,answer,said_at
ana@example.com,yes,2026-03-01T10:00:00Z
ben@example.com,no,2026-03-02T10:00:00Z
olga@example.com,yes,2026-03-03T10:00:00Z
"""


def written(folder: Path, text: str, charset: str = "utf-8", name: str = "list.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode(charset))
    return path


def options(**more: Any) -> Options:
    return Options(**({"defaults": STOCK} | more))


async def plan(path: Path, **more: Any) -> Batch:
    return await plan_import(path, options(**more), by="officer:petra")


async def imported(path: Path, **more: Any) -> Batch:
    planned = await plan(path, **more)
    done = await commit_import(planned.id, path, by="officer:petra")
    assert done.counts == planned.counts, "A dry run says what the execution does."
    return done


async def may(address: str) -> bool:
    found = await subjects.find("email", address)
    return found is not None and await allowed(found)


async def number(table: str) -> int:
    return int((await db.rows(f"SELECT count(*) AS n FROM {table}"))[0]["n"])


async def check_folds() -> None:
    ids = [row["id"] for row in await db.rows("SELECT id FROM identifier")]
    assert sorted(await fold.kept(ids), key=repr) == sorted(await fold.from_scratch(ids), key=repr)


def dies(problem: type[Exception], after: int) -> Any:
    seen: list[int] = []

    def progress(done: int, _total: int) -> None:
        seen.append(done)
        if len(seen) >= after:
            raise problem

    return progress
