"""The button that checks the whole record: one check at a time, and each is on the record itself."""

import asyncio

from portal import audit
from tests.people import Browser


async def test_whoever_presses_while_a_check_runs_is_told_so(olga: Browser) -> None:
    await audit.sequence_all()
    pages = await asyncio.gather(*(olga.post("/admin/audit/check") for _number in range(2)))
    whole, busy = sorted(pages, key=lambda page: page.status_code)
    assert whole.status_code == 200 and "The record is whole" in whole.text
    assert busy.status_code == 409 and "The record is being checked already." in busy.text
    assert len(await audit.search(event="log.checked")) == 1
