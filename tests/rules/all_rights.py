"""What some rights need besides: a mandate that an officer saw, an answer in words, the end of a restriction, an appeal."""

import re

from portal import db, jobs
from tests.people import BEN, Browser, code_for
from tests.rules.watch import Watch


async def use_other_rights(watch: Watch, olga: Browser, petra: Browser) -> None:
    """A parent asks; a complaint is answered; data is only stored for a while; a refusal is appealed against."""
    async with Browser() as ben:
        await ben.get("/requests/new")
        child = {"who": "child", "concerned-name": "Mia", "concerned-email": "mia@example.com"}
        parent = await _asked(watch, ben, "access", email=BEN, **child)
        await watch.press(olga, f"/admin/cases/{parent}/mandate", mandate="birth certificate", dated="2019-05-04")
        complaint = await _asked(watch, ben, "complaint", message="You wrote to me at night.")
        await watch.press(olga, f"/admin/cases/{complaint}/answer", answer="That was a mistake of ours.", do="answer")
        await watch.press(olga, f"/admin/cases/{complaint}/reopening", **{"reopen-why": "A second letter of hers came to light."})
        await _stored_for_a_while(watch, ben, olga)
        await _appealed(watch, ben, olga, petra)


async def _stored_for_a_while(watch: Watch, ben: Browser, olga: Browser) -> None:
    case = f"/admin/cases/{await _asked(watch, ben, 'restriction')}"
    await watch.press(olga, case + "/start")
    await jobs.run_due()
    await watch.press(olga, case + "/proposal", answer="fulfilled")
    await jobs.run_due()
    await watch.press(olga, case + "/restriction", **{"lift-why": "We have checked it, and it was right."})


async def _appealed(watch: Watch, ben: Browser, olga: Browser, petra: Browser) -> None:
    case = f"/admin/cases/{await _asked(watch, ben, 'access')}"
    await watch.press(olga, case + "/start")
    await jobs.run_due()
    ground = re.search(r'name="ground".*?<option value="([^"]+)"', (await olga.get(case)).text, re.DOTALL)
    refusal = {"answer": "refused", "reasons": "This was answered last week.", "ground": ground[1] if ground else ""}
    await watch.press(olga, case + "/proposal", **refusal)
    digest = re.search(r'name="digest" value="(\w+)"', (await petra.get(case)).text)
    assert digest
    await watch.press(petra, case + "/approval", digest=digest[1])
    mine = re.search(r'href="(/requests/[\w-]+)">A copy of your data', (await ben.get("/requests")).text)
    assert mine
    await watch.press(ben, mine[1] + "/appeal", message="It was not answered.")


async def _asked(watch: Watch, ben: Browser, right: str, email: str = "", **fields: str) -> str:
    asked = await watch.press(ben, "/requests", right=right, country="RO", email=email, **fields)
    if "/proofs/" in asked.headers["location"]:
        await watch.press(ben, asked.headers["location"], code=await code_for(email))
    newest = await db.row("SELECT id FROM case_file ORDER BY id DESC LIMIT 1")
    assert newest is not None
    return str(newest["id"])
