"""The acts of alphabet.py, done for real; what the oracle has to know of each is written down for it."""

import json
import re
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from html import unescape
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
from standardwebhooks.webhooks import Webhook
from tortoise.backends.base.executor import EXECUTOR_CACHE

from portal import audit, consent, custody, db, settings, subjects, vault
from portal.app import build
from portal.consent.batches import commit_import, plan_import, undo_import
from portal.consent.decisions import find
from portal.consent.import_rows import OLDEST, Options
from portal.consent.words import Cell
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid
from portal.subjects import Identifier
from tests.connectors.receiver import SECRET
from tests.consent.hooks import tell_hooks
from tests.consent.oracle import CELLS, Imported, Oracle, Said, Told
from tests.consent.people import word

TOLD = {"sale": "B-1", "family": "books", "opt_out": "link"}
_JSON = {"content-type": "application/json"}
ONE_CLICK = {"List-Unsubscribe": "One-Click"}

_numbers = count()


class Killed(Exception):
    pass


async def do(oracle: Oracle, act: tuple[Any, ...], more: Sequence[Any]) -> None:
    """One act; what the portal refuses has not happened."""
    name = act[0]
    try:
        if name == "say":
            await _say(oracle, oracle.people[act[1]], act[2], act[3], *more)
        elif name.startswith("import"):
            await _import_list(oracle, name, act[1], *more)
        elif name in ("undo", "repeat", "confirm"):
            await _again(oracle, name, act[1])
        elif name == "clock":
            oracle.ahead += timedelta(hours=act[1])
            oracle.went_back |= act[1] < 0
        elif name in ("merge", "split"):
            await _relate(oracle.people[act[1]], oracle.people[1 - act[1]], name)
        elif name == "click":
            await _click(oracle, oracle.people[act[1]], act[2])
        elif name == "click back":
            await _click_back(oracle, act[1])
        elif name == "tell":
            await tell(oracle, act[1])
        elif name == "hand in":
            await _hand_in(oracle, _handed(oracle, *act[1:]))
        elif name == "hand in again":
            await _hand_in(oracle, *oracle.handed[-1 - act[1] :][:1])
        elif name in ("back up", "restore"):
            await _copy(oracle, name)
        else:
            await _touch(oracle, name, oracle.people[act[1]])
    except (Conflict, Invalid):
        return


async def _say(oracle: Oracle, who: Identifier, answer: str, cell: Cell, grade: str, days: int) -> None:
    now = clock.now()
    said = word(
        who,
        answer,
        cell.purpose,
        cell.channel,
        topic=cell.topic,
        grade=grade,
        said_at=now + timedelta(days=days) if days else None,
        evidence=TOLD if answer == "informed" else None,
        until=now + timedelta(days=400) if days == -2 and answer == "yes" else None,
    )
    oracle.told.append(Told(oracle.step, said, await consent.decide(said)))


async def _again(oracle: Oracle, name: str, which: int) -> None:
    there = [each for each in oracle.told if not each.lost]
    if not there:
        return
    one = there[-1 - which % len(there)]
    if name == "undo":
        undone = await consent.undo(one.decided.id, by="system")
        assert undone.refers_to == one.decided.id
        one.undone = one.undone or oracle.step
    elif name == "confirm":
        confirmed = await consent.confirmation.confirm_double_opt_in(one.decided.id, by="system")
        oracle.told.append(Told(oracle.step, one.asked, confirmed))
    else:
        oracle.told.append(Told(oracle.step, one.asked, await consent.decide(one.asked)))


@cache
def _mail_program() -> httpx2.AsyncClient:
    """Sends what RFC 8058 says and nothing a browser would; also the person who looks at the page, and a system that hands in."""
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=build()), base_url="http://127.0.0.1:8000")


async def _click(oracle: Oracle, who: Identifier, cell: Cell) -> None:
    token = await consent.unsubscribing.unsubscribe_token(who.id, cell)
    page = await _mail_program().post(f"/u/{token}", data=ONE_CLICK)
    assert page.status_code == 200, page.text
    assert not (await consent.permission(who.id, *cell)).allowed, "in force for the very next check"
    [once] = re.findall(r'name="once" value="([^"]+)"', page.text)
    opened = vault.open_link("undo", unescape(once))
    assert opened is not None
    decided = await find(str(uuid.UUID(bytes=opened)))
    for each in oracle.told:
        if each.decided.id == decided.id:  # sent twice: it is one no, of the later click
            each.step = oracle.step
            return
    oracle.told.append(Told(oracle.step, decided.word, decided))
    oracle.clicks.append((token, unescape(once), oracle.told[-1]))


async def _click_back(oracle: Oracle, which: int) -> None:
    if not oracle.clicks:
        return
    token, once, told = oracle.clicks[-1 - which % len(oracle.clicks)]
    page = await _mail_program().post(f"/u/{token}/undo", data={"once": once})
    assert page.status_code in (200, 404, 409), page.text
    if page.status_code == 200:
        told.undone = told.undone or oracle.step


def _handed(oracle: Oracle, who: int, answer: str, cell: Cell, days: int) -> tuple[str, bytes]:
    """What the connected system says that somebody said there, under an id of its own."""
    said = {"purpose": cell.purpose, "channel": cell.channel, "answer": answer} | ({"topic": cell.topic} if cell.topic else {})
    at, edition = clock.now() + timedelta(days=days), {"edition": f"{cell.purpose}@1/en"} if answer == "yes" else {}
    about = {"identifier": {"email": oracle.address(who)}, "source": "checkout", "said_at": at.isoformat(), "decisions": [said]}
    oracle.handed.append((f"msg_{next(_numbers)}", json.dumps(about | edition).encode()))
    return oracle.handed[-1]


