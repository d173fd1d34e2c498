"""The mail server is away: what people do counts all the same, and the mail leaves once, when the server is back."""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.harness import Journal, Oracle, Visitor
from tests.journeys.conftest import free_port, serving
from tests.journeys.steps import eventually, somebody
from tests.messages import mail_server
from tests.messages.mail_server import MailServer


def test_a_request_counts_without_mail_and_its_mail_leaves_once_the_server_is_back(var: Path) -> None:
    address = somebody(var, "language = 'en'")[1]
    port = free_port()
    with serving(var, PORTAL_SMTP_URL=f"smtp://127.0.0.1:{port}?timeout=1") as portal:
        oracle = Oracle(var, Journal(var / "journal.jsonl"))
        visitor = Visitor(portal)
        visitor.look("/requests/new")
        page = visitor.press("/requests", right="access", email=address, country="RO")
        assert page.status_code == 200 and "Enter the code" in page.text
        newest = "SELECT id, message_id, state FROM message ORDER BY id DESC LIMIT 1"
        message, message_id, _state = oracle.rows(newest)[0]
        tries = "SELECT tries FROM job WHERE verb = 'messages.send' AND arguments LIKE ?"
        eventually(lambda: oracle.rows(tries, f"%{message}%")[0][0] > 1)
        assert oracle.rows(newest)[0][2] == "waiting"
        # The code is on the demo's page; whoever has it need not wait for the mail server.
        page = visitor.press(page.url.path, code=visitor.code(address))
        assert re.fullmatch(r"/requests/[\w-]+", page.url.path), page.text
        with _mail_server(port) as server:
            eventually(lambda: oracle.rows("SELECT state FROM message WHERE id = ?", message) == [("sent",)], seconds=60)
            mine = [mail for mail in server.taken if mail["Message-ID"] == message_id]
            assert [mail["To"] for mail in mine] == [address]
        portal.verify_log()


@contextmanager
def _mail_server(port: int) -> Iterator[MailServer]:
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
