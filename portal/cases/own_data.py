"""The portal's own tables as one more connected system: addresses, choices, messages and requests of the person.

The same contract as every connector; it lies here because it reads rooms that stand above the connectors. Choices
survive an erasure under the evidence key, without any address: they prove what was agreed to (GDPR Art. 7(1), 5(2)).
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from portal import connectors, consent, db, identity, messages, subjects
from portal.cases import models
from portal.connectors import ConnectorError, Field, Finding, Leftover, Outcome, Plan, PlanRow
from portal.lib import clock
from portal.lib.errors import NotFound
from portal.paper import _, in_language

NAME = "portal"
TITLE = "Privacy portal"
KEPT = ("decision", "case_file")
EVERYTHING = 1_000_000


class OwnData:
    """Bound to one case: what came into being through the request itself is not part of the answer.

    What is found is what was recorded with the given addresses. An address that an officer joined to them is not, until
    it is given itself.
    """

    def __init__(self, row: models.CaseRow) -> None:
        self.case = row.id
        self.before: datetime = row.created_at
        self.language = row.language

    async def find(self, identifiers: connectors.Identifiers) -> list[Finding]:
        mine = await self._recorded_with(identifiers)
        # An address that is put in place of another is corrected here as well, also where the request itself brought the old one.
        moved = await models.CorrectionRow.exists(case_id=self.case, field="email")
        return await self._about(mine, set() if moved else await self._made_by_the_request(mine), identifiers)

    async def plan_erasure(self, identifiers: connectors.Identifiers) -> Plan:
        """Without the messages written since the request: what comes while a deletion waits shall hold up nothing."""
        since = {each.key["id"] for each in await self._written(identifiers, self.before)}
        found = [each for each in await self.find(identifiers) if each.table != "message" or each.key["id"] not in since]
        rows = [self._planned(each) for each in found]
        return Plan(NAME, {kind: list(values) for kind, values in identifiers.items()}, tuple(rows))

    async def erase(self, plan: Plan) -> Outcome:
        """Inside or outside `writing()`; all of it or nothing."""
        keep_note, noted = await self._keep_note()
        async with db.writing():
            now = await self.plan_erasure(plan.identifiers)
            if {(*_name(each), each.action) for each in now.rows} != {(*_name(each), each.action) for each in plan.rows}:
                raise ConnectorError(_("Our own records are not those of the dry run any more. Nothing was deleted now."), True)
            mine = {each.id for each in await self._recorded_with(plan.identifiers)}
            for person in await self._people_alone(plan.identifiers):
                living = [each for each in person.identifiers if each.erased_at is None]
                gone = [each for each in living if each.id in mine]
                await identity.forget(gone)
                if len(gone) == len(living):
                    await consent.stops.stop_erased(person.subjects[0], by="system", case=self.case)
                    await subjects.forget(person.subjects[0], by="system", case=self.case, keep_note=keep_note, noted=noted)
                    continue
                # Others use one of these addresses too, or nobody has proven it: that one stays, and the person's key with it.
                await messages.delete([each.key["id"] for each in await self._written(plan.identifiers)])
                await subjects.forget_addresses([each.id for each in gone], by="system", case=self.case, keep_note=keep_note)
            if any(not each.expected for each in await self.recheck(plan.identifiers, plan)):
                raise ConnectorError(_("Something of this person is still in the portal. Nothing was deleted now."), True)
        return Outcome(True, plan.counts)

    async def recheck(self, identifiers: connectors.Identifiers, plan: Plan) -> list[Leftover]:
        """By every address, and by the planned rows themselves: once forgotten, no address leads to them any more."""
        mine = {each.id: each for each in await self._recorded_with(plan.identifiers)}
        mine |= {each.id: each for each in await self._recorded_with(identifiers)}
        for row in plan.rows:
            if row.table == "identifier" and row.key["id"] not in mine:
                try:
                    mine[row.key["id"]] = await subjects.get(row.key["id"])
                except NotFound:
                    continue
        planned = {_name(each): each for each in plan.rows}
        left = []
        for each in await self._about(list(mine.values()), set(), plan.identifiers):
            found = planned.get(_name(each))
            law = found.law if found is not None and found.action == "keep" else ""
            left.append(Leftover(each.table, each.label, each.key, expected=bool(law), law=law))
        return left

    async def correct(
        self,
        identifiers: connectors.Identifiers,
        changes: Mapping[str, str | None],
        rows: Mapping[str, Sequence[connectors.RowName]] | None = None,
    ) -> Outcome:
        """Nothing by this way: an e-mail address changes to a proven one together with its record (`new_address.replace`)."""
        return Outcome(False, missing=tuple(changes))

    async def set_consent(
        self, identifiers: connectors.Identifiers, cell: connectors.Cell, allowed: bool, index: int, *, enter: bool = True
    ) -> None:
        """The word itself lies here already."""

    def takes(self, cell: connectors.Cell) -> bool:
        return False

    async def check(self) -> connectors.Health:
        return connectors.Health(await db.row("SELECT 1 AS one") is not None)

    def _planned(self, finding: Finding) -> PlanRow:
        """Kept rows name no address: they stay as proof of what was chosen or asked for."""
        if finding.table not in KEPT:
            return PlanRow(finding.table, finding.label, finding.key, "delete", {})
        with in_language(self.language):
            return PlanRow(finding.table, finding.label, finding.key, "keep", {}, law=_("GDPR Art. 5(2), 7(1)"))

    async def _recorded_with(self, identifiers: connectors.Identifiers) -> list[subjects.Identifier]:
        """The identifiers with these values, and the numbers that were recorded together with them from the start.

        Not an e-mail address that was not proven, and none that several people use: it may be somebody else's.
        """
        known = [await subjects.find(kind, value) for kind, values in identifiers.items() for value in values]
        homes = {each.home for each in known if each is not None}
        people = sorted({each.subject for each in known if each is not None})
        given = {each.id for each in known if each is not None}
        recorded = [each for person in people for each in await subjects.identifiers_of(person) if each.home in homes]
        return [each for each in recorded if each.id in given or (each.kind != "email" and each.audience == "person")]

    async def _made_by_the_request(self, mine: list[subjects.Identifier]) -> set[str]:
        """Addresses that this portal knows only because this very request was made with them."""
        proven = {each.identifier for each in await models.CaseIdentifier.filter(case_id=self.case)}
        proven |= {each.identifier for each in await models.Concerned.filter(case_id=self.case)}
        return {each.id for each in mine if each.id in proven and each.created_at >= self.before}

    async def _people_alone(self, identifiers: connectors.Identifiers) -> list[subjects.Whole]:
        """Who will be forgotten: forgetting takes the whole person, so nothing may be joined that was not asked for."""
        mine = await self._recorded_with(identifiers)
        people = [await subjects.whole(each) for each in sorted({each.subject for each in mine})]
        if {each.home for person in people for each in person.identifiers} - {each.home for each in mine}:
            raise ConnectorError(
                _("An address joined to this person was not proven. Part it, or let the person prove it, first."), True
            )
        return people

    async def _keep_note(self) -> tuple[bool, str]:
        """Whether a coded note stays, and on what it rests."""
        from portal.cases.whole import details_of

        found = await details_of(self.case)
        return bool(found.get("keep_note")), str(found.get("noted", subjects.ASKED))

    async def _about(
        self, mine: list[subjects.Identifier], left_out: set[str], identifiers: connectors.Identifiers
    ) -> list[Finding]:
        with in_language(self.language):
            return [
                *await self._addresses([each for each in mine if each.id not in left_out]),
                *await self._choices(mine),
                *await self._messages(mine, identifiers),
                *await self._requests(mine),
            ]

    async def _addresses(self, mine: list[subjects.Identifier]) -> list[Finding]:
        living = [each for each in mine if each.erased_at is None]
        values = await subjects.values_of(living)
        return [
            _finding(
                "identifier",
                {"id": each.id},
                "contact",
                _("Your addresses and numbers"),
                {
                    "kind": (_("Kind"), each.kind),
                    "value": (_("Address or number"), values[each.id]),
                    "created_at": (_("Recorded"), clock.rfc3339(each.created_at)),
                    "verified_at": (_("Confirmed"), clock.rfc3339(each.verified_at) if each.verified_at else None),
                },
                identifying="value",
                means="email" if each.kind == "email" else "identifier",  # of the others none is corrected by a request
            )
            for each in living
        ]

    async def _choices(self, mine: list[subjects.Identifier]) -> list[Finding]:
        """Every word and stop as it is kept; the text that was on the screen is named by its edition.

        Up to the request: asking for a deletion is itself a stop, and what the person says meanwhile shall hold up nothing.
        """
        addresses, found = {each.id for each in mine}, []
        for person in sorted({each.subject for each in mine}):
            for entry in await consent.history(person, EVERYTHING):
                if entry.at >= self.before or (entry.identifier is not None and entry.identifier not in addresses):
                    continue
                shown = {
                    "at": (_("Recorded"), clock.rfc3339(entry.at)),
                    "what": (_("What you said"), entry.what),
                    "purpose": (_("What for"), entry.purpose),
                    "channel": (_("By which way"), entry.channel),
                    "topic": (_("Topic"), entry.topic),
                    "source": (_("Where you said it"), entry.source),
                    "edition": (_("Text you were shown"), entry.edition),
                }
                # A stop and its end are one act with one id.
                key = {"id": entry.id, "what": entry.what}
                filled = {name: value for name, value in shown.items() if value[1]}
                found.append(_finding("decision", key, "choices", _("Your choices"), filled))
        return found

    async def _written(self, identifiers: connectors.Identifiers, since: datetime | None = None) -> list[Finding]:
        return await self._messages(await self._recorded_with(identifiers), identifiers, since)

    async def _messages(
        self, mine: list[subjects.Identifier], identifiers: connectors.Identifiers, since: datetime | None = None
    ) -> list[Finding]:
        """Those to the given addresses. What was written about a request belongs to that request, and stays with it."""
        addresses = {subjects.canonical("email", each) for each in identifiers.get("email", ())}
        copies = [each for home in sorted({each.home for each in mine}) for each in await messages.of_subject(home, EVERYTHING)]
        return [
            _finding(
                "message",
                {"id": each.id},
                "messages",
                _("Messages we wrote to you"),
                {
                    "created_at": (_("Written"), clock.rfc3339(each.created_at)),
                    "to": (_("To"), each.to),
                    "subject": (_("Subject"), each.letter.subject),
                    "text": (_("Text"), each.letter.text),
                },
                identifying="to",
            )
            for each in copies
            if each.letter is not None
            and each.case is None
            and (since is None or each.created_at >= since)
            and subjects.canonical("email", each.to or "") in addresses
        ]

    async def _requests(self, mine: list[subjects.Identifier]) -> list[Finding]:
        """Earlier requests that were proven with one of these addresses."""
        proven = await models.CaseIdentifier.filter(identifier__in=[each.id for each in mine])
        others = sorted({each.case_id for each in proven} - {self.case})
        earlier = models.CaseRow.filter(id__in=others, created_at__lt=self.before)
        return [
            _finding(
                "case_file",
                {"id": each.id},
                "requests",
                _("Your requests"),
                {
                    "right": (_("Asked for"), each.right),
                    "received_at": (_("Received"), clock.rfc3339(each.received_at)),
                    "state": (_("State"), each.outcome or each.state),
                },
            )
            for each in await earlier.order_by("created_at", "id")
        ]


def _finding(
    table: str,
    key: dict[str, str],
    category: str,
    label: str,
    values: Mapping[str, tuple[str, str | None]],
    identifying: str = "",
    means: str = "",
) -> Finding:
    fields = [
        Field(name, title, value, category, name == identifying, means if name == identifying else "", means == "email")
        for name, (title, value) in values.items()
    ]
    return Finding(table, key, category, label, tuple(fields))


def _name(row: Finding | PlanRow) -> tuple[str, str]:
    return row.table, json.dumps(row.key, sort_keys=True)