async def _hand_in(oracle: Oracle, *messages: tuple[str, bytes]) -> None:
    """Twice: the answer to the first was lost, so the system sends the same again. What a restore took away is new once more."""
    for message, body in messages:
        answers = []
        for _each in range(2):
            now = clock.now()
            signed = {"webhook-signature": Webhook(SECRET).sign(message, now, body.decode())}
            headers = signed | {"webhook-id": message, "webhook-timestamp": str(int(now.timestamp()))}
            answers.append(await _mail_program().post("/api/v1/inbound/hooks", content=body, headers=headers | _JSON))
        assert answers[0].status_code in (200, 409, 422) and answers[0].text == answers[1].text, answers[0].text
        for each in answers[0].json().get("decisions", ()):
            if not any(told.decided.id == each["id"] and not told.lost for told in oracle.told):
                decided = await find(each["id"])
                oracle.told.append(Told(oracle.step, decided.word, decided))


async def tell(oracle: Oracle, how: str) -> None:
    """The connected system is told all that is due."""
    oracle.receiver.answer = lambda _message: 500 if how == "refuses" else 200
    oracle.receiver.content = lambda _message: b"taken"
    oracle.receiver.half = how == "loses its answer"
    await tell_hooks()


async def _copy(oracle: Oracle, name: str) -> None:
    """A backup, or the last one restored as an operator does it: nobody has the database open. With SQLite alone."""
    if not settings.get().is_sqlite:
        return
    if name == "back up":
        await audit.sequence_all()
        made = await custody.backup.make(oracle.folder / f"backup {next(_numbers)}")
        oracle.backup = oracle.step, made.data
    elif oracle.backup is not None:
        await db.close()
        try:
            done = await custody.restore(oracle.backup[1], new_log=True)
        finally:
            EXECUTOR_CACHE.clear()
            await db.open_database()
        assert done.before is not None and not done.before_unread
        Path(done.before).unlink()
        oracle.restored()


async def _import_list(oracle: Oracle, name: str, what: Any, dies_after: int | None = None) -> None:
    if name == "import":
        await _begin_import(oracle, _written(oracle, what), dies_after)
        return
    if not oracle.imports:
        return
    one = oracle.imports[-1 - what % len(oracle.imports)]
    if name == "import again":
        await _begin_import(oracle, one, None)
    elif name == "import resume":
        await _commit(oracle, one, None)
    else:
        never_said = name == "import never said"
        await undo_import(one.batch, by="officer:petra", why="Another shop.", also_noes=never_said)
        one.undone = one.undone or oracle.step
        one.never_said = one.never_said or (oracle.step if never_said else None)


def _written(oracle: Oracle, lines: list[tuple[int, str, Cell, int | None]]) -> Imported:
    now, rows = clock.now(), ["email,answer,purpose,channel,topic,said_at,edition"]
    words = list[tuple[str, str, Cell, datetime | None]]()
    for who, answer, cell, days in lines:
        at = None if days is None else now + timedelta(days=days)
        words.append((oracle.people[who].id, answer, cell, OLDEST if at is None and answer == "yes" else at))
        when = "" if at is None else at.isoformat()
        rows.append(f"{oracle.address(who)},{answer},{','.join(cell)},{when},legacy:old:1")
    path = oracle.folder / f"{next(_numbers)}.csv"
    path.write_text("\n".join(rows))
    return Imported("", path, sorted(words, key=lambda each: each[1] == "yes"))


async def _begin_import(oracle: Oracle, one: Imported, dies_after: int | None) -> None:
    planned = await plan_import(one.path, Options(), by="officer:petra")
    bad = {why for _line, verdict, why in planned.problems if verdict == "bad"}
    if bad:  # the clock went back since the list was written
        assert bad == {"It says that the answer was given in the future."} and oracle.went_back
        return
    oracle.imports.append(Imported(planned.id, one.path, one.words, oracle.step))
    await _commit(oracle, oracle.imports[-1], dies_after)


async def _commit(oracle: Oracle, one: Imported, dies_after: int | None) -> None:
    """Word by word; killed after some of them, or to the end."""
    started = clock.now()

    def killed(_done: int, _total: int) -> None:
        one.recorded.append((oracle.step, started))
        if dies_after is not None and len(one.recorded) >= dies_after:
            raise Killed

    try:
        await commit_import(one.batch, one.path, by="officer:petra", progress=killed, at_once=1)
        one.in_force = one.in_force or oracle.step
    except Killed:
        pass


async def _relate(one: Identifier, other: Identifier, name: str) -> None:
    async with db.writing():
        if name == "split":
            await subjects.split(one.id, by="officer:petra", why="test")
        else:
            await subjects.link(one.id, (await subjects.get(other.id)).subject, by="officer:petra", why="test")


async def _touch(oracle: Oracle, name: str, who: Identifier) -> None:
    person = (await subjects.people([who.id]))[who.id]
    if name == "object":
        stop = Said("self-verified", clock.now(), oracle.step, dated=False)
        oracle.stops.append((stop, {each.id for each in person.identifiers}))
        await consent.stops.object_to_marketing(person.subject, by="system")
    elif name == "bounce":
        oracle.bounces.append((Said("self-verified", clock.now(), oracle.step, dated=False), who.id))
        await consent.stops.suppress_address(who.id, "email", by="system", why="hard bounce")
    elif name == "pause":
        await consent.pause(person.subject, until=clock.now() + timedelta(days=30), by="system")
    elif name == "resume":
        await consent.resume(person.subject, by="system")
    elif name == "prove":
        async with db.writing():
            await subjects.mark_verified(who.id)
    else:
        at = clock.now()
        for cell in CELLS:
            answer = await consent.permission(who.id, *cell)
            oracle.looked.append((at, who.id, cell, answer.allowed))
