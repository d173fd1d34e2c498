"""Exports of earlier systems for the tests: the examples of docs/migrate, and lists made up line by line."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from portal import consent, db, subjects
from portal.consent import Cell, legacy
from portal.consent.asking import Question, ask_many
from portal.consent.batches import Batch, commit_import, plan_import
from portal.consent.import_rows import Options
from portal.consent.vendors import read_map
from portal.lib import clock
from portal.settings import HOME
from tests.consent.people import publish

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
EXAMPLES = HOME / "docs" / "migrate"
LETTER, READINGS = Cell("newsletter", "email"), Cell("newsletter", "email", "readings")
NEW_BOOKS = Cell("newsletter", "email", "new-books")
# The columns of a line of OneTrust's.
HEAD = "Identifier,Purpose Name,Purpose Version,Purpose Status,Consent Date,Last Transaction Date,Expiry Date\n"
TEXTS = (
    "legacy:onetrust:11",
    "legacy:onetrust:12",
    "legacy:hubspot:2024",
    "legacy:salesforce:2025-06",
    "legacy:mailchimp:letter",
)


async def ready() -> None:
    if await consent.purposes():
        return
    with clock.at(datetime(2025, 1, 1, tzinfo=UTC)):
        await publish()
        for each in TEXTS:
            await legacy.add_unknown(each, by="officer:petra")


def onetrust_line(name: str, status: str, purpose: str = "Marketing Emails", at: str = "2026-03-01T10:00:00Z") -> str:
    return f"{name}@example.com,{purpose},12,{status},{at},{at},\n"


def options(vendor: str, **more: Any) -> Options:
    return Options(vendor=vendor, map=read_map(EXAMPLES / f"{vendor}.toml") | more)


async def planned(vendor: str, path: Path, **more: Any) -> Batch:
    return await plan_import(path, options(vendor, **more), by="officer:petra")


async def imported(vendor: str, path: Path, **more: Any) -> Batch:
    batch = await planned(vendor, path, **more)
    done = await commit_import(batch.id, path, by="officer:petra")
    assert done.counts == batch.counts, "A dry run says what the execution does."
    return done


async def may(name: str, cell: Cell = LETTER, kind: str = "email") -> bool:
    value = f"{name}@example.com" if kind == "email" else name
    [answer] = await ask_many([Question(kind, value, cell)])
    assert not isinstance(answer, Exception), answer
    return answer.allowed


async def is_known(name: str) -> bool:
    return await subjects.find("email", f"{name}@example.com") is not None


async def stops_of(name: str) -> set[tuple[str, str, str]]:
    found = await subjects.find("email", f"{name}@example.com")
    assert found is not None
    rows = await db.rows(
        "SELECT kind, scope, why FROM stop WHERE lifted_at IS NULL AND holder IN (?, ?)", found.id, found.subject
    )
    return {(row["kind"], row["scope"], row["why"]) for row in rows}
