"""The seven rules: who wins when people, lists and machines have said different things about the same cell.

Pure: from words, stops, pauses, the purpose's edition in force and the time to an answer that says why. A rule over
the set of words, so it does not depend on the order in which they arrived. Serves GDPR Art. 7(3), 18, 21(2)-(3),
ePrivacy Art. 13(2).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from portal.consent.words import Cell, parents, rank
from portal.lib import clock

MARKETING = frozenset({"marketing", "ads", "analytics", "sale-sharing"})
FIXED_BASES = frozenset({"contract", "legal obligation"})
NEVER_CLOSED = frozenset({"legal obligation", "vital interest"})


class Spoken(NamedTuple):
    """The latest word of one grade and kind on one cell of one identifier."""

    identifier: str
    cell: Cell
    grade: str
    answer: str
    at: datetime
    expires_at: datetime | None
    decision: str
    source: str
    edition: str


class Stop(NamedTuple):
    """`scope`: a channel for `suppressed`, `marketing` or a purpose for `objected`, a purpose or '' (all) for `restricted`."""

    id: str
    holder: str
    kind: str
    scope: str
    since: datetime
    by: str
    why: str


class Pause(NamedTuple):
    """`purpose` and `channel` may be '*'."""

    id: str
    purpose: str
    channel: str
    until: datetime
    by: str


class Tuning(NamedTuple):
    """What policies/precedence.toml adds to the rules; as it stands here it changes nothing.

    `order`: collection points, the first counts most; `counts_for`: for how many days a yes from one counts.
    """

    order: tuple[str, ...] = ()
    within_days: int = 0
    counts_for: tuple[tuple[str, int], ...] = ()

    @property
    def changes_nothing(self) -> bool:
        return not self.counts_for and (len(self.order) < 2 or self.within_days == 0)


class Terms(NamedTuple):
    """What the rules need to know of a purpose's edition in force, and how they are tuned."""

    kind: str
    basis: str
    default: str
    lifetime_months: int | None
    edition: str
    tuning: Tuning = Tuning()


class Asked(NamedTuple):
    """The cell asked about. `unproven_siblings`: same person, same channel, neither they nor this one proven (rule 5)."""

    identifier: str
    cell: Cell
    erased: bool = False
    unproven_siblings: frozenset[str] = frozenset()


class Because(NamedTuple):
    """What decided, or what lost: `what` is decision, stop, pause, fixed, default or erased."""

    what: str
    id: str = ""
    answer: str = ""
    at: datetime | None = None
    source: str = ""
    edition: str = ""
    grade: str = ""
    kind: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """`tuned`: without `priority` or `recency` of policies/precedence.toml it would be a yes; the first overruled one."""

    allowed: bool
    rule: int
    because: Because
    overruled: tuple[Because, ...] = ()
    tuned: str = ""


def answer(
    asked: Asked, words: Iterable[Spoken], stops: Iterable[Stop], pauses: Iterable[Pause], terms: Terms, now: datetime
) -> Answer:
    """Whether the cell may be used now, by which rule, because of what, and what lost."""
    if asked.erased:
        return Answer(False, 1, Because("erased"))
    words = list(words)
    mine = _words_on(asked.identifier, asked.cell, words)
    yeses = _standing(mine, "yes", terms, now)
    closing = [stop for stop in stops if _closes(stop, asked, terms)]
    unlifted = [stop for stop in closing if not _is_lifted(stop, yeses)]
    by_words = _by_words(asked, words, mine, yeses, terms, now)
    if unlifted:
        winner = max(unlifted, key=lambda stop: (stop.kind == "restricted", stop.since, stop.id))
        lost = (by_words.because, *by_words.overruled) if by_words.allowed else by_words.overruled
        return Answer(False, 1, _because_stop(winner), lost)
    if by_words.allowed and terms.default != "fixed":
        paused = _running(asked.cell, pauses, terms, now)
        if paused is not None:
            return Answer(False, 3, _because_pause(paused), (by_words.because, *by_words.overruled))
    if closing:
        by_words = replace(by_words, overruled=(*by_words.overruled, *map(_because_stop, closing)))
    return by_words


def expiry(said_at: datetime, until: datetime | None, lifetime_months: int | None) -> datetime | None:
    """When a yes runs out: at its own end or after the purpose's lifetime, whichever comes first."""
    lived = None if lifetime_months is None else clock.months_later(said_at, lifetime_months)
    return min((moment for moment in (until, lived) if moment is not None), default=None)


