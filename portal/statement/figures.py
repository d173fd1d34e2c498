"""The figures that a commitment may be measured by; each is computed from the portal's own records when it is shown."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from portal import audit, cases, consent, documents, settings
from portal.lib import clock
from portal.lib.errors import NotFound
from portal.paper import _

LATEST = 12  # withdrawals looked at
DRILLED = "custody.drilled"  # recorded only when everything in the backup was found right
WAITS = (0.0, 1.0, 5.0, 60.0)
NEVER = 3600.0

Measure = Callable[[], Awaitable[tuple[float | None, int]]]
_measured: dict[tuple[str, str], tuple[datetime, tuple[float | None, int]]] = {}


@dataclass(frozen=True)
class Figure:
    """`measure` answers the value (None: nothing to measure, which `nothing` says in words) and over how many; few cases about
    people are not shown.

    One that costs many queries is measured again only after `keep`: anybody may open the page as often as they like.
    """

    unit: str
    about_people: bool
    measure: Measure
    keep: timedelta = timedelta(0)
    nothing: Callable[[], str] = lambda: _("Nothing to measure yet.")


async def last_drill() -> datetime | None:
    """When restoring from a backup was last rehearsed with success; None when it was not yet tried, or never worked."""
    newest = await audit.search(event=DRILLED, limit=1)
    return newest[0].recorded_at if newest else None


async def measure(name: str) -> tuple[float | None, int]:
    """The figure of that name, perhaps measured a little while ago."""
    figure, place, now = FIGURES[name], (settings.get().database, name), clock.now()
    if place in _measured and timedelta(0) <= now - _measured[place][0] < figure.keep:
        return _measured[place][1]
    found = await figure.measure()
    _measured[place] = (now, found)
    return found


async def _seconds_until_a_no_counts() -> tuple[float | None, int]:
    """Median, over the latest withdrawals, of the time from the record of a no to the first moment at which we answer no.

    Asked of the very answers that other systems get, as of then; a no that never took hold counts as an hour.
    """
    latest = await audit.search(event="consent.refused", limit=LATEST)
    found = [each for each in [await _seconds(entry) for entry in latest] if each is not None]
    return (float(median(found)), len(found)) if found else (None, 0)


async def _seconds(entry: audit.Entry) -> float | None:
    """None where there is nothing to ask: erased since, said for all channels at once, or an old no handed in late."""
    lines = await consent.history(entry.subject) if entry.subject else []
    word = next((line for line in lines if line.entry == entry.id), None)
    if word is None or word.identifier is None or consent.ALL in (word.channel, word.topic):
        return None
    if word.at - word.said_at > timedelta(minutes=1):
        return None
    try:
        for wait in WAITS:
            at = word.at + timedelta(seconds=wait)
            answer = await consent.permission(word.identifier, word.purpose, word.channel, word.topic, at=at)
            if not answer.allowed:
                return wait
    except (consent.Gone, NotFound):
        return None
    return NEVER


async def _open_requests_in_time() -> tuple[float | None, int]:
    """Share of the open requests that are not past their legal date, in percent."""
    counted = await cases.figures(asked_for=True)
    if not counted["open"]:
        return None, 0
    return 100 * (counted["open"] - counted["late"]) / counted["open"], counted["open"]


async def _texts_in_every_language() -> tuple[float | None, int]:
    """Share of all (text, language offered) pairs in force that a reader really gets in that language, in percent."""
    wanted = len(await documents.keys()) * len(settings.get().language_list)
    if not wanted:
        return None, 0
    missing = len(await documents.missing_translations())
    return 100 * (wanted - missing) / wanted, wanted


async def _days_since_statement() -> tuple[float | None, int]:
    """Whole days since the statement in force was published."""
    try:
        edition = await documents.in_force("statement", "")
    except NotFound:
        return None, 0
    return float((clock.now() - edition.published_at) // timedelta(days=1)), 1


async def _days_since_drill() -> tuple[float | None, int]:
    """Whole days since restoring was last rehearsed with success."""
    drilled = await last_drill()
    return (None, 0) if drilled is None else (float((clock.now() - drilled) // timedelta(days=1)), 1)


FIGURES: dict[str, Figure] = {
    "seconds_until_a_no_counts": Figure(
        "second", about_people=True, measure=_seconds_until_a_no_counts, keep=timedelta(minutes=5)
    ),
    "open_requests_in_time": Figure("percent", about_people=True, measure=_open_requests_in_time),
    "texts_in_every_language": Figure("percent", about_people=False, measure=_texts_in_every_language),
    "days_since_statement": Figure("day", about_people=False, measure=_days_since_statement),
    "days_since_drill": Figure("day", about_people=False, measure=_days_since_drill, nothing=lambda: _("Not yet tried.")),
}
