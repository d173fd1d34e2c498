"""POST /api/v1/permissions/check and the receipts: the answer, why, what lost, now and as of any moment."""

from datetime import UTC, datetime, timedelta

import jsonschema

from portal import audit, consent, db, subjects
from portal.api import schemas
from portal.consent import retuning
from portal.consent.precedence import File
from portal.consent.rules import Tuning
from portal.lib import clock
from tests.api.machines import Machine, faults, key, question, said
from tests.conftest import House
from tests.consent.people import known, publish, say

DOOR = "/api/v1/permissions/check"


async def test_the_answer_says_which_decision_won_and_which_lost(house: House) -> None:
    await publish()
    async with Machine(await key()) as shop:
        no = (await shop.post("/api/v1/decisions", json=said(answer="no", said_at="2026-10-01T00:00:00Z"))).json()
        yes = (await shop.post("/api/v1/decisions", json=said(said_at="2026-10-02T00:00:00Z"))).json()
        answer = await shop.post(DOOR, json=question())
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "allowed": True,
        "because": {
            "rule": 4,
            "what": "decision",
            "decision": yes["decisions"][0]["id"],
            "answer": "yes",
            "at": "2026-10-02T00:00:00Z",
            "source": "checkout",
            "grade": "self",
            "edition": "back-in-stock@1/en",
            **({"until": until} if (until := answer.json()["because"].get("until")) else {}),
        },
        "overruled": [
            {
                "what": "decision",
                "decision": no["decisions"][0]["id"],
                "answer": "no",
                "at": "2026-10-01T00:00:00Z",
                "source": "checkout",
                "grade": "self",
            }
        ],
    }


async def test_a_yes_that_the_precedence_sets_aside_is_named_with_the_part_that_did_it(house: House) -> None:
    await publish()
    await retuning.switch_on(File(Tuning(counts_for=(("checkout", 1),)), b"checkout"), by="officer:olga")
    async with Machine(await key()) as shop:
        yes = (await shop.post("/api/v1/decisions", json=said(said_at="2026-10-02T00:00:00Z"))).json()
        answer = (await shop.post(DOOR, json=question())).json()
    assert (answer["allowed"], answer["because"]["tuned"]) == (False, "recency")
    assert answer["overruled"][0]["decision"] == yes["decisions"][0]["id"]
    jsonschema.Draft202012Validator(schemas.ANSWER).validate(answer)


async def test_an_address_that_nobody_knows_has_the_default(house: House) -> None:
    await publish()
    async with Machine(await key()) as shop:
        answer = (await shop.post(DOOR, json=question("nobody@example.com"))).json()
    assert answer["allowed"] is False
    assert answer["because"] == {"rule": 3, "what": "default", "answer": "off", "edition": "back-in-stock@1"}
    assert await subjects.find("email", "nobody@example.com") is None


async def test_stops_and_pauses_say_what_they_are(house: House) -> None:
    await publish()
    ana = await known("phone", "+40722123456", proven=True)
    await say(ana, "yes", "offers", "sms", grade="self-verified")
    asked = {"identifier": {"phone": "0722 123 456"}, "purpose": "offers", "channel": "sms"}
    async with Machine(await key()) as shop:
        assert (await shop.post(DOOR, json=asked)).json()["allowed"] is True
        async with db.writing():
            await consent.pause(ana.subject, until=clock.now() + timedelta(days=3), by="customer")
        paused = (await shop.post(DOOR, json=asked)).json()
        assert paused["allowed"] is False and paused["because"]["what"] == "pause" and paused["because"]["until"]
        assert [each["what"] for each in paused["overruled"]] == ["decision"]
        async with db.writing():
            await consent.stops.suppress_address(ana.id, "sms", by="system", why="number unassigned")
        closed = (await shop.post(DOOR, json=asked)).json()["because"]
        assert (closed["rule"], closed["stop"], closed["source"]) == (1, "suppressed", "number unassigned")
        async with db.writing():
            await consent.stops.restrict(ana.subject, by="officer:olga", why="accuracy contested")
        restricted = (await shop.post(DOOR, json=asked)).json()
        assert restricted["because"]["stop"] == "restricted" and restricted["because"]["rule"] == 1
        assert "contested" not in str(restricted["because"]) and "olga" not in str(restricted)


