"""Where links lead: none to nothing, and from everywhere to one's choices (EDPB 03/2022: dead end, privacy maze)."""

import re
from collections import Counter, deque
from html import unescape
from urllib.parse import urljoin, urlsplit

from portal import audit
from tests.attacks.scene import Scene
from tests.people import Browser

_LINK = re.compile(r'<(?:a|link|script|img)\b[^>]*?\s(?:href|src)="([^"#]+)')
# Of pages of one kind, each about another thing: so many are opened.
OF_A_KIND = 2
_NAME = re.compile(r"(?<=[/=])[0-9a-f]{8}-[0-9a-f-]{27}|(?<=[/=])[\w.-]{16,}")


async def test_no_link_of_a_page_leads_nowhere(scene: Scene) -> None:
    visitors = {"nobody": (Browser(), "/"), "ana": (scene.ana, "/")}
    visitors |= {
        role: (officer, "/admin/entering" if role == "front-desk" else "/admin") for role, officer in scene.officers.items()
    }
    await audit.sequence_all()
    dead = []
    for name, (browser, start) in visitors.items():
        pages = await _pages(browser, start)
        assert len(pages) > 3
        dead += [f"{name}: {path} on {page}: {status}" for path, (status, _text, page) in pages.items() if status != 200]
    assert dead == [], "\n".join(dead)


async def test_the_choices_are_two_clicks_away_from_everywhere(scene: Scene) -> None:
    for browser in (Browser(), scene.ana):
        pages = {path: text for path, (_status, text, _from) in (await _pages(browser, "/")).items() if "<main" in text}
        assert len(pages) > 5
        near = {path for path, text in pages.items() if "/preferences" in _links(path, text)}
        far = [path for path, text in pages.items() if path not in near and not _links(path, text) & near]
        assert far == []


async def _pages(browser: Browser, start: str) -> dict[str, tuple[int, str, str]]:
    """By address the status, the words and the page that leads there, of all that can be reached by links."""
    found: dict[str, tuple[int, str, str]] = {}
    kinds, waiting = Counter[str](), deque([(start, "")])
    while waiting:
        path, comes_from = waiting.popleft()
        kind = _NAME.sub("*", path)
        if path in found or kinds[kind] == OF_A_KIND or path.startswith("/language/"):
            continue
        kinds[kind] += 1
        answer = await browser.get(path)
        is_page = answer.headers.get("content-type", "").startswith("text/html")
        found[path] = answer.status_code, answer.text if is_page else "", comes_from
        if is_page:
            waiting.extend((link, path) for link in sorted(_links(path, answer.text)))
    return found


def _links(path: str, text: str) -> set[str]:
    """The addresses of our own that a page leads to."""
    addresses = (urlsplit(urljoin("http://127.0.0.1:8000" + path, unescape(each))) for each in _LINK.findall(text))
    ours = [each for each in addresses if each.netloc == "127.0.0.1:8000" and each.scheme == "http"]
    return {each.path + (f"?{each.query}" if each.query else "") for each in ours}
