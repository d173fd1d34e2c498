"""Portals that are killed (-9) while they bring the schema up to date, one after the other.

Run as: python -m tests.faults.dying_migration; each line on stdin says after which statement the next one dies. Answered is
"killed", or "through" when there were fewer. They are forks of this process, which has loaded the portal once.
"""

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from portal import db
from portal.db.statements import run_however_long
from portal.settings import load


async def main(last: int) -> None:
    done = 0

    async def run_and_die(statement: str) -> None:
        nonlocal done
        await run_however_long(statement)
        done += "pg_advisory" not in statement
        if done == last:
            os.kill(os.getpid(), signal.SIGKILL)

    with patch("portal.db.migrations.run_however_long", run_and_die):
        await db.open_database(load())
        await db.migrate()
        await db.close()


async def load_the_portal() -> None:
    with TemporaryDirectory() as elsewhere:
        await db.open_database(replace(load(), var=Path(elsewhere), database_url=""))
        await db.close()


if __name__ == "__main__":
    asyncio.run(load_the_portal())
    for line in sys.stdin:
        if child := os.fork():
            killed = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            print({0: "through", -signal.SIGKILL: "killed"}.get(killed, "failed"), flush=True)
        else:
            code = 1
            try:
                asyncio.run(main(int(line)))
                code = 0
            finally:
                os._exit(code)
