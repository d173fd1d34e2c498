"""Other senders get a link and headers ready to paste, and hand in what came back."""

from email import message_from_bytes, policy
from email.message import EmailMessage

from portal import consent, db, subjects
from portal.consent import Cell
from tests.api.machines import Machine, faults, key, number
from tests.conftest import House
from tests.consent.people import allowed, known, publish, say

SCOPE = "unsubscribe:write"
BOOKS = {"identifier": {"email": "ana@example.com"}, "purpose": "back-in-stock", "channel": "email"}


async def test_a_sender_pastes_the_headers_and_one_click_on_them_stops_its_mail(sqlite_house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    await say(ana, "yes")
    async with Machine(await key(SCOPE)) as sender, Machine() as mail_program:
        made = await sender.post("/api/v1/unsubscribe-tokens", json=BOOKS)
        assert made.status_code == 201, made.text
        mail = EmailMessage(policy=policy.SMTP.clone(max_line_length=900))
        for name, value in made.json()["headers"].items():
            mail[name] = value
        read = message_from_bytes(mail.as_bytes(), policy=policy.default)
        assert read["List-Unsubscribe"] == f"<{made.json()['url']}>"
        field, _equals, value = read["List-Unsubscribe-Post"].partition("=")
        assert await allowed(ana)
        answer = await mail_program.post(read["List-Unsubscribe"].strip("<>"), data={field: value})
        assert answer.status_code == 200 and not await allowed(ana)


async def test_the_same_link_is_made_again_and_nothing_is_kept_per_mail(sqlite_house: House) -> None:
    await publish()
    async with Machine(await key(SCOPE)) as sender:
        first = await sender.post("/api/v1/unsubscribe-tokens", json=BOOKS)
        rows = [await number(table) for table in ("identifier", "decision", "entry", "job", "reply")]
        second = await sender.post("/api/v1/unsubscribe-tokens", json=BOOKS)
        assert first.json() == second.json()
        assert rows == [await number(table) for table in ("identifier", "decision", "entry", "job", "reply")]
    assert rows[:2] == [1, 0]


async def test_a_link_that_could_stop_nothing_is_not_made_and_records_nobody(sqlite_house: House) -> None:
    await publish()
    async with Machine(await key(SCOPE)) as sender:
        for wrong, status in (
            ({"purpose": "nonsense"}, 404),
            ({"channel": "post"}, 404),
            ({"topic": "gardening"}, 422),
            ({"identifier": {"phone": "+40722123456"}}, 422),
            ({"identifier": {"email": "nobody"}}, 422),
            ({"more": 1}, 422),
        ):
            answer = await sender.post("/api/v1/unsubscribe-tokens", json=BOOKS | wrong)
            assert answer.status_code == status and answer.headers["content-type"] == "application/problem+json", answer.text
    assert await number("identifier") == 0


async def test_whoever_asked_not_to_be_added_gets_no_new_link(sqlite_house: House) -> None:
    await publish()
    async with db.writing():
        await subjects.suppress("email", "ana@example.com", basis="asked", by="system")
    async with Machine(await key(SCOPE)) as sender:
        assert (await sender.post("/api/v1/unsubscribe-tokens", json=BOOKS)).status_code == 409
    assert await number("identifier") == 0


async def test_a_bounce_and_a_complaint_count_for_the_very_next_check(sqlite_house: House) -> None:
    await publish()
    for address, why, kind in (
        ("ana@example.com", "hard bounce", "suppressed"),
        ("ben@example.com", "spam complaint", "objected"),
    ):
        person = await known("email", address)
        await say(person, "yes")
        async with Machine(await key(SCOPE)) as sender:
            answer = await sender.post("/api/v1/bounces", json={"identifier": {"email": address}, "why": why})
            assert (answer.status_code, answer.json()) == (200, {"known": True})
        found = await consent.ask("email", address, Cell("back-in-stock", "email"))
        assert not found.allowed and found.because.source == why
        assert await db.row("SELECT 1 AS one FROM stop WHERE kind = ?", kind)


async def test_a_bounce_of_a_stranger_records_nobody_and_a_wrong_one_is_named(sqlite_house: House) -> None:
    async with Machine(await key(SCOPE)) as sender:
        answer = await sender.post("/api/v1/bounces", json={"identifier": {"email": "x@example.com"}, "why": "hard bounce"})
        assert answer.json() == {"known": False}
        wrong = await sender.post("/api/v1/bounces", json={"identifier": {"phone": "+40722123456"}, "why": "bored"})
        assert wrong.status_code == 422 and faults(wrong) == ["/identifier", "/why"]
    assert await number("identifier") == 0
    async with Machine(await key("permissions:read")) as other:
        assert (await other.post("/api/v1/bounces", json={})).status_code == 403
