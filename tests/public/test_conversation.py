"""Messages and looks on both sides of the site: the person's page, the officers' page, and strangers who hold the reference."""

import tempfile
from datetime import timedelta
from pathlib import Path

import pytest

from portal import audit, cases, jobs, subjects
from portal.lib import clock
from tests.cases.shops import ANA, BEN, OLGA, Company, ask, collected, found_company, prove
from tests.conftest import House
from tests.people import Browser, go_to_work, hire, sign_in

BILL = ("files", ("bill.pdf", b"%PDF-1.7 a bill", "application/pdf"))


@pytest.fixture
def company(published_house: House, tmp_path: Path) -> Company:
    return found_company(published_house, tmp_path / "company")


async def test_the_person_asks_the_officer_answers_from_a_text_and_the_person_reads_it(company: Company) -> None:
    case_id = await collected("access")
    page = f"/requests/{await cases.reference_of(case_id)}"
    async with Browser() as ana, Browser() as olga:
        await sign_in(ana, ANA)
        await go_to_work(olga, await hire("olga@example.com", "privacy-officer"))
        sent = await ana.post(page + "/messages", data={"text": "Is <b>all</b> of it there?"}, files=[BILL])
        assert sent.status_code == 200 and "Is &lt;b&gt;all&lt;/b&gt; of it there?" in sent.text and "bill.pdf" in sent.text

        desk = f"/admin/cases/{case_id}"
        assert "Wrote to us" in (await olga.get(desk)).text
        filled = (await olga.get(desk + "/messages?start=where-it-stands")).text
        assert "a copy of your data" in filled and "The person, signed in" in filled
        preview = await olga.post(desk + "/messages", data={"do": "preview", "text": "All of it.", "kind": "message"})
        assert preview.text.count("All of it.") == 2 and "All of it." not in (await ana.get(page)).text
        await olga.post(desk + "/messages", data={"do": "send", "text": "All of it, Ana.", "kind": "message"})
        assert "Wrote to us" not in (await olga.get(desk)).text

        assert "A message for you." in (await ana.get("/requests")).text
        read = (await ana.get(page)).text
        assert "All of it, Ana." in read and "Privacy officer" in read and "Olga" not in read.partition("<footer")[0]
        assert (await ana.post(page + "/messages/read", headers={"hx-request": "true"})).status_code == 204
        assert "A message for you." not in (await ana.get("/requests")).text
        assert "read by the person" in (await olga.get(desk + "/messages")).text
        [file] = (await cases.conversation.thread(case_id))[0].files
        fetched = await olga.get(f"{desk}/messages/{file.id}")
    assert fetched.content == BILL[1][1] and fetched.headers["content-type"] == "application/octet-stream"
    assert (
        fetched.headers["content-disposition"].startswith("attachment")
        and "sandbox" in fetched.headers["content-security-policy"]
    )


async def test_whoever_holds_the_reference_alone_reads_and_writes_nothing(company: Company) -> None:
    with_words = await collected("access")
    await cases.conversation.received(with_words, "A private word.", actor="customer:ana")
    await cases.conversation.write(with_words, "A private answer.", officer=OLGA)
    quiet = f"/requests/{await cases.reference_of(await collected('access'))}"
    page = f"/requests/{await cases.reference_of(with_words)}"
    async with Browser() as nobody, Browser() as ben:
        await sign_in(ben, BEN)
        seen = [(await nobody.get(each)).text.replace(each.rpartition("/")[2], "") for each in (page, quiet)]
        assert seen[0] == seen[1] and "private" not in seen[0] and "Messages" not in seen[0]
        assert "private" not in (await ben.get(page)).text
        for end in ("/messages", "/messages/read", "/resumption", "/at-once"):
            assert (await nobody.post(page + end, data={"text": "Hello"})).status_code == 403
            assert (await ben.post(page + end, data={"text": "Hello"})).status_code == 404
        assert (await ben.get(page + "/messages")).status_code == 404
    assert len(await cases.conversation.thread(with_words)) == 2


async def test_a_message_that_cannot_be_taken_comes_back_with_its_words(company: Company) -> None:
    page = f"/requests/{await cases.reference_of(await collected('access'))}"
    async with Browser() as ana:
        await sign_in(ana, ANA)
        run = ("files", ("run.exe", b"MZ\x90\x00", "application/pdf"))
        refused = await ana.post(page + "/messages", data={"text": "Please look."}, files=[run])
        assert refused.status_code == 422 and "Please look." in refused.text and "Please send a PDF" in refused.text
        assert (await ana.post(page + "/messages", data={"text": "  "})).status_code == 422
        many = [BILL] * 11
        assert (await ana.post(page + "/messages", data={"text": "x"}, files=many)).status_code == 422
        big = ("files", ("big.pdf", b"%PDF-" + bytes(10_000_000), "application/pdf"))
        assert (await ana.post(page + "/messages", data={"text": "x"}, files=[big])).status_code == 413
    assert "Messages" in refused.text


