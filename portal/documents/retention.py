"""How long each kind of data is kept and why: policies/retention.toml (GDPR Art. 5(1)(e), 13(2)(a), 30(1)(f))."""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from portal.documents.files import Toml, folder
from portal.paper import _, language, ngettext

NAMES = ["what", "period", "starts", "why", "law", "then", "purposes"]
ENDINGS = ("delete", "anonymise", "review")


@dataclass(frozen=True)
class Retention:
    """One rule, in the language of the moment: what is kept, how long, counted from when, why, what happens then, and which
    purposes must say the same; `line` is where its period stands."""

    key: str
    what: str
    number: int
    unit: str
    starts: str
    why: str
    law: str
    then: str
    purposes: tuple[str, ...]
    line: int

    @property
    def period(self) -> str:
        """`5 years`, in the language of the moment."""
        return period_text(self.number, self.unit)


def retention() -> dict[str, Retention]:
    """Every rule by its key; raises Faulty with file and line."""
    path = folder() / "retention.toml"
    return _retention(path, path.stat().st_mtime_ns if path.exists() else 0, language())


@lru_cache(maxsize=16)
def _retention(path: Path, changed: int, language: str) -> dict[str, Retention]:
    """Read once per language; a changed file is read again."""
    file = Toml(path)
    rules: dict[str, Retention] = {}
    for key in file.values:
        file.only(NAMES, key)
        period = re.fullmatch(r"(\d{1,3}) (day|month|year)s?", file.text_at(key, "period"))
        if period is None:
            file.wrong(_("%s.period must be a number of days, months or years, such as '5 years'.") % key, key, "period")
            continue
        then = file.text_at(key, "then")
        if then not in ENDINGS:
            file.wrong(_("%(key)s.then must be one of %(known)s.") % {"key": key, "known": ", ".join(ENDINGS)}, key, "then")
        rules[key] = Retention(
            key=key,
            what=file.text_at(key, "what"),
            number=int(period[1]),
            unit=period[2],
            starts=file.text_at(key, "starts"),
            why=file.text_at(key, "why"),
            law=file.text_at(key, "law", optional=True),
            then=then,
            purposes=_names(file, key),
            line=file.line(key, "period"),
        )
    file.done()
    return rules


def _names(file: Toml, key: str) -> tuple[str, ...]:
    names = file.table(key).get("purposes", [])
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return tuple(names)
    file.wrong(_("%s.purposes must be a list of keys from purposes.toml.") % key, key, "purposes")
    return ()


def period_text(number: int, unit: str) -> str:
    """`5 years`, in the language of the moment."""
    if unit == "year":
        return ngettext("%(n)d year", "%(n)d years", number) % {"n": number}
    if unit == "month":
        return ngettext("%(n)d month", "%(n)d months", number) % {"n": number}
    return ngettext("%(n)d day", "%(n)d days", number) % {"n": number}
