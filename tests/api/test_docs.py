"""The examples of docs/integrate.md are sent as they stand there, and answered as it says."""

import json
import re
import shlex
from typing import Any

import httpx2

from portal import audit, identity
from portal.settings import HOME
from tests.api.machines import Machine, key
from tests.conftest import House
from tests.consent.people import publish

CHAPTER = (HOME / "docs" / "integrate.md").read_text().partition("# The API\n")[2].partition("\n# ")[0]
SITE = "https://privacy.example.com"


async def test_the_examples_are_answered_as_the_page_says(sqlite_house: House) -> None:
    await publish()
    variables, receipts = {"KEY": await key(*identity.SCOPES)}, 0
    for command, said in _examples():
        async with Machine() as shop:
            answer = await _send(shop, command, variables)
        if said is None:
            assert answer.status_code == 200 and answer.text.startswith("c2sp.org/tlog-proof@v1"), answer.text
            receipts += 1
            continue
        head, _empty, body = said.partition("\n\n")
        assert f"HTTP/1.1 {answer.status_code}" in head, answer.text
        assert _alike(json.loads(body), answer.json()), answer.text
        for decided in answer.json().get("decisions", []):
            variables["RECEIPT"] = decided["receipt"]
            await audit.sequence_all()
    assert receipts == 1


def test_the_page_names_every_scope() -> None:
    assert [scope for scope in identity.SCOPES if f"`{scope}`" not in CHAPTER] == []


def _examples() -> list[tuple[str, str | None]]:
    """Each curl command with the answer that stands below it."""
    blocks = re.findall(r"```(sh|http)\n(.*?)```", CHAPTER, re.DOTALL)
    found = []
    for number, (kind, text) in enumerate(blocks):
        if kind == "sh" and text.startswith("curl"):
            following = blocks[number + 1 : number + 2]
            found.append((text, following[0][1] if following and following[0][0] == "http" else None))
    assert len(found) >= 4
    return found


async def _send(machine: Machine, command: str, variables: dict[str, str]) -> httpx2.Response:
    """What curl would send for the few options that the page uses."""
    for name, value in variables.items():
        command = command.replace(f"${name}", value)
    words = iter(shlex.split(command.replace("\\\n", " "))[1:])
    headers, url, content = {}, "", None
    for word in words:
        if word == "-H":
            name, _colon, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            content = next(words)
        elif word != "-i":
            assert word.startswith(SITE), word
            url = word.removeprefix(SITE)
    return await machine.request("GET" if content is None else "POST", url, headers=headers, content=content)


def _alike(shown: Any, got: Any) -> bool:
    """`…` stands for what differs each time; a title is the server's Python's, and an answer may say more."""
    if isinstance(shown, dict):
        return isinstance(got, dict) and all(
            name in got and (name == "title" or _alike(shown[name], got[name])) for name in shown
        )
    if isinstance(shown, list):
        return isinstance(got, list) and len(shown) == len(got) and all(map(_alike, shown, got))
    if isinstance(shown, str) and "…" in shown:
        return isinstance(got, str) and got.startswith(shown.partition("…")[0])
    return bool(shown == got)
