"""The contract's verbs for a receiver of webhooks: what can be told is told, what must be asked is nothing.

Messages are repeated until the receiver takes them, each under the same `webhook-id`, so a receiver that has seen an id
may drop it. A deletion is told as well (GDPR Art. 19): the receiver holds what we gave it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from portal.connectors.contract import (
    Cell,
    ConnectorError,
    Departed,
    Finding,
    Health,
    Identifiers,
    Leftover,
    Outcome,
    Plan,
    Problem,
    RowName,
)
from portal.connectors.signed import Peer, hears_every_no, wants
from portal.connectors.systems import System
from portal.lib import clock, ids
from portal.paper import _

SECONDS = 7.0
LARGEST_ANSWER = 100_000


def open_connector(system: System) -> "WebhookConnector":
    """Reads the keys; nothing is sent yet."""
    return WebhookConnector(Peer(system))


class WebhookConnector:
    """One receiver."""

    def __init__(self, peer: Peer) -> None:
        self.system = peer.system
        self.peer = peer

    async def find(self, identifiers: Identifiers) -> list[Finding]:
        """Nothing: a receiver of messages cannot be searched."""
        return []

    async def plan_erasure(self, identifiers: Identifiers) -> Plan:
        """No rows; the plan holds whose deletion will be told."""
        return Plan(self.system.name, {kind: list(values) for kind, values in identifiers.items()}, ())

    async def erase(self, plan: Plan) -> Outcome:
        """Tell that these identifiers were erased."""
        await self._tell_erasure(plan)
        return Outcome(done=True)

    async def recheck(self, identifiers: Identifiers, plan: Plan) -> list[Leftover]:
        """It cannot be asked, so it is told once more under the same ids, which does no harm; raises when it does not take it.

        This is what makes a crash in the middle of `erase` safe: nobody has to know whether the message had left.
        """
        await self._tell_erasure(plan)
        return []

    async def correct(
        self,
        identifiers: Identifiers,
        changes: Mapping[str, str | None],
        rows: Mapping[str, Sequence[RowName]] | None = None,
    ) -> Outcome:
        """No field has a place here."""
        return Outcome(done=not changes, missing=tuple(changes))

    async def set_consent(self, identifiers: Identifiers, cell: Cell, allowed: bool, index: int, *, enter: bool = True) -> None:
        """One message per address."""
        if not self.takes(cell) and (allowed or not hears_every_no(self.system)):
            return
        for kind, values in identifiers.items():
            for value in values:
                data = {
                    "identifier": {kind: value},
                    **{"purpose": cell.purpose, "channel": cell.channel, "topic": cell.topic},
                    **{"allowed": allowed, "sequence": index},
                }
                told = f"{index} {cell.purpose} {cell.channel} {cell.topic} {allowed}"
                await self._send("consent.changed", data, self.peer.message_id(kind, value, told), keep=True)

    def takes(self, cell: Cell) -> bool:
        return wants(self.system, cell)

    async def check(self) -> Health:
        """Send a signed `portal.ping`; whoever takes it is well."""
        try:
            await self._send("portal.ping", {}, f"msg_{ids.secret()}")
        except ConnectorError as problem:
            return Health(False, (Problem(self.system.title, problem.sentence),))
        return Health(True)

    async def close(self) -> None:
        """Let go of the connections that `set_consent` kept open."""
        await self.peer.close()

    async def _tell_erasure(self, plan: Plan) -> None:
        # With the day: whoever comes back and is erased again is told again.
        told = f"erased {clock.now().date()}"
        for kind, values in plan.identifiers.items():
            for value in values:
                await self._send("identifier.erased", {"identifier": {kind: value}}, self.peer.message_id(kind, value, told))

    async def _send(self, kind: str, data: dict[str, Any], message_id: str, *, keep: bool = False) -> None:
        answer = await self.peer.post(kind, data, message_id, seconds=SECONDS, largest=LARGEST_ANSWER, keep=keep)
        _require_taken(answer.status)


def _require_taken(status: int) -> None:
    if 200 <= status < 300:
        return
    if status == 410:
        raise Departed(_("It says that it is gone (410)."))
    if 300 <= status < 400:
        raise ConnectorError(_("It sends us elsewhere (%d), where we do not go.") % status, permanent=False)
    raise ConnectorError(_("It did not take the message (%d).") % status, permanent=False)
