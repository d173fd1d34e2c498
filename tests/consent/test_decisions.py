"""Recording what people said, checking it, taking a no back, confirming a yes."""

from datetime import timedelta

import pytest

from portal import audit, consent, db, documents, subjects, vault
from portal.consent import fold
from portal.consent.history import evidence_of
from portal.consent.words import Cell
from portal.db import statements
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid, NotFound
from tests.conftest import House, on_both
from tests.consent.people import allowed, known, publish, say, word


async def test_a_click_counts_for_the_very_next_check_and_names_its_text(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    assert not await allowed(ana)
    yes = await say(ana, "yes")
    answer = await consent.permission(ana.id, "back-in-stock", "email")
    assert answer.allowed and answer.rule == 4 and answer.because.id == yes.id
    assert (await documents.named(answer.because.edition)).title == "Tell me when it is back"
    await say(ana, "no")
    assert not await allowed(ana)


async def test_each_word_has_an_entry_that_says_what_was_decided_and_under_which_text(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    yes = await say(ana, "yes")
    entry = await audit.entry(yes.entry)
    assert entry is not None and entry.event == "consent.granted" and entry.object == yes.id
    payload = await audit.open_payload(entry)
    assert payload is not None and payload["address"] == "a•••@example.com"
    assert payload["text_sha256"] == (await documents.named("back-in-stock@1/en")).sha256.hex()


async def test_one_word_costs_few_statements_and_many_words_no_more_but_for_the_log(
    sqlite_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    await say(ana, "no")
    counted: list[str] = []
    prepare = statements._for

    def counting(client: object, sql: str) -> str:
        counted.append(sql)
        return prepare(client, sql)

    monkeypatch.setattr(statements, "_for", counting)
    async with db.writing():
        await consent.decide_many([word(ana, "yes")])
    assert len(counted) <= 8
    counted.clear()
    async with db.writing():
        await consent.decide_many([word(ana, "yes"), word(ana, "no", "newsletter"), word(ana, "no", "surveys")] * 50)
    log = [sql for sql in counted if "INTO entry " in sql or "data_key" in sql]
    assert len(counted) - len(log) <= 6 and len(log) <= 2 * 150 + 1


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"purpose": "horoscopes"}, "purpose"),
        ({"channel": "push"}, "channel"),
        ({"purpose": "newsletter", "channel": "sms"}, "channel"),
        ({"purpose": "newsletter", "topic": "golf"}, "topic"),
        ({"purpose": "newsletter", "channel": "*"}, "channel"),
        ({"edition": ""}, "edition"),
        ({"edition": "back-in-stock@9/en"}, "edition"),
        ({"source": "rumour"}, "source"),
        ({"purpose": "orders"}, "purpose"),
    ],
)
async def test_a_word_that_cannot_be_is_refused_and_names_its_field(
    sqlite_house: House, more: dict[str, str], field: str
) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    place = [more.pop(name, default) for name, default in (("purpose", "back-in-stock"), ("channel", "email"))]
    with pytest.raises(Invalid) as refused:
        await say(ana, "yes", *place, **more)
    assert list(refused.value.fields) == [f"decisions.0.{field}"]


