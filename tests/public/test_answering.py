"""The page behind a question's link: asked, answered, corrected, too late; for browsers, for curl, and what the officer sees."""

import re
import shlex
from pathlib import Path

import httpx2
import pytest

from portal import cases, jobs
from portal.settings import HOME
from tests.cases.shops import ANA, SYSTEMS, Company, collected, found_company
from tests.conftest import House
from tests.connectors.colleague import ADDRESS, ENTRY, newest_link
from tests.people import OLGA, Browser, go_to_work, hire

LETTERS = ("file", ("letters.csv", b"E-mail,About\nana@example.com,<b>A complaint</b>\n", "text/csv"))
PAGE = {"accept": "text/html"}


@pytest.fixture
def company(published_house: House, tmp_path: Path) -> Company:
    company = found_company(published_house, tmp_path / "company")
    (company.folder / "systems.toml").write_text(SYSTEMS + ENTRY)
    return company


async def test_a_colleague_answers_by_upload_and_the_officer_sees_it(company: Company) -> None:
    case_id = await collected("access")
    link, desk = f"/answer/{await newest_link()}", f"/admin/cases/{case_id}"
    async with Browser() as olga, Browser() as colleague:
        colleague.headers["accept"] = "text/html"
        await go_to_work(olga, await hire(OLGA, "privacy-officer"))
        case = (await olga.get(desk)).text
        assert ADDRESS in case and "Send a new link" in case and "A person was asked on" in case
        page = await colleague.get(link)
        assert ANA in page.text and "What do you hold about this person?" in page.text
        assert page.headers["referrer-policy"] == "no-referrer" and page.headers["cache-control"] == "no-store"
        empty = await colleague.post(link, data={"how": "here"}, files=[("file", ("", b"", "application/octet-stream"))])
        assert empty.status_code == 422 and "choose a file" in empty.text
        thanks = await colleague.post(link, data={"how": "here"}, files=[LETTERS])
        assert thanks.status_code == 200 and "You answered on" in thanks.text and ANA not in thanks.text
        await jobs.run_due()
        found = (await olga.get(desk + "/findings")).text
        assert "&lt;b&gt;A complaint&lt;/b&gt;" in found
        pdf = ("file", ("letters.pdf", b"%PDF-1.7 a letter", "text/html"))
        await colleague.post(link, data={"how": "here"}, files=[pdf])  # the other one was wrong
        await jobs.run_due()
        file = re.search(r'href="(/admin/cases/[^"]+/files/archive)"', (await olga.get(desk + "/findings")).text)
        assert file
        fetched = await olga.get(file[1])
        assert fetched.content == pdf[1][1] and fetched.headers["content-type"] == "application/octet-stream"
        assert fetched.headers["content-disposition"] == "attachment; filename*=UTF-8''letters.pdf"
        assert "sandbox" in fetched.headers["content-security-policy"]
        await olga.post(desk + "/proposal", data={"answer": "fulfilled"})
        late = await colleague.post(link, data={"how": "nothing"})
        assert late.status_code == 409 and "not needed any more" in late.text
        assert "has gone on with it" in (await colleague.get(link)).text


async def test_the_officer_sends_the_link_again_and_the_old_one_ends(company: Company) -> None:
    case_id = await collected("access")
    link, desk = f"/answer/{await newest_link()}", f"/admin/cases/{case_id}"
    async with Browser() as olga, Browser() as colleague:
        await go_to_work(olga, await hire(OLGA, "privacy-officer"))
        await colleague.post(link, data={"how": "cannot", "why": "The cellar is under water."})
        case = (await olga.get(desk)).text
        assert "The cellar is under water." in case and "cannot do it yet" in case
        question = re.search(r'name="question" value="([^"]+)"', case)
        assert question
        assert (await olga.post(desk + "/colleagues", data={"question": question[1]})).status_code == 200
        gone = await colleague.get(link)
        assert gone.status_code == 404 and "latest mail" in gone.text
        assert (await colleague.get(f"/answer/{await newest_link()}")).status_code == 200


