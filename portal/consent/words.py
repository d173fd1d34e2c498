"""What somebody said about one cell (purpose × channel × topic), and the closed lists it is made of.

The grade says how sure we are who spoke. It comes from the door (session, API key, collection point), never from the
body of a request.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

# From the weakest to the strongest.
GRADES = ("signal", "import", "staff", "agent", "self", "self-verified")

# What one can say. `undone` (taking back one no) is written by `undo` alone.
ANSWERS = ("yes", "no", "unset", "informed")

# A channel, and the kinds of identifier that can be reached by it.
CHANNELS: Mapping[str, frozenset[str]] = {
    "email": frozenset({"email"}),
    "sms": frozenset({"phone"}),
    "phone": frozenset({"phone"}),
    "post": frozenset({"post"}),
    "push": frozenset({"device", "account"}),
    "ads": frozenset({"email", "phone", "account", "device"}),
    "web": frozenset({"device", "account", "email"}),
}

# The closed list of collection points.
SOURCES = frozenset(
    [
        "preference-centre",
        "checkout",
        "order",
        "questionnaire",
        "subscription",
        "competition",
        "complaint",
        "loyalty-programme",
        "warranty-card",
        "review",
        "web-analytics",
        "call-centre",
        "letter",
        "import",
        "widget",
        "form",
        "gpc-signal",
        "agent",
        "unsubscribe-link",
    ]
)

# In place of a channel or a topic: all of them. Only a no can be said there.
ALL = "*"


class Cell(NamedTuple):
    purpose: str
    channel: str
    topic: str = ""


class Word(NamedTuple):
    """One answer of one person, as a door hands it in. `said_at` as claimed; None: undated, which counts as when we heard it.

    `heard_at`: by our own clock, None for now. A no of then still ends all that is on record when it is written.
    """

    identifier: str
    purpose: str
    channel: str
    topic: str
    answer: str
    said_at: datetime | None
    source: str
    grade: str
    actor: str
    edition: str
    language: str
    until: datetime | None = None
    evidence: Mapping[str, Any] | None = None
    heard_at: datetime | None = None

    @property
    def cell(self) -> Cell:
        return Cell(self.purpose, self.channel, self.topic)


def rank(grade: str) -> int:
    return GRADES.index(grade)


@lru_cache(maxsize=1000)
def parents(cell: Cell) -> frozenset[Cell]:
    """The cells above: all channels, all topics, or both. What is said without a topic stands above every topic."""
    above = {Cell(cell.purpose, channel, topic) for channel in (cell.channel, ALL) for topic in (cell.topic, "", ALL)}
    return frozenset(above - {cell})
