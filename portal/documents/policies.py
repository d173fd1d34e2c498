"""The notices of the policies folder: `notices/<key>/<language>.md`, and any text of that shape."""

import re
from dataclasses import dataclass
from pathlib import Path

from portal.documents.files import cedillas, folder, read_text, shown
from portal.documents.rendering import Text, split
from portal.handwritten import Fault, Faulty
from portal.paper import _

LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
KEY = re.compile(r"[a-z][a-z0-9-]{0,39}")
FRONT = {"title", "commitments"}


@dataclass(frozen=True)
class Source:
    """One text as it lies in the folder, in all its languages: language → source, language → file."""

    key: str
    kind: str
    texts: dict[str, str]
    files: dict[str, str]

    def text(self, language: str) -> Text:
        """One language taken apart into front matter and body."""
        return split(self.texts[language], self.files[language])


def read_notices() -> list[Source]:
    """Every notice; raises Faulty naming each mistake."""
    folders = sorted(each for each in (folder() / "notices").glob("*") if each.is_dir())
    wrong = [each for each in folders if not KEY.fullmatch(each.name)]
    if wrong:
        raise Faulty(
            Fault(shown(each), 1, _("A notice's folder is named in small letters, digits and hyphens.")) for each in wrong
        )
    return [read_source(each, each.name, "notice") for each in folders]


def read_source(where: Path, key: str, kind: str) -> Source:
    """The languages of one text; raises Faulty naming each mistake."""
    files = sorted(where.glob("*.md"))
    if not files:
        raise Faulty([Fault(shown(where), 1, _("There is no text here: write en.md, ro.md and so on."))])
    faults: list[Fault] = []
    texts: dict[str, str] = {}
    for file in files:
        try:
            texts[file.stem] = read_text(file)
            faults += _mistakes(texts[file.stem], file)
        except Faulty as problem:
            faults += problem.faults
    if faults:
        raise Faulty(faults)
    return Source(key, kind, texts, {file.stem: shown(file) for file in files})


def _mistakes(text: str, file: Path) -> list[Fault]:
    faults = cedillas(text, shown(file)) if file.stem == "ro" else []
    if not LANGUAGE.fullmatch(file.stem):
        faults.append(Fault(shown(file), 1, _("A text is named after its language: en.md, ro.md, zh-Hant.md.")))
    front = split(text, shown(file)).front
    for name in set(front) - FRONT:
        line = next((n for n, each in enumerate(text.splitlines(), 1) if re.match(rf"\s*\[*{re.escape(name)}\b", each)), 1)
        what = _("%(name)s is not known in front matter. Known: %(known)s.") % {"name": name, "known": ", ".join(sorted(FRONT))}
        faults.append(Fault(shown(file), line, what))
    return faults
