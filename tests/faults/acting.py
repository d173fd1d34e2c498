"""Thirty acts of three customers, each said aloud before and after: what they would hear of a portal whose disk fails meanwhile.

A program of its own, so that a tracer can let any one of its system calls fail: `python -m tests.faults.acting`.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from portal import audit, consent, db, vault
from portal.consent import Once, Submission, Word
from portal.db import disk

ACTS = 30
PURPOSE = "back-in-stock"
disk.TRIED_EACH = 0.2


def answer_of(number: int) -> str:
    return "no" if number // 3 % 2 else "yes"


async def act(number: int, identifier: str) -> None:
    answer = answer_of(number)
    edition = f"{PURPOSE}@1/en" if answer == "yes" else ""
    word = Word(identifier, PURPOSE, "email", "", answer, None, "preference-centre", "self", "system", edition, "en")
    await consent.submit(Submission((word,), once=Once(f"act/{number}", b"act", lambda recorded: recorded.decided[0].id)))


async def customers() -> list[str]:
    return [each["id"] for each in await db.rows("SELECT id FROM identifier ORDER BY id")]


async def _act_all() -> None:
    everybody = await customers()
    for number in range(ACTS):
        print("sent", number, flush=True)
        try:
            await act(number, everybody[number % len(everybody)])
            print("acknowledged", number, flush=True)
        except db.trouble() as problem:
            print("refused", number, type(problem).__name__, flush=True)
            await asyncio.sleep(disk.TRIED_EACH)
        if number % 3 == 2:
            try:
                await audit.sequence_all()
            except Exception as problem:  # as the sequencer does: the next turn may succeed
                print("unsigned", number, type(problem).__name__, flush=True)


async def _main() -> None:
    # The n-th call of a thread is then the same one in each run.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    try:
        await db.open_database()
        await vault.check_master_key()
        await _act_all()
    finally:
        await db.close()


if __name__ == "__main__":
    asyncio.run(_main())
