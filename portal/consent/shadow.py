"""The shadow report: an earlier system's answers beside ours, line by line, before anybody relies on ours.

Same, we are stricter (explained), we are looser (an alarm: a no of theirs that we would not keep). What the export leaves
blank says nothing and is not compared. Reads like an import and writes nothing.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from portal import subjects
from portal.consent.asking import Question, ask_many
from portal.consent.import_file import look_at, records
from portal.consent.import_rows import Bad, Line, Options
from portal.consent.import_stops import REFUSED_FOR_GOOD
from portal.consent.rules import Answer, Because
from portal.consent.vendors import vendor_rows
from portal.consent.vendors.reading import VendorRows
from portal.consent.words import Cell
from portal.lib import clock
from portal.paper import _, date_text

AT_ONCE = 500
EXAMPLES, PROBLEMS = 5, 20
SAME, STRICTER, LOOSER = "same", "stricter", "looser"


class Difference(NamedTuple):
    """One cell of one address on which the two systems do not agree, and why ours answers as it does."""

    line: int
    address: str
    cell: Cell
    what: str
    theirs: bool
    rule: int
    why: str


@dataclass
class Report:
    """`lines` of the file; `silent` say nothing; of `bad` ones the first are kept as `problems`. Then cells: same, stricter,
    looser. `reasons`: how often each of them."""

    lines: int = 0
    silent: int = 0
    bad: int = 0
    problems: list[tuple[int, str]] = field(default_factory=list)
    cells: Counter[str] = field(default_factory=Counter)
    reasons: Counter[tuple[str, int, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, int, str], list[Difference]] = field(default_factory=dict)

    @property
    def is_safe(self) -> bool:
        """Nothing that they keep closed is open here, and nothing was left unread."""
        return not self.cells[LOOSER] and not self.bad


class _Asked(NamedTuple):
    line: int
    kind: str
    canonical: str
    cell: Cell
    theirs: bool


class Shadow:
    """One export beside our answers: `differences` streams them, `report` counts as it goes."""

    def __init__(self, path: Path, options: Options) -> None:
        self._path, self._options, self.report = path, options, Report()

    async def differences(self) -> AsyncIterator[Difference]:
        file = await asyncio.to_thread(look_at, self._path, self._options.charset, self._options.separator)
        rows = await vendor_rows(file, self._options, "system")
        asked = (each for record in records(file) for each in self._answers(rows.all_of(record), rows))
        while part := list(islice(asked, AT_ONCE)):
            ours = await ask_many([Question(each.kind, each.canonical, each.cell) for each in part])
            for each, answer in zip(part, ours, strict=True):
                if isinstance(answer, Exception):
                    raise answer
                if found := self._compare(each, answer):
                    yield found

    def _answers(self, said: list[Line | Bad], rows: VendorRows) -> Iterator[_Asked]:
        """What a line of theirs says, cell by cell; of several statements about a cell a no counts."""
        self.report.lines += 1
        bad = [(each.line, each.why) for each in said if isinstance(each, Bad)]
        self.report.bad += len(bad)
        self.report.problems += bad[: PROBLEMS - len(self.report.problems)]
        found: dict[tuple[str, str, Cell], tuple[int, bool]] = {}
        for each in said:
            if isinstance(each, Line):
                for cell in _cells_of(each, rows):
                    place = (each.kind, each.canonical, cell)
                    found[place] = each.line, found.get(place, (0, True))[1] and _allows(each)
        self.report.silent += not said
        yield from (_Asked(line, kind, value, cell, allowed) for (kind, value, cell), (line, allowed) in found.items())

    def _compare(self, asked: _Asked, ours: Answer) -> Difference | None:
        what = SAME if ours.allowed == asked.theirs else LOOSER if ours.allowed else STRICTER
        self.report.cells[what] += 1
        if what == SAME:
            return None
        address, why = subjects.mask(asked.kind, asked.canonical), _reason(ours)
        found = Difference(asked.line, address, asked.cell, what, asked.theirs, ours.rule, why)
        # With its day every reason is another one: they are counted without.
        key = what, ours.rule, _kind_of(ours.because)
        self.report.reasons[key] += 1
        if len(shown := self.report.examples.setdefault(key, [])) < EXAMPLES:
            shown.append(found)
        return found


def _allows(line: Line) -> bool:
    """Whether the earlier system would use this cell: a yes that has not run out there."""
    word = line.word
    return word.answer == "yes" and (word.until is None or word.until > clock.now())


def _cells_of(line: Line, rows: VendorRows) -> list[Cell]:
    """The cell of a word; of a stop every cell of the map that it closes."""
    if not line.stop:
        return [line.word.cell]
    return [
        Cell(each.purpose, each.channel, each.topic)
        for each in rows.cells()
        if (each.purpose == line.word.purpose if line.stop == REFUSED_FOR_GOOD else each.channel == "email")
        and line.kind in rows.kinds_of(each.channel)
    ]


def _kind_of(because: Because) -> str:
    """The reason in a few words, without its day."""
    if because.what == "decision":
        return {
            "yes": _("Somebody said yes here."),
            "informed": _("A customer was told about similar offers here."),
        }.get(because.answer, _("Somebody said no here."))
    if because.what == "stop":
        return {
            "objected": _("The person objected to advertising."),
            "restricted": _("The person's data may not be used for now."),
        }.get(because.kind, _("This address is closed: mails came back, or it asked not to be written to."))
    return {
        "pause": _("The person asked for a pause."),
        "fixed": _("It is needed for an order, or the law asks for it."),
        "erased": _("The address was erased here."),
    }.get(because.what, _by_default(because))


def _by_default(because: Because) -> str:
    if because.answer == "on":
        return _("Nobody said anything here, and this is on unless somebody refuses.")
    return _("No yes counts here: none was given, or it has run out or waits for its confirmation.")


def _reason(answer: Answer) -> str:
    """In words why we answer so: the rule's number stands beside it."""
    because = answer.because
    told, lapsed = _kind_of(because), [each for each in answer.overruled if each.answer in ("yes", "informed")]
    parts = [told]
    if because.at is not None:
        parts.append(_("Since %(day)s (%(where)s).") % {"day": date_text(because.at), "where": because.source or because.kind})
    if not answer.allowed and because.what == "default" and lapsed:
        parts.append(_("A yes of %s does not count any more.") % _day(lapsed[0].at))
    return " ".join(parts)


def _day(moment: datetime | None) -> str:
    return "?" if moment is None else date_text(moment)
