"""From what the company wrote (Markdown with TOML front matter, or ready HTML) to the bytes that people are shown.

The same source gives the same bytes. Scripts, styles, pictures and anything that loads from elsewhere are taken out.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from html import unescape
from typing import Any

import nh3
from markdown_it import MarkdownIt

from portal.handwritten import Fault, Faulty, Toml
from portal.paper import _

FENCE = "+++"
TAGS = {"a", "abbr", "b", "br", "cite", "code", "del", "dfn", "em", "i", "ins", "kbd", "mark", "q", "s", "small", "span"}
TAGS |= {"strong", "sub", "sup", "u", "blockquote", "dd", "div", "dl", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li"}
TAGS |= {"ol", "p", "pre", "section", "ul", "caption", "col", "colgroup", "table", "tbody", "td", "tfoot", "th", "thead", "tr"}
ATTRIBUTES = {
    "*": {"class", "lang", "dir"},
    "a": {"href", "title"},
    "abbr": {"title"},
    "th": {"scope", "colspan", "rowspan"},
    "td": {"colspan", "rowspan", "data-label"},
    "ol": {"start"},
}
SCHEMES = {"https", "mailto", "tel"}


@dataclass(frozen=True)
class Text:
    """A source taken apart: its front matter, its body, and the line of the file on which the body starts."""

    front: dict[str, Any]
    body: str
    first_line: int


def split(source: str, file: str = "") -> Text:
    """Take the front matter off; raises Faulty with file and line when it cannot be read."""
    lines = source.splitlines()
    if not lines or lines[0].strip() != FENCE:
        return Text({}, source, 1)
    ends = [number for number, line in enumerate(lines) if number and line.strip() == FENCE]
    if not ends:
        what = _("The front matter starts with %(fence)s and has no second %(fence)s that ends it.")
        raise Faulty([Fault(file, 1, what % {"fence": FENCE})])
    front = Toml(file, "\n".join(["", *lines[1 : ends[0]]])).values  # an empty line for the fence: its lines are the file's
    return Text(front, "\n".join(lines[ends[0] + 1 :]).lstrip("\n") + "\n", _first_line(lines, ends[0] + 1))


@lru_cache(maxsize=128)  # publishing rehearses first; the second time it holds the write lock less long
def render(source: str, file: str = "") -> bytes:
    """The HTML of a source. A source that starts with a tag is HTML already and is only cleaned."""
    text = split(source, file)
    html = text.body if text.body.lstrip().startswith("<") else _markdown().render(text.body)
    return nh3.clean(html, tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel=None).strip().encode() + b"\n"


def title_of(source: str, html: bytes, otherwise: str) -> str:
    """What the front matter calls it, else its first heading."""
    title = split(source).front.get("title")
    if isinstance(title, str) and title.strip():
        return title.strip()
    text = html.decode()
    heading = re.search("<h[1-6][^<>]*>", text)
    end = text.find("</h", heading.end()) if heading else -1
    return unescape(re.sub("<[^<>]+>", "", text[heading.end() : end])).strip() if heading and end >= 0 else otherwise


def _first_line(lines: list[str], start: int) -> int:
    return next((number + 1 for number in range(start, len(lines)) if lines[number].strip()), start + 1)


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
