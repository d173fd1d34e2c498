"""The demo shop: its pages carry the tags under a strict policy, and it ends with the portal."""

import os
import subprocess
import sys
import time
import urllib.request
from urllib.error import URLError

from portal.settings import HOME
from tests.journeys.conftest import free_port

PASTED = """<script src="http://127.0.0.1:8000/w/v1/0/choice.js"></script>
<a data-choices href="http://127.0.0.1:8000/w/v1/0/page">link</a>

script-src http://127.0.0.1:8000/w/v1/0/choice.js
connect-src http://127.0.0.1:8000
"""


def test_the_shop_embeds_the_script_and_ends_with_the_portal() -> None:
    port = free_port()
    with subprocess.Popen(["sleep", "60"]) as portal:
        shop = subprocess.Popen(
            [sys.executable, HOME / "tools" / "demo-shop" / "serve.py", str(portal.pid)],
            env=os.environ | {"SHOP_PORT": str(port)},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        try:
            assert shop.stdin
            shop.stdin.write(PASTED.encode())
            shop.stdin.close()
            page, policy = _read(f"http://127.0.0.1:{port}/")
            assert PASTED.splitlines()[0] in page and 'data-purpose="visits"' in page and "/w/v1/0/page" not in page
            assert policy == (
                "default-src 'self'; script-src 'self' http://127.0.0.1:8000/w/v1/0/choice.js;"
                " connect-src 'self' http://127.0.0.1:8000"
            )
            sent, _policy = _read(f"http://127.0.0.1:{port}/", b"privacy-choice=%3Cb%3E&email=ana%40example.com")
            assert "<dd>&lt;b&gt;</dd>" in sent
        finally:
            portal.kill()
            portal.wait()
        assert shop.wait(5) == 0


def _read(address: str, sent: bytes | None = None) -> tuple[str, str]:
    ends = time.monotonic() + 10
    while True:
        try:
            with urllib.request.urlopen(address, sent, timeout=5) as answer:
                return answer.read().decode(), answer.headers["content-security-policy"]
        except URLError:
            assert time.monotonic() < ends
            time.sleep(0.05)
