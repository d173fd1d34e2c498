"""Opening the vault with the right master key, and changing that key (`portal vault rotate`).

1. Started with the new key and the one until now, a portal marks in the database that everything new is wrapped under the
   new one; a process that knows only the old one can store no key from then on (a trigger refuses).
2. `rotate` wraps the data keys again, a portion per transaction; after a kill it goes on with those that are left.
3. When none is left the mark of the old key goes. From then on it opens nothing and can be destroyed.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from portal.db import many, row, rows, run, writing
from portal.settings import SettingsError, get
from portal.vault.lasting import read_lasting
from portal.vault.master import former_id, master_id, unwrap, wrap

Progress = Callable[[int, int], None]

FORMER = "former"


async def check_master_key() -> None:
    """Open the vault: refuse to go on with another master key than the one this database was written under."""
    async with writing():
        # Whichever unique index another process of this start filled first: naming one leaves the other to raise.
        new = await _mark("check", "", master_id())
        marks = await _marks()
        known = marks[""]["master"]
        if known == master_id():
            _require_former(marks.get(FORMER))
        elif known == former_id() and FORMER not in marks:
            await _begin(known)
        else:
            raise SettingsError(
                f"PORTAL_MASTER_KEY is not the key of this database (it wants {known}, this is {master_id()})."
                " Put the right key back; nothing was changed."
            )
        await read_lasting(new=bool(new), master=known)


async def rotating() -> bool:
    """Whether the master key is being changed: there are keys that only the former one opens, or nobody looked yet."""
    return FORMER in await _marks()


async def rotate(finished: Callable[[int], Awaitable[None]], progress: Progress | None = None, at_once: int = 500) -> int:
    """Wrap every data key under the new master key; between portions others have as much time as it took.

    `finished` is called with the number of keys in the last transaction, to record it. Answers that number, 0 when no change
    of the master key is under way.
    """
    marks = await _marks()
    if FORMER not in marks:
        return 0
    counted = await row("SELECT count(*) AS n FROM data_key WHERE kind <> 'check'")
    total, seen, last = int(counted["n"]) if counted else 0, 0, ""
    while True:
        started = time.monotonic()
        async with writing():
            portion = await rows("SELECT * FROM data_key WHERE id > ? ORDER BY id LIMIT ?", last, at_once)
            await _wrap_again(portion)
        if not portion:
            break
        last, seen = portion[-1]["id"], seen + len(portion)
        if progress is not None:
            progress(min(seen, total), total)
        await asyncio.sleep(min(1.0, time.monotonic() - started))
    return await _end(finished)


async def _end(finished: Callable[[int], Awaitable[None]]) -> int:
    async with writing():
        if not get().is_sqlite:
            # Waits for transactions that stored a key under the old one before they could know, and keeps others out.
            await run("LOCK TABLE data_key IN SHARE ROW EXCLUSIVE MODE")
        await _wrap_again(await rows("SELECT * FROM data_key WHERE master <> ?", master_id()))
        counted = await row("SELECT count(*) AS n FROM data_key WHERE kind <> 'check'")
        assert counted is not None
        if await run("DELETE FROM data_key WHERE kind = 'check' AND owner = ?", FORMER):
            await finished(int(counted["n"]))
    return int(counted["n"])


async def _wrap_again(stored: list[dict[str, Any]]) -> None:
    """Inside `writing()`. What was shredded meanwhile stays shredded: rows are changed, never written anew."""
    again = []
    for each in stored:
        if each["kind"] != "check" and each["master"] != master_id():
            secret = unwrap(bytes(each["wrapped"]), each["id"], each["master"])
            again.append((wrap(secret, each["id"]), master_id(), each["id"], each["master"]))
    await many("UPDATE data_key SET wrapped = ?, master = ? WHERE id = ? AND master = ?", again)


async def _begin(known: str) -> None:
    await run("UPDATE data_key SET wrapped = ?, master = ? WHERE id = 'check'", wrap(b"", "check"), master_id())
    await _mark("check " + FORMER, FORMER, known)


def _require_former(mark: dict[str, Any] | None) -> None:
    if mark is not None and mark["master"] != former_id():
        raise SettingsError(
            f"The change of the master key is not through: some keys still want {mark['master']}."
            " Give it in PORTAL_FORMER_MASTER_KEY and run `portal vault rotate`; nothing was changed."
        )


async def _mark(key_id: str, owner: str, master: str) -> int:
    return await run(
        "INSERT INTO data_key (id, kind, owner, wrapped, master, created_at) VALUES (?, 'check', ?, ?, ?, 0)"
        " ON CONFLICT DO NOTHING",
        *(key_id, owner, wrap(b"", key_id), master),
    )


async def _marks() -> dict[str, dict[str, Any]]:
    return {each["owner"]: each for each in await rows("SELECT * FROM data_key WHERE kind = 'check'")}
