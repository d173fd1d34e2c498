"""The part of a connected service that is the same everywhere: who asks, one transaction per question, JSON back.

Only Python's standard library. Copy it unchanged; your own tables are in server.py.
"""

import base64
import hmac
import json
import os
import sqlite3
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LARGEST_QUESTION = 64_000_000
PAGE = 500
LISTS = {"portal.find": "findings", "portal.plan": "rows", "portal.recheck": "left"}


class Conflict(Exception):
    """Nothing was changed, because: unlike-plan, changed-meanwhile, not-theirs or does-not-fit."""


class Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_POST(self):
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length) if 0 < length <= LARGEST_QUESTION else b""
        if is_signed(self.headers, body, os.environ["CONNECTOR_SECRET"]):
            with closing(sqlite3.connect(self.server.database, isolation_level=None)) as database:
                self.say(*answer(database, self.server.verbs, json.loads(body)))
        else:
            self.close_connection = True
            self.say(401, {})

    def say(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_said):
        """Nothing: a log would say who asked for what."""


def is_signed(headers, body, secret):
    """By us, over exactly these bytes, within five minutes. Any library for Standard Webhooks does the same."""
    stamp = headers.get("webhook-timestamp") or ""
    signed = f"{headers.get('webhook-id')}.{stamp}.".encode() + body
    ours = "v1," + base64.b64encode(hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), signed, "sha256")).decode()
    given = (headers.get("webhook-signature") or "").split()
    fresh = stamp.isdecimal() and abs(time.time() - int(stamp)) <= 300
    return fresh and any(hmac.compare_digest(ours.encode(), each.encode()) for each in given)


def answer(database, verbs, question):
    """The status and the answer. What raises has changed nothing; another exception is a dropped connection to whoever asks."""
    verb = verbs.get(question["type"])
    if verb is None:
        return 400, {}
    database.row_factory = sqlite3.Row
    database.execute("BEGIN IMMEDIATE")
    try:
        told = verb(database, question["data"])
    except Conflict as problem:
        database.execute("ROLLBACK")
        return 409, {"problem": str(problem)}
    database.execute("COMMIT")
    member = LISTS.get(question["type"])
    return 200, page(member, told, question["data"]["cursor"]) if member else told


def page(member, rows, cursor):
    """A part of a long answer, and where the next one begins."""
    start = int(cursor or 0)
    return {member: rows[start : start + PAGE], "next": str(start + PAGE) if len(rows) > start + PAGE else None}


def opened(database, port, verbs):
    server = ThreadingHTTPServer(("127.0.0.1", port), Door)
    server.database, server.verbs = database, {f"portal.{each.__name__}": each for each in verbs}
    return server
