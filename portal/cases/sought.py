"""Values sought in the files of a package, in every form in which it writes them: plain, in JSON, in CSV, in HTML.

As whole words: "Ben Lee" does not stand in "Ben Leeson". Thousands of values in a hundred megabytes take seconds, because only
where the longest word of a value occurs is the value itself looked for; values without a Latin letter or digit are looked for
one by one. A file is read in portions, never whole.
"""

import json
import re
from collections.abc import Iterable, Iterator

from markupsafe import escape

LEAST = 4  # letters; what is shorter stands anywhere
FEWEST = 7  # digits of a bare number: pages count entries, and those numbers are nobody's
LONGEST = 200  # letters of a long text that are looked for: its beginning
SURE = 12  # letters that count also where the spaces between words are not known
PORTION = 1 << 20
_WORD = re.compile(rb"[0-9A-Za-z]+")
_THAI = re.compile("[\u0e00-\u0e7f]")
_ESCAPED = (rb"\n", rb"\r", rb"\t")


class Sought:
    """Texts to look for; those that are too short to tell anything are passed over."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._patterns: dict[bytes, tuple[str, re.Pattern[bytes]]] = {}
        self._by_word: dict[bytes, list[bytes]] = {}
        self._one_by_one: list[bytes] = []
        self._texts = sorted({each.strip() for each in texts if tells(each)})
        for text in self._texts:
            for form in {_flat(each) for each in _forms(text[:LONGEST])}:
                self._add(form, text, whole=len(text) <= LONGEST)
        # Twice as long as a pattern is what stands in the file where it has line ends, which JSON writes as two letters.
        self._reach = 2 * max(map(len, self._patterns), default=0) + 2

    def in_pieces(self, pieces: Iterable[bytes]) -> set[str]:
        """Which of the texts stand in a file that comes piece by piece."""
        found: set[str] = set()
        before = b" "
        for piece in _portions(pieces):
            found |= self._in(before + piece)
            before = (before + piece)[-self._reach :]
        return found | self._in(before + b" ")

    def in_print(self, text: str) -> set[str]:
        """The same in what was printed, where words may be broken by lines and fonts."""
        close = _close(text)
        found = {each for each in self._texts if (len(each) >= SURE or _THAI.search(each)) and _close(each[:LONGEST]) in close}
        return found | {each for each in self.in_pieces([" ".join(text.split()).encode()]) if each not in found}

    def _add(self, form: bytes, text: str, *, whole: bool) -> None:
        start = rb"(?<=[^0-9A-Za-z])" if _WORD.match(form) else b""
        end = rb"(?=[^0-9A-Za-z])" if whole and _WORD.match(form[-1:]) else b""
        self._patterns[form] = (text, re.compile(start + re.escape(form) + end))
        words = _WORD.findall(form)
        if not whole and _WORD.match(form[-1:]):
            words = words[:-1]  # cut off in the middle
        if words:
            self._by_word.setdefault(max(words, key=len), []).append(form)
        else:
            self._one_by_one.append(form)

    def _in(self, portion: bytes) -> set[str]:
        if not self._patterns:
            return set()
        portion = _flat(portion)
        words = self._by_word.keys() & set(_WORD.findall(portion))
        forms = [form for word in words for form in self._by_word[word]] + self._one_by_one
        return {self._patterns[form][0] for form in forms if form in portion and self._patterns[form][1].search(portion)}


def tells(text: str) -> bool:
    """Whether a value is long enough to mean something where it stands without its place."""
    text = text.strip()
    return len(text) >= (FEWEST if text.isdecimal() else LEAST)


def _forms(text: str) -> list[bytes]:
    in_json = (json.dumps(text, ensure_ascii=False)[1:-1], json.dumps(text)[1:-1])
    return [each.encode(errors="surrogatepass") for each in (text, *in_json, str(escape(text)), text.replace('"', '""'))]


def _flat(content: bytes) -> bytes:
    """Without the letters of JSON's line ends, which would stick to the next word; the same on both sides."""
    for each in _ESCAPED:
        content = content.replace(each, b" ")
    return content


def _close(text: str) -> str:
    """Without spaces, which Thai does not write between words; its vowel am is read back from print as aa."""
    return "".join(text.split()).replace("\u0e33", "\u0e32").replace("\u0e4d", "")


def _portions(pieces: Iterable[bytes]) -> Iterator[bytes]:
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= PORTION:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)
