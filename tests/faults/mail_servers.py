"""Mail servers on a given port: one that takes what comes, and one that takes every connection and never says a word."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.messages import mail_server
from tests.messages.mail_server import MailServer


@contextmanager
def mail_server_at(port: int) -> Iterator[MailServer]:
    """In a thread with a loop of its own, until the block ends."""
    server, loop, ends = MailServer(), asyncio.new_event_loop(), asyncio.Event()
    server.port = port
    listening = threading.Event()

    async def serve() -> None:
        async with mail_server.serving(server):
            listening.set()
            await ends.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=[serve()])
    thread.start()
    try:
        assert listening.wait(10)
        yield server
    finally:
        loop.call_soon_threadsafe(ends.set)
        thread.join(10)
        loop.close()


@contextmanager
def silent_mail_server_at(port: int) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", port)):
        yield
