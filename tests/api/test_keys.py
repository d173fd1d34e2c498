"""Keys and what they open: one answer for all that do not fit, scopes, revocation, limits; and no cookie counts here."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal import audit, db, identity, settings
from portal.identity import api_keys, api_limits
from portal.lib import clock, ids
from portal.lib.errors import Conflict, Invalid, NotAllowed, NotFound
from tests.api.machines import OURS, SHOP, Machine, key, number, question, said
from tests.conftest import House, on_both
from tests.consent.people import publish
from tests.people import ANA, OLGA, PETRA, VIK, Browser, hire, sign_in

CHECK = "/api/v1/permissions/check"


async def test_whatever_is_not_a_key_in_use_gets_the_same_answer(house: House) -> None:
    await publish()
    good = await key()
    revoked = await key()
    await identity.revoke_key((await identity.keys())[1].id, by=None)
    made_up = ["pk_" + "A" * 43, revoked, good[:-1], good + "A", good.upper(), good[3:], "x", "pk_", "pk_" + "é" * 9, "p" * 9000]
    answers = []
    async with Machine() as mallory:
        for each in made_up:
            headers = [(b"authorization", f"Bearer {each}".encode())]
            answers.append(await mallory.post(CHECK, json=question(), headers=headers))
        for scheme in ("Basic ", "Token ", "", "Bearer", "Bearer\t"):
            answers.append(await mallory.post(CHECK, json=question(), headers={"authorization": f"{scheme}{good}"}))
    assert {each.status_code for each in answers} == {401}
    assert len({each.content for each in answers}) == 1
    assert {each.headers["www-authenticate"] for each in answers} == {'Bearer realm="portal", error="invalid_token"'}
    async with Machine() as nobody:
        answer = await nobody.post(CHECK, json=question())
    assert answer.status_code == 401 and answer.headers["www-authenticate"] == 'Bearer realm="portal"'
    async with Machine(good) as shop:
        assert (await shop.post(CHECK, json=question())).status_code == 200
        assert (await shop.post(CHECK, json=question(), headers={"authorization": f"bearer {good}"})).status_code == 200


async def test_a_key_is_found_by_its_hash_and_never_stored_or_compared_itself(sqlite_house: House) -> None:
    secret = await key()
    stored = await db.row("SELECT * FROM api_key")
    assert stored is not None and bytes(stored["digest"]) == ids.digest(secret)
    assert secret not in repr(stored) and secret[3:] not in repr(stored)
    assert len(secret) == 3 + 43 and secret.startswith("pk_")  # 256 bits
    assert not [each for each in await db.rows("SELECT * FROM entry") if secret.encode() in bytes(each["sealed"])]
    # What a guess shares with the real key does not show: only hashes meet, and those of near guesses share nothing.
    assert await api_keys.key_of(secret) is not None
    assert await api_keys.key_of(secret[:-1] + ("A" if secret[-1] != "A" else "B")) is None


async def test_asking_costs_no_query_for_the_key_whether_it_is_real_or_made_up(
    sqlite_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = await key()
    assert await identity.admit(secret) is not None
    reads = 0
    read = api_keys._read

    async def counted(asked: Any) -> Any:
        nonlocal reads
        reads += 1
        return await read(asked)

    monkeypatch.setattr(api_keys._reading, "_answer", counted)
    began = time.monotonic()
    for _time in range(300):
        assert await api_keys.key_of(secret) is not None
        assert await api_keys.key_of("pk_made-up") is None
    took = time.monotonic() - began
    assert reads <= 2 + took / api_keys.MISSING_FOR


async def test_a_revoked_key_opens_nothing_at_once(house: House) -> None:
    await publish()
    async with Machine(await key()) as shop:
        assert (await shop.post(CHECK, json=question())).status_code == 200
        [made] = await identity.keys()
        await identity.revoke_key(made.id, by=None)
        assert (await shop.post(CHECK, json=question())).status_code == 401
    assert (await identity.keys())[0].revoked_at is not None
    with pytest.raises(Conflict):
        await identity.revoke_key(made.id, by=None)
    with pytest.raises(NotFound):
        await identity.revoke_key("no-such-key", by=None)


@on_both
async def test_a_key_revoked_by_another_process_opens_nothing_after_a_second(house: House) -> None:
    secret = await key()
    assert await api_keys.key_of(secret) is not None
    async with db.writing():  # as another process does it: nothing tells this one
        await db.run("UPDATE api_key SET revoked_at = ?", 1)
    await asyncio.sleep(api_keys.BELIEVED_FOR)
    assert await api_keys.key_of(secret) is None


async def test_a_key_made_by_another_process_opens_soon(sqlite_house: House) -> None:
    await key()
    assert await api_keys.key_of("pk_other") is None
    secret = "pk_" + ids.secret(256)
    async with db.writing():
        await db.run("UPDATE api_key SET digest = ?", ids.digest(secret))
    await asyncio.sleep(api_keys.MISSING_FOR)
    assert await api_keys.key_of(secret) is not None


async def test_a_revocation_while_the_keys_are_read_is_not_overlooked(sqlite_house: House) -> None:
    secret = await key()
    [made] = await identity.keys()
    reading = asyncio.ensure_future(api_keys.key_of(secret))
    await asyncio.gather(identity.revoke_key(made.id, by=None), reading)
    assert await api_keys.key_of(secret) is None


async def test_a_key_does_what_its_scopes_say_and_nothing_else(sqlite_house: House) -> None:
    await publish()
    tries = {
        "decisions:write": ("POST", "/api/v1/decisions", said()),
        "permissions:read": ("POST", CHECK, question()),
        "decisions:read": ("GET", "/api/v1/receipts/none", None),
    }
    for scope in identity.SCOPES:
        async with Machine(await key(scope)) as program:
            for needed, (method, path, sent) in tries.items():
                answer = await program.request(method, path, json=sent)
                assert (answer.status_code == 403) is (needed != scope), (scope, path, answer.text)
                if answer.status_code == 403:
                    assert f'error="insufficient_scope", scope="{needed}"' in answer.headers["www-authenticate"]
                    assert needed in answer.json()["detail"]
    assert await number("decision") == 1


async def test_no_cookie_opens_a_door_for_machines(sqlite_house: House) -> None:
    await publish()
    secret = await key()
    async with Browser() as ana:
        await sign_in(ana, ANA)
        ana.cookies.set("authorization", f"Bearer {secret}", domain="127.0.0.1")
        ana.cookies.set("key", secret, domain="127.0.0.1")
        for method, path in (("POST", "/api/v1/decisions"), ("POST", CHECK), ("GET", "/api/v1/receipts/x")):
            answer = await ana.request(method, path, json=question())
            assert answer.status_code == 401 and "set-cookie" not in answer.headers
        assert (await ana.get("/api/openapi.json")).status_code == 200
    async with Machine(secret) as shop:
        answer = await shop.post(
            CHECK, json=question(), headers={"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
        )
        assert (
            answer.status_code == 200 and "access-control-allow-origin" not in answer.headers
        )  # the key is the proof, not the page


async def test_only_an_officer_who_states_it_lets_a_program_speak_as_proven(sqlite_house: House) -> None:
    olga, vik = await hire(OLGA, "owner"), await hire(VIK, "auditor")
    owner, auditor = await identity.officer(olga.id), await identity.officer(vik.id)
    for more in ({"by": None}, {"by": None, "proves_people": True}, {"by": owner}):
        with pytest.raises(Invalid):
            await identity.add_key("Shop", scopes=SHOP, grade="self-verified", **more)
    made, _secret = await identity.add_key("Shop", scopes=SHOP, grade="self-verified", by=owner, proves_people=True)
    assert made.made_by == f"officer:{olga.id}"
    with pytest.raises(NotAllowed):
        await identity.add_key("Shop", scopes=SHOP, grade="self", by=auditor)
    with pytest.raises(NotAllowed):
        await identity.revoke_key(made.id, by=auditor)


@pytest.mark.parametrize(
    "label, scopes", [("", SHOP), (" ", SHOP), ("x" * 61, SHOP), ("a\nb", SHOP), ("Shop", ()), ("Shop", ("all",))]
)
async def test_a_key_has_a_name_and_scopes_of_the_closed_list(sqlite_house: House, label: str, scopes: tuple[str, ...]) -> None:
    with pytest.raises(Invalid):
        await identity.add_key(label, scopes=scopes, grade="self", by=None)
    assert await number("api_key") == 0


async def test_a_keys_life_stands_in_the_record(house: House) -> None:
    petra = await hire(PETRA, "owner")
    made, _secret = await identity.add_key("Shop", scopes=SHOP, grade="self", by=None)
    await identity.revoke_key(made.id, by=await identity.officer(petra.id))
    found = await audit.search(object=f"key:{made.id}")
    assert [(each.event, each.actor) for each in found] == [
        ("key.revoked", f"officer:{petra.id}"),
        ("key.made", "system"),
    ]


@pytest.fixture(autouse=True)
def nothing_counted_yet() -> None:
    api_limits._tallies.clear()  # of other tests, whose keys this database does not know


@pytest.fixture
def three_a_minute(house: House) -> Iterator[None]:
    settings.use(replace(house.settings, api_per_minute=3))
    yield


async def test_a_limit_survives_a_restart_and_ends_with_its_minute(house: House, three_a_minute: None) -> None:
    await publish()
    noon = datetime(2027, 3, 1, 12, tzinfo=UTC)
    secret, other = await key(), await key()
    with clock.at(noon):
        async with Machine(secret) as shop:
            for _time in range(2):
                assert (await shop.post(CHECK, json=question())).status_code == 200
            await api_limits.fold_requests()
            api_limits._tallies.clear()  # a restart: only the database remembers
            assert (await shop.post(CHECK, json=question())).status_code == 200
            answer = await shop.post(CHECK, json=question())
        assert answer.status_code == 429 and answer.headers["content-type"] == "application/problem+json"
        assert 50 <= int(answer.headers["retry-after"]) <= 60
        async with Machine(other) as somebody:
            assert (await somebody.post(CHECK, json=question())).status_code == 200
        await api_limits.fold_requests()
        api_limits._tallies.clear()
        async with Machine(secret) as shop:
            assert (await shop.post(CHECK, json=question())).status_code == 429
    with clock.at(noon + timedelta(seconds=61)):
        async with Machine(secret) as shop:
            assert (await shop.post(CHECK, json=question())).status_code == 200


@on_both
async def test_two_processes_count_together(house: House, three_a_minute: None) -> None:
    await publish()
    async with Machine(await key()) as shop:
        assert (await shop.post(CHECK, json=question())).status_code == 200
        [made] = await identity.keys()
        async with db.writing():  # what the other process folded
            await db.count_many({f"api/{made.id}": 2}, per=timedelta(minutes=1))
        await api_limits.fold_requests()
        assert (await shop.post(CHECK, json=question())).status_code == 429


@on_both
async def test_requests_are_written_in_rounds_and_a_key_shows_the_day_of_its_use(house: House) -> None:
    await publish()
    async with Machine(await key()) as shop:
        await asyncio.gather(*(shop.post(CHECK, json=question()) for _time in range(40)))
        assert await number("throttle") == 0 and (await identity.keys())[0].used_on is None
        stop = asyncio.Event()
        counting = asyncio.create_task(identity.run_counting(stop))
        stop.set()  # the last round comes with the end
        await counting
    assert [each["count"] for each in await db.rows("SELECT count FROM throttle")] == [40]
    assert (await identity.keys())[0].used_on == clock.now().date().isoformat()


async def test_the_server_counts_while_it_runs_and_once_more_when_it_ends(sqlite_house: House) -> None:
    await publish()
    secret = await key()
    before = settings.get()
    settings.use(replace(before, worker=False))
    from portal.app import build, lifespan

    site = build()
    async with lifespan(site):
        async with Machine(secret) as shop:
            assert (await shop.post(OURS + CHECK, json=question())).status_code == 200
    await db.open_database()
    assert [each["count"] for each in await db.rows("SELECT count FROM throttle WHERE name LIKE 'api/%'")] == [1]
