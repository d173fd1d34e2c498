"""SEC-39: connected systems hand in what people said, signed by Standard Webhooks; whatever else comes changes nothing."""

import asyncio
import base64
import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from portal import connectors, consent, db, settings, subjects
from portal.api.inbound import require_sound
from portal.connectors.systems import read
from portal.connectors.webhook.signing import new_keys
from portal.identity import api_limits
from portal.lib import clock
from portal.settings import HOME
from tests.api.machines import Machine, faults, key, number, said
from tests.api.sender import LIST, SECRET, Sender, connect
from tests.conftest import House, on_both
from tests.consent.people import publish

YESTERDAY = "2026-01-31T08:00:00Z"
TABLES = ("decision", "identifier", "subject", "reply", "entry", "permission", "data_key", "throttle")


def word(address: str = "ana@example.com", answer: str = "yes", **more: Any) -> dict[str, Any]:
    return said(address, answer, **{"said_at": YESTERDAY, **more})


@pytest.fixture
async def letters(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sender]:
    api_limits._tallies.clear()  # its name stays the same from test to test
    await publish()
    connect(tmp_path, monkeypatch)
    async with Machine() as machine:
        yield Sender(machine)


@on_both
async def test_a_signed_word_is_recorded_with_what_the_list_says_of_its_system(letters: Sender) -> None:
    answer = await letters.send("msg_1", word())
    assert answer.status_code == 200, answer.text
    [told] = answer.json()["decisions"]
    assert told["allowed"] and told["purpose"] == "back-in-stock"
    [stored] = await db.rows("SELECT source, grade, actor, said_at FROM decision")
    assert (stored["source"], stored["grade"], stored["actor"]) == ("checkout", "self", "connected:letters")
    assert clock.rfc3339(clock.from_micros(stored["said_at"])).startswith("2026-01-31T08:00:00")
    ana = await subjects.find("email", "ana@example.com")
    assert ana and (await consent.permission(ana.id, "back-in-stock", "email")).allowed


async def test_the_same_message_again_is_answered_the_same_and_changes_nothing(letters: Sender) -> None:
    first = await letters.send("msg_1", word())
    again = await asyncio.gather(*(letters.send("msg_1", word()) for _time in range(5)))
    with clock.at(clock.now() + timedelta(hours=1)):  # as the standard wants it: the same id, signed anew
        again.append(await letters.send("msg_1", word()))
    assert {(each.status_code, each.text) for each in again} == {(200, first.text)}
    assert all(each.headers["idempotency-replayed"] == "true" for each in again)
    assert await number("decision") == 1
    other = await letters.send("msg_1", word(answer="no"))
    assert other.status_code == 409 and await number("decision") == 1


