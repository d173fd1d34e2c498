"""Which systems may hand in by themselves what people said, and how their messages are known (Standard Webhooks 1.0).

A system's entry in the list names the secret that it signs with, the collection points it speaks for and how sure it is
who spoke there. Without these three nothing is believed that comes in its name.
"""

import os
import time
from dataclasses import dataclass
from datetime import datetime

import structlog

from portal import settings
from portal.connectors.contract import ConnectorError
from portal.connectors.systems import System, secret_of, systems
from portal.connectors.toml_file import Misconfigured
from portal.connectors.webhook.signing import BadKey, is_signed, read_keys
from portal.lib.errors import Unavailable
from portal.paper import _

SKEW = 300
READ_FOR = 1.0
LONGEST_ID = 200
log = structlog.get_logger("portal.connectors")


@dataclass(frozen=True)
class Sender:
    """`sources` and `grade` are words of consent, as a key of another program has them."""

    system: str
    sources: frozenset[str]
    grade: str
    secrets: tuple[bytes, ...]

    @property
    def actor(self) -> str:
        return f"connected:{self.system}"


def sender_of(name: str, *, message_id: str, stamp: str, body: bytes, signatures: str, now: datetime) -> Sender | None:
    """The system of this name, when it signed this message within five minutes of now; else None, always by the same way."""
    found = _senders().get(name)
    signed = is_signed(found.secrets if found else _NOBODYS, message_id, stamp, body, signatures)
    fresh = stamp.isascii() and stamp.isdigit() and len(stamp) < 13 and abs(int(stamp) - now.timestamp()) <= SKEW
    named = 0 < len(message_id) <= LONGEST_ID and message_id.isascii() and message_id.isprintable()
    return found if signed and fresh and named else None


def read_sender(system: System) -> Sender | None:
    """None when the system hands nothing in; raises Misconfigured."""
    given = {key for key in system.own if key.startswith("inbound_")}
    if not given:
        return None
    secret, sources, grade = (
        secret_of(system, "inbound_secret"),
        system.own.get("inbound_sources"),
        system.own.get("inbound_grade"),
    )
    if not secret or not sources or not grade:
        what = _("A system that hands in needs all of these: %s.")
        raise Misconfigured(system.place, what % "inbound_secret_variable or inbound_secret_file, inbound_sources, inbound_grade")
    try:
        return Sender(system.name, frozenset(sources), grade, read_keys(secret, "").secrets)
    except BadKey as problem:
        raise Misconfigured(system.place, _("A signing key is wrong. %s") % problem) from problem


# For a system that does not exist: comparing takes as long, and nobody holds this secret.
_NOBODYS = (os.urandom(32),)


class _Known:
    """The systems that hand in, as the list and its secrets stood a moment ago: a new secret counts within a second."""

    def __init__(self, senders: dict[str, Sender]) -> None:
        self.settings, self.senders, self.read_at = settings.get(), senders, time.monotonic()

    def is_fresh(self) -> bool:
        return self.settings is settings.get() and time.monotonic() - self.read_at < READ_FOR


_known: _Known | None = None


def _senders() -> dict[str, Sender]:
    global _known
    if _known is None or not _known.is_fresh():
        try:
            found = [sender for system in systems() if (sender := read_sender(system)) is not None]
        except ConnectorError as problem:
            log.error("connectors.misconfigured", exc_info=problem)
            raise Unavailable(_("We cannot take this now. Please send it again later.")) from problem
        _known = _Known({each.system: each for each in found})
    return _known.senders
