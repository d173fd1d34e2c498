"""The package: one safe ZIP that a person reads offline and a program reads by its schema, built from the snapshot alone."""

import csv
import hashlib
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pikepdf
import pytest
from axe_playwright_python.async_playwright import Axe
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from playwright.async_api import async_playwright

from portal import cases, jobs, settings
from portal.cases.letter import build_letter, letter_page
from portal.cases.package import build_package
from portal.cases.package_data import data_pieces, data_schema
from portal.cases.package_pages import index_page, plan_tables, table_page
from portal.cases.package_receipts import Receipts
from portal.cases.package_tables import csv_lines, neutral, restored, safe_name
from portal.cases.snapshot import Purpose, Row, Snapshot, System, Table, write
from portal.cases.sought import Sought
from portal.paper import in_language, pdf_text
from portal.settings import HOME
from tests import browser
from tests.cases.package_of import ANA, corrected, field, opened, row, snapshot_of_ana, with_tables
from tests.cases.shops import OLGA, Company, collected, visit

# A day, and words that stand in the package and in its letter.
SPOKEN = {
    "ro": ("3 noiembrie 2026", "Ce am omis și de ce"),
    "th": ("3 พฤศจิกายน 2569/2026", "สิ่งที่เราตัดออก"),
    "vi": ("3 tháng 11, 2026", "Những gì chúng tôi đã lược bỏ"),
}
PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><script>alert(1)</script>",
    "<svg onload=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "</bdi></td></table><body onload=alert(1)>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "<a href='javascript:alert(1)'>click</a>",
    "<meta http-equiv=refresh content='0;url=https://example.com/'>",
    "<link rel=stylesheet href=https://example.com/x.css>",
    "<!--", "&lt;script&gt;", "\u202egnp.exe", "%(num)s %s %",
]  # fmt: skip
HOSTILE = "=cmd|' /C calc'!A0"


async def test_the_package_names_every_file_with_its_hash() -> None:
    files = opened(await build_package(snapshot_of_ana()))
    manifest = json.loads(files.pop("manifest.json"))
    listed = {each["name"]: (each["bytes"], each["sha256"]) for each in manifest["files"]}
    assert listed == {name: (len(content), hashlib.sha256(content).hexdigest()) for name, content in files.items()}
    assert list(files) == sorted(files)
    assert {"index.html", "letter.pdf", "data.json", "data.schema.json", "tables/shop-order-line.csv"} <= files.keys()


async def test_the_same_snapshot_gives_the_same_bytes() -> None:
    assert await build_package(snapshot_of_ana()) == await build_package(snapshot_of_ana())


async def test_a_person_gets_exactly_what_was_found_about_them(company: Company) -> None:
    case_id = await collected("access")
    await cases.propose(case_id, officer=OLGA)
    await jobs.run_due()
    session = await visit()
    download = await cases.download(await cases.hand_over(case_id, session), session)
    files = opened(b"".join([piece async for piece in download.content]))
    page = files["index.html"].decode()
    assert "Ana Pop" in page and "Cup, as a present for Ben" in page and "Ben Lee" not in page and "Jam" not in page
    snapshot = await cases.frozen(case_id)
    assert snapshot is not None
    assert json.loads(files["data.json"])["systems"] == json.loads(write(snapshot))["systems"]
    assert b'"\'+40712345678"' in files["tables/shop-customer.csv"]


def test_the_data_fits_its_schema_and_nothing_else_does() -> None:
    schema = data_schema()
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    snapshot = replace(snapshot_of_ana(), corrections=(corrected(),))
    data = _data(snapshot)
    validator.validate(data)
    assert data["systems"] == json.loads(write(snapshot))["systems"]
    assert "due_on" not in data and "removals" not in data
    for broken in ({**data, "more": 1}, {**data, "systems": [{}]}, {**data, "format": "portal/package/0"}):
        assert not validator.is_valid(broken)


cells = st.text() | st.builds(
    "".join, st.lists(st.sampled_from([*"=+-@\t\r\n'\" ＝＋－＠a1,;\u200b\ufeff\xa0", "“", "cmd"]), max_size=6)
)


@given(cells)
@example("=1+1")
@example('"=1+1')
@example("＝1+1")
@example("\ufeff=1+1")
@example("'")
@example("\t=1")
def test_no_cell_is_a_formula_and_every_value_comes_back(value: str) -> None:
    cell = neutral(value)
    assert restored(cell) == value
    assert cell[:1] not in {*"=+-@\t\r\n＝＋－＠"}
    bare = cell.lstrip(' "“\u200b\ufeff\xa0\t\r\n')
    assert bare[:1] not in {*"=+-@＝＋－＠"}


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=5))
def test_a_table_can_be_read_back_exactly(values: list[tuple[str, str]]) -> None:
    table = Table("t", "T", tuple(row(str(n), field("One", one), field("Two", two)) for n, (one, two) in enumerate(values)))
    text = b"".join(csv_lines(table)).decode("utf-8-sig")
    head, *read = csv.reader(io.StringIO(text, newline=""))
    assert head == ["One", "Two"] and [tuple(map(restored, each)) for each in read] == values


