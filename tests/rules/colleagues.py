"""A system that somebody answers for by hand: a new link for them, and their answer."""

import re

from portal import jobs
from tests.cases.shops import Company, collected
from tests.connectors.colleague import ENTRY, newest_link
from tests.people import Browser
from tests.rules.watch import Watch


async def answer_by_hand(watch: Watch, company: Company, olga: Browser) -> None:
    listed = company.folder / "systems.toml"
    listed.write_text(listed.read_text() + ENTRY)
    case_id = await collected("access", "by.hand@example.com")
    question = re.search(r'name="question" value="([^"]+)"', (await olga.get(f"/admin/cases/{case_id}")).text)
    assert question
    await watch.press(olga, f"/admin/cases/{case_id}/colleagues", question=question[1])
    async with Browser() as colleague:
        await watch.press(colleague, f"/answer/{await newest_link()}", how="nothing")
    await jobs.run_due()
