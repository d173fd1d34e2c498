"""What telling the systems asks of the database: a few questions however much is new, and each by an index."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from portal import audit, consent, db, settings
from portal.consent import lapses
from tests.conftest import House
from tests.connectors.receiver import Receiver
from tests.consent.people import known, say


async def test_a_round_asks_the_same_few_questions_however_many_words_are_new(
    hooks: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    for size in (5, 40):
        for number in range(size):
            await say(await known("email", f"p{size}-{number}@example.com"), "yes")
        await audit.sequence_all()
        seen: list[str] = []
        with monkeypatch.context() as watching:
            for name in ("rows", "run", "many"):
                _watch(watching, name, seen)
            await consent.propagation.propagate_once("hooks")
        counts.append(len(seen))
        plans = [await _plan(sql) for sql in seen if sql.lstrip().startswith("SELECT") and settings.get().is_sqlite]
        assert [plan for plan in plans if "SCAN d" in plan or "SCAN permission" in plan or "SCAN entry" in plan] == []
    assert counts[0] == counts[1] <= 30


async def test_looking_for_what_ran_out_goes_by_an_index(sqlite_house: House) -> None:
    for sql in (lapses._YESES, lapses._PAUSES):
        plan = await _plan(sql)
        assert "permission_expires" in plan or "pause_until" in plan, plan
        assert "SCAN" not in plan, plan


def _watch(patching: pytest.MonkeyPatch, name: str, seen: list[str]) -> None:
    real: Callable[..., Awaitable[Any]] = getattr(db, name)

    async def watched(sql: str, *values: Any) -> Any:
        seen.append(sql)
        return await real(sql, *values)

    patching.setattr(db, name, watched)


async def _plan(sql: str) -> str:
    found = await db.rows(f"EXPLAIN QUERY PLAN {sql}", *[None] * sql.count("?"))
    return " / ".join(row["detail"] for row in found)
