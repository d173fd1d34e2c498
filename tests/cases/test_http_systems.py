"""A deletion with a service that answers in JSON among the systems, which falls over while it deletes."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from portal import cases, jobs, settings
from portal.lib import clock
from tests.cases.shops import PETRA, SYSTEMS, found_company
from tests.cases.test_fulfilling import proposed_erasure
from tests.conftest import House
from tests.connectors import template
from tests.connectors.receiver import SECRET, receiving, write_list


async def test_a_service_that_deletes_and_is_not_heard_is_asked_what_is_left_and_not_told_twice(
    sqlite_house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = found_company(sqlite_house, tmp_path / "company")
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    async with receiving() as receiver:
        service = template.FaultyService(receiver, template.new_shop(company.folder / "till"))
        connected = write_list(company.folder, SYSTEMS, template.entry(receiver.url))
        settings.use(replace(settings.get(), systems=connected, outbound_allow="127.0.0.0/8"))
        case_id, digest = await proposed_erasure()
        await cases.approve(case_id, digest, officer=PETRA)
        service.spoil = lambda verb, told: b'{"counts": [' if verb == "erase" else told
        await jobs.run_due()
        case = await cases.case(case_id)
        assert case.state == "fulfilling" and "Till" in case.partial
        with clock.at(clock.now() + timedelta(hours=2)):
            await jobs.run_due()
            assert (await cases.case(case_id)).outcome == "fulfilled"
    assert [verb.content["type"] for verb in receiver.seen].count("portal.erase") == 1
    assert template.ask_shop(service.database, "SELECT email FROM customer") == [(None,), ("ben@example.com",)]
