"""Lists by HTTP: imports planned, committed, taken back; a scrub with its receipt."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from portal import audit, db, subjects
from portal.lib import clock
from tests.api.machines import Machine, faults, key, number, question
from tests.conftest import House, on_both
from tests.consent.people import publish

IMPORTS = "/api/v1/imports?purpose=back-in-stock&channel=email&edition=legacy:old:1&map=email=E-Mail&answer=OPT_OUT=no"
SCRUB = "/api/v1/permissions/scrub?purpose=back-in-stock&channel=email"
CSV = {"content-type": "text/csv"}
LIST = "E-Mail;answer;said_at\nana@example.com;yes;2026-03-01\nben@example.com;OPT_OUT;\nnobody;yes;\n"


@pytest.fixture(autouse=True)
def on_a_fixed_day() -> Iterator[None]:
    """The dates in these lists are those of one year; a yes of theirs has not run out."""
    with clock.at(datetime(2026, 11, 20, 12, tzinfo=UTC)):
        yield


async def test_a_list_is_planned_committed_and_taken_back(house: House) -> None:
    await publish()
    async with Machine(await key("imports:write", "permissions:read")) as program:
        planned = await program.post(IMPORTS, content=LIST, headers=CSV)
        assert planned.status_code == 201, planned.text
        told = planned.json()
        assert told["counts"] == {
            **{"rows": 3, "new": 2, "same": 0, "older-ignored": 0, "held-conflict": 0, "bad": 1, "blank": 0}
        }
        assert told["state"] == "planned" and [each["line"] for each in told["lines"]] == [4]
        assert await number("decision") == 0
        itself = f"/api/v1/imports/{told['id']}"
        other = await program.post(itself + "/commit", content=LIST + "\n", headers=CSV)
        assert other.status_code == 409 and await number("decision") == 0
        done = await program.post(itself + "/commit", content=LIST, headers=CSV)
        assert done.status_code == 200 and done.json()["counts"] == told["counts"]
        again = await program.post(itself + "/commit", content=LIST, headers=CSV)
        assert again.json() == done.json() and await number("decision") == 2
        allowed = await program.post("/api/v1/permissions/check", json=question())
        assert allowed.json()["allowed"] is True
        undone = await program.post(itself + "/undo")
        assert undone.status_code == 200 and undone.json()["state"] == "undone"
        assert (await program.post("/api/v1/permissions/check", json=question())).json()["allowed"] is False
        assert (await program.get(itself)).json() == undone.json()
        assert (await program.get("/api/v1/imports/none")).status_code == 404


async def test_a_list_names_only_the_collection_points_of_its_key(house: House) -> None:
    await publish()
    named = "email,answer,source\nana@example.com,no,checkout\nben@example.com,no,preference-centre\nolga@example.com,no,\n"
    async with Machine(await key("imports:write", sources=("checkout",))) as program:
        refused = await program.post(IMPORTS.replace("E-Mail", "email") + "&source=preference-centre", content=named, headers=CSV)
        assert refused.status_code == 403 and await number("batch") == 0
        planned = (await program.post(IMPORTS.replace("E-Mail", "email"), content=named, headers=CSV)).json()
        assert planned["counts"]["new"] == 2 and [each["line"] for each in planned["lines"]] == [3]
        done = await program.post(f"/api/v1/imports/{planned['id']}/commit", content=named, headers=CSV)
        assert done.json()["counts"] == planned["counts"]
    stored = {row["source"] for row in await db.rows("SELECT source FROM decision")}
    assert stored == {"checkout", "import"}


async def test_a_key_of_signals_hands_in_no_lists(sqlite_house: House) -> None:
    await publish()
    async with Machine(await key("imports:write", grade="signal")) as program:
        assert (await program.post(IMPORTS, content=LIST, headers=CSV)).status_code == 403
        assert (await program.post("/api/v1/imports/none/commit", content=LIST, headers=CSV)).status_code == 403
    async with Machine(await key("imports:write", grade="import")) as program:
        assert (await program.post(IMPORTS, content=LIST, headers=CSV)).status_code == 201


async def test_an_import_belongs_to_the_key_that_planned_it(sqlite_house: House) -> None:
    await publish()
    async with Machine(await key("imports:write")) as program, Machine(await key("imports:write")) as other:
        itself = f"/api/v1/imports/{(await program.post(IMPORTS, content=LIST, headers=CSV)).json()['id']}"
        assert (await other.get(itself)).status_code == 404
        assert (await other.post(itself + "/commit", content=LIST, headers=CSV)).status_code == 404
        assert await number("decision") == 0
        assert (await program.post(itself + "/commit", content=LIST, headers=CSV)).status_code == 200
        assert (await other.post(itself + "/undo")).status_code == 404
        assert (await program.get(itself)).json()["state"] == "in force"


@on_both
async def test_a_scrub_streams_the_answer_and_then_its_receipt(house: House) -> None:
    await publish()
    async with Machine(await key("lists:read")) as program:
        answer = await program.post(SCRUB, content="email\nana@example.com\nnobody\n", headers=CSV)
        assert answer.status_code == 200, answer.text
    rows, _blank, receipt = answer.text.partition("\n\n")
    assert rows.splitlines() == ["identifier,allowed,rule", "ana@example.com,false,3", "nobody,false,invalid"]
    report = audit.verify_receipt(receipt, [await audit.log_key()])
    assert report.ok and report.statement is not None
    assert report.statement["payload"]["answered_sha256"] == hashlib.sha256(f"{rows}\n".encode()).hexdigest()
    assert await subjects.find("email", "ana@example.com") is None


async def test_what_cannot_be_understood_is_named(sqlite_house: House) -> None:
    await publish()
    async with Machine(await key("imports:write", "lists:read")) as program:
        wrong = await program.post("/api/v1/imports?purpose=a&purpose=b&colour=red&map=x&channel=", content=LIST, headers=CSV)
        assert faults(wrong) == ["/channel", "/colour", "/purpose"]
        assert (await program.post("/api/v1/imports?map=x", content=LIST, headers=CSV)).status_code == 422
        assert (await program.post("/api/v1/imports", content="", headers=CSV)).status_code == 422
        assert (await program.post("/api/v1/imports", json={})).status_code == 415
        assert faults(await program.post("/api/v1/permissions/scrub", content="x", headers=CSV)) == ["/channel", "/purpose"]
        unknown = await program.post(SCRUB.replace("back-in-stock", "nothing"), content="email\n", headers=CSV)
        assert unknown.status_code == 404
        assert await number("batch") == 0


async def test_a_list_may_be_larger_than_other_bodies(sqlite_house: House) -> None:
    await publish()
    async with Machine(await key("lists:read")) as program:
        answer = await program.post(SCRUB, content="email\n" + "x" * 1_100_000 + "\nana@example.com\n", headers=CSV)
    assert answer.status_code == 200 and "\nana@example.com,false,3\n" in answer.text
