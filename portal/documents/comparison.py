"""What changed between two editions, readable by eye and by ear: words added and taken out, and the same as plain sentences.

Colour is never the only sign: each mark also says "added" or "removed" to a screen reader.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from html import escape
from html.parser import HTMLParser

from portal.documents.editions import Edition
from portal.paper import _

BLOCKS = {"h1", "h2", "h3", "h4", "h5", "h6", "p", "li", "blockquote", "pre", "dt", "dd", "tr", "caption"}
ALIKE = 0.4  # two paragraphs that share less than this are one removed and one added, not one rewritten


@dataclass(frozen=True)
class Block:
    """A heading, paragraph, list item or table row, as text."""

    tag: str
    text: str


@dataclass(frozen=True)
class Change:
    """One difference in plain text; `under` is the heading it stands under, an empty side means added or removed."""

    under: str
    before: str
    after: str

    def __str__(self) -> str:
        if not self.before:
            return _("Added: %(text)s") % {"text": self.after}
        if not self.after:
            return _("Removed: %(text)s") % {"text": self.before}
        return _("Was: %(before)s Now: %(after)s") % {"before": self.before, "after": self.after}


def compare(older: Edition, newer: Edition) -> str:
    """The newer text as safe HTML with `ins` and `del` around what changed since the older one, word by word."""
    return compare_html(older.html, newer.html)


def compare_html(older: bytes, newer: bytes) -> str:
    parts: list[str] = []
    for before, after in _pairs(blocks(older), blocks(newer)):
        block = after or before
        assert block is not None
        parts.append(_element(block.tag, _marked(before.text if before else "", after.text if after else "")))
    return re.sub(r"</ul>\n<ul>\n", "", "\n".join(parts)) + "\n"


def changes_between(older: Edition, newer: Edition) -> list[Change]:
    """The same differences as a list of plain sentences, in reading order."""
    found: list[Change] = []
    heading = ""
    for before, after in _pairs(blocks(older.html), blocks(newer.html)):
        block = after or before
        if block is not None and block.tag.startswith("h"):
            heading = block.text
        if before is None or after is None or before.text != after.text:
            found.append(Change(heading, before.text if before else "", after.text if after else ""))
    return found


def blocks(html: bytes) -> list[Block]:
    """A text's blocks in reading order; the cells of a table row are joined."""
    reader = _Reader()
    reader.feed(html.decode())
    reader.close()
    reader.finish()
    return reader.blocks


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self.tag = "p"
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in BLOCKS and not (tag == "p" and self.tag in {"li", "blockquote", "tr"} and not self.text.strip()):
            self.finish()
            self.tag = tag
        elif tag in {"td", "th"} and self.text.strip():
            self.text += " · "
        elif tag == "br":
            self.text += " "

    def handle_endtag(self, tag: str) -> None:
        if tag in BLOCKS:
            self.finish()

    def handle_data(self, data: str) -> None:
        self.text += data

    def finish(self) -> None:
        text = " ".join(self.text.split())
        if text:
            self.blocks.append(Block(self.tag, text))
        self.tag, self.text = "p", ""


def _pairs(older: list[Block], newer: list[Block]) -> Iterator[tuple[Block | None, Block | None]]:
    """Blocks side by side: the same, rewritten (both), removed (only older) or added (only newer)."""
    matcher = SequenceMatcher(None, older, newer, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            yield from zip(older[a:b], newer[c:d], strict=True)
        else:
            yield from _rewritten(older[a:b], newer[c:d])


def _rewritten(older: list[Block], newer: list[Block]) -> Iterator[tuple[Block | None, Block | None]]:
    """Pair blocks that resemble each other, in the order of both; between two pairs what went stands before what came."""
    done_old = done_new = 0
    for new_place, block in enumerate(newer):
        rest = range(done_old, len(older))
        like = next((place for place in rest if older[place].tag == block.tag and _alike(older[place], block)), None)
        if like is None:
            continue
        yield from ((old, None) for old in older[done_old:like])
        yield from ((None, new) for new in newer[done_new:new_place])
        yield older[like], block
        done_old, done_new = like + 1, new_place + 1
    yield from ((old, None) for old in older[done_old:])
    yield from ((None, new) for new in newer[done_new:])


def _alike(older: Block, newer: Block) -> bool:
    return SequenceMatcher(None, older.text.split(), newer.text.split(), autojunk=False).ratio() >= ALIKE


def _marked(before: str, after: str) -> str:
    if before == after:
        return escape(after)
    old, new = re.findall(r"\S+", before), re.findall(r"\S+", after)
    parts: list[str] = []
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            parts.append(escape(" ".join(new[c:d])))
            continue
        if a < b:
            parts.append(_mark("del", _("removed:"), " ".join(old[a:b])))
        if c < d:
            parts.append(_mark("ins", _("added:"), " ".join(new[c:d])))
    return " ".join(parts)


def _mark(tag: str, spoken: str, text: str) -> str:
    return f'<{tag}><span class="visually-hidden">{escape(spoken)} </span>{escape(text)}</{tag}>'


def _element(tag: str, inner: str) -> str:
    if tag in {"li", "dt", "dd"}:
        return f"<ul>\n<li>{inner}</li>\n</ul>"
    if tag in {"tr", "caption"}:
        return f'<p class="row">{inner}</p>'
    if tag in {"pre", "blockquote"}:
        return f"<blockquote><p>{inner}</p></blockquote>"
    return f"<{tag}>{inner}</{tag}>"
