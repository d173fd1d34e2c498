"""A list that is checked line by line gets the answers that single questions get, and a receipt of all of them."""

import csv
import hashlib
import io
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal import audit, consent, db, subjects
from portal.cli import _parser
from portal.consent.asking import Question, ask_many
from portal.consent.scrubbing import Scrubbing, answers_for
from portal.consent.words import Cell
from portal.lib import clock
from portal.lib.errors import Invalid, NotFound
from tests.conftest import House, on_both
from tests.consent.people import known, publish, say

STOCK, NEWS, SIMILAR, CATALOGUE = (
    *(Cell("back-in-stock", "email"), Cell("newsletter", "email", "readings"), Cell("similar-books", "email")),
    Cell("catalogue", "post"),
)
TOLD = {"sale": "B-1", "family": "books", "opt_out": "link"}

_numbers: Iterator[int] = count()
_grade = st.sampled_from(["import", "staff", "self", "self-verified"])
_act = st.one_of(
    st.tuples(st.sampled_from(["yes", "no", "unset", "informed"]), _grade, st.sampled_from([0, -1, -2, -900])),
    st.tuples(st.sampled_from(["all", "object", "bounce", "restrict", "pause", "prove", "link", "suppress", "erase", "resume"])),
)


@settings(max_examples=25)
@given(st.lists(st.lists(_act, max_size=4), min_size=1, max_size=4), st.sampled_from([STOCK, NEWS, SIMILAR]))
async def test_a_list_gets_the_answers_that_questions_get(house: House, people: list[list[Any]], cell: Cell) -> None:
    if not await consent.purposes():
        await publish()
    number = next(_numbers)
    addresses = [f"p{who}.{number}@example.com" for who in range(len(people))]
    for address, acts in zip(addresses, people, strict=True):
        for act, *more in acts:
            await _do(address, addresses[0], cell, act, *more)
    asked = [*addresses, f"nobody.{number}@example.com"]
    single = await ask_many([Question("email", each, cell) for each in asked])
    listed = await answers_for("email", asked, cell)
    for each, answer in zip(asked, single, strict=True):
        assert not isinstance(answer, Exception)
        assert listed[each] == (answer.allowed, str(answer.rule)), (each, answer)


async def _do(address: str, first: str, cell: Cell, act: str, grade: str = "", days: int = 0) -> None:
    if act == "suppress":
        async with db.writing():
            await subjects.suppress("email", address, basis="erasure", by="system")
        return
    who = await known("email", address)
    if act in ("yes", "no", "unset", "informed"):
        if act == "informed" and cell != SIMILAR:
            return
        said_at = clock.now() + timedelta(days=days) if days else None
        more = {"topic": cell.topic, "grade": grade, "said_at": said_at, "evidence": TOLD if act == "informed" else None}
        await say(who, act, cell.purpose, cell.channel, **more)
    elif act == "all":
        await say(who, "no", cell.purpose, "*", topic="*" if cell.topic else "")
    elif act == "object":
        await consent.stops.object_to_marketing(who.subject, by="system")
    elif act == "bounce":
        await consent.stops.suppress_address(who.id, "email", by="system", why="hard bounce")
    elif act == "restrict":
        await consent.stops.restrict(who.subject, by="officer:petra", why="unlawful use")
    elif act == "pause":
        await consent.pause(who.subject, until=clock.now() + timedelta(days=30), by="system")
    elif act == "resume":
        await consent.resume(who.subject, by="system")
    else:
        async with db.writing():
            if act == "prove":
                await subjects.mark_verified(who.id)
            elif act == "erase":
                await consent.stops.stop_erased(who.subject, by="system")
                await subjects.forget(who.subject, by="system")
            else:
                other = await subjects.find("email", first)
                if other is not None and other.id != who.id:
                    await subjects.link(who.id, other.subject, by="officer:petra", why="test")


@on_both
async def test_the_answer_is_signed_and_its_receipt_names_both_lists(house: House, tmp_path: Path) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    await say(ana, "yes")
    text = "name;E-Mail\nAna;Ana@Example.com\nBen;ben@example.com\nNobody;nobody\n;\n"
    path = tmp_path / "list.csv"
    path.write_text(text)
    args = _parser().parse_args(
        ["scrub", str(path), "--purpose", "back-in-stock", "--channel", "email", "--map", "email=E-Mail", "--by", "officer:petra"]
    )
    assert await args.run(args) == 0
    answer = (tmp_path / "list.csv.scrubbed.csv").read_text()
    assert list(csv.reader(io.StringIO(answer))) == [
        ["identifier", "allowed", "rule"],
        ["Ana@Example.com", "true", "4"],
        ["ben@example.com", "false", "3"],
        ["nobody", "false", "invalid"],
        ["", "false", "invalid"],
    ]
    receipt = (tmp_path / "list.csv.scrubbed.csv.tlog-proof").read_text()
    report = audit.verify_receipt(receipt, [await audit.log_key()])
    assert report.ok and report.event == "consent.scrubbed" and report.statement is not None
    said = report.statement["payload"]
    assert said["answered_sha256"] == hashlib.sha256(answer.encode()).hexdigest()
    assert said["asked_sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert (said["lines"], said["allowed"], said["invalid"]) == (4, 1, 2)


async def test_a_list_of_several_parts_is_answered_whole_and_in_order(sqlite_house: House, tmp_path: Path) -> None:
    await publish()
    for each in range(0, 40, 2):
        await say(await known("email", f"p{each}@example.com"), "yes")
    path = tmp_path / "list.csv"
    path.write_text("email\n" + "".join(f"p{each % 40}@example.com\n" for each in range(4_500)))
    scrubbing = await Scrubbing.of(path, STOCK)
    lines = "".join([text async for text in scrubbing.parts()]).splitlines()[1:]
    assert lines == [f"p{each % 40}@example.com,{'true,4' if each % 2 == 0 else 'false,3'}" for each in range(4_500)]
    assert scrubbing.done.lines == 4_500 and scrubbing.done.allowed == 2_250


async def test_odd_lines_of_a_list_are_no_addresses_wherever_they_stand(sqlite_house: House, tmp_path: Path) -> None:
    await publish()
    path = tmp_path / "list.ndjson"
    path.write_bytes(
        b'{"email":"a\xef\xbf\xbd@example.com"}\n[]\n{"email":"ben@example.com"}\n{"email":"x\\ud800@example.com"}\n'
    )
    scrubbing = await Scrubbing.of(path, STOCK)
    lines = "".join([text async for text in scrubbing.parts()]).splitlines()[1:]
    assert lines == [",false,invalid", ",false,invalid", "ben@example.com,false,3", ",false,invalid"]


async def test_a_question_that_makes_no_sense_is_refused_before_the_answer_begins(sqlite_house: House, tmp_path: Path) -> None:
    await publish()
    path = tmp_path / "list.csv"
    path.write_text("address\nana@example.com\n")
    with pytest.raises(NotFound):
        await Scrubbing.of(path, Cell("nothing", "email"))
    with pytest.raises(NotFound):
        await Scrubbing.of(path, Cell("back-in-stock", "post"))
    with pytest.raises(Invalid):
        await Scrubbing.of(path, STOCK)
    with pytest.raises(Invalid):
        await Scrubbing.of(path, Cell("back-in-stock", "*"), column="email=address")
