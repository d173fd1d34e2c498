"""Nothing that somebody sends makes a line of the log look like something that happened (ASVS 5.0 V16.4.1)."""

import json
import logging
import re
from urllib.parse import quote

import pytest
import structlog

from tests.attacks.scene import Scene
from tests.people import Browser

FORGED = '{"level": "info", "event": "officer.signed_in", "officer": "mallory"}'
LINE_BREAKS = ("\n", "\r", "\r\n", "\x0b", "\x0c", "\x85", "\u2028", "\u2029")
TERMINALS = ("\x1b[2K\x1b[1A", "\x1b]0;mallory\x07", "\x9b2J", "\0", "\b" * 40)
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


@pytest.mark.parametrize("breaking", LINE_BREAKS + TERMINALS, ids=ascii)
async def test_no_input_forges_a_line(breaking: str, scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    text = f"ana{breaking}{FORGED}{breaking}"
    async with Browser() as mallory:
        await mallory.get("/sign-in")
        for path in (f"/{quote(text)}", f"/requests/{quote(text, safe='')}", f"/sign-in?next={quote(text)}", f"/u/{quote(text)}"):
            await mallory.get(path)
        await mallory.post("/sign-in", data={"email": text})
        await mallory.post("/requests", data={"right": text, "country": text, "email": text, "message": text})
        await mallory.get("/sign-in", headers={b"x-forwarded-for": _header(text), b"user-agent": _header(text)})
    async with scene.machine() as shop:
        await shop.post("/api/v1/decisions", json={"identifier": {text: text}, "source": text})
        await shop.post("/api/v1/decisions", content=text.encode(), headers={b"content-type": _header(text)})
    structlog.get_logger("portal").warning("said", **{"word": text, f"a{breaking}b": text})
    logging.getLogger("library").error("%s", text)
    written = capsys.readouterr().out
    assert not CONTROLS.search(written)
    lines = written.split("\n")
    assert lines.pop() == "" and len(lines) >= 10
    for told in map(json.loads, lines):
        assert "officer" not in told and told["event"] != "officer.signed_in"


def _header(text: str) -> bytes:
    """As a server could still hand it on: a header holds no line break and no NUL."""
    return re.sub(r"[\r\n\0]", "", text).encode()
