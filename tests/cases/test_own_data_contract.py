"""The portal's own tables pass the connectors' contract on SQLite and on PostgreSQL.

Their stand is a case of Ana's: she and Ben have addresses, a restriction, a letter and an earlier request on file.
"""

from datetime import UTC, datetime, timedelta

import pytest

from portal import consent, db, messages, subjects
from portal.cases import models, own_data
from portal.connectors import ConnectorError
from portal.lib import clock
from tests.cases.shops import ANA, BEN, Company, ask, prove
from tests.contracts.connector import Holding, HoldingContract

ASKED = datetime(2026, 11, 2, 9, tzinfo=UTC)
PHONES = {ANA: "+40712345678", BEN: "+40787654321"}


async def on_file(address: str) -> str:
    """Everything the portal keeps of a person, from before the request; answers the record."""
    async with db.writing():
        email = await subjects.ensure("email", address, by="import")
        await subjects.ensure("phone", PHONES[address], by="import", subject=email.subject)
        await consent.stops.restrict(email.subject, by="officer:olga", why="accuracy contested")
        await messages.send_later(
            template="mail/case-extended",
            to=address,
            language="en",
            context={"what": "a copy", "remedies": [], "reason": "x", "text": "A letter.", "due": email.created_at},
            subject=email.subject,
        )
    # A restriction and its end are one act: two rows of the answer.
    await consent.stops.lift_restriction(email.subject, by="officer:olga", why="it was right", person_told=True)
    await prove(await ask("access", address), address)
    return email.subject


async def own_data_of_a_case() -> own_data.OwnData:
    """Bound to Ana's present request, an erasure."""
    with clock.at(ASKED - timedelta(days=30)):
        await on_file(ANA)
        await on_file(BEN)
    with clock.at(ASKED):
        opened = await ask("erasure")
        await prove(opened)
    return own_data.OwnData(await models.CaseRow.get(id=opened.id))


async def brought_by_an_import() -> None:
    """A number that belongs to Ana's address; after her erasure the address itself as well."""
    async with db.writing():
        email = await subjects.ensure("email", ANA, by="import")
        await subjects.ensure("phone", "+40700111222", by="import", subject=email.subject)


class TestOwnData(HoldingContract):
    @pytest.fixture
    async def stand(self, company: Company) -> Holding:
        return Holding(
            connector=await own_data_of_a_case(),
            ana={"email": [ANA]},
            ben={"email": [BEN]},
            one_more_row=brought_by_an_import,
            proven_elsewhere=("email", "phone"),
        )


async def test_all_kinds_of_own_rows_are_found_and_what_the_request_itself_made_is_not(company: Company) -> None:
    own = await own_data_of_a_case()
    found = await own.find({"email": [ANA]})
    assert [(each.table, each.category) for each in found] == [
        ("identifier", "contact"),
        ("identifier", "contact"),
        ("decision", "choices"),
        ("decision", "choices"),
        ("message", "messages"),
        ("case_file", "requests"),
    ]
    assert "erasure asked" not in str(found)


async def test_an_address_known_only_from_the_request_is_forgotten_without_being_an_answer(company: Company) -> None:
    opened = await ask("erasure")
    await prove(opened)
    own = own_data.OwnData(await models.CaseRow.get(id=opened.id))
    assert await own.find({"email": [ANA]}) == []
    plan = await own.plan_erasure({"email": [ANA]})
    assert plan.rows == ()
    assert [(each.table, each.expected) for each in await own.recheck({"email": [ANA]}, plan)] == [("identifier", False)]
    await own.erase(plan)
    assert await subjects.find("email", ANA) is None
    assert await own.recheck({"email": [ANA]}, plan) == []


async def test_an_address_that_an_officer_joined_is_no_part_of_the_answer_and_holds_up_an_erasure(company: Company) -> None:
    own = await own_data_of_a_case()
    async with db.writing():
        ana, ben = await subjects.find("email", ANA), await subjects.find("email", BEN)
        assert ana is not None and ben is not None
        await subjects.link(ben.id, ana.subject, by="officer:olga", why="same name")
    found = await own.find({"email": [ANA]})
    assert BEN not in str(found) and PHONES[BEN] not in str(found) and PHONES[ANA] in str(found)
    plan = await own.plan_erasure({"email": [ANA]})
    with pytest.raises(ConnectorError, match="joined to this person was not proven") as refused:
        await own.erase(plan)
    assert refused.value.permanent
    assert await subjects.find("email", ANA) is not None


async def test_the_words_are_those_of_the_persons_language(company: Company) -> None:
    own = await own_data_of_a_case()
    english = await own.find({"email": [ANA]})
    own.language = "ro"
    romanian = await own.find({"email": [ANA]})
    assert [each.key for each in romanian] == [each.key for each in english]
    assert {each.label for each in romanian}.isdisjoint({each.label for each in english})
