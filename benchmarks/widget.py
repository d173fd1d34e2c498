"""`python -m benchmarks.widget FOLDER`: the script for websites beside orejime and vanilla-cookieconsent, in Chromium.

FOLDER holds `node_modules` with both (`make bench-widget` installs them there). One after the other on the same article, a new
visitor each time: as a desktop, and as a telephone (processor four times slower, 150 ms away, 1.6 Mbit/s).
"""

import http.server
import json
import os
import statistics
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import brotli
from playwright.sync_api import Browser, Page

from benchmarks.figures import Figure, figure, show
from benchmarks.load import send
from portal.settings import HOME
from tests import browser
from tests.widget.conftest import Way, open_portal, publish_shop

SAMPLES = 15
OURS, OREJIME, VANILLA, NOTHING = "ours", "orejime", "vanilla-cookieconsent", "nothing"
BUILT = HOME / "portal" / "widget" / "built"
FILES = {
    OREJIME: ("orejime/dist/orejime-standard-en.js", "orejime/dist/orejime-standard.css"),
    VANILLA: ("vanilla-cookieconsent/dist/cookieconsent.umd.js", "vanilla-cookieconsent/dist/cookieconsent.css"),
}
BUTTONS = {"yes": {OURS: "Yes to all", VANILLA: "Accept"}, "no": {OURS: "No to all", VANILLA: "Refuse"}}
PURPOSES = [("visits", "Counting visits"), ("audiences", "Fitting ads"), ("partners", "Partners")]
ARTICLE = (
    "<h1>News</h1>" + ("<p>" + "A good book begins with its first line and ends long after its last one. " * 12 + "</p>") * 12
)
# The first picture in which something that is no part of the article covers a part of it. It looks at few points, and only once
# something else is there, for the page waits meanwhile: 361 points took a telephone 20 ms of each picture.
SEEN = """
new Promise((seen, fail) => {
  setTimeout(() => fail("Nobody asked within 20 seconds."), 20000);
  const article = ["HTML", "BODY", "H1", "P"];
  const look = () => {
    if (document.querySelector("html > :not(head, body), body > :not(h1, p)"))
    for (let x = 1; x < 8; x += 2) for (let y = 1; y < 20; y += 3) {
      const found = document.elementFromPoint(innerWidth * x / 8, innerHeight * y / 20);
      if (found && !article.includes(found.tagName)) return requestAnimationFrame(() => seen(performance.now()));
    }
    requestAnimationFrame(look);
  };
  look();
})
"""

# The longest of a page's interactions (web.dev/inp), as the Event Timing API tells it, in steps of 8 ms.
LONGEST = """
window.longest = 8;
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) if (each.interactionId) longest = Math.max(longest, each.duration);
}).observe({type: "event", durationThreshold: 16});
"""


def main() -> int:
    folder = Path(sys.argv[1])
    os.environ["PORTAL_CHOICES_PER_MINUTE"] = "100000000"
    found = list(_figures(folder / "node_modules"))
    show(found, HOME / "benchmarks" / "results-widget.json")
    return 0 if all(each.ok for each in found) else 1


def _figures(modules: Path) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as var, _pages(modules) as (address, pages), _published(Path(var), address) as way:
        pages[OURS] = _html(way.tag('data-lang="en"') + _beside(way))
        yield from _bytes(modules, way)
        with browser.opened() as chromium:
            for profile in ("desktop", "telephone"):
                took, worked = _measured(chromium, address, profile)
                yield _compared(f"{profile}: question seen after", took)
                yield _compared(f"{profile}: time in scripts", worked, at_most=12 if profile == "desktop" else None)
                for name, buttons in BUTTONS.items():
                    painted = {each: _pressed(chromium, f"{address}/{each}", profile, text) for each, text in buttons.items()}
                    told = f"{profile}: from pressing {name} to the next picture (INP; {VANILLA} {painted[VANILLA]:.0f})"
                    most = 16 if profile == "desktop" else None
                    yield figure(told, painted[OURS], "ms", baseline=painted[VANILLA], at_most=most)
        yield from _answers(way, address)  # last: the log of so many answers is still being signed for a while