async def test_an_id_of_one_system_is_nothing_to_a_key_or_to_another_system(
    letters: Sender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = LIST.replace(
        'name = "silent"', 'name = "silent"\ninbound_secret_variable = "LETTERS_INBOUND"\ninbound_grade = "staff"'
    )
    connect(tmp_path, monkeypatch, both.replace('"staff"', '"staff"\ninbound_sources = ["order"]'))
    async with Machine(await key()) as shop:
        body = json.dumps(word()).encode()
        headers = {"idempotency-key": "msg_1", "content-type": "application/json"}
        assert (await shop.post("/api/v1/decisions", content=body, headers=headers)).status_code == 201
    assert "idempotency-replayed" not in (await letters.send("msg_1", word())).headers
    silent = Sender(letters.machine, system="silent")
    assert (await silent.send("msg_1", word())).status_code == 403  # it does not speak for the checkout
    answer = await silent.send("msg_1", word(answer="no", source="order"))
    assert answer.status_code == 200 and "idempotency-replayed" not in answer.headers
    assert [each["grade"] for each in await db.rows("SELECT grade FROM decision ORDER BY id")] == ["self", "self", "staff"]


async def test_whatever_is_not_signed_as_it_should_be_gets_one_answer_and_has_no_effect(letters: Sender) -> None:
    before = [await number(table) for table in TABLES]
    body, now = json.dumps(word()).encode(), clock.now()
    good = letters.sign("msg_1", body)
    other = "whsec_" + base64.b64encode(b"another secret of 32 bytes, yes!").decode()
    bad: list[tuple[bytes, dict[str, str], str]] = [
        *((body, {name: value for name, value in good.items() if name != left_out}, "letters") for left_out in list(good)[1:]),
        *((body, {**good, name: ""}, "letters") for name in list(good)[1:]),
        (body + b" ", good, "letters"),
        (body[:-20], good, "letters"),
        (b"", good, "letters"),
        (body.replace(b"yes", b"no"), good, "letters"),
        (body, {**good, "webhook-id": "msg_2"}, "letters"),
        (body, {**good, "webhook-id": "msg_1 "}, "letters"),
        (body, {**good, "webhook-timestamp": str(int(good["webhook-timestamp"]) + 1)}, "letters"),
        (body, {**good, "webhook-signature": good["webhook-signature"].removeprefix("v1,")}, "letters"),
        (body, {**good, "webhook-signature": good["webhook-signature"].replace("v1,", "v1a,")}, "letters"),
        (body, {**good, "webhook-signature": good["webhook-signature"][:-2]}, "letters"),
        (body, {**good, "webhook-signature": good["webhook-signature"].lower()}, "letters"),
        (body, {**good, "webhook-signature": "v1," + "A" * 43 + "="}, "letters"),
        (body, {**good, "webhook-signature": " ".join(["v1,AAAA"] * 5_000) + " " + good["webhook-signature"]}, "letters"),
        (body, {**good, "webhook-signature": "v1,\u00e9"}, "letters"),
        (body, Sender(letters.machine, other).sign("msg_1", body), "letters"),
        *((body, letters.sign("msg_1", body, now + timedelta(seconds=off)), "letters") for off in (-302, 302, -86_400, 10**8)),
        *((body, _signed_as(stamp, body), "letters") for stamp in ("soon", "-1", "1e9", "9" * 400, "", "1.5", "\u0661")),
        *((body, _signed_as(str(int(now.timestamp())), body, message_id), "letters") for message_id in ("x" * 201, "a\u00e9")),
        *((body, good, system) for system in ("silent", "nobody", "Letters", "letters%00", "..", "%2e%2e", "x" * 300)),
    ]
    answers = []
    for content, headers, system in bad:
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        path = f"/api/v1/inbound/{system}"
        answers.append(await letters.machine.post(path, content=content, headers=raw))
    refused = [each for each in answers if each.status_code != 404]  # no address has NUL or dots in it
    assert {each.status_code for each in refused} == {401} and len(refused) >= len(bad) - 3
    assert len({each.text for each in refused}) == 1 and all("www-authenticate" in each.headers for each in refused)
    assert [await number(table) for table in TABLES] == before
    assert (await letters.post(body, good)).status_code == 200


async def test_five_minutes_off_is_a_clock_that_is_not_quite_right(letters: Sender) -> None:
    for position, off in enumerate((-298, 0, 298)):
        answer = await letters.send(f"msg_{position}", word(), at=clock.now() + timedelta(seconds=off))
        assert answer.status_code == 200, off


async def test_a_system_changes_its_secret_without_losing_a_message(
    letters: Sender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = new_keys()[0]
    body = json.dumps(word()).encode()
    connect(tmp_path, monkeypatch, secrets=f"{SECRET} {new}")
    assert (await letters.send("msg_1", word())).status_code == 200
    assert (await Sender(letters.machine, new).send("msg_2", word())).status_code == 200
    headers = letters.sign("msg_3", body)
    both = Webhook(new).sign("msg_3", clock.now(), body.decode()) + " " + headers["webhook-signature"] + " v9,unknown"
    connect(tmp_path, monkeypatch, secrets=new)
    assert (await letters.post(body, {**headers, "webhook-signature": both})).status_code == 200
    assert (await letters.send("msg_4", word())).status_code == 401


async def test_a_signed_message_is_read_as_strictly_as_any_other(letters: Sender) -> None:
    undated = said()
    assert faults(await letters.send("msg_1", undated)) == ["/said_at"]
    assert faults(await letters.send("msg_1", word(said_at="2999-01-01T00:00:00Z"))) == ["/said_at"]
    assert faults(await letters.send("msg_1", word(sequence=4, type="x"))) == ["/sequence", "/type"]
    assert faults(await letters.send("msg_1", word(decisions=[]))) == ["/decisions"]
    assert (await letters.send("msg_1", word(source="import"))).status_code in (403, 422)
    assert (await letters.send("msg_1", b"not json")).status_code == 400
    body = json.dumps(word()).encode()
    assert (await letters.post(body, {**letters.sign("msg_1", body), "content-type": "text/plain"})).status_code == 415
    assert await number("decision") == 0
    # What was refused has used up no id.
    assert (await letters.send("msg_1", word())).status_code == 200


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ('inbound_grade = "self"\n', "", "needs all of these"),
        ('inbound_sources = ["checkout", "order"]\n', "", "needs all of these"),
        ('inbound_secret_variable = "LETTERS_INBOUND"\n', "", "needs all of these"),
        ('"LETTERS_INBOUND"', '"NO_SUCH_VARIABLE"', "NO_SUCH_VARIABLE is not set"),
        ('inbound_secret_variable = "LETTERS_INBOUND"', 'inbound_secret_file = "none"', "cannot be read"),
        ('"self"', '"self-verified"', "no grade for a system"),
        ('"self"', '"sure"', "no grade for a system"),
        ('["checkout", "order"]', '["checkout", "moon"]', "no such collection point: moon"),
        ('["checkout", "order"]', '"checkout"', "list of texts"),
        ('"LETTERS_INBOUND"', '"LETTERS_SHORT"', "signing key is wrong"),
    ],
)
async def test_a_mistake_in_the_list_is_told_with_its_place_and_lets_nobody_in(
    sqlite_house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, right: str, wrong: str, says: str
) -> None:
    monkeypatch.setenv("LETTERS_SHORT", "whsec_c2hvcnQ=")
    assert right in LIST
    connect(tmp_path, monkeypatch, LIST.replace(right, wrong, 1))
    with pytest.raises(connectors.Misconfigured, match=says) as told:
        require_sound(read(tmp_path / "systems.toml")[0])
    assert told.value.place.startswith("systems.toml, line ")
    await publish()
    async with Machine() as machine:
        answer = await Sender(machine).send("msg_1", word())
        assert answer.status_code == 503 and "line" not in answer.text and await number("decision") == 0


