"""One e-mail as it came over the wire (RFC 5322, 2045-2049, 3834), read without trusting any of it.

The parser's forgiving mode; whatever cannot be read is said, never raised past `Unreadable`. The sender's address is only
what the letter claims.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses
from html.parser import HTMLParser

MOST_PARTS, DEEPEST, MOST_FILES, MOST_BOUNDARIES, MOST_LINES = 100, 10, 10, 50, 1_000_000
LARGEST_FILE, LONGEST_TEXT, LONGEST_HEADER = 10_000_000, 20_000, 10_000
_LOOKED_AT = 300_000  # letters of a text; nobody wrote more than that by hand
_IDS = re.compile(r"<[^<>\s]{3,250}>")
_MEDIA = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,80}")
_CHARSETS = ("utf-8", "windows-1250")


class Unreadable(Exception):
    """Nobody but a person can read this; `why` in a word."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True)
class File:
    name: str
    media: str
    content: bytes


@dataclass(frozen=True)
class Mail:
    """What a mail says. `automatic`: why a machine must have written it. `cut`: something of it was too much to be shown."""

    sender: str
    subject: str
    text: str
    files: tuple[File, ...]
    answers: tuple[str, ...]  # Message-IDs, the nearest first
    automatic: str
    cut: bool


def read(raw: bytes, ours: str) -> Mail:
    """Raises Unreadable. `ours` is our own sender's address."""
    try:
        return _read(raw, ours)
    except Unreadable:
        raise
    except (MessageError, ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError) as problem:
        # The parser stumbles over what no mail program would write.
        raise Unreadable("garbled") from problem


def _read(raw: bytes, ours: str) -> Mail:
    # Each line is held against every boundary around it: both have to be few before anything is parsed.
    if raw.lower().count(b"boundary") > MOST_BOUNDARIES or raw.count(b"\n") > MOST_LINES:
        raise Unreadable("too many parts")
    message = message_from_bytes(raw, policy=policy.compat32)
    if not message.keys():
        raise Unreadable("no headers")
    leaves = list(_leaves(message))
    plain = [each for each in leaves if _is_text(each, "text/plain")]
    html = [each for each in leaves if _is_text(each, "text/html")]
    text = "\n\n".join(map(_text, plain)) if plain else "\n\n".join(_without_tags(_text(each)) for each in html)
    attached = [each for each in leaves if each not in plain and each not in html]
    files = [_file(each, number) for number, each in enumerate(attached, 1)]
    fitting = [each for each in files if len(each.content) <= LARGEST_FILE][:MOST_FILES]
    text = _clean(text[:_LOOKED_AT]).strip()
    return Mail(
        _sender(message),
        _header(message, "Subject")[:200],
        text[:LONGEST_TEXT],
        tuple(fitting),
        tuple(reversed(_IDS.findall(f"{_header(message, 'References')} {_header(message, 'In-Reply-To')}")))[:30],
        _automatic(message, ours),
        len(text) > LONGEST_TEXT or len(fitting) < len(files),
    )


def _leaves(message: Message) -> Iterator[Message]:
    """The parts that hold something; a message inside the message is one of them, and is not opened."""
    waiting, seen = [(message, 0)], 0
    while waiting:
        part, depth = waiting.pop()
        seen += 1
        if seen > MOST_PARTS or depth > DEEPEST:
            raise Unreadable("too many parts")
        inner = part.get_payload()
        if isinstance(inner, list) and part.get_content_maintype() != "message":
            waiting += [(each, depth + 1) for each in reversed(inner) if isinstance(each, Message)]
        else:
            yield part


def _is_text(part: Message, kind: str) -> bool:
    return part.get_content_type() == kind and part.get_content_disposition() != "attachment" and not part.get_filename()


def _text(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    return _decoded(content[: 4 * _LOOKED_AT], str(part.get_content_charset() or ""))[:_LOOKED_AT]


def _decoded(content: bytes, charset: str) -> str:
    for each in (charset, *_CHARSETS):
        try:
            return content.decode(each)
        except (LookupError, ValueError):
            continue
    return content.decode("utf-8", "replace")


def _file(part: Message, number: int) -> File:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):  # a message inside the message
        content = b"\n".join(each.as_bytes() for each in part.get_payload() if isinstance(each, Message))
    media = part.get_content_type().lower()
    # Nothing that could be a path, or that a screen would turn around.
    name = re.sub(r"[/\\:]", "_", _clean(_words(part.get_filename() or ""))).strip(" .")[-100:]
    return File(name or f"{number}", media if _MEDIA.fullmatch(media) else "application/octet-stream", content)


def _sender(message: Message) -> str:
    """The one address that the letter says it is from; "" for none or several."""
    found = [address for _name, address in getaddresses([_header(message, "From")]) if "@" in address]
    return found[0] if len(found) == 1 else ""


def _automatic(message: Message, ours: str) -> str:
    """Why nobody must answer it (RFC 3834): a machine wrote it, it went to a list, or it is our own."""
    kind = message.get_content_type()
    if kind == "multipart/report" or _header(message, "Return-Path").strip() == "<>":
        return "report"
    submitted = _header(message, "Auto-Submitted").lower().partition(";")[0].strip()
    if submitted not in ("", "no") or any(name in message for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Reply")):
        return "automatic"
    if _header(message, "Precedence").lower().strip() in ("bulk", "junk", "list", "auto_reply") or "List-Id" in message:
        return "list"
    return "our own" if _sender(message).lower() == ours.lower() else ""


def _header(message: Message, name: str) -> str:
    return _clean(_words(str(message.get(name, ""))[:LONGEST_HEADER])).replace("\n", " ").strip()


def _words(text: str) -> str:
    """Encoded words (RFC 2047) opened; bytes that no character set explains are marked."""
    try:
        parts = decode_header(text)
    except (MessageError, ValueError):
        parts = [(text, None)]
    said = "".join(each if isinstance(each, str) else _decoded(each, charset or "") for each, charset in parts)
    return said.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _clean(text: str) -> str:
    """Letters, spaces and line ends; nothing that steers a screen or that a database refuses."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(each for each in text if each in "\n\t" or unicodedata.category(each) not in ("Cc", "Cf", "Cs", "Zl", "Zp"))


class _Reader(HTMLParser):
    """Keeps the words, with a line end where a block ends."""

    HIDDEN = ("script", "style", "head", "template")
    BLOCKS = ("p", "div", "br", "tr", "li", "h1", "h2", "h3", "table", "blockquote")

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._hidden += tag in self.HIDDEN
        if tag in self.BLOCKS:
            self.said.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in self.HIDDEN and self._hidden > 0
        if tag in self.BLOCKS:
            self.said.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.said.append(re.sub(r"\s+", " ", data))


def _without_tags(html: str) -> str:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return "\n".join(line for each in "".join(reader.said).splitlines() if (line := each.strip()))
