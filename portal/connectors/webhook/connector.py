"""The contract's verbs for a receiver of webhooks: what can be told is told, what must be asked is nothing.

Messages are repeated until the receiver takes them, each under the same `webhook-id`, so a receiver that has seen an id
may drop it. A deletion is told as well (GDPR Art. 19): the receiver holds what we gave it.
"""

import hashlib
import ipaddress
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from portal import settings, vault
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
from portal.connectors.systems import System, secret_of
from portal.connectors.toml_file import Misconfigured
from portal.connectors.webhook.signing import BadKey, Signer, read_keys
from portal.lib import clock, ids, outbound
from portal.paper import _

SECONDS = 7.0
LARGEST_ANSWER = 100_000


def open_connector(system: System) -> "WebhookConnector":
    """Reads the keys; nothing is sent yet."""
    return WebhookConnector(system, _signer(system), _url(system))


class WebhookConnector:
    """One receiver."""

    def __init__(self, system: System, signer: Signer, url: str) -> None:
        self.system = system
        self.signer = signer
        self.url = url
        self._kept: outbound.Kept | None = None

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

    async def set_consent(self, identifiers: Identifiers, cell: Cell, allowed: bool, index: int) -> None:
        """One message per address. Beyond its own cells a system that gave us people hears their noes."""
        if not self.takes(cell) and (allowed or not self.system.sources):
            return
        for kind, values in identifiers.items():
            for value in values:
                data = {
                    "identifier": {kind: value},
                    **{"purpose": cell.purpose, "channel": cell.channel, "topic": cell.topic},
                    **{"allowed": allowed, "sequence": index},
                }
                told = f"{index} {cell.purpose} {cell.channel} {cell.topic} {allowed}"
                self._kept = self._kept or outbound.Kept()
                await self._send("consent.changed", data, self._message_id(kind, value, told))

    def takes(self, cell: Cell) -> bool:
        purposes, channels = self.system.own.get("purposes"), self.system.own.get("channels")
        return (purposes is None or cell.purpose in purposes) and (channels is None or cell.channel in channels)

    async def check(self) -> Health:
        """Send a signed `portal.ping`; whoever takes it is well."""
        try:
            await self._send("portal.ping", {}, f"msg_{ids.secret()}")
        except ConnectorError as problem:
            return Health(False, (Problem(self.system.title, problem.sentence),))
        return Health(True)

    async def close(self) -> None:
        """Let go of the connections that `set_consent` kept open."""
        kept, self._kept = self._kept, None
        if kept is not None:
            await kept.close()

    async def _tell_erasure(self, plan: Plan) -> None:
        # With the day: whoever comes back and is erased again is told again.
        told = f"erased {clock.now().date()}"
        for kind, values in plan.identifiers.items():
            for value in values:
                await self._send("identifier.erased", {"identifier": {kind: value}}, self._message_id(kind, value, told))

    def _message_id(self, kind: str, value: str, told: str) -> str:
        """The same for the same content to the same receiver; keyed, so that an id in a log does not give an address away."""
        about = vault.blind(kind, value).hex()
        return f"msg_{hashlib.sha256(f'{self.system.name} {about} {told}'.encode()).hexdigest()[:40]}"

    async def _send(self, kind: str, data: dict[str, Any], message_id: str) -> None:
        now = clock.now()
        body = json.dumps({"type": kind, "timestamp": clock.rfc3339(now), "data": data}, ensure_ascii=False).encode()
        headers = {"content-type": "application/json", **self.signer.headers(message_id, now, body)}
        try:
            answer = await outbound.request(
                "POST",
                self.url,
                headers=headers,
                content=body,
                timeout=SECONDS,
                max_bytes=LARGEST_ANSWER,
                allow=outbound.networks(settings.get().outbound_allow),
                kept=self._kept,
            )
        except outbound.OutboundRefused as problem:
            raise ConnectorError(_("We do not call this address: %s") % problem, permanent=True) from problem
        except outbound.OutboundFailed as problem:
            raise ConnectorError(_("It does not answer: %s") % problem, permanent=False) from problem
        _require_taken(answer.status)


def _require_taken(status: int) -> None:
    if 200 <= status < 300:
        return
    if status == 410:
        raise Departed(_("It says that it is gone (410)."))
    if 300 <= status < 400:
        raise ConnectorError(_("It sends us elsewhere (%d), where we do not go.") % status, permanent=False)
    raise ConnectorError(_("It did not take the message (%d).") % status, permanent=False)


def _url(system: System) -> str:
    parts = urlsplit(system.url)
    if parts.scheme == "https" or (parts.scheme == "http" and _is_allowed_inside(parts.hostname or "")):
        return system.url
    raise Misconfigured(system.place, _("A webhook needs an https:// address, or one in PORTAL_OUTBOUND_ALLOW."))


def _is_allowed_inside(host: str) -> bool:
    """In clear only where the operator has written the machine's own number, inside a network that he opened."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in outbound.networks(settings.get().outbound_allow))


def _signer(system: System) -> Signer:
    secrets, private = secret_of(system, "secret"), secret_of(system, "key")
    if not secrets and not private:
        what = _("A webhook needs a key that signs: %s.")
        raise Misconfigured(system.place, what % "secret_variable, secret_file, key_variable, key_file")
    try:
        return read_keys(secrets, private)
    except BadKey as problem:
        raise Misconfigured(system.place, _("A signing key is wrong. %s") % problem) from problem
