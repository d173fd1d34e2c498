"""A small shop on a port of its own: pages that embed the script, things that wait in them, and a way to pass on /w/."""

import http.server
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

NONCE = "c2hvcA"
TEXT = "<p>" + "Good boots begin with the last, and a good last begins with a foot that has walked. " * 12 + "</p>"
# How far things have moved on the page, all told, also where somebody had just pressed something.
MOVED = (
    "window.moved = 0; new PerformanceObserver(list => list.getEntries().forEach(entry => moved += entry.value))"
    ".observe({type: 'layout-shift', buffered: true});"
)


@dataclass
class Shop:
    """`portal`: to whom /w/ is passed on; `pages`: body by path; `seen`: what was asked for; `policy`: the header, if any;
    `lost`: how many of the portal's next replies to an answer never reach the browser."""

    address: str = ""
    portal: str = ""
    tag: str = ""
    policy: str = ""
    pages: dict[str, str] = field(default_factory=dict)
    language: str = "en"
    head: str = ""
    seen: list[str] = field(default_factory=list)
    slow: float = 0.0
    lost: int = 0

    def page(self, body: str, path: str = "/") -> str:
        """Shows this body from now on; answers the page's address."""
        self.pages[path] = body
        return self.address + path

    def html(self, path: str) -> str:
        head = (
            f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Shop</title>{self.head}{self.tag}'
        )
        body = self.pages.get(path, TEXT)
        return f'<!doctype html><html lang="{self.language}"><head>{head}</head><body>{body}</body></html>'

    def clean(self) -> None:
        self.tag = self.policy = self.head = ""
        self.language, self.slow, self.lost = "en", 0.0, 0
        self.pages.clear()
        self.seen.clear()


def script(words: str, *marks: str) -> str:
    """A script that waits; the nonce lets it run under a strict policy."""
    return f'<script type="text/plain" nonce="{NONCE}" {" ".join(marks)}>{words}</script>'


@contextmanager
def opened() -> Iterator[Shop]:
    """The shop, until the block ends."""
    shop = Shop()

    class Counter(_Counter):
        of = shop

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Counter)
    server.daemon_threads = True
    shop.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield shop
    finally:
        server.shutdown()
        server.server_close()


class _Counter(http.server.BaseHTTPRequestHandler):
    of: Shop

    def log_message(self, *_: Any) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        shop, path = self.of, self.path.partition("?")[0]
        shop.seen.append(self.path)
        if path.startswith("/w/"):
            return self._pass_on(None)
        if path == "/favicon.ico":
            return self._answer(204, b"", {})
        if path.endswith(".js"):
            time.sleep(shop.slow)  # the one that others must wait for
            return self._answer(200, f"(window.ran ??= []).push('{path}');".encode(), {"content-type": "text/javascript"})
        headers = {"content-type": "text/html; charset=utf-8"}
        if shop.policy:
            headers["content-security-policy"] = f"{shop.policy}; report-uri /report"
        return self._answer(200, shop.html(path).encode(), headers)

    def do_POST(self) -> None:
        self.of.seen.append(f"POST {self.path}")
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path.startswith("/w/"):
            return self._pass_on(body)
        return self._answer(204, b"", {})

    def _pass_on(self, body: bytes | None) -> None:
        """As a site's own server does it for everything below /w/."""
        kept = {name: self.headers[name] for name in ("origin", "content-type", "sec-fetch-site") if name in self.headers}
        request = urllib.request.Request(self.of.portal + self.path, body, kept)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                if body is not None and self.of.lost:
                    self.of.lost -= 1
                    self.close_connection = True
                    return
                self._answer(answer.status, answer.read(), dict(answer.headers))
        except urllib.error.HTTPError as problem:
            self._answer(problem.code, problem.read(), dict(problem.headers))
        except urllib.error.URLError:
            self._answer(502, b"", {})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "connection", "date", "server", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        with suppress(BrokenPipeError):  # the page was left
            self.wfile.write(body)
