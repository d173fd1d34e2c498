"""Links that people without an account answer with: forged, foreign, ended; files that are too large or something else."""

from pathlib import Path

import pytest

from portal import cases, db, settings
from tests.attacks.payloads import PAYLOADS
from tests.cases.shops import OLGA, SYSTEMS, Company, collected, found_company
from tests.conftest import House
from tests.connectors.colleague import ENTRY, newest_link
from tests.people import ANA, BEN, Browser

DISGUISED = {
    "an invoice that is a program": ("bill.pdf", b"MZ\x90\x00\x03" + bytes(200)),
    "a program by its own name": ("setup.exe", b"\x7fELF" + bytes(200)),
    "a table that is a page": ("list.csv", b"<script>fetch('//evil.example')</script>"),
    "a page without an ending": ("list", b"\xef\xbb\xbf <!doctype html><p>"),
    "a text with a page in it": ("list.txt", b"Dear Ana <SCRIPT>alert(1)</SCRIPT>"),
    "a picture that is a drawing with scripts": ("ana.png", b'<svg xmlns="http://www.w3.org/2000/svg" onload="x()">'),
    "a PDF called a table": ("list.csv", b"%PDF-1.7"),
    "an archive called a picture": ("ana.png", b"PK\x03\x04" + bytes(50)),
    "a document with macros": ("list.docm", b"PK\x03\x04" + bytes(50)),
    "letters that turn around": ("list.txt", "Ana\u202egpj.exe".encode()),
    "a table with an end of text in it": ("list.csv", b"a,b\n1,\x00\n"),
    "no text": ("list.txt", b"\xff\xfe\x00A"),
}


@pytest.fixture
def company(published_house: House, tmp_path: Path) -> Company:
    company = found_company(published_house, tmp_path / "company")
    (company.folder / "systems.toml").write_text(SYSTEMS + ENTRY)
    return company


async def test_a_link_opens_its_own_question_and_nothing_without_it(company: Company) -> None:
    anas = await collected("access")
    mine = await newest_link()
    await collected("access", BEN)
    bens = await newest_link()
    async with Browser() as mallory:
        assert ANA in (await mallory.get(f"/answer/{mine}")).text and ANA not in (await mallory.get(f"/answer/{bens}")).text
        mixed = mine[: len(mine) // 2] + bens[len(bens) // 2 :]
        for token in (mixed, mine[:-2], mine + "AA", mine.swapcase(), "x", "..%2f..%2fadmin", "A" * 4_000, *PAYLOADS[:3]):
            for answer in (
                await mallory.get(f"/answer/{token}"),
                await mallory.post(f"/answer/{token}", data={"how": "nothing"}),
            ):
                assert answer.status_code == 404 and ANA not in answer.text, token
        for path in (f"/admin/cases/{anas}", f"/admin/cases/{anas}/files/archive", "/requests"):
            assert ANA not in (await mallory.get(path)).text
        await mallory.post(f"/answer/{bens}", data={"how": "nothing"})
    assert [each.how for each in await cases.colleagues.waiting(anas)] == [""]
    await cases.withdraw(anas, actor=f"officer:{OLGA}")
    async with Browser() as late:
        assert ANA not in (await late.get(f"/answer/{mine}?again=1")).text
        assert (await late.post(f"/answer/{mine}", data={"how": "nothing"})).status_code == 409
    assert [each.how for each in await cases.colleagues.waiting(anas)] == [""]


async def test_what_is_no_plain_file_or_too_large_is_refused_and_nothing_of_it_is_kept(company: Company) -> None:
    case_id = await collected("access")
    link = f"/answer/{await newest_link()}"
    async with Browser() as colleague:
        for what, (name, content) in DISGUISED.items():
            answer = await colleague.post(link, files=[("file", (name, content, "application/pdf"))])
            assert answer.status_code == 422, what
        large = b"%PDF-" + bytes(settings.get().files_limit)
        assert (await colleague.post(link, files=[("file", ("large.pdf", large))])).status_code == 413
        for sent in (b"", b"how=here&name-1=a&value-1=\x00", b"how=" + b"a" * 20_000, b"how=done", b"how=__class__"):
            form = {"content-type": "application/x-www-form-urlencoded"}
            assert (await colleague.post(link, content=sent, headers=form)).status_code == 422, sent[:20]
        broken = {"content-type": "multipart/form-data; boundary=x"}
        assert (
            await colleague.post(link, content=b'--x\r\ncontent-disposition: form-data; name="fi', headers=broken)
        ).status_code == 422
        for _try in range(30):
            last = await colleague.post(link, data={"how": "nothing" if _try < 0 else "?"})
        assert last.status_code == 429
    assert await db.rows("SELECT id FROM connector_question WHERE how <> ''") == []
    assert [each.how for each in await cases.colleagues.waiting(case_id)] == [""]