def test_headings_cannot_be_formulas_and_two_alike_are_told_apart() -> None:
    twice = Table("t", "T", (row("1", replace(field("=A", "1"), name="a"), replace(field("=A", "2"), name="b")),))
    assert b"".join(csv_lines(twice)).decode("utf-8-sig").splitlines()[0] == '"\'=A (a)","\'=A (b)"'


@given(st.text())
@example("../../etc/passwd")
@example("C:\\con")
def test_names_of_files_are_plain(text: str) -> None:
    assert re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", safe_name(text))


async def test_hostile_names_of_tables_lead_nowhere() -> None:
    names = ["../../etc/passwd", "/etc/passwd", "orders", "Orders", "orders.2", "ORDERS", "ไทย", "中文", "..", "con"]
    tables = tuple(Table(name, name, (row("1", field("Item", "Tea")),)) for name in names)
    content = await build_package(with_tables(*tables, system="..\\shop"))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        found = archive.infolist()
    paths = [each.filename for each in found]
    assert len(set(paths)) == len(paths) == len(names) + 5
    assert all(re.fullmatch(r"(tables/|pages/)?[a-z0-9][a-z0-9.-]*", path) and ".." not in path for path in paths)
    assert all(each.external_attr >> 16 == 0o100644 for each in found)


async def test_a_package_never_looks_like_a_bomb() -> None:
    rows = tuple(Row("k", (field("Item", "a" * 200),)) for _each in range(20_000))
    content = await build_package(with_tables(Table("t", "T", rows)))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert all(each.file_size <= 100 * each.compress_size for each in archive.infolist())
        assert len(archive.infolist()) < 1000 and archive.testzip() is None


def test_a_long_table_goes_on_on_pages_of_its_own() -> None:
    rows = tuple(row(str(number), field("Item", f"item {number};")) for number in range(2_500))
    files = _pages(with_tables(Table("orders", "Orders", rows)))
    index = files["index.html"].decode()
    assert "item 19;" in index and "item 20;" not in index and "first 20 of 2500" in index
    later = "".join(files[f"pages/shop-orders.page-{number}.html"].decode() for number in (1, 2, 3))
    assert [later.count(f"item {number};") for number in range(2_500)] == [1] * 2_500


def test_what_was_left_out_is_said_with_its_reason_and_guesses_are_marked() -> None:
    index = _pages(snapshot_of_ana())["index.html"].decode()
    assert "1 single value. It is about somebody else" in index and "1 whole entry. It belongs to confidential" in index
    assert index.count("our guess") == 1


def test_everything_that_the_law_asks_for_is_said() -> None:
    index = _pages(replace(snapshot_of_ana(), answer="partly", reasons="Because <of> this.", corrections=(corrected(),)))[
        "index.html"
    ].decode()
    for said in (
        "Columba Mail SRL", "Until you stop it.", "Only if you say yes", "our own conclusion from your orders",
        "Curier Rapid SA", "3 years after your last sign-in", "data protection authority", "https://www.dataprotection.ro",
        "Take along", "You receive a part", "Because &lt;of&gt; this.", "+40799999999", "This system holds nothing about you.",
    ):  # fmt: skip
        assert said in index, said


@pytest.fixture(params=SPOKEN)
def spoken(request: pytest.FixtureRequest) -> Iterator[str]:
    before = settings.get()
    settings.use(replace(before, languages="en,ro,th,vi"))
    yield request.param
    settings.use(before)


def test_the_package_speaks_the_language_of_the_person(spoken: str) -> None:
    day, said = SPOKEN[spoken]
    with in_language(spoken):
        index = _pages(replace(snapshot_of_ana(), language=spoken))["index.html"].decode()
    assert f'<html lang="{spoken}" dir="ltr">' in index and day in index and said in index


async def test_hostile_values_are_only_text_in_a_browser(tmp_path: Path) -> None:
    bad = tuple(row(payload, field(payload, payload)) for payload in PAYLOADS)
    wide = tuple(row(str(number), *(field(f"Column {each}", f"value {each}") for each in range(5))) for number in range(4))
    names = Table("names", "Names", (row("1", field("Name", "อนัญญา ศรีสุข"), field("City", "Țîrlești, Șăulia")),))
    snapshot = with_tables(*(Table(p, p, bad) for p in PAYLOADS[:3]), Table("wide", "Wide", wide), names)
    with zipfile.ZipFile(io.BytesIO(await build_package(replace(snapshot, reasons=PAYLOADS[0], answer="partly")))) as archive:
        archive.extractall(tmp_path)
    seen: list[str] = []
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=browser.path(), args=browser.ARGUMENTS)
        page = await chromium.new_page(viewport={"width": 320, "height": 700})
        page.on("dialog", lambda dialog: seen.append(dialog.message))
        page.on("console", lambda message: seen.append(message.text))
        page.on("request", lambda request: seen.append(request.url))
        address = (tmp_path / "index.html").as_uri()
        await page.goto(address)
        await page.wait_for_timeout(300)
        assert seen == [address]
        text = await page.inner_text("body")
        assert all(payload in text for payload in PAYLOADS if payload.isascii())
        assert "อนัญญา ศรีสุข" in text and "Țîrlești, Șăulia" in text
        assert await page.evaluate("document.documentElement.scrollWidth") == 320
        assert await page.evaluate("getComputedStyle(document.querySelector('.lead')).fontSize") == "20px"
        unsafe = await chromium.new_page(bypass_csp=True)
        await unsafe.goto(address)
        assert (await Axe().run(unsafe)).violations_count == 0
        await chromium.close()