@on_both
async def test_a_batch_is_recorded_whole_or_not_at_all(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    with pytest.raises(Invalid) as refused:
        async with db.writing():
            await consent.decide_many([word(ana, "yes"), word(ana, "yes", "horoscopes"), word(ana, "maybe")])
    assert set(refused.value.fields) == {"decisions.1.purpose", "decisions.2.answer"}
    assert await db.rows("SELECT id FROM decision") == []


async def test_the_future_cannot_be_claimed_and_an_undated_word_is_said_now(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    yes = await say(ana, "yes", said_at=clock.now() + timedelta(days=30))
    assert yes.said_at == yes.recorded_at
    await say(ana, "no")
    assert not await allowed(ana)


async def test_an_unproven_or_shared_address_cannot_be_sure_of_its_yes(house: House) -> None:
    await publish()
    unproven = await known("email", "ana@example.com")
    family = await known("email", "family@example.com", proven=True, audience="shared")
    proven = await known("email", "ben@example.com", proven=True)
    grades = [(await say(each, "yes", grade="self-verified")).word.grade for each in (unproven, family, proven)]
    assert grades == ["self", "self", "self-verified"]
    assert (await say(family, "no", grade="self-verified")).word.grade == "self-verified"


async def test_evidence_is_sealed_and_opens_for_its_decision_alone(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    yes = await say(ana, "yes", evidence={"agent": "canary-browser"})
    assert "canary-browser" not in repr(await db.rows("SELECT * FROM decision"))
    assert await evidence_of(yes.id) == {"agent": "canary-browser"}
    async with db.writing():
        await vault.shred("evidence", ana.home)
    with pytest.raises(vault.Shredded):
        await evidence_of(yes.id)


@on_both
async def test_nobody_can_change_or_delete_what_was_said(house: House) -> None:
    await publish()
    await say(await known("email", "ana@example.com"), "no")
    for change in ("UPDATE decision SET answer = 'yes'", "DELETE FROM decision"):
        with pytest.raises(Exception, match="never"):
            async with db.writing():
                await db.run(change)


async def test_a_customer_hears_of_similar_books_only_after_being_told_how_to_refuse(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    place = ("similar-books", "email")
    with pytest.raises(Invalid):
        await say(ana, "informed", *place, evidence={"sale": "B-1"})
    told = {"sale": "B-1", "family": "books", "opt_out": "link in each letter"}
    await say(ana, "informed", *place, evidence=told)
    answer = await consent.permission(ana.id, *place)
    assert (answer.allowed, answer.rule) == (True, 2)
    await say(ana, "no", *place)
    await say(ana, "informed", *place, evidence=told)
    assert not await allowed(ana, *place)


async def test_undoing_takes_back_that_one_no_and_nothing_else(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    await say(ana, "yes")
    first = await say(ana, "no")
    second = await say(ana, "no")
    undone = await consent.undo(second.id, by=f"customer:{ana.subject}")
    assert not await allowed(ana)
    assert (await consent.undo(second.id, by=f"customer:{ana.subject}")).id == undone.id
    await consent.undo(first.id, by=f"customer:{ana.subject}")
    assert await allowed(ana)
    assert [each.undone for each in await consent.history(ana.subject) if each.what == "no"] == [True, True]


async def test_undoing_after_ten_minutes_or_by_somebody_else_is_refused(house: House) -> None:
    await publish()
    ana, ben = await known("email", "ana@example.com"), await known("email", "ben@example.com")
    yes, no = await say(ana, "yes"), await say(ana, "no")
    with pytest.raises(NotFound):
        await consent.undo(no.id, by=f"customer:{ben.subject}")
    with pytest.raises(Conflict):
        await consent.undo(yes.id, by=f"customer:{ana.subject}")
    with clock.at(clock.now() + timedelta(minutes=11)), pytest.raises(Conflict):
        await consent.undo(no.id, by=f"customer:{ana.subject}")
    assert not await allowed(ana)


async def test_undoing_never_allows_more_than_stood_before_the_no(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    no = await say(ana, "no")
    await say(ana, "yes", grade="import", source="import")
    with pytest.raises(Conflict):
        await consent.undo(no.id, by=f"customer:{ana.subject}")
    assert not await allowed(ana)
    assert not await db.rows("SELECT id FROM decision WHERE answer = 'undone'")


async def test_a_no_to_everything_can_be_undone_for_what_was_on_before(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com", proven=True)
    topic = ("newsletter", "email")
    await say(ana, "yes", *topic, topic="readings", grade="self-verified")
    no = await say(ana, "no", "newsletter", "*", topic="*", grade="self-verified")
    assert not await allowed(ana, *topic, topic="readings")
    await say(ana, "yes", *topic, topic="offers", grade="self-verified")
    await consent.undo(no.id, by=f"customer:{ana.subject}")
    assert await allowed(ana, *topic, topic="readings") and await allowed(ana, *topic, topic="offers")


async def test_a_newsletter_counts_only_once_the_address_confirms_it(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    asked = await say(ana, "yes", "newsletter", "email")
    assert asked.state == "pending" and not await allowed(ana, "newsletter")
    with pytest.raises(Conflict):
        await consent.confirmation.confirm_double_opt_in(asked.id, by="system")
    await known("email", "ana@example.com", proven=True)
    firm = await consent.confirmation.confirm_double_opt_in(asked.id, by=f"customer:{ana.subject}")
    assert await allowed(ana, "newsletter") and firm.word.grade == "self-verified"
    assert (await consent.confirmation.confirm_double_opt_in(asked.id, by="system")).id == firm.id


async def test_a_no_said_before_the_confirmation_stands_and_a_late_confirmation_is_refused(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com", proven=True)
    asked = await say(ana, "yes", "newsletter", "email")
    await say(ana, "no", "newsletter", "email")
    with clock.at(clock.now() + timedelta(days=15)), pytest.raises(Conflict):
        await consent.confirmation.confirm_double_opt_in(asked.id, by="system")
    await consent.confirmation.confirm_double_opt_in(asked.id, by="system")
    assert not await allowed(ana, "newsletter")


async def test_the_stored_words_can_be_rebuilt_and_are_the_same(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com", proven=True)
    for answer, grade in (("yes", "self"), ("no", "import"), ("yes", "self-verified"), ("unset", "self"), ("no", "signal")):
        await say(ana, answer, grade=grade)
    before = sorted(await fold.kept([ana.id]))
    assert len(before) == 5 and before[0].cell == Cell("back-in-stock", "email")
    async with db.writing():
        await fold.rebuild([ana.id])
    assert sorted(await fold.kept([ana.id])) == before


async def test_after_an_erasure_the_address_is_closed_and_what_was_before_is_gone(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    await say(ana, "yes")
    before = clock.now()
    async with db.writing():
        await consent.stops.stop_erased(ana.subject, by="officer:petra")
        await subjects.forget(ana.subject, by="officer:petra", keep_note=True)
    answer = await consent.permission(ana.id, "back-in-stock", "email")
    assert (answer.allowed, answer.rule, answer.because.what) == (False, 1, "erased")
    with pytest.raises(consent.Gone):
        await consent.permission(ana.id, "back-in-stock", "email", at=before)
    with pytest.raises(Invalid):
        await say(ana, "yes")
    again = await known("email", "ana@example.com")
    await say(again, "yes")
    noted = await consent.permission(again.id, "back-in-stock", "email")
    assert (noted.allowed, noted.because.kind) == (False, "suppressed")
    await known("email", "ana@example.com", proven=True)
    await say(again, "yes", grade="self-verified")
    assert await allowed(again)
