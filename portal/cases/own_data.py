"""The portal's own tables as one more connected system: addresses, choices, messages and requests of the person.

The same contract as every connector; it lies here because it reads rooms that stand above the connectors. Choices
survive an erasure under the evidence key, without any address: they prove what was agreed to (GDPR Art. 7(1), 5(2)).
"""

from collections.abc import Mapping
from datetime import datetime

from portal import connectors, consent, db, identity, messages, subjects
from portal.cases import models
from portal.connectors import Field, Finding, Outcome, Plan, PlanRow
from portal.lib import clock
from portal.paper import _

NAME = "portal"
TITLE = "Privacy portal"


class OwnData:
    """Bound to one case: what came into being through the request itself is not part of the answer."""

    def __init__(self, row: models.CaseRow) -> None:
        self.case = row.id
        self.before: datetime = row.created_at
        self.language = row.language

    async def find(self, identifiers: connectors.Identifiers) -> list[Finding]:
        found: list[Finding] = []
        for subject in await self._people(identifiers):
            found += await self._addresses(subject)
            found += await self._choices(subject)
            found += await self._messages(subject)
            found += await self._requests(subject)
        return found

    async def plan_erasure(self, identifiers: connectors.Identifiers) -> Plan:
        rows: list[PlanRow] = []
        for finding in await self.find(identifiers):
            kept = finding.table in ("decision", "case_file")
            rows.append(
                PlanRow(
                    finding.table,
                    finding.label,
                    finding.key,
                    "keep" if kept else "delete",
                    {},
                    law=_("GDPR Art. 5(2), 7(1)") if kept else "",
                    why=_("Kept without your address, as proof of what you chose or asked for.") if kept else "",
                )
            )
        return Plan(NAME, {kind: list(values) for kind, values in identifiers.items()}, tuple(rows))

    async def erase(self, plan: Plan) -> Outcome:
        """Inside or outside `writing()`; all of it or nothing. What is unknown already is erased already."""
        keep_note = await self._keep_note()
        async with db.writing():
            for subject in await self._people(plan.identifiers):
                for record in (await subjects.whole(subject)).subjects:
                    await identity.forget(record)
                await consent.stop_erased(subject, by="system", case=self.case)
                await subjects.forget(subject, by="system", case=self.case, keep_note=keep_note)
            if await self.recheck(plan.identifiers, plan):
                raise connectors.ConnectorError(
                    _("Something of this person is still in the portal. Nothing was deleted now."), True
                )
        return Outcome(True, plan.counts)

    async def recheck(self, identifiers: connectors.Identifiers, plan: Plan) -> list[connectors.Leftover]:
        """By every address of the plan: once they are forgotten, nothing here points to the person any more."""
        found = await self.find({**plan.identifiers, **identifiers})
        return [connectors.Leftover(each.table, each.label, each.key, expected=False) for each in found]

    async def correct(self, identifiers: connectors.Identifiers, changes: Mapping[str, str | None]) -> Outcome:
        """An address here changes only when the new one is proven, never through a request."""
        return Outcome(False, missing=tuple(changes))

    async def set_consent(self, identifiers: connectors.Identifiers, cell: connectors.Cell, allowed: bool, index: int) -> None:
        """The word itself lies here already."""

    def takes(self, cell: connectors.Cell) -> bool:
        return False

    async def check(self) -> connectors.Health:
        return connectors.Health(await db.row("SELECT 1 AS one") is not None)

    async def _people(self, identifiers: connectors.Identifiers) -> list[str]:
        known = [await subjects.find(kind, value) for kind, values in identifiers.items() for value in values]
        return sorted({each.subject for each in known if each is not None})

    async def _keep_note(self) -> bool:
        from portal.cases.queue import details_of

        return bool((await details_of(self.case)).get("keep_note"))

    async def _addresses(self, subject: str) -> list[Finding]:
        person = await subjects.whole(subject)
        values = await subjects.values_of(person.identifiers)
        return [
            Finding(
                "identifier",
                {"id": each.id},
                _("Your addresses and numbers"),
                _("Address or number"),
                (
                    Field("kind", _("Kind"), each.kind, "contact", False),
                    Field("value", _("Address or number"), values[each.id], "contact", True),
                    Field("created_at", _("Recorded"), clock.rfc3339(each.created_at), "contact", False),
                    Field(
                        "verified_at",
                        _("Confirmed"),
                        clock.rfc3339(each.verified_at) if each.verified_at else None,
                        "contact",
                        False,
                    ),
                ),
            )
            for each in person.identifiers
            if each.created_at < self.before and each.erased_at is None
        ]

    async def _choices(self, subject: str) -> list[Finding]:
        """Every word and stop as it is kept; the text that was on the screen is named by its edition."""
        found = []
        for entry in await consent.history(subject):
            if entry.at >= self.before:
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
            fields = tuple(
                Field(name, label, value, "choices", False) for name, (label, value) in shown.items() if value not in ("", None)
            )
            found.append(Finding("decision", {"id": entry.id}, _("Your choices"), _("Choice"), fields))
        return found

    async def _messages(self, subject: str) -> list[Finding]:
        found = []
        for record in (await subjects.whole(subject)).subjects:
            for copy in await messages.of_subject(record):
                if copy.created_at >= self.before or copy.letter is None:
                    continue
                fields = (
                    Field("created_at", _("Written"), clock.rfc3339(copy.created_at), "messages", False),
                    Field("to", _("To"), copy.to, "messages", True),
                    Field("subject", _("Subject"), copy.letter.subject, "messages", False),
                    Field("text", _("Text"), copy.letter.text, "messages", False),
                )
                found.append(Finding("message", {"id": copy.id}, _("Messages we wrote to you"), _("Message"), fields))
        return found

    async def _requests(self, subject: str) -> list[Finding]:
        person = await subjects.whole(subject)
        earlier = await models.CaseRow.filter(subject__in=person.subjects, created_at__lt=self.before).order_by("created_at")
        return [
            Finding(
                "case_file",
                {"id": each.id},
                _("Your requests"),
                _("Request"),
                (
                    Field("right", _("Asked for"), each.right, "requests", False),
                    Field("received_at", _("Received"), clock.rfc3339(each.received_at), "requests", False),
                    Field("state", _("State"), each.outcome or each.state, "requests", False),
                ),
            )
            for each in earlier
            if each.id != self.case
        ]
