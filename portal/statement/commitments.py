"""Commitments: promises in the statement's front matter, each with the aim it serves and a figure that the portal computes.

A promise that is being missed says so; a figure over too few cases is not shown (it could point at a person).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from portal import documents
from portal.paper import _, ngettext
from portal.statement.figures import FIGURES, measure

FEWEST = 5  # people or cases behind a figure that is shown
FIELDS = {"key", "aim", "figure", "at_most", "at_least", "text"}


@dataclass(frozen=True)
class Commitment:
    """One promise: `figure` must stay at most (or at least) `target`."""

    key: str
    aim: str
    figure: str
    upward: bool
    target: float
    text: str

    @property
    def target_text(self) -> str:
        amount = with_unit(self.target, FIGURES[self.figure].unit)
        return (_("at least %s") if self.upward else _("at most %s")) % amount


@dataclass(frozen=True)
class Measured:
    """A promise beside what was measured. `value` is None when there is nothing to measure or too little to show."""

    commitment: Commitment
    aim: str
    value: float | None
    count: int

    @property
    def kept(self) -> bool | None:
        if self.value is None:
            return None
        return self.value >= self.commitment.target if self.commitment.upward else self.value <= self.commitment.target

    @property
    def sentence(self) -> str:
        """What the public page says beside the promise."""
        if self.value is None:
            return FIGURES[self.commitment.figure].nothing() if self.count == 0 else _("Too few cases to show.")
        amount = with_unit(self.value, FIGURES[self.commitment.figure].unit)
        return (_("Kept: %s.") if self.kept else _("Missed: %s.")) % amount


def read(front: dict[str, Any]) -> list[Commitment]:
    """The commitments of a text whose front matter has passed the checks."""
    return [
        Commitment(
            key=each["key"],
            aim=each["aim"],
            figure=each["figure"],
            upward="at_least" in each,
            target=float(each.get("at_least", each.get("at_most"))),
            text=each["text"],
        )
        for each in front.get("commitments", [])
    ]


async def measured(promises: list[Commitment]) -> list[Measured]:
    aims = documents.company().aims
    found: list[Measured] = []
    for each in promises:
        figure = FIGURES[each.figure]
        value, count = await measure(each.figure)
        shown = value if not figure.about_people or count >= FEWEST else None
        found.append(Measured(each, aims.get(each.aim, each.aim), shown, count))
    return found


def with_unit(amount: float, unit: str) -> str:
    """`5 seconds`, in the language of the moment."""
    number = f"{amount:g}" if amount == round(amount) else f"{amount:.1f}"
    count = round(amount)
    texts: dict[str, Callable[[], str]] = {
        "second": lambda: ngettext("%(n)s second", "%(n)s seconds", count),
        "day": lambda: ngettext("%(n)s day", "%(n)s days", count),
        "percent": lambda: _("%(n)s %%"),
    }
    return texts[unit]() % {"n": number}