async def test_curl_reads_what_is_asked_and_sends_the_same_form(company: Company) -> None:
    case_id = await collected("erasure")
    link = f"/answer/{await newest_link()}"
    async with Browser() as browser:
        for name in ("sec-fetch-site", "origin"):
            del browser.headers[name]
        told = await browser.get(link)
        assert told.headers["content-type"].startswith("text/plain") and f"email: {ANA}" in told.text
        assert "curl -d how=here -d what-1=letters" in told.text
        asked = (await browser.get(link, headers={"accept": "application/json"})).json()
        assert asked["question"] == "plan" and asked["asked"] == {"identifiers": {"email": [ANA]}} and asked["problem"] is None
        wrong = await browser.post(link, data={"how": "here", "what-1": f"Letters of {ANA}", "rows-1": "3"})
        assert wrong.status_code == 422 and "not the person" in wrong.text
        sent = await browser.post(link, data={"how": "here", "what-1": "letters", "rows-1": "3"})
        assert sent.status_code == 200 and sent.text.startswith("Thank you")
    await jobs.run_due()
    case = await cases.case(case_id)
    assert case.state == "reviewing" and {"delete letters": 3} in [dict(each.counts) for each in case.systems]


async def test_each_question_has_a_page_that_takes_its_answers(company: Company) -> None:
    """As the browser would send what the page offers; the mail says what it is about, and never about whom."""
    case_id = await collected("erasure")
    async with Browser() as colleague:
        colleague.headers["accept"] = "text/html"
        first = await newest_link()
        page = await colleague.get(f"/answer/{first}")
        assert "Do not delete anything yet" in page.text
        await _send(colleague, page, {"what-1": "Letters", "rows-1": "2"}, "Send this list")
        await jobs.run_due()
        await cases.propose(case_id, officer="olga")
        waiting = await cases.proposal(case_id)
        assert waiting
        await cases.approve(case_id, waiting.digest, officer="petra")
        await jobs.run_due()
        page = await colleague.get(f"/answer/{await newest_link()}")
        assert "Letters: how many of 2 did you delete?" in page.text
        unsure = await _send(colleague, page, {}, "It is deleted")
        assert unsure.status_code == 422 and 'id="count-1-error"' in unsure.text
        done = await _send(colleague, page, {"count-1": "2"}, "It is deleted")
        assert "You answered on" in done.text
        await jobs.run_due()
    assert (await cases.case(case_id)).outcome == "fulfilled"


async def test_the_entry_and_the_commands_of_the_docs_work_as_they_stand(company: Company) -> None:
    chapter = (HOME / "docs" / "integrate.md").read_text().partition("## People who answer by hand\n")[2].partition("\n## ")[0]
    [entry] = re.findall(r"(?s)```toml\n(.*?)```", chapter)
    [commands] = re.findall(r"(?s)```sh\n(.*?)```", chapter)
    (company.folder / "systems.toml").write_text(SYSTEMS + entry)
    await collected("access")
    link, taken = f"/answer/{await newest_link()}", []
    async with Browser() as curl:
        for line in commands.splitlines():
            words = shlex.split(line, comments=True)
            assert (words[0], words[-1]) == ("curl", "$LINK")
            values = [words[number + 1].partition("=") for number, word in enumerate(words) if word == "-d"]
            if not values and "-F" not in words:
                assert ANA in (await curl.get(link)).text
                continue
            files = [("file", ("found.csv", LETTERS[1][1]))] if "file=@found.csv" in words else []
            told = await curl.post(link, data={name: value for name, _is, value in values}, files=files)
            assert told.status_code == 200, told.text
            taken += [each.how for each in await _answers()]
    assert taken == ["here", "here", "cannot", "nothing"]


async def _answers() -> list[cases.colleagues.Waits]:
    [row] = await cases.queue()
    return await cases.colleagues.waiting(row.id)


async def _send(browser: Browser, page: httpx2.Response, fields: dict[str, str], button: str) -> httpx2.Response:
    """Press a button of the page with what is typed into its form."""
    form = next(each for each in re.findall(r"(?s)<form.*?</form>", page.text) if button in each)
    pressed = re.search(rf'<button[^>]*name="(\w+)" value="(\w+)"[^>]*>{button}', form)
    assert pressed
    return await browser.post(page.url.path, data={**fields, pressed[1]: pressed[2]})
