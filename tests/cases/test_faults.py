"""A worker that dies between "about to" and "done": the system is asked what happened, nothing is repeated blindly."""

from datetime import timedelta

import pytest

from portal import audit, cases, jobs
from portal.connectors.sql.connector import SqlConnector
from portal.lib import clock
from tests.cases.shops import PETRA, Company
from tests.cases.test_fulfilling import proposed_erasure
from tests.conftest import on_both


@on_both
async def test_killed_after_the_effect_the_erasure_is_found_done_and_not_repeated(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id, digest = await proposed_erasure()
    await cases.approve(case_id, digest, officer=PETRA)
    erase, finish = SqlConnector.erase, jobs.Job.finish
    erased: list[str] = []

    async def counted(self: SqlConnector, plan: object) -> object:
        erased.append(plan.system)  # type: ignore[attr-defined]  # a Plan
        return await erase(self, plan)  # type: ignore[arg-type]  # a Plan

    async def dies(self: jobs.Job, step: str, note: str = "") -> None:
        raise SystemError("killed")

    monkeypatch.setattr(SqlConnector, "erase", counted)
    monkeypatch.setattr(jobs.Job, "finish", dies)
    await jobs.run_due()
    assert company.rows("shop", "SELECT count(*) FROM purchase WHERE customer_id = 1") == [(0,)]
    assert (await cases.case(case_id)).state == "fulfilling"
    monkeypatch.setattr(jobs.Job, "finish", finish)
    with clock.at(clock.now() + timedelta(hours=1)):
        await jobs.run_due()
    assert (await cases.case(case_id)).outcome == "fulfilled"
    assert sorted(erased) == ["news", "shop"]
    assert len(await audit.search(case=case_id, event="case.erased")) == 3


@on_both
async def test_killed_before_the_effect_the_erasure_is_done_by_the_next_worker(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id, digest = await proposed_erasure()
    await cases.approve(case_id, digest, officer=PETRA)
    erase = SqlConnector.erase

    async def dies(self: SqlConnector, plan: object) -> object:
        raise SystemError("killed")

    monkeypatch.setattr(SqlConnector, "erase", dies)
    await jobs.run_due()
    assert company.rows("shop", "SELECT count(*) FROM purchase WHERE customer_id = 1") == [(2,)]
    monkeypatch.setattr(SqlConnector, "erase", erase)
    with clock.at(clock.now() + timedelta(hours=1)):
        await jobs.run_due()
    assert (await cases.case(case_id)).outcome == "fulfilled"
    assert company.rows("shop", "SELECT count(*) FROM purchase WHERE customer_id = 1") == [(0,)]
