"""POST /api/v1/decisions: what is recorded, what is refused and how, and the same request twice."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from portal import audit, consent, db, subjects
from portal.consent import Cell
from portal.consent.history import evidence_of
from portal.lib import clock
from tests.api.machines import Machine, faults, key, number, question, said
from tests.conftest import House, on_both
from tests.consent.people import publish

DOOR = "/api/v1/decisions"
CELL = Cell("back-in-stock", "email")


async def test_a_yes_from_the_checkout_is_recorded_and_proven(house: House) -> None:
    await publish()
    async with Machine(await key()) as shop:
        sent = said(language="en", said_at="2026-11-01T10:00:00+02:00", evidence={"order": "4711"})
        answer = await shop.post(DOOR, json=sent)
        assert answer.status_code == 201, answer.text
        [told] = answer.json()["decisions"]
        assert set(told) == {"id", "purpose", "channel", "allowed", "receipt"}
        assert told["allowed"] is True and told["purpose"] == "back-in-stock" and told["channel"] == "email"
        await audit.sequence_all()
        receipt = await shop.get("/api/v1" + told["receipt"])
        assert receipt.status_code == 200 and receipt.text.startswith("c2sp.org/tlog-proof@v1")
        report = audit.verify_receipt(receipt.text, [await audit.log_key()])
        assert report.ok and report.event == "consent.granted"
    stored = await db.row("SELECT * FROM decision")
    assert stored is not None and stored["id"] == told["id"] and stored["entry"] == told["receipt"].rpartition("/")[2]
    assert stored["grade"] == "self" and stored["source"] == "checkout" and stored["actor"].startswith("key:")
    assert clock.rfc3339(clock.from_micros(stored["said_at"])) == "2026-11-01T08:00:00Z"
    assert await evidence_of(told["id"]) == {"order": "4711"}


async def test_a_receipt_of_a_stop_is_no_business_of_other_programs(house: House) -> None:
    await publish()
    async with Machine(await key()) as shop:
        recorded = (await shop.post(DOOR, json=said(answer="no"))).json()["decisions"][0]
        ana = await subjects.find("email", "ana@example.com")
        assert ana is not None
        await consent.stops.restrict(ana.subject, by="officer:petra", why="accuracy contested")
        await audit.sequence_all()
        [restricted] = await audit.search(event="consent.restricted")
        assert (await shop.get(f"/api/v1/receipts/{restricted.id}")).status_code == 404
        assert (await shop.get("/api/v1" + recorded["receipt"])).status_code == 200


async def test_many_purposes_of_one_person_are_one_request_with_a_text_each(house: House) -> None:
    await publish()
    items = [
        {"purpose": "back-in-stock", "channel": "email", "answer": "yes"},
        {"purpose": "newsletter", "channel": "email", "topic": "readings", "answer": "yes", "edition": "newsletter@1/ro"},
        {"purpose": "newsletter", "channel": "*", "topic": "offers", "answer": "no"},
    ]
    async with Machine(await key()) as shop:
        answer = await shop.post(DOOR, json=said(decisions=items))
    assert answer.status_code == 201, answer.text
    told = answer.json()["decisions"]
    assert [(each["purpose"], each.get("topic"), each["allowed"]) for each in told] == [
        ("back-in-stock", None, True),
        ("newsletter", "readings", False),  # waits for its confirmation
        ("newsletter", "offers", False),
    ]
    stored = await db.rows("SELECT edition, language, state FROM decision ORDER BY id")
    assert [tuple(each.values()) for each in stored] == [
        ("back-in-stock@1/en", "en", "firm"),
        ("newsletter@1/ro", "en", "pending"),
        ("", "en", "firm"),
    ]


@pytest.mark.parametrize(
    "kind, value, purpose, channel",
    [
        ("phone", "+40722123456", "offers", "sms"),
        ("device", "d-1", "offers", "push"),
        ("account", "c-17", "offers", "push"),
        ("post", "Strada Lunga 4, 400114 Cluj", "catalogue", "post"),
    ],
)
async def test_each_kind_of_address_is_taken(sqlite_house: House, kind: str, value: str, purpose: str, channel: str) -> None:
    await publish()
    sent = said(answer="no", identifier={kind: value}, decisions=[{"purpose": purpose, "channel": channel, "answer": "no"}])
    async with Machine(await key()) as shop:
        answer = await shop.post(DOOR, json=sent)
    assert answer.status_code == 201, answer.text
    assert await subjects.find(kind, value) is not None


async def test_the_grade_comes_from_the_key_and_never_from_the_body(sqlite_house: House) -> None:
    await publish()
    async with Machine(await key(grade="import")) as shop:
        assert faults(await shop.post(DOOR, json=said(grade="self-verified"))) == ["/grade"]
        assert (await shop.post(DOOR, json=said())).status_code == 201
    stored = await db.row("SELECT grade FROM decision")
    assert stored == {"grade": "import"}


async def test_a_weaker_key_never_turns_a_no_into_a_yes(sqlite_house: House) -> None:
    await publish()
    async with Machine(await key(grade="self")) as shop, Machine(await key(grade="staff")) as desk:
        assert (await shop.post(DOOR, json=said(answer="no"))).status_code == 201
        answer = await desk.post(DOOR, json=said())
        assert answer.status_code == 201 and answer.json()["decisions"][0]["allowed"] is False


async def test_whoever_asked_not_to_be_added_again_comes_back_only_by_themself(sqlite_house: House) -> None:
    await publish()
    async with db.writing():
        await subjects.suppress("email", "ana@example.com", basis="asked", by="system")
    async with Machine(await key(grade="staff")) as desk, Machine(await key(grade="self")) as shop:
        assert (await desk.post(DOOR, json=said())).status_code == 409
        assert await number("identifier") == 0
        answer = await shop.post(DOOR, json=said())
        assert answer.status_code == 201 and answer.json()["decisions"][0]["allowed"] is False  # not proven yet


BAD: list[tuple[dict[str, Any], list[str]]] = [
    ({"identifier": {}}, ["/identifier"]),
    ({"identifier": "ana@example.com"}, ["/identifier"]),
    ({"identifier": {"email": "ana@example.com", "phone": "+40722123456"}}, ["/identifier"]),
    ({"identifier": {"name": "Ana"}}, ["/identifier"]),
    ({"identifier": {"email": 7}}, ["/identifier/email"]),
    ({"identifier": {"email": "no address"}}, ["/identifier/email"]),
    ({"identifier": {"email": "a" * 501}}, ["/identifier/email"]),
    ({"source": "the-moon"}, ["/source"]),
    ({"source": None}, ["/source"]),
    ({"language": "english"}, ["/language"]),
    ({"said_at": "yesterday"}, ["/said_at"]),
    ({"said_at": "2026-11-01T10:00:00"}, ["/said_at"]),
    ({"said_at": "2026-02-30T10:00:00Z"}, ["/said_at"]),
    ({"said_at": "0001-01-01T00:00:00+14:00"}, ["/said_at"]),
    ({"said_at": 1700000000}, ["/said_at"]),
    ({"said_at": "2999-01-01T00:00:00Z"}, ["/said_at"]),
    ({"edition": "newsletter@1/en"}, ["/edition"]),
    ({"edition": ""}, ["/edition"]),
    ({"edition": "back-in-stock@99/en"}, ["/decisions/0/edition"]),
    ({"evidence": []}, ["/evidence"]),
    ({"evidence": {"x": "y" * 4000}}, ["/evidence"]),
    ({"decisions": []}, ["/decisions"]),
    ({"decisions": "yes"}, ["/decisions"]),
    ({"decisions": [7]}, ["/decisions/0", "/edition"]),
    ({"note": "x", "x/y~z": 1}, ["/note", "/x~1y~0z"]),
]
BAD_ITEMS: list[tuple[dict[str, Any], list[str]]] = [
    ({"purpose": "nothing-like-it"}, ["/edition"]),
    ({"purpose": None}, ["/decisions/0/purpose", "/edition"]),
    ({"channel": "pigeon"}, ["/decisions/0/channel"]),
    ({"channel": "sms"}, ["/decisions/0/channel"]),
    ({"channel": "*"}, ["/decisions/0/channel"]),
    ({"topic": "astrology"}, ["/decisions/0/topic"]),
    ({"answer": "maybe"}, ["/decisions/0/answer"]),
    ({"answer": ""}, ["/decisions/0/answer"]),
    ({"answer": "undone"}, ["/decisions/0/answer"]),
    ({"until": "soon"}, ["/decisions/0/until"]),
    ({"until": "2020-01-01T00:00:00Z"}, ["/decisions/0/until"]),
    ({"until": "9999-12-31T23:59:59-14:00"}, ["/decisions/0/until"]),
    ({"grade": "self-verified"}, ["/decisions/0/grade"]),
]


@pytest.fixture
async def shop(sqlite_house: House) -> Any:
    await publish()
    async with Machine(await key()) as shop:
        yield shop


async def test_each_bad_field_is_named_with_its_place_and_nothing_is_kept(shop: Machine) -> None:
    bad = [(said(**more), places) for more, places in BAD]
    bad += [(said(decisions=[said()["decisions"][0] | more]), places) for more, places in BAD_ITEMS]
    for sent, places in bad:
        answer = await shop.post(DOOR, json=sent)
        assert answer.status_code == 422, (sent, answer.text)
        assert faults(answer) == places, sent
    for name in ("identifier", "source", "decisions"):
        assert faults(await shop.post(DOOR, json=_without(name))) == [f"/{name}"]
    assert await number("identifier") == await number("decision") == 0


async def test_all_faults_of_a_request_are_told_at_once(shop: Machine) -> None:
    items = [{"purpose": "back-in-stock", "channel": "email"}, {"purpose": "x", "channel": "email", "answer": "no", "why": 1}]
    sent = {"identifier": {"email": "?"}, "source": "checkout", "decisions": items, "said_at": "?"}
    answer = await shop.post(DOOR, json=sent)
    assert faults(answer) == ["/decisions/0/answer", "/decisions/1/why", "/identifier/email", "/said_at"]


async def test_one_bad_item_keeps_the_good_ones_out_too(shop: Machine) -> None:
    good = said()["decisions"][0]
    bad = [good, good | {"purpose": "no-such", "answer": "no"}, good | {"edition": "x"}]
    answer = await shop.post(DOOR, json=said(decisions=bad))
    assert faults(answer) == ["/decisions/1/purpose", "/decisions/2/edition"]
    assert await number("identifier") == await number("decision") == 0


async def test_a_hundred_items_are_taken_and_one_more_is_not(shop: Machine) -> None:
    item = {"purpose": "back-in-stock", "channel": "email", "answer": "no"}
    assert (await shop.post(DOOR, json=said(answer="no", decisions=[item] * 100))).status_code == 201
    assert faults(await shop.post(DOOR, json=said(answer="no", decisions=[item] * 101))) == ["/decisions"]


async def test_a_clock_that_is_five_minutes_fast_means_now(shop: Machine) -> None:
    soon = clock.now() + timedelta(minutes=4)
    assert (await shop.post(DOOR, json=said(said_at=clock.rfc3339(soon)))).status_code == 201
    stored = await db.row("SELECT said_at, recorded_at FROM decision")
    assert stored is not None and stored["said_at"] == stored["recorded_at"]
    late = clock.rfc3339(clock.now() + timedelta(minutes=6))
    assert faults(await shop.post(DOOR, json=said(said_at=late))) == ["/said_at"]


async def test_a_yes_ends_when_it_says_so(shop: Machine) -> None:
    ends = clock.now() + timedelta(days=2)
    item = said()["decisions"][0] | {"until": clock.rfc3339(ends)}
    assert (await shop.post(DOOR, json=said(decisions=[item]))).status_code == 201
    assert (await consent.ask("email", "ana@example.com", CELL)).allowed
    with clock.at(ends + timedelta(seconds=2)):
        assert not (await consent.ask("email", "ana@example.com", CELL)).allowed


async def test_a_key_speaks_only_for_its_own_collection_points(shop: Machine) -> None:
    answer = await shop.post(DOOR, json=said(source="call-centre"))
    assert answer.status_code == 403 and "call-centre" in answer.json()["detail"]
    assert await number("decision") == 0


async def test_the_same_request_twice_is_done_once_and_answered_the_same(house: House) -> None:
    await publish()
    async with Machine(await key()) as shop:
        headers = {"idempotency-key": "order-4711"}
        first = await shop.post(DOOR, json=said(), headers=headers)
        again = await shop.post(DOOR, json=said(), headers=headers)
        assert first.status_code == again.status_code == 201 and first.content == again.content
        assert "idempotency-replayed" not in first.headers and again.headers["idempotency-replayed"] == "true"
        other = await shop.post(DOOR, json=said(answer="no"), headers=headers)
        assert other.status_code == 409 and other.headers["content-type"] == "application/problem+json"
        assert await number("decision") == 1


@on_both
async def test_the_same_request_many_times_at_once_is_done_once(house: House) -> None:
    await publish()
    async with Machine(await key()) as shop:
        calls = (shop.post(DOOR, json=said(), headers={"idempotency-key": "k"}) for _time in range(20))
        answers = await asyncio.gather(*calls)
    assert {each.status_code for each in answers} == {201} and len({each.content for each in answers}) == 1
    assert sum("idempotency-replayed" not in each.headers for each in answers) == 1
    assert await number("decision") == 1


async def test_two_programs_may_use_the_same_idempotency_key(sqlite_house: House) -> None:
    await publish()
    async with Machine(await key()) as shop, Machine(await key()) as other:
        for each, address in ((shop, "ana@example.com"), (other, "ben@example.com")):
            answer = await each.post(DOOR, json=said(address), headers={"idempotency-key": "1"})
            assert answer.status_code == 201 and "idempotency-replayed" not in answer.headers
    assert await number("decision") == 2


async def test_a_refused_request_may_be_corrected_under_the_same_key(shop: Machine) -> None:
    headers = {"idempotency-key": "1"}
    assert (await shop.post(DOOR, json=said(edition="back-in-stock@9/en"), headers=headers)).status_code == 422
    assert (await shop.post(DOOR, json=said(), headers=headers)).status_code == 201


@pytest.mark.parametrize("given", ["x" * 201, "caf\u00e9", "a\tb"])
async def test_a_strange_idempotency_key_is_refused(shop: Machine, given: str) -> None:
    answer = await shop.post(DOOR, json=said(), headers=[(b"idempotency-key", given.encode())])
    assert answer.status_code == 422 and faults(answer) == ["Idempotency-Key"]


async def test_what_was_recorded_counts_for_the_very_next_question(house: House) -> None:
    await publish()
    async with Machine(await key()) as shop:
        for answer in ("yes", "no", "yes"):
            await shop.post(DOOR, json=said(answer=answer))
            told = (await shop.post("/api/v1/permissions/check", json=question())).json()
            assert told["allowed"] is (answer == "yes")


def _without(name: str) -> dict[str, Any]:
    sent = said(answer="no")
    del sent[name]
    return sent