async def test_a_system_may_send_as_much_in_a_minute_as_a_key_whatever_others_send_in_its_name(letters: Sender) -> None:
    settings.use(replace(settings.get(), api_per_minute=3))
    body = json.dumps(word()).encode()
    for _time in range(10):
        assert (await letters.post(body + b" ", letters.sign("msg_0", body))).status_code == 401
    answers = [await letters.send(f"msg_{position}", word()) for position in range(4)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429] and int(answers[3].headers["retry-after"]) > 0
    await api_limits.fold_requests()
    api_limits._tallies.clear()  # a restart
    assert (await letters.send("msg_5", word())).status_code == 429


async def test_the_example_of_the_page_is_answered_as_it_says(
    sqlite_house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (HOME / "docs" / "integrate.md").read_text().partition("## What a system hands in itself\n")[2].partition("\n# ")[0]
    blocks = dict(re.findall(r"```(toml|json|python)\n(.*?)```", page, re.DOTALL))
    await publish()
    connect(tmp_path, monkeypatch, blocks["toml"])
    there: dict[str, Any] = {}
    exec(blocks["python"], there)
    body = blocks["json"].encode()
    headers = there["headers_for"](body, SECRET, "msg_4711")
    Webhook(SECRET).verify(body, headers)
    async with Machine() as machine:
        answers = [await Sender(machine).post(body, headers) for _time in range(2)]
        assert [each.status_code for each in answers] == [200, 200] and answers[0].text == answers[1].text
        assert (await Sender(machine).post(body + b" ", headers)).status_code == 401
    assert await number("decision") == 1


def _signed_as(stamp: str, body: bytes, message_id: str = "msg_1") -> dict[str, str]:
    """Rightly signed, with a time or an id that the library would not make."""
    secret = base64.b64decode(SECRET.removeprefix("whsec_"))
    made = hmac.digest(secret, f"{message_id}.{stamp}.".encode() + body, hashlib.sha256)
    signature = "v1," + base64.b64encode(made).decode()
    given = {"webhook-id": message_id, "webhook-timestamp": stamp, "webhook-signature": signature}
    return {"content-type": "application/json", **given}
