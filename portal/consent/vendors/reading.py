"""From a line of a vendor's export to words: the same words that any other list brings, no stronger, with their dates."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo

from portal import settings, subjects
from portal.consent import legacy
from portal.consent.collection_points import exists
from portal.consent.import_file import ListFile, Record
from portal.consent.import_rows import OLDEST, UNNAMED, Bad, Blank, Line, Options, moment_of
from portal.consent.import_stops import REFUSED_FOR_GOOD
from portal.consent.purposes import Purpose
from portal.consent.rules import MARKETING
from portal.consent.vendors.columns import columns_of
from portal.consent.vendors.mapping import CellOf, map_of, require_cells
from portal.consent.vendors.preset import NEITHER, YES, Odd, Preset, Said, Values, key_of
from portal.consent.words import CHANNELS, Word
from portal.lib import clock
from portal.lib.errors import Invalid
from portal.paper import _

_SLASHES = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(.*)", re.DOTALL)


class Address(NamedTuple):
    kind: str
    canonical: str
    given: str


class VendorRows:
    """One export with its preset and map. Raises Invalid at once for columns that are missing or that nobody mapped."""

    def __init__(self, file: ListFile, options: Options, actor: str, preset: Preset, known: Mapping[str, Purpose]) -> None:
        self._file, self._preset, self._actor, self._known = file, preset, actor, known
        self._allowed = options.sources
        self._map = map_of(options.map)
        require_cells(self._map, known)
        self._zone = ZoneInfo(self._map.time_zone or settings.get().time_zone)
        as_of, self._exported = options.as_of or self._map.as_of, self._map.exported
        self._as_of = self._moment(as_of, YES) if as_of else OLDEST
        if max(self._as_of, self._moment(self._exported, YES) if self._exported else OLDEST) > clock.now():
            raise Invalid(_("It says that the answer was given in the future."))
        self._places, self._types, self._status = columns_of(file, preset, self._map)

    def words(self, record: Record, closing: bool) -> Iterator[Line | Bad | Blank]:
        """The words of a record that close (no, unset, stops) or those that open; what cannot be read counts among the first."""
        found = self.all_of(record)
        if not found:
            yield from [Blank(record.line)] if closing else ()
        for each in found:
            if closing == (isinstance(each, Bad) or each.word.answer != YES):
                yield each

    def all_of(self, record: Record) -> list[Line | Bad]:
        """Everything that a record says, in no order; nothing where it says nothing."""
        return [*self._lines(record)]

    def kinds_of(self, channel: str) -> frozenset[str]:
        """The kinds of address in this file that a channel reaches."""
        return CHANNELS[channel] & set(self._places)

    def cells(self) -> list[CellOf]:
        return list(self._map.cells)

    def _lines(self, record: Record) -> Iterator[Line | Bad]:
        if record.problem:
            yield Bad(record.line, record.problem)
            return
        values = self._values(record.values)
        said = list(self._preset.read(values))
        if not said:
            return
        addresses, problems = self._addresses(values)
        yield from (Bad(record.line, why) for why in problems)
        if not addresses:
            yield from [] if problems else [Bad(record.line, _("It has no address that this channel reaches."))]
            return
        for each in said:
            try:
                yield from self._of_statement(record.line, each, addresses)
            except Invalid as problem:
                yield Bad(record.line, problem.sentence)

    def _of_statement(self, line: int, said: Said | Odd, addresses: list[Address]) -> Iterator[Line]:
        if isinstance(said, Odd):
            raise Invalid(_("%s is no answer that we know from there; say in the map what it means.") % said.value[:60])
        if said.theirs is not None and self._map.ignores(said.theirs):
            return
        if said.stop and said.stop != REFUSED_FOR_GOOD:
            yield from self._stop(line, said, addresses)
            return
        cells = [cell for cell in self._map.of(said.theirs) if not said.point or cell.channel in said.point]
        if not cells:
            raise Invalid(_("The map does not say what %s is here.") % (said.theirs or "?")[:60])
        if said.stop:
            for purpose in dict.fromkeys(cell.purpose for cell in cells):
                yield Line(line, *addresses[0], self._word(said, CellOf("", purpose, "*", "", "")), said.stop)
            return
        if said.everything:
            cells = self._everything(cells)
        reached = [(each, cell) for cell in cells for each in addresses if each.kind in CHANNELS[cell.channel]]
        if not reached:
            raise Invalid(_("It has no address that this channel reaches."))
        words = {cell: self._word(said, cell) for _each, cell in reached}
        yield from (Line(line, *each, words[cell], only_ends=said.answer == NEITHER) for each, cell in reached)

    def _stop(self, line: int, said: Said, addresses: list[Address]) -> Iterator[Line]:
        mails = [each for each in addresses if each.kind == "email"]
        if not mails:
            raise Invalid(_("It has no address that this channel reaches."))
        yield from (Line(line, *each, self._word(said, CellOf("", "", "email", "", "")), said.stop) for each in mails)

    def _everything(self, cells: list[CellOf]) -> list[CellOf]:
        """No mail at all: every purpose of the map by e-mail, and all other advertising by e-mail."""
        mapped = [cell for cell in cells if cell.channel == "email"]
        others = [
            CellOf("", each.key, "email", "", "")
            for each in self._known.values()
            if each.kind in MARKETING and each.default != "fixed" and "email" in each.channels
        ]
        mails = [CellOf("", cell.purpose, "email", "", "") for cell in mapped]
        return list(dict.fromkeys([*mails, *others]))

    def _word(self, said: Said, cell: CellOf) -> Word:
        opens, now = said.answer == YES, clock.now()
        # What was said before the export was said on its day at the latest.
        dated = said.at or ("" if opens else self._exported)
        at = self._moment(dated, said.answer) if dated else None
        if opens and at is not None and at > now:
            raise Invalid(_("It says that the answer was given in the future."))
        edition = self._edition(said, cell) if opens else ""
        return Word(
            *("", cell.purpose, cell.channel, cell.topic, said.answer, (at or self._as_of) if opens else at),
            *(self._source(said.source), "import", self._actor, edition),
            self._map.language or (said.language if said.language in settings.get().language_list else ""),
            self._moment(said.until, "no") if said.until and opens else None,
            dict(said.evidence) or None,
        )

    def _edition(self, said: Said, cell: CellOf) -> str:
        if "{version}" not in cell.edition:
            return cell.edition
        name = cell.edition.replace("{version}", said.version)
        if not legacy.is_name(name.partition("@")[0]):
            raise Invalid(_("It does not say which version of the text was shown."))
        return name

    def _source(self, theirs: str) -> str:
        found = self._sources.get(key_of(theirs), theirs)
        return found if exists(found) and (self._allowed is None or found in self._allowed) else UNNAMED

    def _addresses(self, values: Values) -> tuple[list[Address], list[str]]:
        found, problems = list[Address](), list[str]()
        for kind in subjects.KINDS:
            if given := values.of(kind):
                try:
                    found.append(Address(kind, subjects.canonical(kind, given), given))
                except Invalid as problem:
                    problems.append(problem.sentence)
        return found, problems

    def _values(self, row: list[str]) -> Values:
        named = {name: row[place].strip() for name, place in self._places.items()}
        types = {self._file.columns[place]: row[place].strip() for place in self._types}
        return Values(named, types, self._status, self._means, self._is_future)

    def _means(self, value: str) -> str:
        return self._preset.answers.get(key_of(value)) or self._answers.get(key_of(value), "")

    @cached_property
    def _sources(self) -> dict[str, str]:
        return {key_of(theirs): ours for theirs, ours in self._map.sources.items()}

    @cached_property
    def _answers(self) -> dict[str, str]:
        return {key_of(theirs): ours for theirs, ours in self._map.answers.items()}

    def _is_future(self, text: str) -> bool:
        return bool(text) and self._moment(text, YES) > clock.now()

    def _moment(self, text: str, answer: str) -> datetime:
        if self._map.dates and (found := _SLASHES.fullmatch(text)):
            first, second, year, rest = found.groups()
            month, day = (first, second) if self._map.dates.startswith("MM") else (second, first)
            text = f"{year}-{int(month):02}-{int(day):02}{rest}"
        return moment_of(text, answer, self._zone).astimezone(UTC)
