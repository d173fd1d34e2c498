"""Every unsafe route leaves an entry in the record, or stands below with its reason. Each is used as people use it."""

from pathlib import Path

import pytest

from tests.cases.shops import Company, found_company
from tests.conftest import House
from tests.people import ANA, PETRA, Browser, hire
from tests.rules.all_rights import use_other_rights
from tests.rules.casework import answer_a_warning, prove_without_mail, send_by_post, work_cases
from tests.rules.colleagues import answer_by_hand
from tests.rules.desk import (
    answer_on_a_website,
    come_to_work,
    decide_without_a_basis,
    make_and_end_a_key,
    open_what_is_kept,
    sign_in_officer,
    subscribe_to_the_calendar,
    tell_a_system_again,
    tell_people_apart,
    work_on_several,
)
from tests.rules.doors import doors
from tests.rules.programs import hand_in_and_ask
from tests.rules.visits import answer_mails, sign_in_elsewhere, visit
from tests.rules.watch import Watch
from tests.rules.ways_in import bring_in

NOTHING_TO_RECORD = {
    "/requests/{reference}/messages/read": "the person says that they read our message; what we wrote is recorded",
    "/admin/sign-in": "half of a sign-in; the second factor records it, and a wrong password is recorded",
    "/api/v1/permissions/check": "a question, asked before every message; the answer is what stands in the record",
    "/w/v1/{site}/standing": "a browser asks what became of its own yeses",
    "/preferences/confirmations": "has the same mail sent again; the yes before and the answer after are recorded",
    "/admin/lists": "looks at a list and opens nothing; that it is brought in is recorded",
    "/admin/cases/{case}/retry": "asks a system sooner that would be asked anyway; its answer is recorded",
    "/admin/filters": "an officer's own name for a filter of the list; it says nothing about anybody",
    "/admin/filters/{filter}/removal": "takes that name away",
    "/admin/sites/new": "makes a section for a file of the policies; nothing is kept, and publishing it is recorded",
    "/admin/cases/{case}/papers": "has a paper made that should be there already; that it was made is recorded",
}


@pytest.fixture
def company(published_house: House, tmp_path: Path) -> Company:
    return found_company(published_house, tmp_path / "company")


async def test_every_unsafe_route_leaves_an_entry_or_a_reason(company: Company) -> None:
    watch = Watch()
    async with Browser() as ana, Browser() as olgas, Browser() as petras:
        olga, petra = await come_to_work(watch, olgas), await hire(PETRA, "approver")
        await sign_in_officer(watch, petras, petra)
        await visit(watch, ana)
        await sign_in_elsewhere(watch, ana)
        await work_cases(watch, company, ana, olgas, petras)
        await answer_a_warning(watch)
        await use_other_rights(watch, olgas, petras)
        await prove_without_mail(watch, olgas, petras)
        await send_by_post(watch, olgas)
        await hand_in_and_ask(watch)
        await bring_in(watch, olgas)
        await answer_mails(watch)
        await answer_on_a_website(watch, ana)
        await make_and_end_a_key(watch)
        await watch.press(olgas, "/admin/people", address=ANA)
        await tell_people_apart(watch, olgas)
        await subscribe_to_the_calendar(watch, olgas)
        await open_what_is_kept(watch, olgas)
        await watch.press(olgas, "/admin/audit/check")
        await tell_a_system_again(watch)
        await answer_by_hand(watch, company, olgas)
        await work_on_several(watch, olgas, olga.id)
        await watch.press(olgas, "/admin/sign-out")
        await watch.press(ana, "/sign-out/everywhere")
        await decide_without_a_basis(watch)
        assert olga.id != petra.id
    unsafe = {each.pattern for each in doors() if each.unsafe}
    assert watch.used == unsafe, f"Not used here yet: {unsafe - watch.used}"
    assert unsafe - watch.recorded == set(NOTHING_TO_RECORD)
