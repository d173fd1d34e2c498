"""Other programs, as the tests of this door meet them: a key and plain HTTP, no cookies."""

from collections.abc import Mapping
from typing import Any

import httpx2

from portal import db, identity
from portal.app import build

OURS = "http://127.0.0.1:8000"
SHOP = ("decisions:write", "decisions:read", "permissions:read")


class Machine(httpx2.AsyncClient):
    """A program with a key ("" for none); the database is opened by the test."""

    def __init__(self, secret: str = "") -> None:
        super().__init__(
            transport=httpx2.ASGITransport(app=build(), raise_app_exceptions=False),
            base_url=OURS,
            headers={"authorization": f"Bearer {secret}"} if secret else {},
        )


async def key(*scopes: str, sources: tuple[str, ...] = ("checkout", "order"), grade: str = "self", **more: Any) -> str:
    """A new key's secret."""
    return (await identity.add_key("Web shop", scopes=scopes or SHOP, sources=sources, grade=grade, by=None, **more))[1]


def said(address: str = "ana@example.com", answer: str = "yes", **more: Any) -> dict[str, Any]:
    """What a checkout hands in about one purpose."""
    edition = {"edition": "back-in-stock@1/en"} if answer == "yes" else {}
    item = {"purpose": "back-in-stock", "channel": "email", "answer": answer}
    return {"identifier": {"email": address}, "source": "checkout", "decisions": [item], **edition, **more}


def question(address: str = "ana@example.com", **more: Any) -> dict[str, Any]:
    return {"identifier": {"email": address}, "purpose": "back-in-stock", "channel": "email", **more}


def faults(answer: httpx2.Response) -> list[str]:
    """The places that a problem names."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    told: Mapping[str, Any] = answer.json()
    assert told["status"] == answer.status_code and told["detail"]
    return sorted(each.get("pointer", each.get("header", "?")) for each in told["errors"])


async def number(table: str) -> int:
    found = await db.row(f"SELECT count(*) AS n FROM {table}")
    assert found is not None
    return int(found["n"])
