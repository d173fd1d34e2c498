"""Tagged PDFs (PDF/UA-1) and archives (PDF/A-3) by WeasyPrint, in a child that starts with the first and idles out.

Printing costs about 0.2 s a page, so it never happens in the event loop. "Tagged" is what we may say: veraPDF has
not looked at it.
"""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import asdict, dataclass

IDLE = 60.0
PATIENCE = 180.0


class PdfError(Exception):
    """A paper could not be printed; the message says why."""


@dataclass(frozen=True)
class Attachment:
    name: str
    content: bytes
    description: str


async def pdf(html: str, *, variant: str = "pdf/ua-1", attachments: tuple[Attachment, ...] = ()) -> bytes:
    """Print `html` (whole document; `portal:<file>.css` names a bundled style sheet). Raises PdfError."""
    described = [asdict(each) | {"content": each.content.decode("latin-1")} for each in attachments]
    job = json.dumps({"html": html, "variant": variant, "attachments": described}).encode()
    return await _printer().print(job)


class _Printer:
    """One child, one job at a time. A child that died or hung is replaced; the job that met it fails and may be retried."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.child: Process | None = None
        self.idle: asyncio.TimerHandle | None = None

    async def print(self, job: bytes) -> bytes:
        async with self.turn:
            self._keep_awake()
            try:
                return await asyncio.wait_for(self._ask(job), PATIENCE)
            except PdfError:
                raise
            except (TimeoutError, asyncio.IncompleteReadError, ConnectionError) as problem:
                self.stop()
                raise PdfError("The printer stopped half way: the paper is too large or too complicated.") from problem
            except BaseException:  # we were cancelled: whoever prints next would be given this paper
                self.stop()
                raise
            finally:
                self.idle = asyncio.get_running_loop().call_later(IDLE, self.stop)

    async def _ask(self, job: bytes) -> bytes:
        child = await self._started()
        assert child.stdin and child.stdout
        child.stdin.write(len(job).to_bytes(8) + job)
        await child.stdin.drain()
        status = await child.stdout.readexactly(9)
        body = await child.stdout.readexactly(int.from_bytes(status[1:]))
        if status[0]:
            raise PdfError(body.decode())
        return body

    async def _started(self) -> Process:
        if self.child is None or self.child.returncode is not None:
            command = (sys.executable, "-m", "portal.paper.printer")
            self.child = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
        return self.child

    def _keep_awake(self) -> None:
        if self.idle is not None:
            self.idle.cancel()

    def stop(self) -> None:
        if self.child is not None and self.child.returncode is None:
            self.child.kill()
        self.child = None


_printers: dict[asyncio.AbstractEventLoop, _Printer] = {}


def _printer() -> _Printer:
    loop = asyncio.get_running_loop()
    for closed in [each for each in _printers if each.is_closed()]:
        del _printers[closed]
    return _printers.setdefault(loop, _Printer())