async def test_the_answer_tells_how_the_person_likes_to_be_reached_and_only_what_they_set(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    wishes: tuple[dict[str, str], ...] = (
        {"frequency": "weekly", "hours": "evening"},
        {"frequency": "", "channel": "post", "language": "ro"},
        {"channel": "", "hours": ""},
    )
    async with Machine(await key()) as shop:
        told = [(await shop.post(DOOR, json=question())).json()]
        for given in wishes:
            await consent.wish(ana.subject, given, by=f"customer:{ana.subject}")
            told.append((await shop.post(DOOR, json=question())).json())
        stranger = (await shop.post(DOOR, json=question("nobody@example.com"))).json()
    assert [each.get("preferred") for each in told] == [
        None,
        {"frequency": "weekly", "hours": "evening"},
        {"channel": "post", "hours": "evening"},
        None,
    ]
    assert "preferred" not in stranger
    for each in told:
        jsonschema.Draft202012Validator(schemas.ANSWER).validate(each)


async def test_as_of_any_moment_and_gone_after_an_erasure(house: House) -> None:
    await publish()
    async with Machine(await key()) as shop:
        with clock.at(datetime(2027, 3, 1, tzinfo=UTC)):
            await shop.post("/api/v1/decisions", json=said())
        with clock.at(datetime(2027, 3, 3, tzinfo=UTC)):
            await shop.post("/api/v1/decisions", json=said(answer="no"))
        with clock.at(datetime(2027, 3, 9, tzinfo=UTC)):
            told = [(await shop.post(DOOR, json=question(at=f"2027-03-0{day}T12:00:00Z"))).json() for day in (1, 2, 4)]
            assert [each["allowed"] for each in told] == [True, True, False]
            before = await shop.post(DOOR, json=question(at="2027-02-01T00:00:00Z"))
            assert before.status_code == 404 and before.headers["content-type"] == "application/problem+json"
            ahead = await shop.post(DOOR, json=question(at="2027-03-10T00:00:00Z"))
            assert faults(ahead) == ["/at"]
            found = await subjects.find("email", "ana@example.com")
            assert found is not None
            async with db.writing():
                await subjects.forget(found.subject, by="officer:olga", keep_note=True)
            gone = await shop.post(DOOR, json=question(at="2027-03-02T12:00:00Z"))
            assert gone.status_code == 410 and "erased" in gone.json()["detail"]


async def test_an_unknown_purpose_or_channel_is_not_found(sqlite_house: House) -> None:
    await publish()
    async with Machine(await key()) as shop:
        for more in ({"purpose": "no-such-purpose"}, {"channel": "post"}, {"channel": "pigeon"}):
            answer = await shop.post(DOOR, json=question(**more))
            assert answer.status_code == 404 and answer.json()["status"] == 404


async def test_each_bad_field_of_a_question_is_named(sqlite_house: House) -> None:
    await publish()
    async with Machine(await key()) as shop:
        for sent, places in (
            ({}, ["/channel", "/identifier", "/purpose"]),
            (question(identifier={"email": "?"}), ["/identifier/email"]),
            (question(at="now"), ["/at"]),
            (question(purpose=""), ["/purpose"]),
            (question(topics="x"), ["/topics"]),
            (question(topic=["x"]), ["/topic"]),
        ):
            assert faults(await shop.post(DOOR, json=sent)) == places
        assert faults(await shop.post(DOOR, json=[])) == [""]


async def test_a_receipt_is_given_for_decisions_and_nothing_else(house: House) -> None:
    await publish()
    secret = await key()
    await audit.sequence_all()
    [made] = await audit.search(event="key.made")
    async with Machine(secret) as shop:
        for entry in (made.id, "no-such-entry", "%27%20OR%201=1--"):
            answer = await shop.get(f"/api/v1/receipts/{entry}")
            assert answer.status_code == 404 and answer.headers["content-type"] == "application/problem+json"
