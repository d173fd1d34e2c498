"""The closed vocabulary of audit events: each room declares its own in its `events.py`, nothing else can be recorded."""

import re
from dataclasses import dataclass

_declared: dict[str, "Event"] = {}


@dataclass(frozen=True)
class Event:
    """One kind of entry: `consent.granted`, and what it means in a sentence for a person. Making one declares it."""

    name: str
    sentence: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*", self.name):
            raise ValueError(f"{self.name!r} is no name for an event; write it like consent.granted.")
        if self.name in _declared:
            raise ValueError(f"The event {self.name} is declared twice.")
        _declared[self.name] = self


def vocabulary() -> dict[str, Event]:
    """All events declared so far, by name."""
    return dict(_declared)
