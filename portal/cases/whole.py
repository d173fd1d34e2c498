"""One request whole, for an officer's page: the file with its systems, holds and papers, and what can be done next."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from portal import vault
from portal.cases import cooling, deadlines, models, moves, papers, states, verification
from portal.paper import language
from portal.settings import get
from portal.vault import Place

ANSWERED = (states.DELIVERING, states.CLOSED)


@dataclass(frozen=True)
class SystemState:
    """What one system was asked and how far it is; `sentence` says why it waits or stopped, `tries` how often we tried."""

    task: str
    system: str
    label: str
    step: str
    state: str
    sentence: str
    answered_at: datetime | None
    counts: Mapping[str, int]
    tries: int


@dataclass(frozen=True)
class HoldState:
    id: str
    kind: str
    why: str
    since: datetime


@dataclass(frozen=True)
class Case:
    """A request whole, for an officer's page. `can` holds the verbs that lead anywhere now, `closings` the outcomes that
    "close" can have. `held` says why a deletion may not begin; `deletes_after`: until when the person may change
    their mind. After `contact_until` address, details and notes are gone.
    """

    id: str
    right: str
    state: str
    outcome: str
    law: str
    law_edition: str
    country: str
    received_at: datetime
    due_on: date
    due_because: tuple[str, ...]
    extended_at: datetime | None
    requester: str
    language: str
    source: str
    subject: str | None
    address: str
    details: Mapping[str, Any]
    flags: tuple[str, ...]
    proposed: str
    officer: str | None
    closed_at: datetime | None
    systems: tuple[SystemState, ...]
    holds: tuple[HoldState, ...]
    proven: tuple[str, ...]
    left_out: tuple[str, ...]
    can: frozenset[str]
    closings: tuple[str, ...]
    held: str
    deletes_after: datetime | None
    days_left: int
    contact_until: datetime | None
    papers: Mapping[str, bool]  # of a closed case: each paper, and whether it is there already
    papers_given_up: frozenset[str]  # those of them that nobody is making any more

    @property
    def answered(self) -> bool:
        return self.state in ANSWERED

    @property
    def partial(self) -> tuple[str, ...]:
        """The systems that have not done what they were asked."""
        return tuple(each.label for each in self.systems if each.state != "answered")


async def case(case_id: str) -> Case:
    row = await moves.load(case_id)
    key = await vault.find_key("case", case_id)
    facts = await moves.facts(row)
    known = await verification.covered(row)
    proven = await models.CaseIdentifier.filter(case_id=case_id).values_list("identifier", flat=True)
    made = await _papers(row)
    given_up = await papers.given_up(row) if False in made.values() else {}
    return Case(
        id=row.id,
        right=row.right,
        state=row.state,
        outcome=row.outcome,
        law=row.law,
        law_edition=row.law_edition,
        country=row.country,
        received_at=row.received_at,
        due_on=date.fromisoformat(row.due_on),
        due_because=because_of(row),
        extended_at=row.extended_at,
        requester=row.requester,
        language=row.language,
        source=row.source,
        subject=row.subject,
        address=key.open(Place("case_file", "address", case_id), row.address) if key else "",
        details=await details_of(case_id),
        flags=tuple(row.flags),
        proposed=row.proposed,
        officer=row.officer,
        closed_at=row.closed_at,
        systems=await _systems(row),
        holds=await _holds(case_id, key),
        proven=tuple(str(each) for each in proven),
        left_out=tuple(known.left_out),
        can=frozenset(states.possible(facts)),
        closings=states.outcomes(facts),
        held=states.held(facts) if row.right in states.FOUR_EYES and row.is_open else "",
        deletes_after=await cooling.until(row),
        days_left=(date.fromisoformat(row.due_on) - deadlines.today(get().time_zone)).days,
        contact_until=row.contact_until,
        papers=made,
        papers_given_up=frozenset(kind for kind in given_up if made.get(kind) is False),
    )


async def details_of(case_id: str) -> dict[str, Any]:
    """What the person wrote into the form besides the right and the address."""
    row = await moves.load(case_id)
    key = await vault.find_key("case", case_id)
    if key is None:
        return {}
    details: dict[str, Any] = json.loads(key.open(Place("case_file", "details", case_id), row.details))
    return details


def because_of(row: models.CaseRow) -> tuple[str, ...]:
    said: dict[str, list[str]] = row.due_because
    return tuple(said.get(language()) or next(iter(said.values())))


async def _papers(row: models.CaseRow) -> dict[str, bool]:
    """A case that was opened again gets new papers when it closes again."""
    if row.closed_at is None:
        return {}
    made = {each.kind for each in await models.PackageRow.filter(case_id=row.id, made_at__gte=row.closed_at)}
    return {kind: kind in made for kind in ("proof", *(["certificate"] if moves.is_certified(row) else []))}


async def _systems(row: models.CaseRow) -> tuple[SystemState, ...]:
    tasks = await models.Task.filter(case_id=row.id, round=row.round).exclude(state="void").order_by("id")
    return tuple(
        SystemState(
            each.id,
            each.system,
            each.label,
            each.step,
            each.state,
            each.sentence,
            each.answered_at,
            each.counts,
            max(each.attempts, each.failures),
        )
        for each in tasks
    )


async def _holds(case_id: str, key: vault.Key | None) -> tuple[HoldState, ...]:
    """Those that stand; without the case's key nobody can read why."""
    return tuple(
        HoldState(each.id, each.kind, key.open(Place("case_hold", "why", each.id), each.why) if key else "", each.since)
        for each in await models.Hold.filter(case_id=case_id, lifted_at=None).order_by("since")
    )
