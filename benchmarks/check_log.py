"""Child process: sequence what waits, check the whole log, and say how many entries a second each half of the check takes.

The baseline is hashing the same leaves into the same tree, read from memory.
"""

import asyncio
import json
import time
from typing import Any
from unittest.mock import patch

from portal import audit, db, vault
from portal.audit.contents import Contents
from portal.audit.tree import Frontier, leaf_hash, subtree_root
from portal.worker import know_all_verbs

WIDTH = 256


async def main() -> None:
    know_all_verbs()
    await db.open_database()
    try:
        await vault.check_master_key()
        await audit.sequence_all()
        in_contents, check = 0.0, Contents.check

        async def timed(*arguments: Any) -> None:
            nonlocal in_contents
            began = time.perf_counter()
            await check(*arguments)
            in_contents += time.perf_counter() - began

        with patch.object(Contents, "check", timed):
            began, busy = time.perf_counter(), time.process_time()
            report = await audit.verify_log()
            whole, busy = time.perf_counter() - began, time.process_time() - busy
        assert report.ok, report.problems
        leaves = [bytes(each["bytes"]) for each in await db.rows("SELECT bytes FROM leaf ORDER BY log_index")]
        newest = await db.row("SELECT id FROM entry WHERE subject IS NOT NULL ORDER BY log_index DESC LIMIT 1")
        assert newest is not None
        size = len((await audit.prove(newest["id"])).encode())
        told = {"entries": report.size, "tree": report.size / (whole - in_contents), "contents": report.size / in_contents}
        told |= {"hashing": _hashed_a_second(leaves), "busy": busy / report.size * 10_000}
        print(json.dumps(told | {"proof_bytes": size}))
    finally:
        await db.close()


def _hashed_a_second(leaves: list[bytes]) -> float:
    began, tree = time.perf_counter(), Frontier()
    whole = len(leaves) // WIDTH * WIDTH
    for start in range(0, whole, WIDTH):
        tree.append(subtree_root([leaf_hash(each) for each in leaves[start : start + WIDTH]]), height=8)
    for each in leaves[whole:]:
        tree.append(leaf_hash(each))
    return len(leaves) / (time.perf_counter() - began)


if __name__ == "__main__":
    asyncio.run(main())
