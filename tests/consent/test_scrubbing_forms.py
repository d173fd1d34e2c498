"""A scrub while the form of addresses changes: each line is answered for the address that it names."""

from pathlib import Path

import pytest

from portal.consent.scrubbing import Scrubbing
from portal.subjects import reindexing
from tests.conftest import House
from tests.consent.lists import written
from tests.consent.people import known, publish, say
from tests.consent.test_open_duplicates import STOCK
from tests.subjects import next_form

LINES = ("an.a@gmail.com", "ana@gmail.com", "ANA+shop@gmail.com", "b.en@gmail.com", "ben@gmail.com")


async def _answers(path: Path) -> list[str]:
    scrubbing = await Scrubbing.of(path, STOCK)
    answered = "".join([part async for part in scrubbing.parts()])
    return [line.split(",")[1] for line in answered.splitlines()[1:]]


async def test_each_spelling_keeps_the_answer_of_its_own_address(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish()
    dotted, plain, ben = [
        await known("email", each, proven=True) for each in ("an.a@gmail.com", "ana@gmail.com", "b.en@gmail.com")
    ]
    await say(dotted, "no")
    await say(plain, "no")
    await say(ben, "no")
    path = written(tmp_path, "email\n" + "\n".join(LINES) + "\n")
    assert await _answers(path) == ["false"] * 5
    for identifier in (plain, ben):
        await say(identifier, "yes", grade="self-verified")
    next_form.come_into_force(monkeypatch.setattr)
    # Ben lies under the form from before, and only his own spelling leads there until he is re-indexed.
    assert await _answers(path) == ["false", "true", "true", "true", "false"]
    await reindexing.reindex()
    assert await _answers(path) == ["false", "true", "true", "true", "true"]
