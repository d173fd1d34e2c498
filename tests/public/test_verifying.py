"""The page that checks proofs stands alone: what it loads, what it admits, whose key is filled in; and a proof's own page."""

import base64
import hashlib
import re
from html import unescape
from pathlib import Path

from portal import audit, cases, consent, custody, db, subjects
from portal.custody import backup
from portal.paper import STATIC
from portal.settings import HOME
from tests.audit import acts
from tests.cases.shops import collected, found_company
from tests.conftest import House
from tests.consent.people import say
from tests.people import ANA, BEN, Browser, go_to_work, hire, sign_in


async def test_the_page_admits_its_own_script_and_style_by_hash_and_no_network(sqlite_house: House) -> None:
    async with Browser() as visitor:
        answer = await visitor.get("/audit/verify")
        elsewhere = await visitor.get("/check")
    policy = answer.headers["content-security-policy"]
    for kind in ("script", "style"):
        (inside,) = re.findall(rf"(?s)<{kind}>(.*?)</{kind}>", answer.text)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert re.findall(rf"{kind}-src ([^;]*)", policy) == [f"'sha256-{digest}'"]
    assert policy.startswith("default-src 'none';") and "connect-src" not in policy and "unsafe" not in policy
    (own,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', answer.text)
    assert unescape(own) + "; frame-ancestors 'none'" == policy
    assert "sha256" not in elsewhere.headers["content-security-policy"] and 'href="/audit/verify"' in elsewhere.text


async def test_the_page_loads_nothing_and_has_the_portals_key_filled_in(sqlite_house: House) -> None:
    async with Browser() as visitor:
        text = (await visitor.get("/audit/verify")).text
        assert re.findall(r'\ssrc=|<link[^>]*href="(?!data:)|\burl\(', text) == []
        assert f">{await audit.log_key()}</textarea>" in text
    for name in ("verify", "verify-page"):
        script = (STATIC / "js" / f"{name}.js").read_text()
        assert re.findall(r"fetch\(|XMLHttp|WebSocket|sendBeacon|import\(|localStorage|innerHTML", script) == []


async def test_each_line_of_the_history_has_a_proof_that_says_in_words_what_it_proves(sqlite_house: House) -> None:
    await consent.publish_purposes("system", path=HOME / "policies" / "purposes.toml")
    async with Browser() as ana:
        await sign_in(ana, ANA)
        mine = await subjects.find("email", ANA)
        assert mine
        await say(mine, "yes", "newsletter", grade="self-verified")
        await ana.post("/preferences/pause", data={"months": "1"})
        await ana.post("/preferences/stop")
        await audit.sequence_all()
        page = (await ana.get("/preferences/history")).text
        proofs = re.findall(r'href="(/receipts/[^"]+)"', page)
        assert page.count("<li><time") == len(proofs) == 3
        pages = [(await ana.get(each)).text for each in proofs]
        for path, shown in zip(proofs, pages, strict=True):
            receipt = (await ana.get(path + "/download")).text
            report = audit.verify_receipt(receipt, [await audit.log_key()])
            assert report.ok and f"At place {report.index} of our record" in shown
        assert "<h1>Yes to: Newsletter</h1>" in pages[-1]


async def test_each_step_of_a_request_has_a_proof_for_its_person_alone(published_house: House, tmp_path: Path) -> None:
    found_company(published_house, tmp_path / "company")
    reference = await cases.reference_of(await collected("access"))
    await audit.sequence_all()
    async with Browser() as ana, Browser() as ben:
        await sign_in(ana, ANA)
        await sign_in(ben, BEN)
        proofs = re.findall(r'href="(/receipts/[^"]+)"', (await ana.get(f"/requests/{reference}")).text)
        shown = [(await ana.get(each)).text for each in proofs]
        assert len(shown) >= 4 and all("of our record. When this page was made" in each for each in shown)
        headings = {heading for each in shown for heading in re.findall("<h1>(.*)</h1>", each)}
        assert {"Your request came in.", "You confirmed your address.", "Every system has answered."} <= headings
        assert {(await ben.get(each + end)).status_code for each in proofs for end in ("", "/download")} == {404}


async def test_what_a_restored_backup_lacks_is_counted(sqlite_house: House, tmp_path: Path) -> None:
    await acts.say(times=3)
    await audit.sequence_all()
    made = await backup.make(tmp_path / "backups")
    await audit.sequence_all()
    before = await audit.checkpoint()
    await acts.say(times=4)
    await audit.sequence_all()
    after = await audit.checkpoint()
    await db.close()
    await custody.restore(made.data, new_log=True)
    await db.open_database()
    await audit.sequence_all()
    assert before and after
    [beginning] = await audit.earlier.stored_beginnings()
    assert beginning.lost == after.size - beginning.place >= 4
    async with Browser() as visitor, Browser() as auditor:
        assert f"{beginning.lost} entries of it came after that copy" in (await visitor.get("/check")).text
        await go_to_work(auditor, await hire("vik@example.com", "auditor"))
        told = (await auditor.get("/admin/audit")).text
        assert f"{beginning.lost} entries of {beginning.origin} came after the backup" in told
