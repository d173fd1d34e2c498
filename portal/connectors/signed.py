"""Signed JSON messages to one outside service (Standard Webhooks 1.0): what every kind that speaks HTTPS shares.

The address is checked when the system is opened, each call goes only where PORTAL_OUTBOUND_ALLOW lets it, and the
signature covers the exact bytes that are sent.
"""

import hashlib
import ipaddress
import json
from typing import Any
from urllib.parse import urlsplit

from portal import settings, vault
from portal.connectors.contract import Cell, ConnectorError
from portal.connectors.systems import System, secret_of
from portal.connectors.toml_file import Misconfigured
from portal.connectors.webhook.signing import BadKey, Signer, read_keys
from portal.lib import clock, outbound
from portal.paper import _


class NotAnswered(ConnectorError):
    """It was called and did not answer, or not to the end: whether it did anything nobody knows."""


class Peer:
    """One service that we call."""

    def __init__(self, system: System) -> None:
        """Reads the keys; nothing is sent yet."""
        self.system = system
        self.url = _url(system)
        self.signer = _signer(system)
        self._kept: outbound.Kept | None = None

    async def post(
        self, kind: str, data: dict[str, Any], message_id: str, *, seconds: float, largest: int, keep: bool = False
    ) -> outbound.Response:
        """Whatever status came back. With `keep` the connection stays open for the next call, until `close`."""
        now = clock.now()
        body = json.dumps({"type": kind, "timestamp": clock.rfc3339(now), "data": data}, ensure_ascii=False).encode()
        headers = {"content-type": "application/json", **self.signer.headers(message_id, now, body)}
        if keep:
            self._kept = self._kept or outbound.Kept()
        try:
            return await outbound.request(
                "POST",
                self.url,
                headers=headers,
                content=body,
                timeout=seconds,
                max_bytes=largest,
                allow=outbound.networks(settings.get().outbound_allow),
                kept=self._kept,
            )
        except outbound.OutboundRefused as problem:
            raise ConnectorError(_("We do not call this address: %s") % problem, permanent=True) from problem
        except outbound.OutboundFailed as problem:
            raise NotAnswered(_("It does not answer: %s") % problem, permanent=False) from problem

    async def close(self) -> None:
        """Let go of the kept connections."""
        kept, self._kept = self._kept, None
        if kept is not None:
            await kept.close()

    def message_id(self, kind: str, value: str, told: str) -> str:
        """The same for the same content to the same service; keyed, so that an id in a log does not give an address away."""
        about = vault.blind(kind, value).hex()
        return f"msg_{hashlib.sha256(f'{self.system.name} {about} {told}'.encode()).hexdigest()[:40]}"


def wants(system: System, cell: Cell) -> bool:
    """Whether the cell is among the purposes and channels that stand in the system's entry; those not written are all."""
    purposes, channels = system.own.get("purposes"), system.own.get("channels")
    return (purposes is None or cell.purpose in purposes) and (channels is None or cell.channel in channels)


def hears_every_no(system: System) -> bool:
    """Beyond its own cells a system that gave us people hears their noes (C-129/21)."""
    return bool(system.sources)


def _url(system: System) -> str:
    parts = urlsplit(system.url)
    if parts.scheme == "https" or (parts.scheme == "http" and _is_allowed_inside(parts.hostname or "")):
        return system.url
    raise Misconfigured(system.place, _("A system of this kind needs an https:// address, or one in PORTAL_OUTBOUND_ALLOW."))


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
        what = _("A system of this kind needs a key that signs: %s.")
        raise Misconfigured(system.place, what % "secret_variable, secret_file, key_variable, key_file")
    try:
        return read_keys(secrets, private)
    except BadKey as problem:
        raise Misconfigured(system.place, _("A signing key is wrong. %s") % problem) from problem
