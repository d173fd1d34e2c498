"""F9: a sender of signed words whose network repeats, reorders, delays and cuts them.

Afterwards everything is as if each had come once and in order: the answers, the decisions, the record.
"""

import asyncio
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from portal import audit, consent, db, subjects
from portal.lib import clock
from tests.api.machines import Machine, said
from tests.api.sender import Sender, connect
from tests.conftest import opened, settings_in
from tests.consent.people import publish

EVENTS, COPIES, AT_ONCE = 1_000, 5, 50
CELLS = [("back-in-stock", "email", ""), ("audiences", "ads", ""), ("newsletter", "email", "readings")]
Cell = tuple[str, str, str]
ADDRESSES = [f"customer{number}@example.com" for number in range(60)]


@dataclass(frozen=True)
class Event:
    id: str
    address: str
    body: bytes


@dataclass(frozen=True)
class Standing:
    """All that can be seen of what was said, without ids and moments of arrival."""

    answers: dict[tuple[str, Cell], tuple[bool, str, str]]
    decisions: list[tuple[str, ...]]
    entries: dict[str, int]


@pytest.mark.deep
@pytest.mark.faults
async def test_repeated_reordered_delayed_and_cut_words_end_as_if_each_came_once_in_order(
    migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance, noon = random.Random(seed), clock.now() + timedelta(hours=2)
    events = _events(chance, noon)
    seen = []
    for name in ("in order", "as it comes"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "portal.db").write_bytes(migrated_sqlite.read_bytes())
        async with opened(settings_in(folder)), Machine() as machine:
            await publish()
            connect(folder, monkeypatch)
            if name == "in order":
                with clock.at(noon):
                    for event in events:
                        answer = await Sender(machine).send(event.id, event.body)
                        assert answer.status_code == 200, answer.text
            else:
                await _as_it_comes(Sender(machine), events, chance, noon)
            seen.append(await _standing())
            await audit.sequence_all()
            await audit.verify_log()
    ordered, tossed = seen
    assert len(tossed.decisions) == EVENTS
    assert tossed.answers == ordered.answers and 20 < sum(allowed for allowed, *_rest in ordered.answers.values()) < 160
    assert tossed.decisions == ordered.decisions
    assert tossed.entries == ordered.entries


async def _as_it_comes(sender: Sender, events: Sequence[Event], chance: random.Random, noon: datetime) -> None:
    """Five copies of each, some now and some in an hour; between them cut ones, and ones whose time has passed."""
    at_once = {event.id: chance.randint(0, COPIES) for event in events}
    now = [event for event in events for _copy in range(at_once[event.id])]
    later = [event for event in events for _copy in range(COPIES - at_once[event.id])]
    answered: dict[str, set[str]] = {}
    for copies, at in ((now, noon), (later, noon + timedelta(hours=1))):
        chance.shuffle(copies)
        with clock.at(at):
            for start in range(0, len(copies), AT_ONCE):
                batch = copies[start : start + AT_ONCE]
                answers = await asyncio.gather(
                    *(sender.send(each.id, each.body) for each in batch),
                    *(_cut(sender, each, chance) for each in batch[::10]),
                    *(sender.send(each.id, each.body, at=noon - timedelta(hours=1)) for each in batch[::10]),
                )
                assert [each.status_code for each in answers[: len(batch)]] == [200] * len(batch)
                assert {each.status_code for each in answers[len(batch) :]} == {401}
                for event, answer in zip(batch, answers, strict=False):
                    answered.setdefault(event.id, set()).add(answer.text)
    assert len(answered) == EVENTS and {len(each) for each in answered.values()} == {1}


async def _cut(sender: Sender, event: Event, chance: random.Random) -> Any:
    headers = sender.sign(event.id, event.body)
    return await sender.post(event.body[: chance.randrange(len(event.body))], headers)


def _events(chance: random.Random, noon: datetime) -> list[Event]:
    """In the order in which they were said, a minute apart."""
    found = []
    for number in range(EVENTS):
        purpose, channel, topic = chance.choice(CELLS)
        answer = chance.choice(["yes", "yes", "no", "unset"])
        item = {"purpose": purpose, "channel": channel, "answer": answer} | ({"topic": topic} if topic else {})
        if answer == "yes":
            item["edition"] = f"{purpose}@1/en"
        address, at = chance.choice(ADDRESSES), noon - timedelta(minutes=EVENTS - number)
        told = said(address, "no", said_at=clock.rfc3339(at), decisions=[item])
        found.append(Event(f"msg_{chance.randbytes(12).hex()}", address, json.dumps(told).encode()))
    return found


async def _standing() -> Standing:
    answers, names = dict[tuple[str, Cell], tuple[bool, str, str]](), dict[str, str]()
    for address in ADDRESSES:
        identifier = await subjects.find("email", address)
        assert identifier is not None
        names[identifier.id] = address
        for cell in CELLS:
            answer = await consent.permission(identifier.id, *cell)
            answers[address, cell] = (answer.allowed, answer.because.answer, str(answer.because.at))
    columns = "identifier, purpose, channel, topic, answer, said_at, source, grade, actor"
    decided = [tuple(map(str, each.values())) for each in await db.rows(f"SELECT {columns} FROM decision")]
    entries = await db.rows("SELECT event, count(*) AS n FROM entry WHERE event LIKE 'consent.%' GROUP BY event")
    return Standing(
        answers, sorted((names[each[0]], *each[1:]) for each in decided), {each["event"]: each["n"] for each in entries}
    )
