"""POST /api/v1/requests and GET /api/v1/requests/{reference}: neutral, once, and nothing personal comes back."""

import jsonschema
import pytest

from portal import cases, messages
from portal.api import schemas
from portal.cases import models
from tests.api.machines import Machine, faults, key
from tests.conftest import House
from tests.people import ANA

DOOR = "/api/v1/requests"


def test_the_examples_of_requests_fit_their_shapes() -> None:
    for schema, example in (
        (schemas.REQUEST, schemas.REQUEST_EXAMPLE),
        (schemas.REQUESTED, schemas.REQUESTED_EXAMPLE),
        (schemas.STANDING, schemas.STANDING_EXAMPLE),
    ):
        jsonschema.Draft202012Validator(schema).validate(example)


async def test_a_request_is_taken_once_and_its_reference_tells_state_and_date_alone(house: House) -> None:
    async with Machine(await key("cases:write")) as shop:
        sent = {**schemas.REQUEST_EXAMPLE, "rights": ["access", "erasure"]}
        first = await shop.post(DOOR, json=sent, headers={"idempotency-key": "1"})
        again = await shop.post(DOOR, json=sent, headers={"idempotency-key": "1"})
        assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
        assert again.headers["idempotency-replayed"] == "true" and await models.CaseRow.all().count() == 2
        other = await shop.post(DOOR, json=schemas.REQUEST_EXAMPLE, headers={"idempotency-key": "1"})
        assert other.status_code == 409
        jsonschema.Draft202012Validator(schemas.REQUESTED).validate(first.json())
        asked = await shop.get(f"{DOOR}/{first.json()['reference']}")
        assert asked.json() == {"state": "verifying", "due": "2026-11-23"}
        assert (await shop.get(f"{DOOR}/{'x' * 22}")).status_code == 404
    row = await models.CaseRow.filter(right="access").get()
    assert row.source == "api" and [each.template for each in await messages.of_case(row.id)] == ["mail/case-entered"]
    assert await cases.reference_of(row.id) == first.json()["reference"]


async def test_known_and_unknown_addresses_are_answered_alike(sqlite_house: House) -> None:
    async with Machine(await key("cases:write")) as shop:
        for address in (ANA, "nobody@example.com"):
            answer = await shop.post(DOOR, json={**schemas.REQUEST_EXAMPLE, "identifier": {"email": address}})
            assert {**answer.json(), "reference": ""} == {"reference": "", "state": "verifying", "due": "2026-11-23"}


@pytest.mark.parametrize(
    ("change", "places"),
    [
        ({"rights": ["burn"]}, ["/rights"]),
        ({"rights": []}, ["/rights"]),
        ({"rights": None, "delete": "now"}, ["/delete", "/rights"]),
        ({"rights": 7, "delete": "now"}, ["/delete", "/rights"]),
        ({"identifier": {"device": "x"}}, ["/identifier"]),
        ({"identifier": {"email": "nobody"}}, ["/identifier/email"]),
        ({"received_at": "2999-01-01T00:00:00Z"}, ["/received_at"]),
        ({"rights": ["rectification"]}, ["/changes"]),
        ({"rights": ["rectification"], "changes": {"phone": 7}}, ["/changes/phone"]),
        ({"changes": []}, ["/changes"]),
        ({"rights": ["erasure"], "delete": "soon"}, ["/delete"]),
        ({"rights": ["erasure"], "delete": ["now"]}, ["/delete"]),
        ({"rights": ["access"], "delete": "now"}, ["/delete"]),
        ({"message": "x" * 5_001}, ["/message"]),
        ({"verified": True}, ["/verified"]),
    ],
)
async def test_each_fault_is_named_with_its_place(change: dict[str, object], places: list[str], sqlite_house: House) -> None:
    async with Machine(await key("cases:write")) as shop:
        answer = await shop.post(DOOR, json={**schemas.REQUEST_EXAMPLE, **change})
    assert answer.status_code == 422 and faults(answer) == places and await models.CaseRow.all().count() == 0


async def test_another_scope_is_refused_and_one_address_is_not_flooded(sqlite_house: House) -> None:
    async with Machine(await key("decisions:write")) as shop:
        assert (await shop.post(DOOR, json=schemas.REQUEST_EXAMPLE)).status_code == 403
    async with Machine(await key("cases:write")) as shop:
        codes = [(await shop.post(DOOR, json=schemas.REQUEST_EXAMPLE)).status_code for _time in range(6)]
    assert codes == [201] * 5 + [429]


async def test_a_name_with_signs_of_a_pointer_is_pointed_at_by_rfc_6901(sqlite_house: House) -> None:
    async with Machine(await key("cases:write")) as shop:
        sent = {"identifier": {"email": ANA}, "rights": ["rectification"], "changes": {"a/b~c": "x"}, "country": "RO"}
        answer = await shop.post(DOOR, json=sent | {"received_at": "2026-01-05T10:00:00Z"})
    assert answer.status_code == 422 and faults(answer) == ["/changes/a~1b~0c"]


async def test_a_deletion_waits_unless_the_program_hands_on_that_it_shall_not(sqlite_house: House) -> None:
    async with Machine(await key("cases:write")) as shop:
        for said in ({}, {"delete": "now"}, {"delete": "later"}):
            taken = await shop.post(DOOR, json={**schemas.REQUEST_EXAMPLE, "rights": ["erasure"], **said})
            jsonschema.Draft202012Validator(schemas.REQUEST).validate({**schemas.REQUEST_EXAMPLE, "rights": ["erasure"], **said})
            row = await cases.status_for_person(taken.json()["reference"])
            assert (await cases.case(row.id)).details["delete"] == said.get("delete", "later")
