"""policies/mail.toml: what somebody who writes an e-mail asks for, told by words and nothing cleverer (GDPR Art. 12(2))."""

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from portal import handwritten
from portal.cases.laws import law_errors
from portal.settings import get

RIGHTS = ("access", "erasure", "portability")


def asked_for(text: str) -> tuple[str, str]:
    """The one right that the words name, and the language of those words; ("", "") when they name none or several."""
    said = _folded(text)
    found = {
        right: language
        for right, languages in words().items()
        for language, phrases in languages.items()
        if any(f" {phrase} " in said for phrase in phrases)
    }
    return next(iter(found.items())) if len(found) == 1 else ("", "")


def words() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    path = get().policies / "mail.toml"
    return _read(path, path.stat().st_mtime_ns) if path.exists() else {}


@lru_cache(maxsize=4)
@law_errors()
def _read(path: Path, _changed: int) -> dict[str, dict[str, tuple[str, ...]]]:
    file, found = handwritten.read(path), dict[str, dict[str, tuple[str, ...]]]()
    for right, languages in file.values.items():
        if right not in RIGHTS or not isinstance(languages, dict):
            file.wrong(f"{right!r} is none of: {', '.join(RIGHTS)}.", right)
            continue
        for language, phrases in languages.items():
            if not isinstance(phrases, list) or not all(isinstance(each, str) and each.strip() for each in phrases):
                file.wrong("This has to be a list of words.", right, language)
                continue
            found.setdefault(right, {})[language] = tuple(_folded(each).strip() for each in phrases)
    file.done()
    return found


def _folded(text: str) -> str:
    """Small letters without marks, one space between words: people leave out both."""
    plain = "".join(each for each in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(each))
    return " " + " ".join("".join(each if each.isalnum() else " " for each in plain).split()) + " "
