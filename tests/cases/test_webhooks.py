"""A deletion with a receiver of webhooks among the systems: it is told what was erased, and the case waits for it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from portal import cases, jobs, settings
from portal.lib import clock
from tests.cases.shops import ANA, PETRA, SYSTEMS, Company
from tests.cases.test_fulfilling import proposed_erasure
from tests.connectors.receiver import SECRET, listed, receiving, write_list


async def test_an_approved_deletion_is_told_to_a_receiver_of_webhooks_and_waits_for_it(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    async with receiving() as receiver:
        connected = write_list(company.folder, SYSTEMS, listed("letters", receiver.url))
        settings.use(replace(settings.get(), systems=connected, outbound_allow="127.0.0.0/8"))
        receiver.answer = lambda message: 503
        case_id, digest = await proposed_erasure()
        await cases.approve(case_id, digest, officer=PETRA)
        await jobs.run_due()
        case = await cases.case(case_id)
        assert case.state == "fulfilling" and "Letters" in case.partial
        receiver.answer = lambda message: 200
        with clock.at(clock.now() + timedelta(hours=2)):
            await jobs.run_due()
            assert (await cases.case(case_id)).outcome == "fulfilled"
    erased = [message for message in receiver.taken if message.content["type"] == "identifier.erased"]
    assert {message.address for message in erased} == {ANA}
    assert len({message.id for message in erased}) == 1
