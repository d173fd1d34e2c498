"""Exports of earlier systems by HTTP: a form with the file and the map; planned, committed and taken back by id."""

import hashlib
from collections.abc import AsyncIterator, Iterator

import pytest

from portal import db
from portal.lib import clock
from portal.settings import HOME
from tests.api.machines import Machine, faults, key, number
from tests.conftest import House
from tests.consent.exports import NOW, may, ready
from tests.consent.test_hashed import SURVEYS

EXAMPLES = HOME / "docs" / "migrate"
IMPORTS = "/api/v1/imports"
CSV = {"content-type": "text/csv"}
EVERYWHERE = ("form", "checkout", "order", "preference-centre", "call-centre", "letter")


@pytest.fixture(autouse=True)
def on_the_day_of_the_exports() -> Iterator[None]:
    with clock.at(NOW):
        yield


def _example(name: str) -> str:
    return (EXAMPLES / name).read_text()


def _form(file: str, told: str) -> dict[str, tuple[str, bytes]]:
    return {"file": ("export.csv", file.encode()), "map": ("map.toml", told.encode())}


@pytest.mark.parametrize(
    ("vendor", "export", "more"),
    [
        ("onetrust", "onetrust", ""),
        ("hubspot", "hubspot", ""),
        ("salesforce", "salesforce", ""),
        ("mailchimp", "mailchimp-subscribed", "&status=subscribed"),
    ],
)
async def test_every_system_is_planned_committed_and_taken_back(house: House, vendor: str, export: str, more: str) -> None:
    await ready()
    file, told = _example(f"{export}.csv"), _example(f"{vendor}.toml")
    async with Machine(await key("imports:write", sources=EVERYWHERE)) as program:
        planned = await program.post(f"{IMPORTS}?from={vendor}{more}", files=_form(file, told))
        assert planned.status_code == 201, planned.text
        plan = planned.json()
        assert plan["state"] == "planned" and plan["counts"]["new"] > 0 and plan["counts"]["bad"] == 0, plan
        assert await number("decision") == await number("stop") == 0
        itself = f"{IMPORTS}/{plan['id']}"
        done = await program.post(itself + "/commit", content=file, headers=CSV)
        assert done.status_code == 200 and done.json()["counts"] == plan["counts"]
        again = await program.post(itself + "/commit", content=file, headers=CSV)
        assert again.json() == done.json()
        assert await number("decision") + await number("stop") > 0
        assert vendor != "onetrust" or await may("ana")
        undone = await program.post(itself + "/undo")
        assert undone.json()["state"] == "undone" and not await may("ana")


async def test_the_parts_come_in_any_order_and_in_small_pieces(sqlite_house: House) -> None:
    await ready()
    told, file = _example("onetrust.toml"), _example("onetrust.csv") + "--b is no end\n" * 3
    parts = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{part}\r\n'
        for name, part in (("map", told), ("file", file))
    )
    content = (parts + "--b--\r\n").encode()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 7):
            yield content[start : start + 7]

    headers = {"content-type": "multipart/form-data; boundary=b"}
    async with Machine(await key("imports:write", sources=EVERYWHERE)) as program:
        planned = await program.post(f"{IMPORTS}?from=onetrust", content=pieces(), headers=headers)
        assert planned.status_code == 201, planned.text
        assert (await db.rows("SELECT sha256 FROM batch"))[0]["sha256"] == hashlib.sha256(file.encode()).digest()
        broken = await program.post(f"{IMPORTS}?from=onetrust", content=content[:-20], headers=headers)
        assert (broken.status_code, await number("batch")) == (400, 1)


async def test_the_mistakes_of_a_map_are_named(sqlite_house: House) -> None:
    await ready()
    file, told = _example("onetrust.csv"), _example("onetrust.toml")
    async with Machine(await key("imports:write", sources=EVERYWHERE)) as program:
        for wrong, said in (
            ("cell = [", "TOML"),
            (told + "\ncolour = 1\n", "colour"),
            (told.replace('purpose = "newsletter"', 'purpose = "gazette"'), "gazette"),
            (told.replace('channel = "email"', 'channel = "pigeon"'), "pigeon"),
            ("", "[[cell]]"),
            ("#" * 200_001, "too long"),
        ):
            answer = await program.post(f"{IMPORTS}?from=onetrust", files=_form(file, wrong))
            assert answer.status_code == 422 and faults(answer) == ["/map"], answer.text
            assert said in answer.json()["errors"][0]["detail"], answer.text
        lost = await program.post(f"{IMPORTS}?from=onetrust", files=_form("Identifier,Status\na@example.com,ACTIVE\n", told))
        assert lost.status_code == 422 and "column" in lost.json()["detail"]
        assert await number("batch") == 0