def _by_words(asked: Asked, words: list[Spoken], mine: list[Spoken], yeses: list[Spoken], terms: Terms, now: datetime) -> Answer:
    if terms.default == "fixed":
        return Answer(True, 2, Because("fixed", edition=terms.edition))
    noes = [word for word in mine if word.answer == "no"]
    # A no on all channels or all topics is a no on each; a yes there says nothing.
    above = [word for cell in parents(asked.cell) for word in _words_on(asked.identifier, cell, words)]
    from_above = [word for word in above if word.answer == "no"]
    unbeaten = [no for no in (*noes, *from_above) if not _is_beaten(no, yeses, terms.tuning)]
    informed = _standing(mine, "informed", terms, now) if terms.basis == "existing customer" else []
    if unbeaten:
        winner = max(unbeaten, key=_strength)
        lost = _all_because(word for word in (*yeses, *informed, *unbeaten) if word is not winner)
        return Answer(False, 6 if winner in from_above else 4, _because(winner), lost)
    sibling = _standing_no_of_siblings(asked, words, terms, now)
    if sibling is not None:
        return Answer(False, 5, _because(sibling), _all_because((*yeses, *informed)))
    if yeses:
        winner = max(yeses, key=_strength)
        lost = _all_because(word for word in (*yeses, *noes, *from_above, *informed) if word is not winner)
        return Answer(True, 4, _because(winner), lost)
    if informed:
        return Answer(True, 2, _because(max(informed, key=_strength)))
    lapsed = _all_because(word for word in mine if word.answer in ("yes", "informed"))
    return Answer(terms.default == "on", 3, Because("default", answer=terms.default, edition=terms.edition), lapsed)


def _words_on(identifier: str, cell: Cell, words: list[Spoken]) -> list[Spoken]:
    return [word for word in words if word.identifier == identifier and word.cell == cell]


def _standing(on_cell: list[Spoken], kind: str, terms: Terms, now: datetime) -> list[Spoken]:
    """The words of that kind that have neither run out nor been taken back by an `unset` of the same or a higher grade."""
    unsets = [word for word in on_cell if word.answer == "unset"]
    return [
        word
        for word in on_cell
        if word.answer == kind
        and not _has_run_out(word, terms, now)
        and not any(unset.at >= word.at and rank(unset.grade) >= rank(word.grade) for unset in unsets)
    ]


def _has_run_out(word: Spoken, terms: Terms, now: datetime) -> bool:
    # Its own end was promised when it was given; a shorter lifetime in a later edition counts at once, a longer never.
    ends = expiry(word.at, word.expires_at, terms.lifetime_months)
    days = dict(terms.tuning.counts_for).get(word.source)
    return (ends is not None and ends <= now) or (days is not None and word.at + timedelta(days=days) <= now)


def _is_beaten(no: Spoken, yeses: list[Spoken], tuning: Tuning) -> bool:
    return any(yes.at > no.at and rank(yes.grade) >= rank(no.grade) and not _yields(yes, no, tuning) for yes in yeses)


def _yields(yes: Spoken, no: Spoken, tuning: Tuning) -> bool:
    """Whether a yes from a collection point further down the order comes too soon after as strong a no from further up."""
    if yes.grade != no.grade or yes.source not in tuning.order or no.source not in tuning.order:
        return False
    further_down = tuning.order.index(yes.source) > tuning.order.index(no.source)
    return further_down and yes.at - no.at <= timedelta(days=tuning.within_days)


def _standing_no_of_siblings(asked: Asked, words: list[Spoken], terms: Terms, now: datetime) -> Spoken | None:
    found: list[Spoken] = []
    for sibling in asked.unproven_siblings:
        theirs = _words_on(sibling, asked.cell, words)
        yeses = _standing(theirs, "yes", terms, now)
        above = [word for cell in parents(asked.cell) for word in _words_on(sibling, cell, words)]
        found += [word for word in (*theirs, *above) if word.answer == "no" and not _is_beaten(word, yeses, terms.tuning)]
    return max(found, key=_strength, default=None)


def _closes(stop: Stop, asked: Asked, terms: Terms) -> bool:
    if terms.kind == "service" and terms.basis in NEVER_CLOSED:
        return False
    if stop.kind == "restricted":
        return stop.scope in ("", asked.cell.purpose)
    if terms.kind == "service" and terms.basis in FIXED_BASES:
        return False
    if stop.kind == "suppressed":
        return stop.holder == asked.identifier and stop.scope in ("", asked.cell.channel)
    if stop.scope == asked.cell.purpose:
        return True
    return terms.kind in MARKETING and stop.scope == "marketing"


def _is_lifted(stop: Stop, yeses: list[Spoken]) -> bool:
    return any(yes.grade == "self-verified" and yes.at > stop.since for yes in yeses)


def _running(cell: Cell, pauses: Iterable[Pause], terms: Terms, now: datetime) -> Pause | None:
    if terms.kind == "service" and terms.basis in NEVER_CLOSED:
        return None
    mine = [
        pause
        for pause in pauses
        if pause.until > now
        and (pause.purpose == cell.purpose or (pause.purpose == "*" and terms.kind in MARKETING))
        and pause.channel in ("*", cell.channel)
    ]
    return max(mine, key=lambda pause: (pause.until, pause.id), default=None)


def _strength(word: Spoken) -> tuple[int, datetime, str]:
    return rank(word.grade), word.at, word.decision


def _all_because(words: Iterable[Spoken]) -> tuple[Because, ...]:
    return tuple(_because(word) for word in sorted(words, key=_strength, reverse=True))


def _because(word: Spoken) -> Because:
    return Because("decision", word.decision, word.answer, word.at, word.source, word.edition, word.grade, until=word.expires_at)


def _because_stop(stop: Stop) -> Because:
    return Because("stop", stop.id, "no", stop.since, stop.why, kind=stop.kind)


def _because_pause(pause: Pause) -> Because:
    return Because("pause", pause.id, "no", until=pause.until)
