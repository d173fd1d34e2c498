"""A case's clock: which law's, what stood still, what an officer changed (GDPR Art. 3, 12(3); UK GDPR Art. 12A).

Of the laws that may apply the one whose date comes first is taken: nobody makes the period longer by naming a country.
A case keeps its date with the edition it rests on; only a hold, an extension or another law moves it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from portal import audit, db, documents, jobs
from portal.cases import deadlines, events, laws, models, month_grid, moves, verification
from portal.cases.whole import ANSWERED, because_of
from portal.lib import clock, ids
from portal.lib.errors import Conflict, Invalid
from portal.paper import _, date_text, in_language
from portal.settings import get
from portal.vault import Place

LONGEST_REASON = 1000
MANY = 4  # laws are counted, not named, in a sentence for a person


@dataclass(frozen=True)
class Beside:
    """Another period of the same law that runs from the same receipt."""

    title: str
    article: str
    day: date
    because: tuple[str, ...]


@dataclass(frozen=True)
class CaseClock:
    """A case's clock for an officer's page. `extendable`: when the longer period would end, if it can be had today."""

    law: str
    title: str
    edition: str
    article: str
    because: tuple[str, ...]
    beside: tuple[Beside, ...]
    marks: month_grid.Marks
    months: tuple[month_grid.Month, ...]
    standing: bool
    extendable: date | None
    extension_needs: str
    changeable: bool
    laws: tuple[tuple[str, str], ...]


def require_laws() -> None:
    """Raises LawError when a law's file is wrong, or when none is kept for whoever declares no country."""
    if not any(each.for_unknown for each in laws.laws().values()):
        raise _none_for_unknown()


def law_for(country: str, right: str, received: datetime) -> tuple[deadlines.Due, list[laws.Law]]:
    """When the answer is due, and the laws it was chosen from. Where no country is declared, those kept for that apply too."""
    known = [each for each in laws.laws().values() if each.since <= _day(received)]
    home = documents.company().country
    declared = [each for each in known if country and any(_within(one, country) for one in each.countries)]
    fitting = declared or [each for each in known if each.for_unknown]
    fitting += [each for each in known if home in each.countries and not each.residents_only and each not in fitting]
    if not fitting:
        raise _none_for_unknown()
    dues = [_due(law, law.answer_clock(right), received) for law in fitting]
    return min(dues, key=lambda each: each.safe), fitting


def calendar_of(law: laws.Law) -> str:
    """Where a law goes by the controller's own public holidays: the company's country, if the law is that country's."""
    if law.calendar != laws.OURS:
        return law.calendar
    home = documents.company().country
    return home if home in law.countries else "none"


def explained(due: deadlines.Due, fitting: Sequence[laws.Law]) -> dict[str, list[str]]:
    """Why this law and how the date came about, in every language offered; kept with the case, whatever changes later."""
    said = {}
    for language in get().language_list:
        with in_language(language):
            said[language] = [_why(due.law, fitting), *deadlines.explain(due)]
    return said


async def count(row: models.CaseRow, *, extended: bool | None = None) -> deadlines.Due:
    """By the law as it stands, only while its file is the edition the case rests on; with the days that stood still."""
    law = laws.law(row.law)
    if law.edition != row.law_edition:
        raise Conflict(_("The law's file has changed since this request came in. Check the dates by hand."))
    return await _count(row, law, law.clocks[row.clock], row.extended_at is not None if extended is None else extended)


async def recount(row: models.CaseRow) -> None:
    """Inside `writing()`, after a hold was set or lifted, and each day that one stands."""
    law = laws.laws().get(row.law)
    if law is None or law.edition != row.law_edition or not row.is_open:
        return  # the date stays as it was told
    if law.clocks[row.clock].pauses or law.clocks[row.clock].waits_for:
        await keep(row, await count(row))


