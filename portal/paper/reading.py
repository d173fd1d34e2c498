"""The words of a PDF that we printed ourselves, read back from its bytes.

It knows what our own printer writes (pydyf: packed streams and objects, fonts with a map to Unicode, four digits a letter)
and no other PDF. Where letters stand side by side is not looked at: whoever compares takes the spaces out on both sides.
"""

import re
import zlib

_STREAM = re.compile(rb"(\d+) 0 obj\s*(<<.*?>>)\s*stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_PLAIN = re.compile(rb"(\d+) 0 obj\s*(.*?)\s*endobj", re.DOTALL)
_NAMED = re.compile(rb"/([^\s/<>\[\]()]+) (\d+) 0 R")
_SHOWN = re.compile(rb"/([^\s/<>\[\]()]+) [\d.]+ Tf|\[([^\]]*)\] TJ")
_LETTER = re.compile(rb"<([0-9a-f]{4})> <([0-9a-f]*)>")
_TITLE = re.compile(rb"<(?:feff|FEFF)([0-9a-fA-F]*)>")


def pdf_text(content: bytes) -> str:
    """All that is printed, in the order of the file, and after it what the file says about itself (title, descriptions)."""
    streams = {int(number): _unpacked(head, body) for number, head, body in _STREAM.findall(content)}
    heads = {int(number): head for number, head, _body in _STREAM.findall(content)}
    objects = {int(number): body for number, body in _PLAIN.findall(_STREAM.sub(b"", content))}
    for number, head in heads.items():
        if b"/ObjStm" in head:
            objects |= _objects(streams.pop(number), head)
    fonts = _fonts(objects, streams)
    maps = {number for number, _letters in fonts.values()}
    printed = [_printed(each, fonts) for number, each in streams.items() if number not in maps and b" Tf" in each]
    about = [each.decode("utf-8", "replace") for number, each in streams.items() if b"/Metadata" in heads[number]]
    for body in objects.values():
        about.append(body.decode("latin-1"))
        about += [bytes.fromhex(each.decode()).decode("utf-16-be", "replace") for each in _TITLE.findall(body)]
    return "\n".join([*printed, *about])


def _unpacked(head: bytes, body: bytes) -> bytes:
    return zlib.decompress(body) if b"/FlateDecode" in head else body


def _objects(content: bytes, head: bytes) -> dict[int, bytes]:
    """The objects of one packed stream by their numbers (ISO 32000-1, 7.5.7)."""
    first = int(re.search(rb"/First (\d+)", head)[1])  # type: ignore[index]  # our printer always says it
    places = [int(each) for each in content[:first].split()]
    starts = dict(zip(places[::2], places[1::2], strict=True))
    ends = [*sorted(starts.values())[1:], len(content) - first]
    until = dict(zip(sorted(starts.values()), ends, strict=True))
    return {number: content[first + start : first + until[start]] for number, start in starts.items()}


def _fonts(objects: dict[int, bytes], streams: dict[int, bytes]) -> dict[bytes, tuple[int, dict[bytes, str]]]:
    """Name of each font in the pages → the number of its map, and the map: four digits → letters."""
    found = {}
    for body in objects.values():
        for name, number in _NAMED.findall(body):
            target = re.search(rb"/ToUnicode (\d+) 0 R", objects.get(int(number), b""))
            if target is not None:
                letters = _LETTER.findall(streams[int(target[1])])
                found[name] = (int(target[1]), {code: bytes.fromhex(text.decode()).decode("utf-16-be") for code, text in letters})
    return found


def _printed(page: bytes, fonts: dict[bytes, tuple[int, dict[bytes, str]]]) -> str:
    letters: dict[bytes, str] = {}
    words = []
    for font, shown in _SHOWN.findall(page):
        if font:
            letters = fonts[font][1] if font in fonts else {}
            continue
        codes = b"".join(re.findall(rb"<([0-9a-f]*)>", shown))
        words.append("".join(letters.get(codes[start : start + 4], "\ufffd") for start in range(0, len(codes), 4)))
    return " ".join(words)
