"""What no line of the log may hold, whatever a test did: people's addresses, keys, cookies, codes, the secrets of links."""

import json
import re

SECRET = re.compile(
    r"[\w.+-]+@[\w-]+\.\w+|\+\d{10,15}\b|\b(?:pk|whsec|whsk)_[\w-]{8,}|\bBearer\b|\bauthorization\b|\bcookie\b"
    r"|/(?:l|u|downloads|confirm|answer|invitation)/[\w-]{20,}|\b\d{3} ?\d{3}\b",
    re.IGNORECASE,
)
# Of a line of ours: what is neither a moment nor a number of its own.
_PLAIN = ("timestamp", "ms", "level")


def telling(text: str) -> list[str]:
    """The lines of the log in a text that tell of somebody."""
    return [line for line in text.splitlines() if (told := _told(line)) and SECRET.search(told)]


def _told(line: str) -> str:
    try:
        said = json.loads(line) if line.startswith("{") else None
    except ValueError:
        return ""
    if not isinstance(said, dict) or "level" not in said or "event" not in said:
        return ""
    return json.dumps({name: value for name, value in said.items() if name not in _PLAIN}, ensure_ascii=False)
