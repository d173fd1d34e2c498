"""Webhooks: what a receiver can check, what never leaves, and what counts as taken."""

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from portal import connectors, settings
from portal.connectors import Cell, Connector, ConnectorError, Plan
from portal.connectors.webhook.connector import WebhookConnector
from portal.connectors.webhook.signing import BadKey, new_keys, read_keys
from portal.lib import clock
from tests.conftest import House
from tests.connectors.receiver import SECRET, SEED, Message, Receiver, listed, receiving, write_list

ANA = {"email": ["ana@example.com"]}
NEWS = Cell("newsletter", "email")
OTHER = "whsec_" + base64.b64encode(b"another secret of 32 bytes, yes!").decode()


@pytest.fixture
async def receiver(sqlite_house: House, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Receiver]:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    monkeypatch.setenv("HOOK_KEY", SEED)
    async with receiving() as receiver:
        settings.use(replace(sqlite_house.settings, outbound_allow="127.0.0.0/8"))
        yield receiver


def open_hook(folder: Path, url: str, *more: str) -> Connector:
    settings.use(replace(settings.get(), systems=write_list(folder, listed("letters", url, *more))))
    return connectors.open_system("letters")


async def test_the_reference_library_accepts_what_we_send(receiver: Receiver, tmp_path: Path) -> None:
    await open_hook(tmp_path, receiver.url).set_consent(ANA, Cell("newsletter", "email", "books"), False, 41)
    [message] = receiver.taken
    assert Webhook(SECRET).verify(message.body, message.headers) == message.content
    assert message.content["type"] == "consent.changed"
    assert message.data == {
        "identifier": {"email": "ana@example.com"},
        **{"purpose": "newsletter", "channel": "email", "topic": "books", "allowed": False, "sequence": 41},
    }
    assert message.headers["content-type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(message.body.replace(b"false", b"true"), message.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(message.body, message.headers)


async def test_whoever_holds_only_the_public_key_can_check_as_well(receiver: Receiver, tmp_path: Path) -> None:
    await open_hook(tmp_path, receiver.url, 'key_variable = "HOOK_KEY"').set_consent(ANA, NEWS, True, 1)
    [message] = receiver.taken
    kinds = dict(each.split(",") for each in message.headers["webhook-signature"].split())
    assert set(kinds) == {"v1", "v1a"}
    published = read_keys("", SEED).public_keys()[0]
    assert published.startswith("whpk_")
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(published.removeprefix("whpk_")))
    signed = f"{message.id}.{message.headers['webhook-timestamp']}.".encode() + message.body
    public.verify(base64.b64decode(kinds["v1a"]), signed)
    with pytest.raises(InvalidSignature):
        public.verify(base64.b64decode(kinds["v1a"]), signed + b" ")
    assert Webhook(SECRET).verify(message.body, message.headers)


