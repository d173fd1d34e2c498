"""A portal that says Ana's no and is killed (-9) in the sequencer's turn: `before` its safety line, `half` way, or `after` it;
or `never`: it signs and stops as it should.

Run as: python -m tests.custody.dying VAR WHERE; prints the id of the decision.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from portal import audit, settings, subjects
from portal.audit import safetyfile
from tests.conftest import settings_in
from tests.custody.copies import open_portal, say
from tests.people import ANA


def die(*_anything: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_half_way(lines: Sequence[safetyfile.Line]) -> None:
    with safetyfile.path().open("ab") as file:
        file.write(safetyfile._written(0, lines[0])[:60])
    die()


async def main(where: str) -> None:
    async with open_portal():
        ana = await subjects.find("email", ANA)
        assert ana is not None
        print(await say(ana, "no"), flush=True)
        if where == "never":
            await audit.sequence_all()
            return
        point = "sequencer.keep" if where == "after" else "safetyfile.append"  # keep: the lock file, which comes next
        with patch(f"portal.audit.{point}", die_half_way if where == "half" else die):
            await audit.sequence_all()


if __name__ == "__main__":
    settings.use(settings_in(Path(sys.argv[1])))
    asyncio.run(main(sys.argv[2]))
