"""Requests that officers bring in: a call written down, a list, and what came by e-mail."""

import re

from portal import cases
from portal.cases import mail_in
from tests.people import Browser
from tests.rules.doors import pattern_of
from tests.rules.watch import Watch


async def bring_in(watch: Watch, olga: Browser) -> None:
    called = {"rights": "access", "address": "called@example.com", "how": "call"}
    await watch.press(olga, "/admin/entering", **called)
    async with watch.noting(pattern_of("POST", "/admin/lists")):
        lines = b"address,right,received\nlisted@example.com,copy,2026-01-02\n"
        page = await olga.post("/admin/lists", files={"file": ("list.csv", lines, "text/csv")})
    waiting = re.search(r'action="(/admin/lists/[^"]+)"', page.text)
    assert waiting, page.text
    await watch.press(olga, waiting[1])
    await mail_in.take(b"From: writes@example.com\nSubject: Hello\n\nHello")
    [mail] = await cases.letterbox.waiting()
    await watch.press(olga, f"/admin/mail/{mail.id}/file")
    await watch.press(olga, f"/admin/mail/{mail.id}/done")
