"""The demo company's shop: pages on a port of their own that embed the portal's script, as any website would.

Reads from its input what `portal sites snippet shop` prints. Ends when the portal does, whose process id it is given.
"""

import http.server
import os
import sys
import threading
import time
import urllib.parse
from html import escape
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PORT = int(os.environ.get("SHOP_PORT", "8010"))  # policies/sites.toml names this origin
FILES = {
    "/": ("index.html", "text/html"),
    "/film": ("film.html", "text/html"),
    "/visits.js": ("visits.js", "text/javascript"),
    "/shop.css": ("shop.css", "text/css"),
}


class Shop(http.server.BaseHTTPRequestHandler):
    tags, policy = "", ""

    def do_GET(self) -> None:
        name, kind = FILES.get(urllib.parse.urlsplit(self.path).path, ("", ""))
        if not name:
            self.send_error(404)
            return
        self._answer((HERE / name).read_text().replace("<!-- the tags -->", self.tags), kind)

    def do_POST(self) -> None:
        """The newsletter form: shows what a shop's server would hand on to the portal's API."""
        sent = self.rfile.read(min(int(self.headers.get("content-length", 0)), 10_000)).decode()
        rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in urllib.parse.parse_qsl(sent))
        page = (HERE / "index.html").read_text().replace("<!-- the tags -->", self.tags)
        told = "<h2>Sent</h2><p>The shop's server now hands this on: POST /api/v1/decisions, with its key.</p>"
        self._answer(page.replace("<!-- what was sent -->", f"{told}<dl>{rows}</dl>"), "text/html")

    def _answer(self, text: str, kind: str) -> None:
        content = text.encode()
        self.send_response(200)
        self.send_header("content-type", f"{kind}; charset=utf-8")
        self.send_header("content-length", str(len(content)))
        self.send_header("content-security-policy", self.policy)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """The portal's own lines stay readable."""


def main() -> None:
    lines = sys.stdin.read().splitlines()
    tags, policy = lines[: lines.index("")], lines[lines.index("") + 1 :]
    Shop.tags = "\n".join(each for each in tags if each.startswith("<script"))
    Shop.policy = "; ".join(["default-src 'self'", *(each.replace("-src ", "-src 'self' ", 1) for each in policy)])
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Shop)
    except OSError as problem:
        print(f"The demo shop does not run: port {PORT}: {problem.strerror}.")
        return
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"A shop whose visitors are asked: http://127.0.0.1:{PORT}")
    while _is_running(int(sys.argv[1])):
        time.sleep(1)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main()
