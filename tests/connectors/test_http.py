"""Services that answer in JSON: what they are asked and how it is signed, and every way an answer can be wrong or missing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from portal import connectors, settings
from portal.connectors import Cell, ConnectorError, Plan, RowName, Uncertain
from portal.lib import clock
from tests.connectors import template
from tests.connectors.receiver import SECRET, write_list
from tests.connectors.template import ANA, ROW, FaultyService, ask_shop, open_till

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
NAME = {"name": "Ana-Maria"}
CHOSEN = {"name": [RowName("customer", {"id": 1}, "Ana")]}


async def test_the_verb_stands_in_the_signed_body_and_the_reference_library_accepts_it(service: FaultyService) -> None:
    await open_till(service).find(ANA)
    [message] = service.receiver.taken
    assert Webhook(SECRET).verify(message.body, message.headers) == message.content
    assert message.content["type"] == "portal.find" and message.data == {"identifiers": ANA, "cursor": None}
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(message.body.replace(b"portal.find", b"portal.erase"), message.headers)


async def test_each_try_of_an_erasure_or_a_correction_has_the_same_id_for_a_day(service: FaultyService) -> None:
    till = open_till(service)
    plan = await till.plan_erasure(ANA)
    service.always(500)
    for day in (0, 0, 1):
        with clock.at(NOON + timedelta(days=day)), pytest.raises(Uncertain):
            await till.erase(plan)
        with clock.at(NOON + timedelta(days=day)), pytest.raises(ConnectorError):
            await till.correct(ANA, NAME)
    erased, corrected = ([each.id for each in service.receiver.seen[start::2]] for start in (1, 2))
    for found in (erased, corrected):
        assert found[0] == found[1] != found[2] and all("." not in each and len(each) < 64 for each in found)
    assert set(erased).isdisjoint(corrected)


async def test_an_answer_that_is_no_answer_is_asked_for_again(service: FaultyService, monkeypatch: pytest.MonkeyPatch) -> None:
    till, receiver = open_till(service), service.receiver
    for said in (b"", b'{"findings": [', b"<h1>Maintenance</h1>", b"\xff\xfe", b"[" * 100_000, b"9" * 5_000):
        service.always(200, said)
        with pytest.raises(ConnectorError, match="did not answer with JSON") as refused:
            await till.find(ANA)
        assert not refused.value.permanent
    receiver.half = True
    service.always(200, {"findings": [ROW]})
    with pytest.raises(ConnectorError, match="does not answer"):
        await till.find(ANA)
    receiver.half, receiver.length = False, 4_000_000
    with pytest.raises(ConnectorError, match="larger"):
        await till.find(ANA)
    receiver.length, receiver.pause = 0, 5.0
    monkeypatch.setattr("portal.connectors.http.connector.SECONDS", 0.1)
    monkeypatch.setattr("portal.connectors.http.connector.SECONDS_TO_TELL", 0.1)
    with pytest.raises(ConnectorError, match="No answer") as slow:
        await till.find(ANA)
    assert not slow.value.permanent
    health = await till.check()
    assert not health.ok and "No answer" in health.problems[0].sentence


async def test_a_status_says_whether_asking_again_can_help(service: FaultyService) -> None:
    till = open_till(service)
    for status, sentence, permanent in (
        (204, "failed", False),
        (302, "elsewhere", False),
        (400, "does not understand", True),
        (401, "signature", True),
        (404, "failed", False),
        (409, "refuses", True),
        (410, "gone", True),
        (422, "does not understand", True),
        (500, "failed", False),
        (503, "no time", False),
    ):
        service.always(status)
        with pytest.raises(ConnectorError, match=sentence) as refused:
            await till.find(ANA)
        assert refused.value.permanent is permanent, status
        assert isinstance(refused.value, connectors.Departed) is (status == 410)
    assert len(service.receiver.seen) == 10  # a redirect is not followed


async def test_whoever_asks_us_to_wait_is_left_alone_for_so_long_and_no_longer_than_a_quarter_of_an_hour(
    service: FaultyService,
) -> None:
    till, receiver = open_till(service), service.receiver
    answer, content = receiver.answer, receiver.content
    service.always(429)
    receiver.more = "Retry-After: 86400\r\n"
    with clock.at(NOON):
        for sentence in ("no time for us", "wait 9"):
            with pytest.raises(ConnectorError, match=sentence) as refused:
                await till.find(ANA)
            assert not refused.value.permanent and not isinstance(refused.value, Uncertain)
        with pytest.raises(ConnectorError, match="wait"):
            await connectors.open_system("till").plan_erasure(ANA)
    assert len(receiver.seen) == 1
    receiver.answer, receiver.content = answer, content
    with clock.at(NOON + timedelta(minutes=16)):
        assert await till.find(ANA)


async def test_an_erasure_whose_answer_is_lost_is_uncertain_until_the_recheck_says_that_it_is_done(
    service: FaultyService,
) -> None:
    till, receiver = open_till(service), service.receiver
    plan = await till.plan_erasure(ANA)
    receiver.half = True
    with pytest.raises(Uncertain) as lost:
        await till.erase(plan)
    assert not lost.value.permanent
    receiver.half = False
    assert ask_shop(service.database, "SELECT id FROM orders WHERE customer = 1") == [(10,)]
    left = await till.recheck(ANA, Plan.from_json(plan.to_json()))
    assert [(each.table, each.key, each.expected, each.law) for each in left] == [
        ("orders", {"id": 10}, True, "Accounting Act, art. 25")
    ]


async def test_a_service_that_knows_why_nothing_was_changed_says_so_in_our_words(service: FaultyService) -> None:
    till = open_till(service)
    for problem, sentence in (
        ("unlike-plan", "dry run"),
        ("changed-meanwhile", "after this correction was decided"),
        ("not-theirs", "no longer there under this person"),
        ("does-not-fit", "cannot be kept"),
        ("<b>because</b>", "nothing was changed"),
        (["unlike-plan"], "nothing was changed"),
    ):
        service.always(409, {"problem": problem})
        with pytest.raises(ConnectorError, match=sentence) as refused:
            await till.correct(ANA, NAME)
        assert refused.value.permanent and "<b>" not in refused.value.sentence


async def test_pages_are_bounded_never_turn_in_a_circle_and_repeat_no_row(
    service: FaultyService, monkeypatch: pytest.MonkeyPatch
) -> None:
    till = open_till(service)
    number, moving = iter(range(10_000)), iter(["2", None])
    for page, sentence, permanent in (
        (lambda: {"findings": [], "next": "same"}, "answered before", True),
        (lambda: {"findings": [], "next": str(next(number))}, "more pages", True),
        (lambda: {"findings": [ROW | {"key": {"id": next(number)}}] * 20, "next": str(next(number))}, "more pages, rows", True),
        (lambda: {"findings": [ROW], "next": next(moving)}, "twice", False),
    ):
        monkeypatch.setattr("portal.connectors.http.connector.MOST_PAGES", 9)
        monkeypatch.setattr("portal.connectors.http.connector.MOST_ROWS", 60)
        service.always(200, page)
        with pytest.raises(ConnectorError, match=sentence) as refused:
            await till.find(ANA)
        assert refused.value.permanent is permanent
    assert len(service.receiver.seen) < 30


async def test_it_hears_only_of_the_purposes_in_its_entry_and_of_noes_of_people_it_gave_us(service: FaultyService) -> None:
    news, survey = Cell("newsletter", "email"), Cell("survey", "email")
    silent = open_till(service)
    assert not silent.takes(news)
    await silent.set_consent(ANA, news, False, 1)
    assert service.receiver.seen == []
    till = open_till(service, 'purposes = ["newsletter"]', 'sources = ["till"]')
    assert till.takes(news) and not till.takes(survey)
    for cell, allowed, index in ((news, True, 4), (survey, True, 5), (survey, False, 6), (news, False, 7)):
        await till.set_consent(ANA, cell, allowed, index)
    assert [(each.data["cell"]["purpose"], each.data["index"]) for each in service.receiver.taken] == [
        *(("newsletter", 4), ("survey", 6), ("newsletter", 7))
    ]
    assert service.receiver.connections == 1 and isinstance(till, connectors.KeepsConnections)
    await till.close()
    service.changed("consent", done=True)
    with pytest.raises(ConnectorError, match="more than was agreed"):
        await till.set_consent(ANA, news, False, 8)
    await till.close()


async def test_a_check_compares_its_tables_with_the_list_and_repeats_what_it_says_of_itself(service: FaultyService) -> None:
    till = open_till(service)
    assert (await till.check()).ok
    for tables, problems, sentence in (
        (["customer", "orders", "staff"], [], "not in the list of systems: staff"),
        (["customer"], [], "does not know a table of the list of systems: orders"),
        (["customer", "orders"], ["The archive is being moved."], "It says: The archive is being moved."),
        (["customer", "orders"], [5], "short line of text"),
    ):
        service.changed("check", tables=tables, problems=problems)
        health = await till.check()
        assert not health.ok and sentence in health.problems[0].sentence


@pytest.mark.parametrize(
    ("right", "wrong", "sentence"),
    [
        ('tables = ["customer", "orders"]', "", "needs tables"),
        ('tables = ["customer", "orders"]', "tables = []", "list of texts"),
        ("http://127", "http://10", "https://"),
        ('secret_variable = "HOOK_SECRET"', "", "needs a key"),
        ('secret_variable = "HOOK_SECRET"', 'map = "till.toml"', "map is not known here"),
    ],
)
async def test_a_wrong_entry_is_refused_with_its_place(service: FaultyService, right: str, wrong: str, sentence: str) -> None:
    entry = template.entry("http://127.0.0.1:1/")
    assert right in entry
    folder = Path(service.database).parent
    settings.use(replace(settings.get(), systems=write_list(folder, entry.replace(right, wrong))))
    with pytest.raises(connectors.Misconfigured, match=sentence) as refused:
        connectors.open_system("till")
    assert refused.value.place.startswith("systems.toml, line ")
