"""`portal work` beside a server without a worker: told to stop it ends soon, and what it had in hand is done by the next."""

import signal
import subprocess
import time

import pytest

from tests.faults.conftest import CompanyOn
from tests.faults.harness import Journal, Visitor, patience
from tests.faults.mail_servers import mail_server_at, silent_mail_server_at
from tests.faults.oracle import Oracle
from tests.journeys.conftest import free_port, running, serving
from tests.journeys.steps import eventually, somebody

SENDING = "SELECT state, tries FROM job WHERE verb = 'messages.send' ORDER BY id DESC LIMIT 1"
UNLOGGED = "SELECT count(*) FROM entry WHERE log_index IS NULL"


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=[pytest.mark.deep, pytest.mark.faults])])
def test_a_worker_told_to_stop_ends_soon_and_gives_back_what_it_had_in_hand(database: str, company_on: CompanyOn) -> None:
    var, port = company_on(database), free_port()
    address, smtp = somebody(var, "language = 'en'")[1], f"smtp://127.0.0.1:{port}?timeout=60"
    with serving(var, PORTAL_WORKER="0", PORTAL_SMTP_URL=smtp) as portal:
        oracle, visitor = Oracle(var, Journal(var / "journal.jsonl")), Visitor(portal)
        visitor.look("/requests/new")
        visitor.press("/requests", right="access", email=address, country="RO")
        assert oracle.rows(SENDING) == [("waiting", 0)]
        [(unlogged,)] = oracle.rows(UNLOGGED)
        assert unlogged > 0  # the server neither sends nor signs
        with silent_mail_server_at(port), running(var, "work", PORTAL_SMTP_URL=smtp, PORTAL_ANCHOR_MAIL="") as worker:
            eventually(lambda: oracle.rows(SENDING) == [("running", 1)], seconds=30)
            oracle.everything_is_logged()
            assert _seconds_to_end(worker) < patience(12)  # what it has in hand may take 8 more
        assert oracle.rows(SENDING) == [("waiting", 0)]
        with mail_server_at(port) as server, running(var, "work", PORTAL_SMTP_URL=smtp, PORTAL_ANCHOR_MAIL="") as worker:
            eventually(lambda: oracle.rows(SENDING) == [("done", 1)], seconds=30)
            assert _seconds_to_end(worker) < patience(4)
        assert [mail["To"] for mail in server.taken] == [address]
        assert oracle.rows("SELECT count(*) FROM job WHERE state = 'running'") == [(0,)]
        portal.verify_log()


def _seconds_to_end(worker: subprocess.Popen[bytes]) -> float:
    began = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 0
    return time.monotonic() - began
