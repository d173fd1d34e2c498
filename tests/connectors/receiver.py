"""Somebody else's receiver of webhooks on loopback: takes what is sent, or answers as the test says."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SEED = "whsk_" + "ZGVlcCBzZWNyZXQgb2YgYSByZWNlaXZlciwgMzIgYnk="


@dataclass
class Message:
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def content(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.body)
        return content

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = self.content["data"]
        return data

    @property
    def address(self) -> str:
        return str(next(iter(self.data["identifier"].values())))


@dataclass
class Receiver:
    """`answer` gives the status for a message; what it answered with 2xx is in `taken`, all of it in `seen`.

    `content`: what it says; `more`: further header lines; `half`: it hangs up in the middle of what it says.
    """

    port: int = 0
    answer: Callable[[Message], int] = lambda message: 200
    content: Callable[[Message], bytes] = lambda message: b""
    more: str = ""
    half: bool = False
    pause: float = 0.0
    length: int = 0
    connections: int = 0
    seen: list[Message] = field(default_factory=list)
    taken: list[Message] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                await self._take(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the sender has nothing more to say, or lost patience
        finally:
            writer.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _colon, value in (line.partition(":") for line in head[1:] if line)}
        message = Message(headers, await reader.readexactly(int(headers.get("content-length", "0"))))
        self.seen.append(message)
        if self.pause:
            await asyncio.sleep(self.pause)
        status = self.answer(message)
        if 200 <= status < 300:
            self.taken.append(message)
        more = self.more + ("Location: http://127.0.0.1:1/\r\n" if 300 <= status < 400 else "")
        said = self.content(message) + b"x" * self.length
        writer.write(f"HTTP/1.1 {status} Said\r\n{more}Set-Cookie: seen=1\r\nContent-Length: {len(said)}\r\n\r\n".encode())
        writer.write(said[: len(said) // 2] if self.half else said)
        await writer.drain()
        if self.half:
            raise ConnectionResetError


@asynccontextmanager
async def receiving(port: int = 0) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", port)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()


def listed(name: str, url: str, *more: str, kind: str = "webhook") -> str:
    """A [[system]] for the list, signed with SECRET in the variable HOOK_SECRET."""
    lines = [f'name = "{name}"', f'title = "{name.capitalize()}"', f'kind = "{kind}"', f'url = "{url}"']
    return "\n".join(["[[system]]", *lines, 'secret_variable = "HOOK_SECRET"', *more, ""])


def write_list(folder: Path, *systems: str) -> str:
    path = folder / "systems.toml"
    path.write_text("\n".join(systems))
    return str(path)
