"""The contract's verbs for a system behind which a person sits: each is a question by mail, answered later on a page.

Until the answer is there every verb raises Waiting, however often it is tried; the mail goes out once. An answer that is not
what was asked for stops the work for an officer; asking anew (another round) is a new question.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from portal.connectors.contract import (
    Cell,
    ConnectorError,
    Finding,
    Health,
    Identifiers,
    Leftover,
    Occasion,
    Outcome,
    Plan,
    RowName,
    Waiting,
)
from portal.connectors.person import questions, results
from portal.connectors.person.colleague import Colleague
from portal.connectors.person.questions import Question
from portal.connectors.systems import System
from portal.paper import _, date_text


def open_connector(system: System) -> "PersonConnector":
    """Reads the entry; nobody is asked yet."""
    return PersonConnector(system, None)


class PersonConnector:
    """One person, or one mailbox that several read."""

    def __init__(self, system: System, occasion: Occasion | None) -> None:
        self.system, self.who, self.occasion = system, Colleague.of(system), occasion

    def for_request(self, occasion: Occasion) -> "PersonConnector":
        return PersonConnector(self.system, occasion)

    async def find(self, identifiers: Identifiers) -> list[Finding]:
        if not any(identifiers.values()):
            return []
        question = await self._answered("find", {**_about(identifiers), "fields": list(self._occasion.fields)})
        return await results.findings(question, self.who)

    async def plan_erasure(self, identifiers: Identifiers) -> Plan:
        asked = {kind: list(values) for kind, values in identifiers.items()}
        if not any(asked.values()):
            return Plan(self.system.name, asked, ())
        return Plan(self.system.name, asked, results.plan_rows(await self._answered("plan", _about(identifiers))))

    async def erase(self, plan: Plan) -> Outcome:
        """An answer counts once: whoever comes with the same plan again is told that it is done."""
        question = await self._answered("erase", _to_erase(plan))
        if question.taken_at is not None:
            raise ConnectorError(_("They have said already that this was deleted. Ask anew instead of repeating it."), True)
        results.require_deleted(question, plan)
        await questions.taken(question)
        return Outcome(done=True, counts=plan.counts)

    async def recheck(self, identifiers: Identifiers, plan: Plan) -> list[Leftover]:
        """What they answered after deleting says what is left; nobody is asked the same thing a third time."""
        question = await questions.already(self._occasion, self.system, "erase")
        if question is None:
            return [Leftover(each.table, each.label, each.key, False) for each in plan.rows]
        results.require_deleted(self._require_answered(question), plan)
        kept = [each for each in plan.rows if each.action == "keep"]
        return [Leftover(each.table, each.label, each.key, True, each.law, each.until) for each in kept]

    async def correct(
        self,
        identifiers: Identifiers,
        changes: Mapping[str, str | None],
        rows: Mapping[str, Sequence[RowName]] | None = None,
    ) -> Outcome:
        """Without `rows` they are asked what it said before, for each field that they have."""
        entries = results.entries(self.system, changes, rows)
        question = await self._answered("correct", {**_about(identifiers), "entries": entries})
        return results.corrected(question, chosen=rows is not None)

    async def set_consent(self, identifiers: Identifiers, cell: Cell, allowed: bool, index: int, *, enter: bool = True) -> None:
        """Nobody is written to for every choice."""

    def takes(self, cell: Cell) -> bool:
        return False

    async def check(self) -> Health:
        """Its entry is sound, or it could not have been opened; whether somebody reads their mail shows with a request."""
        return Health(True)

    @property
    def _occasion(self) -> Occasion:
        if self.occasion is None:
            raise ConnectorError(_("A person is asked for a request only."), permanent=True)
        return self.occasion

    async def _answered(self, verb: str, asked: Mapping[str, Any]) -> Question:
        if self._occasion.restored:
            asked = {**asked, "restored": self._occasion.restored}
        question = await questions.put(self._occasion, self.system, verb, asked)
        if question.asked != asked:
            raise ConnectorError(_("They were asked something else before. Please ask anew."), permanent=True)
        return self._require_answered(question)

    def _require_answered(self, question: Question) -> Question:
        if not question.is_answered:
            raise Waiting(_("A person was asked on %s.") % date_text(question.asked_at))
        return question


def _about(identifiers: Identifiers) -> dict[str, Any]:
    return {"identifiers": {kind: list(values) for kind, values in identifiers.items()}}


def _to_erase(plan: Plan) -> dict[str, Any]:
    """What shall be gone and what stays, in numbers; the hash ties the answer to this very plan."""
    laws = {(each.table, str(each.action)): each.law for each in plan.rows}
    counts = [{**asdict(each), "law": laws[each.table, each.action]} for each in plan.counts]
    return {**_about(plan.identifiers), "plan": plan.hash, "counts": counts}
