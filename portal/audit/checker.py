"""The child of checking.py: reads its order from standard input, checks the whole log, writes the report as JSON.

The settings come with the order, so that keys stand neither in the arguments nor in a file, and the child opens the
database itself: its reads share nothing with the pages'.
"""

import asyncio
import json
import os
import sys
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from portal import db, settings
from portal.audit.notes import read_checkpoint
from portal.audit.verification import verify_log
from portal.paper import in_language

NICENESS = 10


def main() -> None:
    os.nice(NICENESS)  # people at the pages come first
    order = json.load(sys.stdin)
    settings.use(_settings(order["settings"]))
    print(json.dumps(asyncio.run(_checked(order["language"], order["kept"]))))


async def _checked(language: str, kept: str) -> dict[str, Any]:
    await db.open_database()
    try:
        with in_language(language):
            report = await verify_log(seen=read_checkpoint(kept) if kept else None)
    finally:
        await db.close()
    return asdict(report) | {"root": None if report.root is None else report.root.hex()}


def _settings(given: dict[str, Any]) -> settings.Settings:
    paths = {each.name for each in fields(settings.Settings) if isinstance(each.default, Path)}
    values: dict[str, Any] = {name: Path(value) if name in paths else value for name, value in given.items()}
    return settings.Settings(**values)


if __name__ == "__main__":
    main()
