"""A connected system that signs what it hands in, with the reference library of Standard Webhooks."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from standardwebhooks.webhooks import Webhook

from portal import settings
from portal.lib import clock
from tests.api.machines import Machine

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LIST = """
[[system]]
name = "letters"
title = "Newsletter service"
kind = "webhook"
url = "https://letters.example.com/hooks/consent"
secret_variable = "LETTERS_SECRET"
inbound_secret_variable = "LETTERS_INBOUND"
inbound_sources = ["checkout", "order"]
inbound_grade = "self"

[[system]]
name = "silent"
title = "A system that hands nothing in"
kind = "webhook"
url = "https://silent.example.com/hooks"
secret_variable = "LETTERS_SECRET"
"""


@dataclass(frozen=True)
class Sender:
    """`send` signs anew at each try, as the standard wants it."""

    machine: Machine
    secret: str = SECRET
    system: str = "letters"

    def sign(self, message_id: str, body: bytes, at: datetime | None = None) -> dict[str, str]:
        at = at or clock.now()
        signature = Webhook(self.secret).sign(message_id, at, body.decode())
        headers = {"webhook-id": message_id, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}
        return {"content-type": "application/json", **headers}

    async def send(self, message_id: str, said: Any, **more: Any) -> httpx2.Response:
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        return await self.post(body, self.sign(message_id, body, **more))

    async def post(self, body: bytes, headers: dict[str, str]) -> httpx2.Response:
        return await self.machine.post(f"/api/v1/inbound/{self.system}", content=body, headers=headers)


def connect(folder: Path, monkeypatch: pytest.MonkeyPatch, listed: str = LIST, secrets: str = SECRET) -> None:
    """The list of systems, and the secrets in the environment."""
    monkeypatch.setenv("LETTERS_SECRET", SECRET)
    monkeypatch.setenv("LETTERS_INBOUND", secrets)
    (folder / "systems.toml").write_text(listed)
    settings.use(replace(settings.get(), systems=str(folder / "systems.toml")))