async def test_who_looked_is_told_with_day_purpose_and_role_and_never_with_a_name(company: Company) -> None:
    case_id = await collected("access")
    page = f"/requests/{await cases.reference_of(case_id)}"
    person = await subjects.find("email", ANA)
    assert person
    async with Browser() as ana, Browser() as vik, Browser() as counsel:
        await sign_in(ana, ANA)
        assert "Nobody so far." in (await ana.get("/looks")).text
        await go_to_work(vik, await hire("vik@example.com", "auditor"))
        await go_to_work(counsel, await hire("carla@example.com", "counsel"))
        for _again in range(2):
            await vik.get(f"/admin/cases/{case_id}/findings")
        shown = (await ana.get(page)).text
        assert "to answer your request" in shown and "Auditor" in shown and "(2 times)" in shown
        for officer in (vik, vik, counsel):  # counsel sees no address on it
            assert (await officer.get(f"/admin/cases/{case_id}")).status_code == 200
        seen = await audit.search(case=case_id, event="case.opened_by_officer")
        assert len(seen) == 1 and "Opened your request" in (await ana.get("/looks")).text

        silence = f"/admin/cases/{case_id}/silence"
        assert (await vik.post(silence, data={"do": "end"})).status_code == 403
        until = (clock.now() + timedelta(days=20)).date().isoformat()
        law = {"silence-law": "Act on criminal inquiries, Art. 7", "silence-why": "File 12/2026", "silence-until": until}
        assert (await counsel.post(silence, data=law | {"silence-law": ""})).status_code == 422
        assert (await counsel.post(silence, data=law | {"silence-until": "2099-01-01"})).status_code == 422
        before = (await ana.get("/looks")).text
        assert "File 12/2026" in (await counsel.post(silence, data=law)).text
        await vik.get(f"/admin/cases/{case_id}/findings")
        await vik.get(f"/admin/people/{person.subject}")
        await vik.post("/admin/people", data={"address": ANA}, follow_redirects=False)
        assert (await ana.get("/looks")).text == before and "(2 times)" in (await ana.get(page)).text
        await counsel.post(silence, data={"do": "end"})
        told = (await ana.get("/looks")).text
    assert (
        "(3 times)" in told
        and "Auditor · a copy of your data" in told
        and "Looked at your addresses" in told
        and "Asked whether we know" in told
    )
    assert "vik" not in told.lower() and "carla" not in told.lower()
    assert {"case.looks_withheld", "case.looks_told"} <= {each.event for each in await audit.search(case=case_id)}


async def test_looks_that_were_withheld_are_told_when_the_day_has_come(company: Company) -> None:
    case_id = await collected("access")
    day = clock.now() + timedelta(days=20)
    await cases.silence.withhold(case_id, "Act, Art. 7", "File 12", day.date(), officer=OLGA)
    await cases.review(case_id, officer=OLGA)
    assert await cases.looks.of_case(case_id) == []
    with clock.at(day + timedelta(days=1)):
        assert [each.event for each in await cases.looks.of_case(case_id)] == ["case.findings_read"]
        assert await cases.silence.standing(case_id) is None


async def test_what_was_taken_back_goes_on_within_half_an_hour_and_never_later(company: Company) -> None:
    opened = await ask("erasure")
    await prove(opened)
    page = f"/requests/{opened.reference}"
    async with Browser() as ana:
        await sign_in(ana, ANA)
        due = (await cases.case(opened.id)).due_on
        assert "Go on with my request after all" in (await ana.post(page + "/withdrawal")).text
        assert "You changed your mind" in (await ana.post(page + "/resumption")).text
        case = await cases.case(opened.id)
        assert (case.state, case.due_on) == ("triage", due)
        await ana.post(page + "/withdrawal")
        await jobs.run_due()
        with clock.at(clock.now() + timedelta(minutes=31)):
            await sign_in(ana, ANA)
            assert "Go on with" not in (await ana.get(page)).text
            assert (await ana.post(page + "/resumption")).status_code == 409
    assert (await cases.case(opened.id)).outcome == "withdrawn"


async def test_why_a_request_waits_is_told_to_its_person_and_not_to_who_holds_the_reference(company: Company) -> None:
    case_id = await collected("access")
    page = f"/requests/{await cases.reference_of(case_id)}"
    await cases.conversation.write(case_id, "Which shop?", officer=OLGA, kind="question")
    await cases.extend(case_id, "complex", "Twelve years of orders.", officer=OLGA)
    async with Browser() as ana, Browser() as nobody:
        await sign_in(ana, ANA)
        shown, bare = (await ana.get(page)).text, (await nobody.get(page)).text
    assert "We asked you something and wait" in shown and "we need more time, and why" in shown and "prepares the answer" in shown
    assert "wait for your answer" not in bare and "we need more time, and why" not in bare


async def test_a_large_file_is_never_put_down_in_clear(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    put_down: list[object] = []
    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", put_down.append)
    page = f"/requests/{await cases.reference_of(await collected('access'))}"
    large = ("files", ("large.pdf", b"%PDF-1.7 " + b"my illness " * 200_000, "application/pdf"))
    async with Browser() as ana:
        await sign_in(ana, ANA)
        sent = await ana.post(page + "/messages", data={"text": "Here it is."}, files=[large])
    assert "large.pdf" in sent.text and put_down == []
