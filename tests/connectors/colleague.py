"""Somebody who answers by hand for a paper archive: reads their mail, opens the link, looks into their folders, answers.

`Archive` holds what lies there and answers as an honest colleague would; `Asked` is the connector with that colleague behind it,
each look another round of the request, as officers ask anew.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from portal import connectors, db, messages, vault
from portal.connectors import Connector, Finding, Identifiers, Occasion, Outcome, Plan, RowName, System, Waiting, person
from portal.connectors.systems import connect
from portal.lib import clock

ADDRESS = "archive@example.com"
CASE = "0192a000-0000-7000-8000-000000000001"
ENTRY = f"""[[system]]
name = "archive"
title = "Paper archive"
kind = "person"
url = "mailto:{ADDRESS}"
language = "en"
asks = "Please look into the folders of the last ten years."
"""
ANA = {"email": ["ana@example.com"]}
BEN = {"email": ["ben@example.com"]}
Result = TypeVar("Result")


async def newest_link() -> str:
    """From the newest mail to the archive: the token of the link."""
    for each in await messages.mailbox(200):
        if each.to == ADDRESS and each.letter:
            return re.findall(r"/answer/([\w-]+)", each.letter.text)[-1]  # type: ignore[no-any-return]  # re knows no groups
    raise AssertionError("Nobody wrote to the archive.")


@dataclass
class Archive:
    """Folder → what lies in it, each a sheet with its person's address. Ana's contract must be kept."""

    folders: dict[str, list[dict[str, str]]] = field(
        default_factory=lambda: {
            "Letters": [
                {"E-mail": "ana@example.com", "Name": "Ana Pop", "About": "A complaint"},
                {"E-mail": "ana@example.com", "About": "An answer"},
                {"E-mail": "ben@example.com", "Name": "Ben Lee", "About": "Thanks"},
            ],
            "Contracts": [{"E-mail": "ana@example.com", "About": "Rental"}],
        }
    )

    async def answer_mail(self) -> None:
        """Open the newest link and answer truly."""
        question = await person.by_link(await newest_link())
        form, file = self.filled_in(question)
        read = person.read_answer(question, form, file)
        async with db.writing():
            until = clock.now() + timedelta(days=30)
            await person.keep_answer(question, read.how, read.content, read.handed_in, keep_until=until)

    def filled_in(self, question: person.Question) -> tuple[dict[str, str], person.HandedIn | None]:
        theirs = question.asked["identifiers"]["email"]
        found = {name: [each for each in sheets if each["E-mail"] in theirs] for name, sheets in self.folders.items()}
        found = {name: sheets for name, sheets in found.items() if sheets}
        if question.verb in ("find", "plan") and not found:
            return {"how": "nothing"}, None
        if question.verb == "find":
            return {"how": "here"}, person.HandedIn("found.json", json.dumps(found).encode())
        if question.verb == "plan":
            return _dry_run(found), None
        if question.verb == "erase":
            return self._delete(question, found, theirs), None
        return self._correct(question, [each for sheets in found.values() for each in sheets]), None

    def _delete(self, question: person.Question, found: dict[str, list[dict[str, str]]], theirs: list[str]) -> dict[str, str]:
        asked = {each["label"]: each["rows"] for each in question.asked["counts"]}
        if asked != {name: len(sheets) for name, sheets in found.items()}:
            return {"how": "unlike"}
        self.folders["Letters"] = [each for each in self.folders["Letters"] if each["E-mail"] not in theirs]
        return {"how": "done"} | {f"count-{n}": str(each["rows"]) for n, each in enumerate(question.asked["counts"], 1)}

    def _correct(self, question: person.Question, sheets: list[dict[str, str]]) -> dict[str, str]:
        form = {"how": "done"}
        for n, entry in enumerate(question.asked["entries"], 1):
            holding = [each for each in sheets if entry["field"].capitalize() in each]
            now = holding[0][entry["field"].capitalize()] if holding else ""
            if not holding:
                form[f"entry-{n}"] = "missing"
            elif now == entry["new"]:
                form[f"entry-{n}"] = "already"
            elif entry["held"] not in (None, now):
                return {"how": "unlike"}
            else:
                form |= {f"entry-{n}": "done", f"was-{n}": now}
                holding[0][entry["field"].capitalize()] = entry["new"]
        return form


def _dry_run(found: Mapping[str, list[dict[str, str]]]) -> dict[str, str]:
    form = {"how": "here"}
    for n, (name, sheets) in enumerate(found.items(), 1):
        form |= {f"what-{n}": name, f"rows-{n}": str(len(sheets)), f"action-{n}": "delete"}
        if name == "Contracts":
            form |= {f"action-{n}": "keep", f"law-{n}": "Accounting Act 82/1991", f"until-{n}": "2031-12-31"}
    return form


class Asked:
    """The connector of kind `person`, with a colleague who answers as soon as they are asked."""

    def __init__(self, system: System, archive: Archive) -> None:
        self.system, self.archive, self.round = system, archive, 0

    async def find(self, identifiers: Identifiers) -> list[Finding]:
        return await self._until_answered(lambda each: each.find(identifiers), anew=True)

    async def plan_erasure(self, identifiers: Identifiers) -> Plan:
        return await self._until_answered(lambda each: each.plan_erasure(identifiers), anew=True)

    async def erase(self, plan: Plan) -> Outcome:
        return await self._until_answered(lambda each: each.erase(plan))

    async def recheck(self, identifiers: Identifiers, plan: Plan) -> list[connectors.Leftover]:
        return await self._until_answered(lambda each: each.recheck(identifiers, plan))

    async def correct(
        self,
        identifiers: Identifiers,
        changes: Mapping[str, str | None],
        rows: Mapping[str, Sequence[RowName]] | None = None,
    ) -> Outcome:
        return await self._until_answered(lambda each: each.correct(identifiers, changes, rows), anew=True)

    async def set_consent(
        self, identifiers: Identifiers, cell: connectors.Cell, allowed: bool, index: int, *, enter: bool = True
    ) -> None:
        await connect(self.system).set_consent(identifiers, cell, allowed, index, enter=enter)

    def takes(self, cell: connectors.Cell) -> bool:
        return connect(self.system).takes(cell)

    async def check(self) -> connectors.Health:
        return await connect(self.system).check()

    async def _until_answered(self, act: Callable[[Connector], Awaitable[Result]], *, anew: bool = False) -> Result:
        self.round += anew
        connector = for_request(self.system, self.round)
        try:
            return await act(connector)
        except Waiting:
            await self.archive.answer_mail()
        return await act(connector)


def for_request(system: System, round: int = 1) -> Connector:
    connector: Any = connect(system)
    opened: Connector = connector.for_request(Occasion(CASE, round, "task", None, "2026-12-22"))
    return opened


async def have_a_case() -> None:
    """Under its key lies what is asked and answered."""
    async with db.writing():
        await vault.key_for("case", CASE)
