"""The receipts that go with a package: files by which the person can show, without us, what happened (GDPR Art. 5(2), 7(1)).

For the steps of the request that its person is told of, and for the choices that the package gives. They are taken when it is
made and are no part of the frozen snapshot: a receipt leads to the newest signature of the log, and the approval, which comes
after the freezing, is the step most worth proving. What is not signed yet is counted and left out: the copy does not wait.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from portal import audit, consent, subjects
from portal.cases import models, own_data, plain_words
from portal.cases.snapshot import Snapshot
from portal.cases.timeline import TOLD, timeline
from portal.lib.errors import NotFound, Unavailable
from portal.paper import in_language

MOST = 200  # choices, the newest; the others' proofs are in the portal
FOLDER = "receipts"


@dataclass(frozen=True)
class Receipt:
    """One file; `what` it proves, in plain words, and when that was."""

    name: str
    at: str
    what: str
    content: bytes


@dataclass(frozen=True)
class Receipts:
    """`key`: of the log, by which they are checked; `later`: how many are not signed yet; `more`: choices without a file."""

    steps: tuple[Receipt, ...] = ()
    choices: tuple[Receipt, ...] = ()
    key: str = ""
    later: int = 0
    more: int = 0

    @property
    def files(self) -> tuple[Receipt, ...]:
        return (*self.steps, *self.choices)


async def collect(row: models.CaseRow, snapshot: Snapshot) -> Receipts:
    """Those that can be had now. Raises LogBroken where the log is not in order."""
    with in_language(snapshot.language):
        happened = [step for step in reversed(await timeline(row.id)) if step.event in TOLD]
        named = [(step.entry, step.event, step.at, plain_words.happened(step.what)) for step in happened]
        steps, later = await _proven("step", named)
        given = _given(snapshot)
        chosen = await _choices(row, given)
        choices, unsigned = await _proven("choice", chosen)
    key = str(await audit.log_key())
    return Receipts(steps, choices, key if steps or choices else "", later + unsigned, len(given) - len(chosen))


def _given(snapshot: Snapshot) -> set[str]:
    """Ids of the choices that stand in the package with nothing taken out of them."""
    rows = [
        row
        for system, _category, table in snapshot.tables()
        if system.name == own_data.NAME and table.name == "decision"
        for row in table.rows
        if not row.redacted and not any(each.redacted for each in row.fields)
    ]
    return {each.key.removeprefix("id=").partition(", ")[0] for each in rows}


async def _choices(row: models.CaseRow, given: set[str]) -> list[tuple[str, str, str, str]]:
    if row.subject is None or not given:
        return []
    found = []
    for each in await consent.history(row.subject, MOST):
        entry = await audit.entry(each.entry) if each.id in given and each.entry else None
        if entry is not None and await subjects.evidence.closed_entry(entry) is None:
            said = await audit.open_payload(entry) or {}
            found.append((entry.id, entry.event, each.at.isoformat(), await consent.proof_words.heading(entry, said)))
    return found


async def _proven(kind: str, wanted: Iterable[tuple[str, str, str, str]]) -> tuple[tuple[Receipt, ...], int]:
    found, later = list[Receipt](), 0
    for entry, event, at, what in wanted:
        try:
            content = await audit.prove(entry, patience=0)
        except Unavailable:
            later += 1
        except NotFound:
            continue  # what it said was erased
        else:
            name = f"{FOLDER}/{kind}-{len(found) + 1:03}-{event.replace('.', '-').replace('_', '-')}.txt"
            found.append(Receipt(name, at, what, content.encode()))
    return tuple(found), later
