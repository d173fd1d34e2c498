"""What another program sends lies nowhere in clear, not even for the moment in which it is read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.api.machines import Machine, key
from tests.conftest import House
from tests.consent.people import publish

CANARY = b"canary"
ROWS = [f"canary-{number}@example.com\n".encode() for number in range(12_000)]
SCRUB = "/api/v1/permissions/scrub?purpose=back-in-stock&channel=email"


class Looking:
    """Looks again and again at every file that this process holds open below a folder, also those without a name."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder.resolve())
        self.largest, self.in_clear = 0, list[str]()

    async def until(self, answer: asyncio.Task[None]) -> None:
        while not answer.done():
            self._look()
            await asyncio.sleep(0.01)
        await answer

    def _look(self) -> None:
        for each in Path("/proc/self/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                name = str(each.readlink())
                content = each.read_bytes() if name.startswith(self._folder) else b""
                self.largest = max(self.largest, len(content) if name.endswith("(deleted)") else 0)
                self.in_clear += [name] if CANARY in content else []


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="files without a name cannot be looked at here")
async def test_what_is_sent_never_lies_in_clear_on_the_disk(sqlite_house: House) -> None:
    await publish()
    looking = Looking(sqlite_house.settings.var)
    async with Machine(await key("lists:read", "imports:write")) as program:
        scrubbed = asyncio.create_task(_scrub(program))
        await looking.until(scrubbed)
        whole = sum(map(len, ROWS))
        assert looking.largest > whole, "The file was not seen while it was read."
        looking.largest = 0
        await looking.until(asyncio.create_task(_send_form(program)))
        assert looking.largest > whole / 2, "The file was not seen while it came in."
    assert looking.in_clear == []


async def _scrub(program: Machine) -> None:
    answer = await program.post(SCRUB, content=_slowly(b"email\n", *ROWS), headers={"content-type": "text/csv"})
    lines = answer.text.splitlines()
    assert answer.status_code == 200 and f"canary-{len(ROWS) - 1}@example.com,false,3" in lines, lines[:3]


async def _send_form(program: Machine) -> None:
    """One that is refused in the end, for it has no map: by then the file is there."""
    head = b'--x\r\ncontent-disposition: form-data; name="file"; filename="list.csv"\r\n\r\n'
    answer = await program.post(
        "/api/v1/imports?from=onetrust",
        content=_slowly(head, *ROWS, b"\r\n--x--\r\n"),
        headers={"content-type": "multipart/form-data; boundary=x"},
    )
    assert answer.status_code == 422 and "/map" in answer.text, answer.text


async def _slowly(*lines: bytes) -> AsyncIterator[bytes]:
    for number in range(0, len(lines), 1000):
        yield b"".join(lines[number : number + 1000])
        await asyncio.sleep(0.015)
