"""How often one may be wrong about an account, and how many mails strangers may cause: counted in the database.

Six digits withstand guessing only if all tries at an account are counted together, whatever challenge, address or
session they come from (NIST SP 800-63B 3.2.2): 90 a day make 9 in 100,000. A browser in which the account's owner
has signed in before is counted apart, so that strangers who use the allowance up lock out nobody but themselves.
"""

from datetime import timedelta

from portal import db
from portal.lib import clock, ids

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TRIES = ((10, HOUR), (90, DAY))
MAILS = ((5, HOUR), (20, DAY))
FAMILIAR_FOR = timedelta(days=365)
NEW_FOR = timedelta(days=2)


class _NotCounted(Exception):
    """Rolls the count back, and nothing else."""


async def judge(what: str, account: bytes, browser: str | None, *, right: bool, sentence: str) -> None:
    """Count a wrong try; inside `writing()`. Raises TooMany once they are used up, for a right one too.

    The verdict must not leave the portal before this has passed: then a thousand parallel tries tell ten verdicts.
    """
    try:
        async with db.savepoint():
            await count(what, account, browser, TRIES, sentence)
            if right:
                raise _NotCounted
    except _NotCounted:
        return


async def count(what: str, account: bytes, browser: str | None, limits: tuple[tuple[int, timedelta], ...], sentence: str) -> None:
    """Count one more `what` of this account, in the allowance of the browser if it is a familiar one."""
    whose = account.hex()
    if browser and await is_familiar(account, browser):
        whose += f"/{ids.digest(browser).hex()}"
    for limit, per in limits:
        await db.throttle(f"{what}/{per // HOUR}h/{whose}", limit=limit, per=per, sentence=sentence)


async def is_familiar(account: bytes, browser: str) -> bool:
    since = clock.micros(clock.now() - FAMILIAR_FOR)
    found = await db.row(
        "SELECT 1 AS one FROM familiar_browser WHERE account = ? AND browser = ? AND last_at > ?",
        account,
        ids.digest(browser),
        since,
    )
    return found is not None


async def is_new(account: bytes, browser: str | None) -> bool:
    """Whether other browsers are familiar with this account, and this one is not, or only since the day before yesterday."""
    now = clock.now()
    known = await db.rows(
        "SELECT browser, first_at FROM familiar_browser WHERE account = ? AND last_at > ?",
        account,
        clock.micros(now - FAMILIAR_FOR),
    )
    long_known = [bytes(each["browser"]) for each in known if each["first_at"] <= clock.micros(now - NEW_FOR)]
    mine = ids.digest(browser) if browser else b""
    others = [each for each in known if bytes(each["browser"]) != mine]
    return bool(others) and mine not in long_known


async def remember(account: bytes, browser: str | None) -> None:
    """This browser belongs to somebody who proved the account; inside `writing()`."""
    if not browser:
        return
    await db.run(
        "INSERT INTO familiar_browser (account, browser, first_at, last_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (account, browser) DO UPDATE SET last_at = excluded.last_at",
        *(account, ids.digest(browser), clock.micros(clock.now()), clock.micros(clock.now())),
    )
    await db.run("DELETE FROM familiar_browser WHERE last_at < ?", clock.micros(clock.now() - FAMILIAR_FOR))


async def forget(account: bytes) -> None:
    """Nobody is familiar with this account any more, and no try at it is counted; inside `writing()`."""
    await db.run("DELETE FROM familiar_browser WHERE account = ?", account)
    await db.run("DELETE FROM throttle WHERE name LIKE ?", f"%/{account.hex()}%")