def _beside(way: Way) -> str:
    """As the back office prints it for a page of one language."""
    settings = f"{way.portal.address}/w/v1/{way.key}/settings?lang=en"
    return f'<link rel="preload" as="fetch" crossorigin href="{settings}">'


def _bytes(modules: Path, way: Way) -> Iterator[Figure]:
    """Brotli at its best: the script with dialog and styles, and for ours the settings with the texts of one language."""
    asked = urllib.request.Request(f"{way.portal.address}/w/v1/{way.key}/settings?lang=en")
    with urllib.request.urlopen(asked, timeout=10) as answer:
        texts = answer.read()
    theirs = {name: sum(len(_small((modules / file).read_bytes())) for file in files) for name, files in FILES.items()}
    for name, size in theirs.items():
        whole = len(_small((BUILT / "choice.js").read_bytes())) + len(_small(texts))
        yield figure(f"bytes with texts, beside {name}", whole, "bytes", baseline=size, at_most=12_000)


def _answers(way: Way, origin: str) -> Iterator[Figure]:
    """Over HTTP, each by a browser of its own: a yes and a no, recorded and logged, beside a plain refusal, which is counted."""
    body = {"id": "10000000-0000-4000-8000-NUMBER", "edition": "site-shop@1/en", "said_at": None, "source": None}
    refusal = {**body, "answers": {"visits": False, "audiences": False}, "how": "refuse", "device": None}
    mixed = {**body, "answers": {"visits": True, "audiences": False}, "how": "mixed", "device": "bench-----NUMBER"}
    address, headers = f"{way.portal.address}/w/v1/{way.key}/choices", {"Content-Type": "text/plain", "Origin": origin}
    log, seconds = way.portal.var / "server.log", 10
    refused = send(address, json.dumps(refusal), headers, log, seconds=seconds, first=3 * 10**11, people=10**12)
    said = send(address, json.dumps(mixed), headers, log, seconds=seconds, first=5 * 10**11, people=10**12)
    decided = way.rows("SELECT count(*) FROM decision")[0][0] / seconds
    yield figure("plain refusals, counted", refused.per_second, "requests/s")
    yield figure("mixed answers, recorded", said.per_second, "requests/s", baseline=refused.per_second)
    yield figure("mixed answers, p99", said.p99, "ms", baseline=refused.p99)
    yield figure("decisions of mixed answers", decided, "decisions/s", at_least=1_500)


def _measured(browser: Browser, address: str, profile: str) -> tuple[dict[str, float], dict[str, float]]:
    """Medians in milliseconds: until the question is seen, and in scripts beyond what the bare article takes."""
    names = (OURS, OREJIME, VANILLA, NOTHING)
    took: dict[str, list[float]] = {name: [] for name in names}
    worked: dict[str, list[float]] = {name: [] for name in names}
    for _sample in range(SAMPLES):
        for name in names:
            with _visit(browser, f"{address}/{name}", profile) as (page, _tell):
                took[name].append(float(page.evaluate(SEEN)) if name != NOTHING else 0.0)
            with _visit(browser, f"{address}/{name}", profile) as (page, tell):
                page.wait_for_load_state("networkidle")
                metrics = {each["name"]: each["value"] for each in tell("Performance.getMetrics")["metrics"]}
                worked[name].append(metrics["ScriptDuration"] * 1000)
    bare = statistics.median(worked[NOTHING])
    return (
        {name: statistics.median(each) for name, each in took.items() if name != NOTHING},
        {name: statistics.median(each) - bare for name, each in worked.items() if name != NOTHING},
    )


@contextmanager
def _visit(browser: Browser, address: str, profile: str) -> Iterator[tuple[Page, Callable[[str], Any]]]:
    size = {"width": 1280, "height": 800} if profile == "desktop" else {"width": 360, "height": 740}
    context = browser.new_context(viewport=size, locale="en-GB")  # type: ignore[arg-type]  # its two numbers
    try:
        page = context.new_page()
        tell = _slowed(page, profile)
        page.goto(address, wait_until="commit")
        yield page, tell
    finally:
        context.close()


