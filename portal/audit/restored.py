"""A log that comes from a backup: whether it may go on, under which origin, and whether it still proves what it should.

For custody alone; the database is a restored one that is not in use yet. `held` is what the lock file of this place says.
"""

import secrets

from portal.audit import tiles
from portal.audit.head import head
from portal.audit.lockfile import LogBroken, opened
from portal.audit.notes import Checkpoint
from portal.audit.receipts import prove, verify_receipt
from portal.audit.sequencer import begin_next_log
from portal.audit.succession import number_of, order
from portal.db import rows

DAY = 86_400_000_000


async def may_go_on(held: bytes | None, *, new_log: bool) -> Checkpoint | None:
    """The checkpoint that a next log has to follow; None when this one goes on. Raises LogBroken when neither may be."""
    now = await head()
    own, last = now.checkpoint(), opened(held, now.key)
    if last is None and now.size and not new_log:
        raise LogBroken(
            "There is no audit.lock here, so nobody can tell what was signed after this backup. With --new-log the log goes"
            " on under a new name, which is safe in any case; or put audit.lock and safety.log back first."
        )
    if last is not None and order(last) > (number_of(now.origin), now.size):
        if not new_log:
            raise LogBroken(
                f"This backup holds {now.size} entries of {now.origin}, but {last.size} of {last.origin} were signed already."
                " Take a newer backup, or go on under a new name with --new-log; receipts of the lost entries stay valid."
            )
        return last
    if last is not None and last.origin == now.origin and last.size and await tiles.root(last.size) != last.root:
        raise LogBroken("The log in this backup is another one than was signed here: their common entries differ.")
    return own if new_log else None


async def go_on(follows: Checkpoint | None) -> str:
    """Begin the next log if there is one to begin; answers the origin under which the log goes on."""
    return (await head()).origin if follows is None else (await begin_next_log(follows)).origin


async def prove_each_day(days: int) -> tuple[int, list[str]]:
    """A receipt of one entry of each of the newest days, made and verified: how many, and what is wrong with some."""
    key, proven, problems = (await head()).key, 0, list[str]()
    found = await rows(
        f"SELECT recorded_at / {DAY} AS day, min(entry.id) AS first, max(entry.id) AS last FROM entry"
        " JOIN data_key ON data_key.id = entry.key_id WHERE log_index IS NOT NULL AND sealed IS NOT NULL"
        f" GROUP BY recorded_at / {DAY} ORDER BY 1 DESC LIMIT ?",
        days,
    )
    for each in found:
        try:
            report = verify_receipt(await prove(secrets.choice((each["first"], each["last"]))), [key])
        except LogBroken as problem:
            problems.append(str(problem))
            continue
        problems += report.problems
        proven += report.ok
    return proven, problems