async def test_what_does_not_go_together_is_named(sqlite_house: House) -> None:
    await ready()
    good = _form(_example("onetrust.csv"), _example("onetrust.toml"))
    async with Machine(await key("imports:write", sources=EVERYWHERE)) as program:
        assert (await program.post(f"{IMPORTS}?from=onetrust", content="x", headers=CSV)).status_code == 415
        assert (await program.post(f"{IMPORTS}?from=hashed", files=good)).status_code == 415
        assert (await program.post(IMPORTS, files=good)).status_code == 415
        assert faults(await program.post(f"{IMPORTS}?from=pigeons", content="x", headers=CSV)) == ["/from"]
        assert faults(await program.post(f"{IMPORTS}?from=onetrust&purpose=newsletter&colour=red", files=good)) == [
            "/colour",
            "/purpose",
        ]
        only = {"file": good["file"]}
        assert faults(await program.post(f"{IMPORTS}?from=onetrust", files=only)) == ["/map"]
        other = good | {"colour": ("x", b"red")}
        assert faults(await program.post(f"{IMPORTS}?from=onetrust", files=other)) == ["/colour"]
        no_form = {"content-type": "multipart/form-data"}
        assert (await program.post(f"{IMPORTS}?from=onetrust", content="x", headers=no_form)).status_code == 400
        assert await number("batch") == 0


async def test_a_map_names_only_the_collection_points_of_its_key(sqlite_house: House) -> None:
    await ready()
    good = _form(_example("salesforce.csv"), _example("salesforce.toml"))
    async with Machine(await key("imports:write", sources=("checkout",))) as program:
        refused = await program.post(f"{IMPORTS}?from=salesforce", files=good)
        assert refused.status_code == 403 and await number("batch") == 0
        # A collection point that the file names by itself is one that nobody vouches for.
        head, _table, rest = _example("onetrust.toml").partition("[sources]")
        plain = head + rest[rest.index("[[cell]]") :]
        lines = "Identifier,Purpose Name,Purpose Version,Purpose Status,Consent Date,Collection Point Name\n" + "".join(
            f"{who}@example.com,Marketing Emails,12,ACTIVE,2026-03-01,{where}\n"
            for who, where in (("ana", "checkout"), ("ben", "preference-centre"))
        )
        planned = await program.post(f"{IMPORTS}?from=onetrust", files=_form(lines, plain))
        assert planned.status_code == 201 and planned.json()["counts"]["new"] == 2, planned.text
        await program.post(f"{IMPORTS}/{planned.json()['id']}/commit", content=lines, headers=CSV)
    assert "preference-centre" not in {row["source"] for row in await db.rows("SELECT source FROM decision")}


async def test_a_list_of_hashes_is_planned_and_committed_and_no_program_takes_it_back(house: House) -> None:
    await ready()
    file = "sha256\n" + hashlib.sha256(b"ana@example.com").hexdigest() + "\nnothing\n"
    async with Machine(await key("imports:write")) as program:
        assert (await program.post(f"{IMPORTS}?from=hashed&kind=pigeon", content=file, headers=CSV)).status_code == 422
        planned = await program.post(f"{IMPORTS}?from=hashed", content=file, headers=CSV)
        assert planned.status_code == 201, planned.text
        assert planned.json()["counts"] == {"rows": 2, "new": 1, "same": 0, "bad": 1, "known": 0}
        assert [each["line"] for each in planned.json()["lines"]] == [3] and await may("ana", SURVEYS)
        itself = f"{IMPORTS}/{planned.json()['id']}"
        done = await program.post(itself + "/commit", content=file, headers=CSV)
        assert done.json()["state"] == "in force" and not await may("ana", SURVEYS)
        refused = await program.post(itself + "/undo")
        assert refused.status_code == 403 and "officer" in refused.json()["detail"] and not await may("ana", SURVEYS)