def _pressed(browser: Browser, address: str, profile: str, button: str) -> float:
    """The median of the longest interaction of a visit in which one button is pressed. What Chromium does not report took less
    than 16 ms, which is the least that it reports; it counts as 8."""
    took = []
    for _sample in range(SAMPLES):
        with _visit(browser, address, profile) as (page, _tell):
            page.get_by_role("button", name=button, exact=True).wait_for()
            page.wait_for_load_state("networkidle")
            page.evaluate(LONGEST)
            page.get_by_role("button", name=button, exact=True).click()
            page.wait_for_timeout(300)
            took.append(float(page.evaluate("window.longest")))
    return statistics.median(took)


def _slowed(page: Page, profile: str) -> Callable[[str], Any]:
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    if profile == "telephone":
        rate = 1_600_000 / 8
        session.send("Network.enable")
        network = {"offline": False, "latency": 150, "downloadThroughput": rate, "uploadThroughput": rate}
        session.send("Network.emulateNetworkConditions", network)
        session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    return partial(session.send)


def _compared(name: str, found: Mapping[str, float], at_most: float | None = None) -> Figure:
    """Ours beside the quicker of the two; all three stand in the name, so that nobody has to believe us."""
    told = ", ".join(f"{each} {value:.1f}" for each, value in found.items() if each != OURS)
    best = min(value for each, value in found.items() if each != OURS)
    return figure(f"{name} ({told})", found[OURS], "ms", baseline=best, at_most=best if at_most is None else at_most)


@contextmanager
def _published(var: Path, origin: str) -> Iterator[Way]:
    publish_shop(var, origin)
    with open_portal(var) as way:
        yield way


@contextmanager
def _pages(modules: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """An article for each; the others' files come from the same place, as their manuals have it."""
    asked = [{"id": key, "key": key, "title": title, "description": title, "cookies": []} for key, title in PURPOSES]
    orejime = {"privacyPolicyUrl": "/policy", "purposes": asked}
    words = {"title": "May we?", "description": "The shop works without any of this."}
    buttons = {"acceptAllBtn": "Accept", "acceptNecessaryBtn": "Refuse", "showPreferencesBtn": "Choose"}
    sections = {"title": "Choices", "savePreferencesBtn": "Save", "sections": [{"title": title} for _key, title in PURPOSES]}
    translations = {"en": {"consentModal": words | buttons, "preferencesModal": sections}}
    vanilla = {
        "hideFromBots": False,
        "categories": {key: {} for key, _ in PURPOSES},
        "language": {"default": "en", "translations": translations},
    }
    pages = {
        NOTHING: _html(""),
        OREJIME: _html(_theirs(OREJIME, f"window.orejimeConfig = {json.dumps(orejime)}", "")),
        VANILLA: _html(_theirs(VANILLA, "", f"CookieConsent.run({json.dumps(vanilla)})")),
    }

    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.lstrip("/")
            known = {file for files in FILES.values() for file in files}
            content = (modules / name).read_bytes() if name in known else pages.get(name, "").encode()
            kind = {"js": "text/javascript", "css": "text/css"}.get(name.rpartition(".")[2], "text/html")
            self.send_response(200)
            self.send_header("content-type", f"{kind}; charset=utf-8")
            self.send_header("content-encoding", "br")
            self.end_headers()
            self.wfile.write(_small(content))

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", pages
    finally:
        server.shutdown()
        server.server_close()


@lru_cache
def _small(content: bytes) -> bytes:
    """As the portal sends ours."""
    found: bytes = brotli.compress(content, quality=11)
    return found


def _theirs(name: str, before: str, after: str) -> str:
    script, style = FILES[name]
    loaded = f'<script defer src="/{script}"></script><link rel="stylesheet" href="/{style}">'
    then = f"<script>addEventListener('DOMContentLoaded', () => {{ {after} }})</script>" if after else ""
    return f"<script>{before}</script>{loaded}{then}"


def _html(head: str) -> str:
    start = '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    return f"{start}<title>News</title>{head}</head><body>{ARTICLE}</body></html>"


if __name__ == "__main__":
    sys.exit(main())
