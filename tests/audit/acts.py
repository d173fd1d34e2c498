"""What the tests record, and ways around the triggers that only a database's own administrator has."""

from typing import Any

from portal import audit, db
from portal.settings import get

SAID = audit.Event("test.said", "Somebody said something.")
LEAF_TABLES = ("entry", "leaf", "tile", "checkpoint", "head")


async def say(subject: str | None = "ana", *, case: str | None = None, times: int = 1, **payload: Any) -> list[str]:
    async with db.writing():
        return [
            await audit.record(SAID, actor="customer:ana", subject=subject, case=case, object=f"cell/{number}", payload=payload)
            for number in range(times)
        ]


async def without_triggers() -> None:
    """What somebody with full rights on the database can do."""
    async with db.writing():
        if not get().is_sqlite:
            for table in LEAF_TABLES:
                await db.run(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            return
        for each in await db.rows("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            await db.run(f"DROP TRIGGER {each['name']}")


async def count(table: str, condition: str = "1 = 1") -> int:
    found = await db.row(f"SELECT count(*) AS n FROM {table} WHERE {condition}")
    assert found is not None
    return int(found["n"])


async def require_whole() -> audit.LogReport:
    report = await audit.verify_log()
    assert report.ok, report.problems
    return report
