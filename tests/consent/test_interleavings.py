"""Whatever is said, merged, split, undone, paused, imported and repeated in whatever order and at whatever time the clock shows:
a no is never lost, on real rows.

The oracle keeps its own plain list of what was said, in the order in which it was, and knows nothing of how the portal stores it.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal import consent, db, subjects
from portal.consent import ALL, Word, fold
from portal.consent.batches import commit_import, plan_import, undo_import
from portal.consent.decisions import Decided
from portal.consent.import_rows import OLDEST, Options
from portal.consent.permissions import permissions
from portal.consent.words import Cell, parents, rank
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid
from portal.subjects import Identifier
from tests.conftest import House, on_both
from tests.consent.people import publish, word

STOCK, SURVEYS, READINGS = Cell("back-in-stock", "email"), Cell("surveys", "email"), Cell("newsletter", "email", "readings")
SIMILAR = Cell("similar-books", "email")
CELLS = [STOCK, SURVEYS, READINGS, SIMILAR]
YES = [STOCK, STOCK, READINGS, READINGS, SURVEYS, SIMILAR]
NO = [STOCK, STOCK, READINGS, SURVEYS, SIMILAR, Cell("newsletter", "email", ALL), Cell("newsletter", ALL, ALL)]
TOLD = {"sale": "B-1", "family": "books", "opt_out": "link"}

_who = st.integers(0, 1)
_grade = st.sampled_from(["import", "staff", "self", "self-verified"])
_days = st.sampled_from([0, 0, 0, -1, -2, -3, 1])
_said = st.one_of(
    st.tuples(st.tuples(st.just("say"), _who, st.just("yes"), st.sampled_from(YES)), _grade, _days),
    st.tuples(st.tuples(st.just("say"), _who, st.just("no"), st.sampled_from(NO)), _grade, _days),
    st.tuples(st.tuples(st.just("say"), _who, st.just("unset"), st.sampled_from(YES)), _grade, _days),
    st.tuples(st.tuples(st.just("say"), _who, st.just("informed"), st.just(SIMILAR)), _grade, _days),
)
_line = st.one_of(
    st.tuples(_who, st.just("yes"), st.sampled_from(YES[:5]), st.sampled_from([0, -1, -2, -3, None])),
    st.tuples(_who, st.just("no"), st.sampled_from(NO), st.sampled_from([0, -1, -2, -3, None])),
    st.tuples(_who, st.just("unset"), st.sampled_from(YES[:5]), st.sampled_from([0, -1, None])),
)
_import = st.one_of(
    st.tuples(st.tuples(st.just("import"), st.lists(_line, min_size=1, max_size=4)), st.sampled_from([None, None, 1, 2])),
    st.tuples(st.tuples(st.just("import again"), st.integers(0, 1))),
    st.tuples(st.tuples(st.sampled_from(["import resume", "import undo", "import never said"]), st.integers(0, 1))),
)
_act = st.one_of(
    _said,
    _said,
    _import,
    st.tuples(st.tuples(st.sampled_from(["undo", "undo", "repeat", "confirm"]), st.integers(0, 3))),
    st.tuples(
        st.tuples(st.sampled_from(["merge", "merge", "split", "object", "pause", "resume", "prove", "look", "bounce"]), _who)
    ),
    st.tuples(st.tuples(st.just("clock"), st.sampled_from([-30, -1, 2]))),
)
_here = st.sampled_from([STOCK, STOCK, SIMILAR])
_at_once = st.tuples(st.tuples(st.just("say"), st.just(0), st.sampled_from(["yes", "no"]), _here), _grade, st.just(0))
_while_the_clock_moves = st.one_of(
    _at_once,
    st.tuples(st.tuples(st.just("clock"), st.sampled_from([-30, -1, 2]))),
    st.tuples(st.tuples(st.sampled_from(["object", "bounce"]), st.just(0))),
)
_numbers = count()


class Killed(Exception):
    pass


@dataclass
class Imported:
    """A list: its words in the order of recording, how many are recorded by now and when; what became of it."""

    batch: str
    path: Path
    words: list[tuple[str, str, Cell, datetime | None]]
    recorded: list[tuple[int, datetime]] = field(default_factory=list)
    in_force: bool = False
    undone: bool = False
    never_said: bool = False

    def said(self, answer: str) -> "list[tuple[str, Cell, Said]]":
        """The words with that answer that count."""
        counts = not self.never_said if answer == "no" else self.in_force and not self.undone
        done = zip(self.words, self.recorded, strict=False) if counts else ()
        return [
            (who, cell, Said("import", at or now, step, at is not None))
            for (who, each, cell, at), (step, now) in done
            if each == answer
        ]


class Said(NamedTuple):
    """A word as the oracle weighs it: `step` counts the acts; `dated` by whoever said it."""

    grade: str
    at: datetime
    step: int
    dated: bool

    def is_ended_by(self, yes: "Said") -> bool:
        in_order = self.dated or yes.step > self.step
        return in_order and yes.at > self.at and rank(yes.grade) >= rank(self.grade)


@dataclass
class Oracle:
    people: list[Identifier]
    folder: Path
    number: int
    imports: list[Imported] = field(default_factory=list)
    said: list[tuple[int, Decided]] = field(default_factory=list)
    undone: set[str] = field(default_factory=set)
    words: list[Word] = field(default_factory=list)
    stops: list[tuple[Said, set[str]]] = field(default_factory=list)
    bounces: list[tuple[Said, str]] = field(default_factory=list)
    step: int = 0
    ahead: timedelta = timedelta()
    went_back: bool = False
    looked: list[tuple[datetime, str, Cell, bool]] = field(default_factory=list)


@settings(max_examples=25)
@given(st.lists(_act, min_size=3, max_size=14))
@on_both
async def test_a_no_is_never_lost_whatever_happens_in_whatever_order(
    house: House, tmp_path: Path, acts: list[tuple[Any, ...]]
) -> None:
    await _live_through(tmp_path, acts)


@settings(max_examples=60)
@given(st.lists(_while_the_clock_moves, min_size=3, max_size=8))
async def test_nor_while_the_clock_goes_back(sqlite_house: House, tmp_path: Path, acts: list[tuple[Any, ...]]) -> None:
    await _live_through(tmp_path, acts)


@pytest.mark.deep
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("_quarter", range(4))
@settings(max_examples=2_500)
@given(st.lists(_act, min_size=3, max_size=14))
async def test_nor_in_ten_thousand_ways(sqlite_house: House, tmp_path: Path, _quarter: int, acts: list[tuple[Any, ...]]) -> None:
    await _live_through(tmp_path, acts)


async def _live_through(tmp_path: Path, acts: list[tuple[Any, ...]]) -> None:
    if not await consent.purposes():
        with clock.at(clock.now() - timedelta(days=90)):  # before every hour to which the clock goes back
            await publish()
    number = next(_numbers)
    async with db.writing():
        people = [await subjects.ensure("email", f"p{who}.{number}@example.com", by="system") for who in range(2)]
    oracle = Oracle(people, tmp_path, number)
    for act, *more in acts:
        oracle.step += 1
        with clock.at(clock.now() + oracle.ahead):
            await _do(oracle, act, more)
    with clock.at(clock.now() + oracle.ahead):
        await _check_no_lost(oracle)
        await _check_folds(oracle)
    with clock.at(clock.now() + timedelta(days=800)):
        await _check_no_lost(oracle)


async def _do(oracle: Oracle, act: tuple[Any, ...], more: list[Any]) -> None:
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
    oracle.words.append(said)
    oracle.said.append((oracle.step, await consent.decide(said)))


async def _again(oracle: Oracle, name: str, which: int) -> None:
    if not oracle.said:
        return
    _step, decided = oracle.said[-1 - which % len(oracle.said)]
    if name == "undo":
        undone = await consent.undo(decided.id, by="system")
        assert undone.refers_to == decided.id
        oracle.undone.add(decided.id)
    elif name == "confirm":
        oracle.said.append((oracle.step, await consent.confirmation.confirm_double_opt_in(decided.id, by="system")))
    else:
        oracle.said.append((oracle.step, await consent.decide(oracle.words[-1 - which % len(oracle.words)])))


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
        one.undone, one.never_said = True, one.never_said or never_said


def _written(oracle: Oracle, lines: list[tuple[int, str, Cell, int | None]]) -> Imported:
    now, rows, words = clock.now(), ["email,answer,purpose,channel,topic,said_at,edition"], []
    for who, answer, cell, days in lines:
        at = None if days is None else now + timedelta(days=days)
        address = oracle.people[who].id
        words.append((address, answer, cell, OLDEST if at is None and answer == "yes" else at))
        when = "" if at is None else at.isoformat()
        rows.append(f"{_address(oracle, who)},{answer},{','.join(cell)},{when},legacy:old:1")
    path = oracle.folder / f"{next(_numbers)}.csv"
    path.write_text("\n".join(rows))
    return Imported("", path, sorted(words, key=lambda each: each[1] == "yes"))


def _address(oracle: Oracle, who: int) -> str:
    return f"p{who}.{oracle.number}@example.com"


async def _begin_import(oracle: Oracle, one: Imported, dies_after: int | None) -> None:
    planned = await plan_import(one.path, Options(), by="officer:petra")
    bad = {why for _line, verdict, why in planned.problems if verdict == "bad"}
    if bad:  # the clock went back since the list was written
        assert bad == {"It says that the answer was given in the future."} and oracle.went_back
        return
    oracle.imports.append(Imported(planned.id, one.path, one.words))
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
        one.in_force = True
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


async def _check_no_lost(oracle: Oracle) -> None:
    answers = await permissions([(who.id, cell) for who in oracle.people for cell in CELLS])
    for (who, cell), answer in answers.items():
        if not answer.allowed:
            continue
        yeses, noes = _said_on(oracle, who, "yes", {cell}), _said_on(oracle, who, "no", {cell, *parents(cell)})
        stops = [stop for stop, stopped in oracle.stops if who in stopped and cell in (READINGS, SIMILAR)]
        for no in [*noes, *stops, *(bounce for bounce, address in oracle.bounces if address == who)]:
            assert any(no.is_ended_by(yes) for yes in yeses), (cell, no, answer)


def _said_on(oracle: Oracle, who: str, answer: str, cells: set[Cell]) -> list[Said]:
    """What nobody took back."""
    mine = [
        Said(each.word.grade, each.said_at, step, each.word.said_at is not None)
        for step, each in oracle.said
        if each.word.identifier == who and each.state == "firm" and each.word.answer == answer and each.word.cell in cells
        if each.id not in oracle.undone
    ]
    return mine + [said for each in oracle.imports for by, on, said in each.said(answer) if by == who and on in cells]


async def _check_folds(oracle: Oracle) -> None:
    ids = [each.id for each in oracle.people]
    assert sorted(await fold.kept(ids), key=repr) == sorted(await fold.from_scratch(ids), key=repr)
    if oracle.went_back:
        return  # what was known at a moment that came twice nobody can say
    now = clock.now()
    for who in ids:
        stored = await permissions([(who, cell) for cell in CELLS])
        for cell in CELLS:
            assert stored[who, cell] == await consent.permission(who, *cell, at=now)
    for at, who, cell, allowed in oracle.looked:
        assert (await consent.permission(who, *cell, at=at)).allowed is allowed