async def begin_anew(row: models.CaseRow) -> None:
    """Inside `writing()`: an appeal was granted. The request has the law's whole time again, by the law as it stands today."""
    law = laws.law(row.law)
    period = law.clocks.get(row.clock) or law.answer_clock(row.right)
    row.counted_from = clock.now()
    changes = {"counted_from": row.counted_from, "extended_at": None, "law_edition": law.edition, "clock": period.key}
    day = date_text(_day(row.counted_from))
    await keep(
        row, await _count(row, law, period, False), lambda: _("Answered anew after a second look, on %s.") % day, **changes
    )


async def keep(row: models.CaseRow, due: deadlines.Due, why: Callable[[], str] | None = None, **changes: object) -> None:
    """Inside `writing()`: the case's new date and its explanation; `why` in place of the first sentence, which says whose law."""
    said: dict[str, list[str]] = {}
    for language in get().language_list:
        with in_language(language):
            counted = deadlines.explain(due)
            before = row.due_because.get(language, [])[:1]
            first = [why()] if why else before
            said[language] = counted if first == counted[:1] else [*first, *counted]
    changes |= {"due_on": due.safe.isoformat(), "due_because": said}
    for name, value in changes.items():
        setattr(row, name, value)
    await row.save(update_fields=list(changes))


async def change_law(case_id: str, law_key: str, why: str, *, officer: str) -> date:
    """Another law for an open case, with a reason that stays with it as a note; an approval given before loses its force."""
    if not why.strip() or len(why) > LONGEST_REASON:
        raise Invalid(_("Please say why, in at most 1,000 characters."), {"law-why": _("Please give the reason.")})
    known = laws.laws()
    if law_key not in known:
        raise Invalid(_("Please choose a law."), {"law": _("Please choose one of the list.")})
    async with db.writing():
        row = await moves.lock(case_id)
        if not row.is_open or row.law == law_key:
            raise Conflict(_("The request is closed, or goes by this law already."))
        await moves.void(row, actor=f"officer:{officer}")
        law, before = known[law_key], row.law
        period = law.answer_clock(row.right)
        if row.extended_at is not None and period.extension is None:
            raise Conflict(_("The period of this request was extended, and this law knows no extension."))
        due = await _count(row, law, period, row.extended_at is not None)
        changes = {"law": law.key, "law_edition": law.edition, "clock": period.key}
        await keep(row, due, lambda: _("We changed the law to %(law)s on %(day)s.") % _said(law), **changes)
        note, key = ids.new(), await verification.case_key(row)
        text = key.seal(Place("case_note", "text", note), f"{before} → {law.key}: {why.strip()}")
        await models.Note.create(id=note, case_id=case_id, at=clock.now(), by=f"officer:{officer}", text=text)
        await audit.record(
            events.LAW_CHANGED,
            actor=f"officer:{officer}",
            subject=row.subject,
            case=case_id,
            object=note,
            payload={"from": before, "to": law.key, "edition": law.edition, "due": row.due_on},
        )
    return due.safe


async def of(case_id: str) -> CaseClock:
    """What an officer's page shows of a case's clock."""
    row = await moves.load(case_id)
    known = laws.laws()
    law = known.get(row.law)
    current = law is not None and law.edition == row.law_edition
    due = await count(row) if current else None
    today = deadlines.today(get().time_zone)
    longer = None
    waits = row.state not in ANSWERED and row.extended_at is None
    if due is not None and waits and due.clock.extension and today <= due.safe:
        longer = (await count(row, extended=True)).safe
    holds = await _holds(row)
    still = [each for each in holds if due is not None and each.kind in due.clock.pauses + due.clock.waits_for]
    marks = _marks(row, due, still)
    return CaseClock(
        law=row.law,
        title=law.title if law else row.law,
        edition=row.law_edition,
        article=due.clock.article if due else "",
        because=because_of(row),
        beside=await _beside(row, due) if due else (),
        marks=marks,
        months=month_grid.months(marks, today),
        standing=bool(row.is_open) and any(each.lifted_at is None for each in still),
        extendable=longer,
        extension_needs=due.clock.extension_needs if due else "",
        changeable=bool(row.is_open),
        laws=tuple((each.key, each.title) for each in known.values()),
    )


