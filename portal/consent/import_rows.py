"""From a line of somebody else's list to a word: which column means what, and what they call yes and no.

A blank answer is no answer: nobody said anything, so nothing is recorded. An undated no counts as now. An undated yes
cannot be shown to be newer than anything: it counts as the oldest of all words, unless the operator vouches for the day
the list was true (`as_of`). A day without a time is read so that of a yes and a no of the same day the no is the later.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from portal import settings, subjects
from portal.consent.import_file import NDJSON, ListFile, Record, is_text, no_text, object_of
from portal.consent.words import ALL, CHANNELS, Word
from portal.lib import clock
from portal.lib.errors import Invalid
from portal.paper import _

COLUMNS = ("purpose", "channel", "topic", "answer", "said_at", "until", "source", "edition", "language")
EVIDENCE = ("sale", "account_named", "family", "opt_out")
ANSWERS: Mapping[str, str] = {
    **dict.fromkeys(("yes", "y", "true", "1", "t", "on", "in", "opt-in", "opted in", "granted", "subscribed", "da"), "yes"),
    **dict.fromkeys(("no", "n", "false", "0", "f", "off", "out", "opt-out", "opted out", "refused", "withdrawn"), "no"),
    **dict.fromkeys(("unsubscribed", "nu"), "no"),
    **{"unset": "unset", "informed": "informed", "": ""},
}
# The collection point of lines that name none.
UNNAMED = "import"
OLDEST = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,2}")


@dataclass(frozen=True)
class Options:
    """How a list is read: our column → theirs, values for columns it has not, their answers → ours. `sources`: the only
    collection points that its lines may name, None for any. `vendor`: the earlier system whose export it is, read by `map`."""

    columns: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    charset: str = ""
    separator: str = ""
    as_of: str = ""
    sources: tuple[str, ...] | None = None
    vendor: str = ""
    map: Mapping[str, Any] = field(default_factory=dict)

    def as_text(self) -> str:
        options = asdict(self)
        if self.sources is None:
            del options["sources"]
        if not self.vendor:
            del options["vendor"], options["map"]
        return json.dumps(options, sort_keys=True, ensure_ascii=False)

    @staticmethod
    def from_text(text: str) -> "Options":
        options = json.loads(text)
        sources = options.pop("sources", None)
        return Options(**options, sources=None if sources is None else tuple(sources))


class Line(NamedTuple):
    """One word about one address: its canonical value, the value as given, and the word, which names no identifier yet.

    `stop`: it is no word but a stop (see import_stops). `only_ends`: it is nothing but the end of an earlier import's yes.
    """

    line: int
    kind: str
    canonical: str
    given: str
    word: Word
    stop: str = ""
    only_ends: bool = False


class Bad(NamedTuple):
    line: int
    why: str


class Blank(NamedTuple):
    """No answer stands there."""

    line: int


class Rows:
    """Reads the records of one file by its options. Raises Invalid at once for columns that are not there."""

    def __init__(self, file: ListFile, options: Options, actor: str) -> None:
        self._file, self._actor = file, actor
        self._answers = {**ANSWERS, **{theirs.strip().casefold(): ours for theirs, ours in options.answers.items()}}
        self._zone = ZoneInfo(settings.get().time_zone)
        self._as_of = OLDEST if not options.as_of else self._moment(options.as_of, "yes")
        if self._as_of > clock.now():
            raise Invalid(_("It says that the answer was given in the future."))
        self._sources = options.sources
        self._defaults = dict(options.defaults)
        self._names = {
            name: options.columns.get(name, name).strip().casefold() for name in (*subjects.KINDS, *COLUMNS, *EVIDENCE)
        }
        self._check(options)
        places = {each.casefold(): number for number, each in reversed(list(enumerate(file.columns)))}
        self._places = {name: places[theirs] for name, theirs in self._names.items() if theirs in places}

    def words(self, record: Record, closing: bool) -> Iterator[Line | Bad | Blank]:
        """The words of a record that close (no, unset) or those that open; what cannot be read counts among the first."""
        if record.problem:
            yield from [Bad(record.line, record.problem)] if closing else ()
            return
        values = self._values(record)
        if values is None:
            yield from [Bad(record.line, _("It is no list of names and values."))] if closing else ()
            return
        answer = self._answers.get(self._value(values, "answer").casefold())
        if answer == "":
            yield from [Blank(record.line)] if closing else ()
        elif answer is None:
            yield from [Bad(record.line, _("Its answer is not known; say what it means with --answer."))] if closing else ()
        elif (answer in ("no", "unset")) == closing:
            yield from self._words(record.line, values, answer)

    def _words(self, line: int, values: Mapping[str, str], answer: str) -> Iterator[Line | Bad]:
        try:
            addresses = self._addresses(values)
            word = self._word(values, answer)
            read = [(kind, subjects.canonical(kind, given), given) for kind, given in addresses]
        except Invalid as problem:
            yield Bad(line, problem.sentence)
            return
        for kind, canonical, given in read:
            yield Line(line, kind, canonical, given, word)

    def _values(self, record: Record) -> Mapping[str, str] | None:
        if self._file.separator != NDJSON:
            return {name: record.values[place].strip() for name, place in self._places.items()}
        read = object_of(record.values[0])
        if read is None:
            return None
        return {name: read[theirs].strip() for name, theirs in self._names.items() if theirs in read}

    def _value(self, values: Mapping[str, str], name: str) -> str:
        return values.get(name) or self._defaults.get(name, "")

    def _addresses(self, values: Mapping[str, str]) -> list[tuple[str, str]]:
        """The addresses of the line that its channel reaches; for all channels all of them."""
        channel = self._value(values, "channel")
        kinds = subjects.KINDS if channel == ALL else CHANNELS.get(channel, frozenset(subjects.KINDS))
        found = [(kind, values[kind]) for kind in subjects.KINDS if kind in kinds and values.get(kind)]
        if not found:
            raise Invalid(_("It has no address that this channel reaches."))
        return found

    def _word(self, values: Mapping[str, str], answer: str) -> Word:
        now = clock.now()
        said, until = self._value(values, "said_at"), self._value(values, "until")
        said_at = self._moment(said, answer) if said else None
        if answer not in ("no", "unset"):
            if said_at is not None and said_at > now:
                raise Invalid(_("It says that the answer was given in the future."))
            said_at = said_at or self._as_of
        source, language = self._value(values, "source") or UNNAMED, self._value(values, "language")
        if self._sources is not None and source not in self._sources:
            raise Invalid(_("This key does not speak for the collection point %s.") % source)
        if language and not _LANGUAGE.fullmatch(language):
            raise Invalid(_("This has to be a language like en or ro."))
        evidence = {name.removesuffix("_named"): values[name] for name in EVIDENCE if values.get(name)}
        return Word(
            *("", self._value(values, "purpose"), self._value(values, "channel"), self._value(values, "topic"), answer),
            *(said_at, source, "import", self._actor, self._value(values, "edition")),
            language,
            self._moment(until, "no") if until and answer not in ("no", "unset") else None,
            evidence or None,
        )

    def _moment(self, text: str, answer: str) -> datetime:
        return moment_of(text, answer, self._zone)

    def _check(self, options: Options) -> None:
        known = {*subjects.KINDS, *COLUMNS, *EVIDENCE}
        if not all(
            is_text(f"{ours}{theirs}")
            for pairs in (options.columns, options.defaults, options.answers)
            for ours, theirs in pairs.items()
        ):
            raise Invalid(no_text())
        for name in (*options.columns, *options.defaults):
            if name not in known:
                raise Invalid(
                    _("There is no column %(name)s; there are: %(known)s.") % {"name": name, "known": ", ".join(sorted(known))}
                )
        if wrong := set(options.answers.values()) - {"yes", "no", "unset", "informed", ""}:
            raise Invalid(_("An answer is yes, no, unset or informed.") + f" ({', '.join(sorted(wrong))})")
        if self._file.separator == NDJSON:
            return
        there = [each.casefold() for each in self._file.columns]
        asked = {theirs.strip() for theirs in options.columns.values()}
        if missing := sorted(each for each in asked if each.casefold() not in there):
            raise Invalid(_("The file has no column %(missing)s. Its columns are: %(there)s.") % self._named(", ".join(missing)))
        twice = {self._names[name] for name in known if there.count(self._names[name]) > 1}
        if twice:
            raise Invalid(
                _("The file has the column %(missing)s twice. Its columns are: %(there)s.")
                % self._named(", ".join(sorted(twice)))
            )
        if not any(self._names[kind] in there for kind in subjects.KINDS):
            wanted = ", ".join(subjects.KINDS)
            raise Invalid(_("No column holds an address (%(missing)s). The file's columns are: %(there)s.") % self._named(wanted))
        for name in ("purpose", "channel", "answer"):
            if self._names[name] not in there and name not in options.defaults:
                raise Invalid(_("No column says the %(missing)s. The file's columns are: %(there)s.") % self._named(name))

    def _named(self, missing: str) -> dict[str, str]:
        return {"missing": missing, "there": ", ".join(self._file.columns)}


def moment_of(text: str, answer: str, zone: ZoneInfo) -> datetime:
    """A moment in UTC; a day alone is its end for what closes, its beginning for what opens."""
    try:
        return _in_utc(text, answer, zone)
    except OverflowError:
        raise Invalid(_unreadable_date()) from None


def _in_utc(text: str, answer: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = _dotted(text)
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    if answer in ("no", "unset") and moment.time() == time() and len(text) <= 10:
        moment += _DAY - timedelta(microseconds=1)
    return moment.replace(tzinfo=zone).astimezone(UTC)


def _dotted(text: str) -> datetime:
    """A day as people write it in most of Europe, 31.12.2024, perhaps with a time; with slashes nobody can tell."""
    for form in ("%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S"):
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    raise Invalid(_unreadable_date())


def _unreadable_date() -> str:
    return _("Its date cannot be read. Dates look like 2024-12-31 or 2024-12-31T18:30:00Z.")
