"""The one shape of every connector: find, plan_erasure, erase, recheck, correct, set_consent, check.

For `cases` (copies, corrections, deletions: GDPR Art. 15–17) and `consent` (propagation). A plan is the stored
artefact that executes: it travels as JSON, names rows by key, and holds the identifiers, so whoever keeps it seals it.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from portal.lib import errors

Identifiers: TypeAlias = Mapping[str, list[str]]  # {"email": ["ana@example.com"], "phone": […]}, canonical values
Key: TypeAlias = dict[str, Any]  # a row's primary key, JSON values
Value: TypeAlias = str | int | float | bool | None
# rows that a law keeps point at this one, so it is emptied instead of deleted
POINTED_AT = "pointed-at"
SINGLED_OUT = "singled-out"

Action: TypeAlias = Literal["delete", "anonymise", "null", "keep"]


class ConnectorError(errors.Unavailable):
    """The system did not do it; nothing was changed there. `permanent`: trying again will not help, an officer must look."""

    def __init__(self, sentence: str, permanent: bool) -> None:
        super().__init__(sentence)
        self.permanent = permanent


class Uncertain(ConnectorError):
    """An erasure was asked for and nobody knows whether it happened: `recheck` answers, before anything is repeated."""


class Waiting(Uncertain):
    """A person was asked and has not answered yet. Nothing failed; whether they have begun nobody knows."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, permanent=False)


class Departed(ConnectorError):
    """The system says that it is gone for good (HTTP 410): it is left alone until an officer says otherwise."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, permanent=True)


@dataclass(frozen=True)
class Occasion:
    """The request that a system is asked for. A person is asked once in each of its rounds, and told until when.

    `task` is what the answer is waited for with; `fields` are the generic fields that shall be corrected. `restored`: it was done
    before, and is asked for again because a backup of that day (ISO) was restored there.
    """

    case: str
    round: int
    task: str
    subject: str | None
    due_on: str
    fields: tuple[str, ...] = ()
    restored: str = ""


@dataclass(frozen=True)
class Cell:
    """One square of the preference centre: a purpose on a channel, perhaps narrowed to a topic."""

    purpose: str
    channel: str
    topic: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One value about the person; `identifying`: this column proves whose row it is.

    `means`: the generic field (name, street …) that stands here, where the system says so; `correctable`: `correct` can
    write it.
    """

    column: str
    label: str
    value: Value
    category: str
    identifying: bool
    means: str = ""
    correctable: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One row about the person: where it stands (table and key) and what it says, in plain words."""

    table: str
    key: Key
    category: str
    label: str
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class RowName:
    """One row of a system: table and key, as a finding named them.

    `held`: for `correct`, what its field said (`as_text`) when the correction was decided; None: whatever it says.
    """

    table: str
    key: Key
    held: str | None = None


@dataclass(frozen=True)
class PlanRow:
    """What happens to one row: `set` holds the columns that are overwritten, `until` is an ISO date or None for open.

    `why` is a code, not a sentence: a stored plan has no language. POINTED_AT: made anonymous, because a row that stays points
    at it. SINGLED_OUT: what the map lets stay would name the person, so the row goes, or loses that as well.
    """

    table: str
    label: str
    key: Key
    action: Action
    set: dict[str, Value]
    law: str = ""
    until: str | None = None
    why: str = ""


@dataclass(frozen=True)
class Count:
    """How many rows of a table one action concerns."""

    table: str
    label: str
    action: str
    rows: int


@dataclass(frozen=True)
class Plan:
    """A dry run of an erasure, in the order in which rows go."""

    system: str
    identifiers: dict[str, list[str]]
    rows: tuple[PlanRow, ...]

    @property
    def counts(self) -> tuple[Count, ...]:
        return counted(self.rows)

    @property
    def hash(self) -> str:
        """SHA-256 of the plan's JSON: what an approval signs."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        stored = json.loads(text)
        return cls(stored["system"], stored["identifiers"], tuple(PlanRow(**row) for row in stored["rows"]))


