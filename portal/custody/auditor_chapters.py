"""The chapters of an auditor's pack: entries of the log as people read them, each with its receipt in the archive.

A receipt goes in only when all that it names is on the list below: codes, dates, counts, hashes and masked addresses. What
holds words that somebody typed (why a stop was lifted, what a mail server answered) is shown by place and time alone.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from portal import audit, subjects
from portal.audit import Entry
from portal.custody.archive import Archive
from portal.custody.auditor_sample import Named
from portal.lib.errors import NotFound
from portal.paper import _

LONGEST_CHAIN = 1000
# Names that are codes in these events, and words that somebody typed in others.
_CODES = {
    "reason": frozenset({"case.extended", "case.redacted"}),
    "why": frozenset({"document.published", "consent.restricted", "consent.objected", "consent.stopped_for_erasure"}),
}
_FACTS = frozenset(
    {
        *("right", "law", "edition", "due", "source", "for", "how", "identifier", "step", "rows", "verb", "from", "to"),
        *("outcome", "answer", "snapshot", "alone", "kind", "by", "field", "accepted", "sha256", "purpose", "scope", "flags"),
        *("channel", "topic", "said_at", "grade", "text_sha256", "language", "address", "refers_to"),
        *("in_force_from", "material", "role", "roles", "ended", "moved", "keys"),
        *("file", "entries", "receipts", "again", "seconds", "clock", "kept", "checkpoint", "seed", "requests", "answers"),
    }
)
_UNSAID = frozenset(
    {"address", "identifier", "snapshot", "text_sha256", "refers_to", "file", "checkpoint"}
)  # in the receipt, not on the page


@dataclass(frozen=True)
class Step:
    """One entry: `place` in the log, who by kind alone, and the file of its receipt; "" when that is not given out.

    `closed`: the person's data was deleted, and what is kept as evidence is opened by two people alone.
    """

    place: int
    at: datetime | None
    event: str
    sentence: str
    who: str
    facts: str
    receipt: str
    closed: bool
    said: dict[str, Any]

    @property
    def given(self) -> str:
        """What the manifest says of a drawn place: the file of its receipt, or why there is none."""
        return self.receipt or ("closed" if self.closed else "words")


@dataclass(frozen=True)
class Request:
    """A request by what its entries say; `cut` when it has more of them than are shown."""

    number: int
    steps: list[Step]
    cut: bool

    def said(self, name: str) -> str:
        """The newest word about this fact, such as when it is due."""
        return next((str(each.said[name]) for each in reversed(self.steps) if name in each.said), "")

    @property
    def due(self) -> date | None:
        """By when the law wants it answered, an extension included."""
        return date.fromisoformat(self.said("due")) if self.said("due") else None

    def at(self, event: str) -> datetime | None:
        """When that happened last."""
        return next((each.at for each in reversed(self.steps) if each.event == event), None)


@dataclass(frozen=True)
class Answer:
    """A yes or a no, with the text that was shown."""

    number: int
    step: Step

    @property
    def edition(self) -> str:
        return str(self.step.said.get("edition", ""))


class Chapters:
    """Writes receipts into the archive as it goes; inside one view of the database, so that all are of one signed state."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    async def request(self, number: int, opened: Entry) -> Request:
        found = await audit.search(case=opened.case, limit=LONGEST_CHAIN)
        cut = len(found) == LONGEST_CHAIN
        if opened.id not in {each.id for each in found}:
            found.append(opened)
        chain = sorted((each.log_index, each.id, each) for each in found if each.log_index is not None)
        folder = f"requests/{number:02}"
        return Request(number, [await self.step(each, f"{folder}/{_named(each)}") for _place, _id, each in chain], cut)

    async def answer(self, number: int, entry: Entry) -> Answer:
        return Answer(number, await self.step(entry, f"answers/{number:02}-{_named(entry)}"))

    async def named(self, named: Named, folder: str) -> list[Step]:
        return [await self.step(each, f"{folder}/{_named(each)}") for each in named.entries]

    async def step(self, entry: Entry, file: str) -> Step:
        closed = await subjects.evidence.closed_entry(entry) is not None
        payload = None if closed else await audit.open_payload(entry)
        said, receipt = {}, ""
        if payload is not None and all(_may_be_shown(name, entry.event) for name in payload):
            said, receipt = payload, await self._receipt(entry, file)
        known = audit.vocabulary().get(entry.event)
        assert entry.log_index is not None
        return Step(
            place=entry.log_index,
            at=entry.recorded_at,
            event=entry.event,
            sentence=_(known.sentence) if known else entry.event,
            who=_who(entry.actor),
            facts=", ".join(f"{name}: {_written(value)}" for name, value in said.items() if name not in _UNSAID and value != ""),
            receipt=receipt,
            closed=closed,
            said=said,
        )

    async def _receipt(self, entry: Entry, file: str) -> str:
        try:
            return self._archive.add(file, (await audit.prove(entry.id, patience=0)).encode())
        except NotFound:
            return ""  # its contents were erased


def _may_be_shown(name: str, event: str) -> bool:
    return name in _FACTS or event in _CODES.get(name, ())


def _named(entry: Entry) -> str:
    """Sorted by name is sorted by place."""
    return f"{entry.log_index:08}-{entry.event.replace('.', '-').replace('_', '-')}.txt"


def _who(actor: str) -> str:
    """By kind alone, never which one."""
    kinds = {"customer": _("The person"), "officer": _("Somebody of the privacy team"), "key": _("Another program, with its key")}
    return kinds.get(actor.partition(":")[0]) or _("The portal itself")


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