async def test_the_letter_is_tagged_and_speaks_its_language(spoken: str) -> None:
    day, said = SPOKEN[spoken]
    letter = await build_letter(replace(snapshot_of_ana(), language=spoken))
    with pikepdf.open(io.BytesIO(letter)) as paper:
        assert paper.Root.Lang == spoken and paper.Root.MarkInfo.Marked and "/StructTreeRoot" in paper.Root
        assert day in str(paper.docinfo["/Title"])
        with paper.open_metadata() as about:
            assert about["pdfuaid:part"] == "1"
    assert Sought([day, said]).in_print(pdf_text(letter)) == {day, said}


def test_the_letter_stays_short_whatever_was_found() -> None:
    assert len(letter_page(_enormous())) < 70_000


@pytest.mark.deep
@pytest.mark.timeout(200)
async def test_a_letter_of_that_length_has_twenty_pages_at_most() -> None:
    with pikepdf.open(io.BytesIO(await build_letter(_enormous()))) as paper:
        assert len(paper.pages) <= 20


def _enormous() -> Snapshot:
    table = Table("t" * 50, "Label " * 60, tuple(row("k", field("Item", HOSTILE, redacted="security")) for _each in range(50)))
    category = replace(snapshot_of_ana().systems[0].categories[0], tables=(table,) * 5)
    systems = tuple(System(f"s{n}", "A system with a long name " * 9, "", (category,) * 40) for n in range(120))
    purposes = tuple(
        Purpose(f"p{n}", "Title " * 40, "Basis " * 400, ("Someone Ltd",) * 90, "Long " * 400, "e") for n in range(90)
    )
    return replace(snapshot_of_ana(), systems=systems, purposes=purposes, reasons="Words of a patient officer. " * 4000)


def test_the_letter_holds_the_answer_and_none_of_the_data() -> None:
    letter = letter_page(replace(snapshot_of_ana(), language="en"))
    assert ANA in letter and "Where we looked" in letter and "data protection authority" in letter
    for value in ("Maitreyi", "+40712345678", "Pop-Țîrlea", "crime, late at night", "Scrisoarea"):
        assert value not in letter


MEASURED = """
import asyncio, pathlib, sys, time
from portal.cases.package import build_package
from portal.cases.sought import Sought
from portal.cases.snapshot import read
def memory(name):
    return next(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith(name))
snapshot = read(pathlib.Path(sys.argv[1]).read_bytes())
frozen = memory("VmRSS")
pathlib.Path("/proc/self/clear_refs").write_text("5")  # the highest mark starts anew
started = time.monotonic()
package = asyncio.run(build_package(snapshot))
print(frozen, memory("VmHWM"), time.monotonic() - started, len(package))
"""


@pytest.mark.deep
def test_a_hundred_thousand_entries_are_packed_quickly_and_without_a_second_copy(tmp_path: Path) -> None:
    names = ("Title", "Copies", "Price", "Ordered on", "State")
    tables = [
        Table(
            f"t{t}", f"T {t}", tuple(row(f"id={t}-{n}", *(field(name, f"{name} {n}") for name in names)) for n in range(25_000))
        )
        for t in range(4)
    ]
    (tmp_path / "snapshot.json").write_bytes(write(with_tables(*tables)))
    command = [sys.executable, "-c", MEASURED, str(tmp_path / "snapshot.json")]
    done = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=True, timeout=110)
    frozen, most, seconds, _size = map(float, done.stdout.split())
    assert most - frozen <= 100 and seconds <= 30, done.stdout


def _data(snapshot: Snapshot) -> dict[str, object]:
    read: dict[str, object] = json.loads(b"".join(data_pieces(snapshot)))
    return read


def _pages(snapshot: Snapshot) -> dict[str, bytes]:
    """The pages without the rest of the package."""
    tables = plan_tables(snapshot)
    files = {name: b"".join(table_page(snapshot, each, n)) for each in tables for n, name in enumerate(each.pages)}
    return files | {"index.html": b"".join(index_page(snapshot, tables, Receipts()))}