@dataclass(frozen=True)
class Change:
    """One corrected value, as it was and as it was re-read afterwards: what was asked for, as the column's type keeps it."""

    table: str
    key: Key
    column: str
    field: str
    old: Value
    new: Value


@dataclass(frozen=True)
class Outcome:
    """What was done. `done` is False when something asked for has no place here (`missing`) or is still under way."""

    done: bool
    counts: tuple[Count, ...] = ()
    changed: tuple[Change, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Leftover:
    """A row still there after an erasure. `expected`: the plan said so, and `law` and `until` say why."""

    table: str
    label: str
    key: Key
    expected: bool
    law: str = ""
    until: str | None = None


@dataclass(frozen=True)
class Problem:
    """Something an owner must repair; `place` is the file and line of the map, or the system."""

    place: str
    sentence: str


@dataclass(frozen=True)
class Unpurposed:
    """A column that the map gives no purpose to, and in how many of the table's rows it is filled."""

    table: str
    column: str
    filled: int
    rows: int


@dataclass(frozen=True)
class Health:
    ok: bool
    problems: tuple[Problem, ...] = ()
    unpurposed: tuple[Unpurposed, ...] = ()


class Connector(Protocol):
    """What every kind of outside system can do. All verbs raise ConnectorError and leave nothing half done."""

    async def find(self, identifiers: Identifiers) -> list[Finding]:
        """Every row about the person who has these identifiers."""

    async def plan_erasure(self, identifiers: Identifiers) -> Plan:
        """The dry run: what an erasure would do, row by row; changes nothing."""

    async def erase(self, plan: Plan) -> Outcome:
        """Do exactly what the plan says, or raise and change nothing. After a crash ask `recheck`, never repeat blindly.

        Whoever cannot tell whether it happened raises Uncertain: that is a crash too.
        """

    async def recheck(self, identifiers: Identifiers, plan: Plan) -> list[Leftover]:
        """Ask again on a new connection, by every identifier and every planned key: what is left."""

    async def correct(
        self,
        identifiers: Identifiers,
        changes: Mapping[str, str | None],
        rows: Mapping[str, Sequence[RowName]] | None = None,
    ) -> Outcome:
        """Write new values by generic field name (email, phone, name …) and re-read them. Repeating it does no harm.

        With `rows` each field is written there and nowhere else; a row that is no longer the person's, or whose field says
        neither what it `held` nor the new value, stops everything.
        """

    async def set_consent(self, identifiers: Identifiers, cell: Cell, allowed: bool, index: int, *, enter: bool = True) -> None:
        """Say yes or no for one cell. Idempotent; an index lower than one already seen changes nothing.

        `enter`: also where the system does not hold the address. Not so where nobody ever said anything about it: what it
        has no need of it is not given, and a correction to that address would find the place taken (GDPR Art. 5(1)(c)).
        """

    def takes(self, cell: Cell) -> bool:
        """Whether this system wants to hear about the cell; `set_consent` of another cell does nothing."""

    async def check(self) -> Health:
        """Whether the system answers and its map fits; never raises for a system that is down."""


@runtime_checkable
class AsksPeople(Protocol):
    """A connector that has to know which request it asks for."""

    def for_request(self, occasion: Occasion) -> Connector:
        """The connector that asks for this request."""


@runtime_checkable
class KeepsConnections(Protocol):
    """A connector that holds connections open between its verbs; whoever is done with many of them says so."""

    async def close(self) -> None:
        """Let go of them; the connector can be used again all the same."""


def as_text(value: Value) -> str:
    """A field's value as a correction compares it: nothing and blanks are the same."""
    return "" if value is None else str(value).strip()


def counted(rows: tuple[PlanRow, ...]) -> tuple[Count, ...]:
    """Rows per table and action, in order of first appearance."""
    numbers = Counter((row.table, row.label, row.action) for row in rows)
    return tuple(Count(table, label, action, number) for (table, label, action), number in numbers.items())
