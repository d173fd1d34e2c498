"""An oracle: what was said, in the order in which it was, as plain lists that know nothing of how the portal stores it; and
what must hold of every answer by them.

`step` counts the acts. A restore takes away what opened after the backup, and the taking back of noes; what closed stays.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from portal import consent
from portal.consent import Word, fold
from portal.consent.decisions import Decided
from portal.consent.permissions import permissions
from portal.consent.words import Cell, parents, rank
from portal.lib import clock
from portal.subjects import Identifier
from tests.connectors.receiver import Receiver

STOCK, SURVEYS, READINGS = Cell("back-in-stock", "email"), Cell("surveys", "email"), Cell("newsletter", "email", "readings")
SIMILAR = Cell("similar-books", "email")
CELLS = [STOCK, SURVEYS, READINGS, SIMILAR]


class Said(NamedTuple):
    """A word as the oracle weighs it; `dated` by whoever said it."""

    grade: str
    at: datetime
    step: int
    dated: bool

    def is_ended_by(self, yes: "Said") -> bool:
        in_order = self.dated or yes.step > self.step
        return in_order and yes.at > self.at and rank(yes.grade) >= rank(self.grade)


Spoken = tuple[str, str, Cell, Said]  # of whom, the answer, about what


@dataclass
class Told:
    """One recorded word: as it was asked for and as it was taken; in which step it was taken back. `lost`: by a restore."""

    step: int
    asked: Word
    decided: Decided
    undone: int | None = None
    lost: bool = False

    @property
    def spoken(self) -> Spoken:
        word = self.decided.word
        said = Said(word.grade, self.decided.said_at, self.step, word.said_at is not None)
        return word.identifier, word.answer, word.cell, said


@dataclass
class Imported:
    """A list: its words in the order of recording, when each of them was recorded by now; in which step it was begun, came into
    force, was taken back, was said never to have been said."""

    batch: str
    path: Path
    words: list[tuple[str, str, Cell, datetime | None]]
    began: int = 0
    recorded: list[tuple[int, datetime]] = field(default_factory=list)
    in_force: int | None = None
    undone: int | None = None
    never_said: int | None = None

    def spoken(self) -> Iterator[Spoken]:
        for (who, answer, cell, at), (step, now) in zip(self.words, self.recorded, strict=False):
            if self.counts(answer):
                # What a list dates later than the clock showed when it was recorded, counts as of then.
                yield who, answer, cell, Said("import", min(at or now, now), step, at is not None)

    def counts(self, answer: str) -> bool:
        return self.never_said is None if answer == "no" else self.in_force is not None and self.undone is None

    def put_back(self, to: int) -> None:
        """As it was after that step. That it was taken back is not forgotten, but its noes are said again."""
        self.recorded = [each for each in self.recorded if each[0] <= to]
        self.in_force = None if self.in_force is None or self.in_force > to else self.in_force
        self.never_said = None if self.never_said is None or self.never_said > to else self.never_said


@dataclass
class Oracle:
    """`apart`: noes of imports that stand by themselves since a restore. `gone`: yeses that a restore took away."""

    people: list[Identifier]
    folder: Path
    number: int
    receiver: Receiver
    imports: list[Imported] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    clicks: list[tuple[str, str, Told]] = field(default_factory=list)
    handed: list[tuple[str, bytes]] = field(default_factory=list)
    stops: list[tuple[Said, set[str]]] = field(default_factory=list)
    bounces: list[tuple[Said, str]] = field(default_factory=list)
    apart: list[Spoken] = field(default_factory=list)
    gone: list[Spoken] = field(default_factory=list)
    looked: list[tuple[datetime, str, Cell, bool]] = field(default_factory=list)
    step: int = 0
    ahead: timedelta = timedelta()
    went_back: bool = False
    backup: tuple[int, Path] | None = None

    def address(self, who: int) -> str:
        return f"p{who}.{self.number}@example.com"

    def spoken(self, who: str, answer: str, cells: set[Cell]) -> list[Said]:
        """What counts by all that was said of somebody about these cells and that nobody took back."""
        found = [each.spoken for each in self.told if each.decided.state == "firm" and each.undone is None and not each.lost]
        found += [*self.apart, *(spoken for one in self.imports for spoken in one.spoken())]
        return [said for by, each, on, said in found if (by, each) == (who, answer) and on in cells]

    def closing(self, who: str, cell: Cell) -> list[Said]:
        stops = [stop for stop, stopped in self.stops if who in stopped and cell in (READINGS, SIMILAR)]
        return [
            *self.spoken(who, "no", {cell, *parents(cell)}),
            *stops,
            *(bounce for bounce, address in self.bounces if address == who),
        ]

    def restored(self) -> None:
        """The database is that of the backup again, and what closed since then was done once more."""
        assert self.backup is not None
        to = self.backup[0]
        for each in self.told:
            if each.step > to and each.decided.word.answer not in fold.CLOSING and not each.lost:
                each.lost = True
                self.gone += [each.spoken] if each.decided.state == "firm" else []
            each.undone = None if each.undone is None or each.undone > to else each.undone
        for one in self.imports:
            self._restored(one, to)
        self.imports = [each for each in self.imports if each.began <= to]
        self.looked.clear()

    def _restored(self, one: Imported, to: int) -> None:
        yeses = [each for each in one.spoken() if each[1] == "yes"]
        never_said, one.never_said = one.never_said, None
        self.apart += [each for each in one.spoken() if each[1] == "no" and each[3].step > to]
        one.never_said = never_said
        one.put_back(to)
        left = set(one.spoken())
        self.gone += [each for each in yeses if each not in left]


async def check_no_lost(oracle: Oracle) -> None:
    answers = await permissions([(who.id, cell) for who in oracle.people for cell in CELLS])
    for (who, cell), answer in answers.items():
        if answer.allowed:
            yeses = oracle.spoken(who, "yes", {cell})
            assert yeses or cell == SURVEYS or oracle.spoken(who, "informed", {cell}), (cell, answer)
            for no in oracle.closing(who, cell):
                assert any(no.is_ended_by(yes) for yes in yeses), (cell, no, answer)


async def check_folds(oracle: Oracle) -> None:
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


async def check_system(oracle: Oracle) -> None:
    """What the connected system took over last is no yes against a no; and what counts here, unless a restore took a yes away
    of which it had heard."""
    of = {oracle.address(number): each.id for number, each in enumerate(oracle.people)}
    heard = {}
    for message in oracle.receiver.taken:
        told = message.data
        if message.address in of:
            heard[of[message.address], Cell(told["purpose"], told["channel"], told.get("topic") or "")] = bool(told["allowed"])
    answers = await permissions(list(heard))
    for (who, cell), allowed in heard.items():
        if allowed is not answers[who, cell].allowed:
            assert allowed and oracle.gone, (cell, allowed, answers[who, cell])
            yeses = oracle.spoken(who, "yes", {cell}) + [
                said for by, each, on, said in oracle.gone if (by, each, on) == (who, "yes", cell)
            ]
            for no in oracle.closing(who, cell):
                assert any(no.is_ended_by(yes) for yes in yeses), (cell, no)
