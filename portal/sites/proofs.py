"""The proof of an answer given on a site: an address that only the browser that answered knows, and what it opens.

Whoever has it made the choice, or was given it; it says nothing about who that is, until they say so themselves.
"""

import uuid
from collections.abc import Iterable
from datetime import timedelta

from portal import audit, consent, db, subjects, vault
from portal.lib import clock
from portal.lib.errors import Conflict, NotFound
from portal.paper import _
from portal.subjects import Identifier

_USE = "shown on a site"
# From the answer until its browser is added: whoever comes across the proof later, in a history or a log, adds nothing.
GOOD_FOR = timedelta(days=1)


def token_of(entries: Iterable[str]) -> str:
    """Opens these entries of the log, and cannot be guessed."""
    return vault.seal_link(_USE, b"".join(uuid.UUID(entry).bytes for entry in entries))


async def entries_of(token: str) -> list[audit.Entry]:
    """All of them, or NotFound: for a token that is not ours, and once the person behind it was erased."""
    found = [await audit.entry(each) for each in _ids(token)]
    living = [each for each in found if each is not None and not await subjects.evidence.closed_entry(each)]
    if not living or len(living) < len(found):
        raise NotFound(_("There is no such proof."))
    return living


async def lines_of(token: str, site: str = "") -> list[tuple[audit.Entry, str]]:
    """Each entry with what it says, in words. Raises NotFound, also for answers that another site than this one brought."""
    return [(entry, await _heading(entry)) for entry in _of_site(await entries_of(token), site)]


async def receipt_of(token: str, number: int, site: str) -> tuple[str, str]:
    """The id of its entry of that number, from 1, and its C2SP tlog-proof. Raises NotFound."""
    entries = _of_site(await entries_of(token), site)
    if not 1 <= number <= len(entries):
        raise NotFound(_("There is no such proof."))
    entry = entries[number - 1].id
    return entry, await audit.prove(entry)


async def is_with(token: str, subject_id: str) -> bool:
    """Whether the browser of this proof is that person's already. Raises NotFound."""
    return (await _browser_of(token)).subject == (await subjects.whole(subject_id)).subjects[0]


async def device_of(token: str, site: str) -> str:
    """The number that the browser of this proof made. Raises NotFound, also for answers that another site brought."""
    _of_site(await entries_of(token), site)
    browser = await _browser_of(token)
    number = (await subjects.values_of([browser]))[browser.id]
    if number is None:
        raise NotFound(_("There is no such proof."))
    return number


async def why_not(token: str) -> str:
    """Why nobody can add the browser of this proof, in a sentence; empty when somebody can. Raises NotFound."""
    entries, browser = await entries_of(token), await _browser_of(token)
    answered = entries[0].recorded_at
    there = (await subjects.whole(browser.home)).identifiers
    if any(each.home != browser.home or each.kind != "device" for each in there):
        return _("This browser was added with another address before. Please ask us to look at it.")
    left = await subjects.links.taken_back_at(browser.id)
    if answered is None or clock.now() - answered > GOOD_FOR or (left is not None and answered <= left):
        return _("This answer is too old to tell whose browser it was. Answer on the website once more, and come from there.")
    return ""


async def take_home(token: str, subject_id: str, *, by: str) -> None:
    """The browser of this proof is that person's: they steer it with their other addresses from now on.

    Raises NotFound, and Conflict for a browser that somebody else has added, or when the answer is of another day. An officer can
    take it back (`subjects.split`), and then it takes a new answer.
    """
    async with db.writing():
        browser = await _browser_of(token)
        await db.run("UPDATE identifier SET subject = subject WHERE id = ?", browser.id)  # who adds it at this moment waits
        if await is_with(token, subject_id):
            return
        if problem := await why_not(token):
            raise Conflict(problem)
        await subjects.link(browser.id, subject_id, by=by, why="they hold its proof")


async def _browser_of(token: str) -> Identifier:
    home = (await entries_of(token))[0].subject or ""
    for each in (await subjects.whole(home)).identifiers:
        if each.home == home and each.kind == "device" and each.erased_at is None:
            return each
    raise NotFound(_("There is no such proof."))


async def _heading(entry: audit.Entry) -> str:
    report = audit.verify_receipt(await audit.prove(entry.id), [await audit.log_key()])
    return await consent.proof_words.heading(entry, (report.statement or {}).get("payload", {}))


def _of_site(entries: list[audit.Entry], site: str) -> list[audit.Entry]:
    if site and any(each.actor != f"site:{site}" for each in entries):
        raise NotFound(_("There is no such proof."))
    return entries


def _ids(token: str) -> list[str]:
    content = vault.open_link(_USE, token) if token.isascii() else None
    if content is None or len(content) % 16:
        return []
    return [str(uuid.UUID(bytes=content[start : start + 16])) for start in range(0, len(content), 16)]
