"""The mail server is away: what people do counts all the same, and the mail leaves once, when the server is back."""

import re
from pathlib import Path

from tests.faults.harness import Journal, Visitor
from tests.faults.mail_servers import mail_server_at
from tests.faults.oracle import Oracle
from tests.journeys.conftest import free_port, serving
from tests.journeys.steps import eventually, somebody


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
        with mail_server_at(port) as server:
            eventually(lambda: oracle.rows("SELECT state FROM message WHERE id = ?", message) == [("sent",)], seconds=60)
            mine = [mail for mail in server.taken if mail["Message-ID"] == message_id]
            assert [mail["To"] for mail in mine] == [address]
        portal.verify_log()
