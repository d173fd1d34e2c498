"""A shop whose website embeds the script: a policies folder of its own, published, and what its visitors send."""

import base64
import hmac
import json
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2

from portal import settings, sites, statement
from portal.app import build
from portal.lib import clock
from portal.settings import HOME
from portal.sites import Site
from tests.conftest import House

ORIGIN = "https://shop.example.com"
DEVICE = "d" * 22

SHOP = """
[shop]
title = "The shop"
origins = {origins}
asks = ["visits", "audiences", "partners", "security"]
forms = ["newsletter"]
sells = true
region_header = "x-region"
earlier = ["klaro"]

[shop.text.en]
title = "May we?"
body = "The shop works without any of this."

[shop.text.ro]
title = "Ne permiteți?"
body = "Librăria funcționează și fără acestea."

[shop.law]
US-CA = "opt-out"

[shop.load.visits]
cells = ["analytics_storage"]
names = ["_ga*"]
local = ["visits"]

[shop.aliases]
statistics = "visits"
"""


def policies_of_shop(folder: Path, *origins: str, text: str = SHOP) -> Path:
    """A copy of the policies with this one site; for PORTAL_POLICIES of a portal of its own, where `portal publish --yes`
    comes first. `portal sites list` then says the site's public key, `portal sites snippet shop` its tag."""
    shutil.copytree(HOME / "policies", folder / "policies", dirs_exist_ok=True)
    (folder / "policies" / "sites.toml").write_text(text.replace("{origins}", json.dumps(origins or (ORIGIN,))))
    return folder / "policies"


async def found_site(house: House, folder: Path, *origins: str, text: str = SHOP) -> Site:
    """The same for a portal opened by the test: published, and answered as `sites.named("shop")`."""
    settings.use(replace(house.settings, policies=policies_of_shop(folder, *origins, text=text)))
    await statement.publish_all("system", why="The first texts.")
    return sites.named("shop")


class Visitor(httpx2.AsyncClient):
    """A browser on a page of the shop, as far as the portal sees it."""

    def __init__(self, site: Site, origin: str = ORIGIN) -> None:
        super().__init__(
            transport=httpx2.ASGITransport(app=build(), raise_app_exceptions=False),
            base_url=settings.get().base_url,
            headers={"origin": origin, "sec-fetch-site": "cross-site"} if origin else {},
        )
        self.at = f"/w/v1/{sites.key_of(site)}"

    async def answer(self, **more: Any) -> httpx2.Response:
        return await self.post(self.at + "/choices", content=json.dumps(said(**more)), headers={"content-type": "text/plain"})

    async def standing(self, device: str = DEVICE) -> Any:
        """What the browser of this number is told of its yeses."""
        answer = await self.post(
            self.at + "/standing", content=json.dumps({"device": device}), headers={"content-type": "text/plain"}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["answers"]


def said(**more: Any) -> dict[str, Any]:
    """A yes to visits and a no to advertising."""
    answers = {"visits": True, "audiences": False}
    body = {"id": str(uuid.uuid4()), "edition": "site-shop@1/en", "answers": answers, "how": "mixed", "device": DEVICE}
    return {**body, "said_at": clock.rfc3339(clock.now()), "source": None, "link": None, **more}


def token(secret: str, seconds: float = 300, **named: Any) -> str:
    """What the shop's own server signs about who is signed in there."""
    content = json.dumps({**named, "exp": clock.now().timestamp() + seconds})
    body = base64.urlsafe_b64encode(content.encode()).rstrip(b"=").decode()
    return f"{body}.{_mac(secret, body)}"


def _mac(secret: str, body: str) -> str:
    return base64.urlsafe_b64encode(hmac.digest(secret.encode(), body.encode(), "sha256")).rstrip(b"=").decode()


def problem(answer: httpx2.Response) -> Mapping[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    told: Mapping[str, Any] = answer.json()
    return told
