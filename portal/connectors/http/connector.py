"""The contract's verbs as signed questions over HTTPS: one POST each, the verb in the signed body, JSON back.

For a service without a database connection; its engineer writes seven answers (docs/integrate.md). An answer is read
strictly and bounded in pages, rows and bytes. `erase` and `correct` go under the same `webhook-id` for every try of a day.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from portal.connectors.contract import (
    Cell,
    ConnectorError,
    Finding,
    Health,
    Identifiers,
    Leftover,
    Outcome,
    Plan,
    PlanRow,
    Problem,
    RowName,
    Uncertain,
)
from portal.connectors.http import answers, waiting
from portal.connectors.http.reading import items, label, members, parsed, wrong
from portal.connectors.signed import NotAnswered, Peer, hears_every_no, wants
from portal.connectors.systems import System
from portal.lib import clock, ids
from portal.paper import _

Row = TypeVar("Row", Finding, PlanRow, Leftover)
SECONDS, SECONDS_TO_TELL, SECONDS_FOR_ALL_PAGES = 30.0, 7.0, 300.0
LARGEST_PAGE, LARGEST_ANSWER = 1_000_000, 64_000_000
MOST_PAGES, MOST_ROWS = 1_000, 100_000


def open_connector(system: System) -> "HttpConnector":
    """Reads the keys; nothing is sent yet."""
    return HttpConnector(Peer(system))


class HttpConnector:
    """One service."""

    def __init__(self, peer: Peer) -> None:
        self.system = peer.system
        self.peer = peer
        self.tables: Collection[str] = peer.system.own["tables"]

    async def find(self, identifiers: Identifiers) -> list[Finding]:
        return await self._pages("find", {"identifiers": _plain(identifiers)}, "findings", answers.finding)

    async def plan_erasure(self, identifiers: Identifiers) -> Plan:
        asked = _plain(identifiers)
        return Plan(self.system.name, asked, tuple(await self._pages("plan", {"identifiers": asked}, "rows", answers.plan_row)))

    async def erase(self, plan: Plan) -> Outcome:
        """An answer that is lost, or tells of something else than the plan, leaves open what happened there."""
        question = json.loads(plan.to_json())
        # With the day: whoever comes back and is erased again is no repetition.
        message_id = self.peer.message_id("erase", plan.hash, str(clock.now().date()))
        try:
            told = await self._ask("erase", question, message_id)
        except NotAnswered as problem:
            raise Uncertain(problem.sentence, problem.permanent) from problem
        try:
            answers.require_done(parsed(told), plan)
        except ConnectorError as problem:
            raise Uncertain(problem.sentence, problem.permanent) from problem
        return Outcome(done=True, counts=plan.counts)

    async def recheck(self, identifiers: Identifiers, plan: Plan) -> list[Leftover]:
        question = {"identifiers": _plain(identifiers), "plan": json.loads(plan.to_json())}
        return answers.as_planned(await self._pages("recheck", question, "left", answers.leftover), plan)

    async def correct(
        self,
        identifiers: Identifiers,
        changes: Mapping[str, str | None],
        rows: Mapping[str, Sequence[RowName]] | None = None,
    ) -> Outcome:
        chosen = None if rows is None else {field: [asdict(each) for each in of_field] for field, of_field in rows.items()}
        question = {"identifiers": _plain(identifiers), "changes": dict(changes), "rows": chosen}
        digest = hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()
        message_id = self.peer.message_id("correct", digest, str(clock.now().date()))
        outcome = answers.corrected(parsed(await self._ask("correct", question, message_id)), changes, rows)
        answers.require_listed((each.table for each in outcome.changed), self.tables)
        return outcome

    async def set_consent(self, identifiers: Identifiers, cell: Cell, allowed: bool, index: int, *, enter: bool = True) -> None:
        """Told once for all addresses; the service keeps the highest index it has seen."""
        if not self.takes(cell) and (allowed or not hears_every_no(self.system)):
            return
        question = {"identifiers": _plain(identifiers), "cell": asdict(cell), "allowed": allowed, "index": index}
        told = await self._ask("consent", question, _any_id(), keep=True)
        answers.nothing_more(parsed(told))

    def takes(self, cell: Cell) -> bool:
        """Only what stands in its entry: a service that holds data need not hear of every choice."""
        return "purposes" in self.system.own and wants(self.system, cell)

    async def check(self) -> Health:
        """Whether it answers, and about the tables that the list of systems names."""
        try:
            there, problems = answers.tables_and_problems(parsed(await self._ask("check", {}, _any_id())))
            answers.require_listed(there, self.tables)
        except ConnectorError as problem:
            return Health(False, (Problem(self.system.title, problem.sentence),))
        gone = sorted(set(self.tables) - set(there))
        sentences = [_("It says: %s") % each for each in problems]
        sentences += [_("It does not know a table of the list of systems: %s.") % each for each in gone]
        return Health(not sentences, tuple(Problem(self.system.title, each) for each in sentences))

    async def close(self) -> None:
        """Let go of the connections that telling kept open."""
        await self.peer.close()

    async def _pages(self, verb: str, question: dict[str, Any], member: str, read: Callable[[Any, str], Row]) -> list[Row]:
        """All rows of an answer that comes in pages, each by its cursor; bounded, also in time, and no row twice."""
        try:
            async with asyncio.timeout(SECONDS_FOR_ALL_PAGES):
                rows, pages = await self._all_pages(verb, question, member, read)
        except TimeoutError as problem:
            raise ConnectorError(_("It takes too long to answer in full."), permanent=False) from problem
        finally:
            await self.peer.close()
        answers.require_listed((each.table for each in rows), self.tables)
        # Rows that moved from one page to the next while we read will stand still another time.
        answers.refuse_twice((answers.row_id(each.table, each.key) for each in rows), permanent=pages == 1)
        return rows

    async def _all_pages(
        self, verb: str, question: dict[str, Any], member: str, read: Callable[[Any, str], Row]
    ) -> tuple[list[Row], int]:
        rows: list[Row] = []
        cursor, seen, size = None, set[str](), 0
        while True:
            told = await self._ask(verb, {**question, "cursor": cursor}, _any_id(), keep=True)
            page = members(parsed(told), "answer", (member,), ("next",))
            rows += items(page[member], member, read)
            size += len(told)
            cursor = None if page.get("next") is None else label(page["next"], "next")
            if cursor in seen:
                wrong("next", _("this page was answered before."))
            if len(rows) > MOST_ROWS or len(seen) == MOST_PAGES or size > LARGEST_ANSWER:
                raise ConnectorError(_("Its answer has more pages, rows or bytes than we take."), permanent=True)
            if cursor is None:
                return rows, len(seen) + 1
            seen.add(cursor)

    async def _ask(self, verb: str, question: dict[str, Any], message_id: str, *, keep: bool = False) -> bytes:
        """What it answered with 200; all else raises. Whoever asked us to wait is not called before."""
        waiting.require_over(self.peer.url)
        seconds = SECONDS_TO_TELL if verb in ("consent", "check") else SECONDS
        answer = await self.peer.post(f"portal.{verb}", question, message_id, seconds=seconds, largest=LARGEST_PAGE, keep=keep)
        waiting.require_taken(self.peer.url, answer)
        return answer.content


def _plain(identifiers: Identifiers) -> dict[str, list[str]]:
    return {kind: list(values) for kind, values in identifiers.items()}


def _any_id() -> str:
    return f"msg_{ids.secret()}"
