"""Papers are printed by a child that trusts nobody."""

import asyncio
import io
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pikepdf
import pytest

from portal.paper import Attachment, PdfError, pdf

PAGE = '<html lang="en"><head><title>Letter</title></head><body><h1>Dear Ana</h1><p>ăâîșț ไทย</p>{}</body></html>'


async def test_a_letter_is_tagged_and_says_its_language() -> None:
    printed = pikepdf.open(io.BytesIO(await pdf(PAGE.format(""))))
    assert printed.Root.Lang == "en" and printed.Root.MarkInfo.Marked and printed.docinfo["/Title"] == "Letter"


async def test_the_same_letter_is_the_same_bytes() -> None:
    assert await pdf(PAGE.format("")) == await pdf(PAGE.format(""))


async def test_an_archive_carries_its_attachments() -> None:
    record = Attachment("record.json", b'{"case": "\xc8\x99"}', "The machine-readable record")
    printed = pikepdf.open(io.BytesIO(await pdf(PAGE.format(""), variant="pdf/a-3a", attachments=(record,))))
    assert printed.attachments["record.json"].get_file().read_bytes() == record.content


@pytest.mark.parametrize("after", [0, 0.005, 0.03])
async def test_nobody_gets_the_paper_of_somebody_who_no_longer_waits(after: float) -> None:
    await pdf(PAGE.format(""))  # the child is there
    given_up = asyncio.create_task(pdf(PAGE.format("<p>Of Ben</p>").replace("Letter", "Ben's")))
    await asyncio.sleep(after)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    printed = pikepdf.open(io.BytesIO(await pdf(PAGE.format(""))))
    assert printed.docinfo["/Title"] == "Letter"


@pytest.mark.parametrize(
    "hostile",
    [
        '<img src="file:///etc/passwd">',
        '<link rel="stylesheet" href="{address}">',
        '<img src="{address}">',
        '<style>@import url("{address}");</style>',
        '<link rel="attachment" href="file:///etc/passwd">',
        '<svg xmlns="http://www.w3.org/2000/svg"><image href="{address}"/></svg>',
        "<style>@font-face {{ font-family: x; src: url(file:///etc/passwd) }} p {{ font-family: x }}</style>",
        '<img src="../../settings.py">',
    ],
)
async def test_no_paper_opens_a_file_or_an_address(hostile: str) -> None:
    asked: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(404)
            self.end_headers()

    server = HTTPServer(("127.0.0.1", 0), Listener)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        printed = await _printed_or_refused(PAGE.format(hostile.format(address=f"http://127.0.0.1:{server.server_port}/x")))
    finally:
        server.shutdown()
    assert asked == [] and b"root:" not in printed


async def _printed_or_refused(html: str) -> bytes:
    """Every text and attachment of the paper, or nothing when it was refused."""
    try:
        paper = pikepdf.open(io.BytesIO(await pdf(html)))
    except PdfError as problem:
        assert "may not fetch" in str(problem)
        return b""
    return b"".join(each.read_bytes() for each in paper.objects if isinstance(each, pikepdf.Stream))


@pytest.mark.deep
@pytest.mark.timeout(250)
async def test_a_paper_that_eats_the_memory_fails_alone() -> None:
    bomb = "<table>" + "<tr>" + "<td>x" * 400_000 + "</table>"
    with pytest.raises(PdfError):
        await asyncio.wait_for(pdf(PAGE.format(bomb)), 190)
    assert await pdf(PAGE.format(""))
