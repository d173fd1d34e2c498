"""One walk through a window of the log: what an auditor's pack counts, what it names one by one, and what is drawn.

Whoever knows the seed and has the log can draw again: of the places of one kind those come first whose
SHA-256("<seed>:<place>") is smallest. Contents that were erased cannot be shown; the places that they kept out are named, but
an auditor cannot see that they were erased.
"""

import heapq
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from portal import audit
from portal.audit import Entry

WANTED = 25
AT_ONCE = 2000
MOST_ERASED = 10_000  # places
NAMED = 500  # entries of one kind that are named one by one
OPENED = "case.opened"
ANSWERS = frozenset(f"consent.{each}" for each in ("granted", "refused", "unset", "informed", "pending", "confirmed", "undone"))
ROLES = frozenset(f"officer.{each}" for each in ("invited", "joined", "role_granted", "role_removed", "left"))
CARE = frozenset(
    {
        *("custody.restored", "custody.drilled", "custody.auditor_pack_made", "vault.rotated"),
        *("log.continued", "log.clock_stepped_back"),
    }
)


@dataclass
class Named:
    """The first entries of some kinds, and how many there were in all."""

    events: frozenset[str]
    entries: list[Entry] = field(default_factory=list)
    count: int = 0

    def take(self, entry: Entry) -> None:
        if entry.event in self.events:
            self.count += 1
            if len(self.entries) < NAMED:
                self.entries.append(entry)


class Draw:
    """The entries that come first by rank; no others are held."""

    def __init__(self, seed: str, events: frozenset[str]) -> None:
        self._seed, self._events = seed, events
        self._shown: list[tuple[int, int, Entry]] = []
        self._erased: list[tuple[int, int]] = []
        self.count = 0

    def take(self, entry: Entry) -> None:
        if entry.event not in self._events or entry.log_index is None:
            return
        self.count += 1
        place = (-rank(self._seed, entry.log_index), entry.log_index)
        if entry.sealed is None:
            _hold(self._erased, place, MOST_ERASED)
        else:
            _hold(self._shown, (*place, entry), WANTED)

    def drawn(self) -> list[Entry]:
        """In the order of the draw."""
        return [entry for _rank, _place, entry in sorted(self._shown, reverse=True)]

    def passed_over(self) -> list[int]:
        """The places that would have been drawn before the last one, had their contents not been erased."""
        last = min((ranked for ranked, _place, _entry in self._shown), default=0) if len(self._shown) == WANTED else None
        return [place for ranked, place in sorted(self._erased, reverse=True) if last is None or ranked > last]


@dataclass
class Seen:
    """What the walk saw."""

    counts: Counter[str]
    requests: Draw
    answers: Draw
    roles: Named
    care: Named


async def walk(window: audit.windows.Window, seed: str) -> Seen:
    """Through the places of the window, a page at a time."""
    seen = Seen(Counter(), Draw(seed, frozenset({OPENED})), Draw(seed, ANSWERS), Named(ROLES), Named(CARE))
    place = window.low - 1
    while place < window.high - 1:
        page = await audit.entries_after(place, min(AT_ONCE, window.high - 1 - place))
        for entry in page:
            assert entry.log_index is not None
            place = entry.log_index
            seen.counts[entry.event] += 1
            for each in (seen.requests, seen.answers, seen.roles, seen.care):
                each.take(entry)
        if not page:
            raise audit.LogBroken(f"Entry {place + 1} is missing from the log. Run `portal audit verify`.")
    return seen


def rank(seed: str, place: int) -> int:
    return int.from_bytes(sha256(f"{seed}:{place}".encode()).digest())


def _hold(held: list[Any], one: tuple[Any, ...], most: int) -> None:
    heapq.heappush(held, one)
    if len(held) > most:
        heapq.heappop(held)