async def test_a_receiver_changes_its_secret_without_losing_a_message(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", f"{SECRET} {OTHER}")
    await open_hook(tmp_path, receiver.url).set_consent(ANA, NEWS, True, 1)
    [message] = receiver.taken
    for secret in (SECRET, OTHER):
        assert Webhook(secret).verify(message.body, message.headers)


async def test_the_same_delivery_keeps_its_id_and_another_has_its_own(receiver: Receiver, tmp_path: Path) -> None:
    hook = open_hook(tmp_path, receiver.url)
    for identifiers, cell, allowed, index in (
        (ANA, NEWS, True, 1),
        (ANA, NEWS, True, 1),
        (ANA, NEWS, True, 2),
        (ANA, NEWS, False, 1),
        (ANA, Cell("newsletter", "email", "books"), True, 1),
        ({"email": ["ben@example.com"]}, NEWS, True, 1),
    ):
        await hook.set_consent(identifiers, cell, allowed, index)
    found = [message.id for message in receiver.taken]
    assert found[0] == found[1] and len(set(found)) == 5
    assert all("." not in each and len(each) < 64 for each in found)


async def test_many_messages_share_connections_and_carry_no_cookie(receiver: Receiver, tmp_path: Path) -> None:
    hook = open_hook(tmp_path, receiver.url)
    for index in range(5):
        await hook.set_consent(ANA, NEWS, True, index)
    assert receiver.connections == 1 and len(receiver.taken) == 5
    assert all("cookie" not in message.headers for message in receiver.taken)
    assert isinstance(hook, connectors.KeepsConnections)
    await hook.close()
    await hook.set_consent(ANA, NEWS, True, 5)
    assert receiver.connections == 2
    await hook.close()


@pytest.mark.parametrize(
    ("status", "sentence", "permanent"),
    [(301, "elsewhere", False), (307, "elsewhere", False), (400, "400", False), (500, "500", False), (410, "gone", True)],
)
async def test_only_2xx_counts_as_taken(receiver: Receiver, tmp_path: Path, status: int, sentence: str, permanent: bool) -> None:
    receiver.answer = lambda message: status
    with pytest.raises(ConnectorError, match=sentence) as refused:
        await open_hook(tmp_path, receiver.url).set_consent(ANA, NEWS, True, 1)
    assert refused.value.permanent is permanent
    assert isinstance(refused.value, connectors.Departed) is (status == 410)
    assert len(receiver.seen) == 1  # a redirect is not followed


async def test_an_answer_that_is_too_long_or_never_comes_is_a_failure(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = open_hook(tmp_path, receiver.url)
    receiver.length = 100_001
    with pytest.raises(ConnectorError, match="larger"):
        await hook.set_consent(ANA, NEWS, True, 1)
    receiver.length, receiver.pause = 0, 5.0
    monkeypatch.setattr("portal.connectors.webhook.connector.SECONDS", 0.2)
    with pytest.raises(ConnectorError, match="No answer") as slow:
        await hook.set_consent(ANA, NEWS, True, 1)
    assert not slow.value.permanent
    health = await hook.check()
    assert not health.ok and "No answer" in health.problems[0].sentence


async def test_nothing_is_sent_into_a_network_that_is_not_allowed(receiver: Receiver, tmp_path: Path) -> None:
    hook = open_hook(tmp_path, receiver.url)
    settings.use(replace(settings.get(), outbound_allow=""))
    with pytest.raises(ConnectorError, match="no public address") as refused:
        await hook.set_consent(ANA, NEWS, True, 1)
    assert refused.value.permanent and receiver.seen == []


async def test_it_hears_only_of_its_purposes_and_channels(receiver: Receiver, tmp_path: Path) -> None:
    hook = open_hook(tmp_path, receiver.url, 'purposes = ["newsletter"]', 'channels = ["email"]')
    for cell in (Cell("newsletter", "sms"), Cell("survey", "email")):
        assert not hook.takes(cell)
        await hook.set_consent(ANA, cell, False, 1)
    assert receiver.seen == []
    assert hook.takes(NEWS) and hook.takes(Cell("newsletter", "email", "books"))
    await hook.set_consent(ANA, NEWS, False, 1)
    assert len(receiver.taken) == 1


async def test_where_people_came_from_hears_of_every_no_and_of_no_yes_beyond_its_own(receiver: Receiver, tmp_path: Path) -> None:
    hook = open_hook(tmp_path, receiver.url, 'purposes = ["newsletter"]', 'sources = ["competition"]')
    await hook.set_consent(ANA, Cell("survey", "email"), True, 1)
    assert receiver.seen == []
    await hook.set_consent(ANA, Cell("survey", "email"), False, 2)
    assert [message.data["purpose"] for message in receiver.taken] == ["survey"]


async def test_it_holds_nothing_to_search_and_a_deletion_is_told_under_one_id(receiver: Receiver, tmp_path: Path) -> None:
    hook = open_hook(tmp_path, receiver.url)
    assert await hook.find(ANA) == []
    assert (await hook.correct(ANA, {"name": "Anna"})).missing == ("name",)
    plan = Plan.from_json((await hook.plan_erasure(ANA)).to_json())
    assert plan.rows == () and receiver.seen == []
    assert (await hook.erase(plan)).done
    assert await hook.recheck(ANA, plan) == []
    first, again = receiver.taken
    assert first.content["type"] == "identifier.erased" and first.data == {"identifier": {"email": "ana@example.com"}}
    assert first.id == again.id
    with clock.at(clock.now() + timedelta(days=2)):  # came back, and is erased once more
        await hook.erase(plan)
    assert receiver.taken[-1].id != first.id
    receiver.answer = lambda message: 500
    with pytest.raises(ConnectorError):
        await hook.recheck(ANA, plan)


async def test_a_ping_says_whether_it_is_well(receiver: Receiver, tmp_path: Path) -> None:
    hook = open_hook(tmp_path, receiver.url)
    assert (await hook.check()).ok
    assert receiver.taken[0].content["type"] == "portal.ping"
    Webhook(SECRET).verify(receiver.taken[0].body, receiver.taken[0].headers)
    down = open_hook(tmp_path, "http://127.0.0.1:1/")
    assert not (await down.check()).ok


@pytest.mark.parametrize(
    ("url", "more", "sentence"),
    [
        ("http://hooks.example.com/", (), "https://"),
        ("http://localhost/", (), "https://"),
        ("ftp://hooks.example.com/", (), "https://"),
        ("https://hooks.example.com/", ('secret_file = "secret"',), "not both"),
        ("https://hooks.example.com/", ('key_file = "nothing-here"',), "cannot be read"),
        ("https://hooks.example.com/", ('key_variable = "NO_SUCH_VARIABLE"',), "NO_SUCH_VARIABLE is not set"),
        ("https://hooks.example.com/", ('purposes = "newsletter"',), "list of texts"),
        ("https://hooks.example.com/", ('map = "shop.toml"',), "map is not known here"),
        ("https://hooks.example.com/", ('key_variable = "HOOK_SECRET"',), "begins with whsk_"),
    ],
)
async def test_a_wrong_entry_is_refused_with_its_place(
    receiver: Receiver, tmp_path: Path, url: str, more: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(connectors.Misconfigured, match=sentence) as refused:
        open_hook(tmp_path, url, *more)
    assert refused.value.place.startswith("systems.toml, line ")
    assert SECRET not in str(refused.value)


async def test_a_webhook_without_a_key_is_refused(receiver: Receiver, tmp_path: Path) -> None:
    entry = listed("letters", receiver.url).replace('secret_variable = "HOOK_SECRET"', "")
    settings.use(replace(settings.get(), systems=write_list(tmp_path, entry)))
    with pytest.raises(connectors.Misconfigured, match="needs a key"):
        connectors.open_system("letters")


async def test_a_key_may_lie_in_a_file_beside_the_list(receiver: Receiver, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET + "\n")
    entry = listed("letters", receiver.url).replace('secret_variable = "HOOK_SECRET"', 'secret_file = "secret"')
    settings.use(replace(settings.get(), systems=write_list(tmp_path, entry)))
    hook = connectors.open_system("letters")
    assert isinstance(hook, WebhookConnector) and hook.peer.signer.secrets


@pytest.mark.parametrize("bad", ["", "whsec_", "whsec_!!", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
def test_bad_secrets_are_refused(bad: str) -> None:
    if bad:
        with pytest.raises(BadKey):
            read_keys(bad, "")
    with pytest.raises(BadKey):
        read_keys("", bad or "whsk_" + base64.b64encode(b"k" * 32 + b"p" * 32).decode())


def test_new_keys_can_be_used_at_once() -> None:
    secret, private, public = new_keys()
    signer = read_keys(secret, private)
    assert signer.public_keys() == [public]
    body = json.dumps({"type": "x"}).encode()
    message = Message(signer.headers("msg_1", clock.now(), body), body)
    assert Webhook(secret).verify(message.body, message.headers) == {"type": "x"}