@jobs.verb("cases.recount", every=timedelta(hours=1))
async def recount_held(job: jobs.Job) -> None:
    """While a clock stands still its date moves on by a day each day."""
    found = await db.rows(
        "SELECT DISTINCT c.id FROM case_hold h JOIN case_file c ON c.id = h.case_id"
        " WHERE h.lifted_at IS NULL AND c.is_open = 1 AND h.kind IN ('clarification', 'identity', 'fee')"
    )
    for each in found:
        async with db.writing():
            await recount(await moves.lock(each["id"]))


def _none_for_unknown() -> laws.LawError:
    return laws.LawError(f"No law in {get().policies / 'laws'} says for_unknown = true.")


def _why(law: laws.Law, fitting: Sequence[laws.Law]) -> str:
    if len(fitting) == 1:
        return _("%s is the law that applies.") % law.title
    if len(fitting) > MANY:
        return _("%(count)s laws may apply; %(law)s asks for the answer first.") % {"count": len(fitting), "law": law.title}
    titles = ", ".join(each.title for each in fitting)
    return _("%(laws)s may apply; %(law)s asks for the answer first.") % {"laws": titles, "law": law.title}


async def _count(row: models.CaseRow, law: laws.Law, period: laws.Clock, extended: bool) -> deadlines.Due:
    """What was asked for and answered on one day stopped nothing, and what is asked for when the period is over is too late."""
    anew = None if row.counted_from is None else _day(row.counted_from)
    holds = [_span(each) for each in await _holds(row) if anew is None or each.lifted_at is None or _day(each.lifted_at) > anew]
    holds = [(kind, max(since, anew or since), until) for kind, since, until in holds]
    pauses = [(since, until) for kind, since, until in holds if kind in period.pauses and since < until]
    last = _due(law, period, row.received_at, extended=extended, pauses=pauses, begun=anew).safe
    came = [until for kind, since, until in holds if kind in period.waits_for and since <= last]
    came += [anew] if anew else []
    return _due(law, period, row.received_at, extended=extended, pauses=pauses, begun=max(came, default=None))


def _due(
    law: laws.Law,
    period: laws.Clock,
    received: datetime,
    *,
    extended: bool = False,
    pauses: Sequence[deadlines.Pause] = (),
    begun: date | None = None,
) -> deadlines.Due:
    zone, calendar = get().time_zone, calendar_of(law)
    return deadlines.due(law, period, received, calendar=calendar, zone=zone, extended=extended, pauses=pauses, begun=begun)


async def _holds(row: models.CaseRow) -> list[models.Hold]:
    return await models.Hold.filter(case_id=row.id, kind__in=list(laws.HOLDS)).order_by("since")


def _span(hold: models.Hold) -> tuple[str, date, date]:
    """A hold's kind, first and last day; one that stands lasts until today."""
    return hold.kind, _day(hold.since), _day(hold.lifted_at or clock.now())


async def _beside(row: models.CaseRow, due: deadlines.Due) -> tuple[Beside, ...]:
    found = []
    for each in due.law.clocks.values():
        if each.always and each.key != row.clock:
            one = await _count(row, due.law, each, False)
            found.append(Beside(each.title, each.article, one.safe, tuple(deadlines.explain(one))))
    return tuple(found)


def _marks(row: models.CaseRow, due: deadlines.Due | None, still: Sequence[models.Hold]) -> month_grid.Marks:
    first = due.first if due is not None else None
    pauses = [(since, until) for _kind, since, until in map(_span, still)]
    extended = None if row.extended_at is None else _day(row.extended_at)
    return month_grid.Marks(
        _day(row.counted_from or row.received_at), date.fromisoformat(row.due_on), tuple(pauses), first, extended
    )


def _said(law: laws.Law) -> dict[str, str]:
    return {"law": law.title, "day": date_text(deadlines.today(get().time_zone))}


def _within(country: str, declared: str) -> bool:
    """Who names a federation only may live in any of its states."""
    return country == declared or country.startswith(declared + "-")


def _day(moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(get().time_zone)).date()
