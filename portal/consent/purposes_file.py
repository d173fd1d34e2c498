"""Reads policies/purposes.toml: every mistake is told with file and line, and what the law does not allow is refused.

What cannot be configured (rule 2): a fixed purpose without contract or legal duty, consent that is on by itself,
advertising by e-mail, SMS, telephone or push without a yes (ePrivacy Art. 13, GDPR Art. 6, 7).
"""

import re
from pathlib import Path
from typing import Any

from portal import handwritten
from portal.consent.rules import FIXED_BASES
from portal.consent.words import CHANNELS
from portal.handwritten import Toml

KINDS = ("service", "marketing", "analytics", "ads", "sale-sharing")
BASES = (
    "consent",
    "existing customer",
    "contract",
    "legal obligation",
    "vital interest",
    "public task",
    "legitimate interest",
)
DEFAULTS = ("off", "on", "fixed")
NEEDS_A_YES = frozenset({"email", "sms", "push", "phone"})
VALUE_LENGTH = 90

_TEXTS = ("title", "what", "value", "retention")
_LISTS = ("channels", "data", "recipients")
_REQUIRED = ("key", "kind", "basis", "default", *_TEXTS, *_LISTS)
_OPTIONAL = ("lifetime_months", "double_opt_in", "family", "topics", "right_to_object", "law")


def read(path: Path, languages: list[str]) -> list[dict[str, Any]]:
    """The purposes of a file as plain values, each with `controller`; raises Faulty naming every place to put right."""
    file = handwritten.read(path)
    _Reader(file, languages).check()
    file.done()
    purposes: list[dict[str, Any]] = file.values["purpose"]
    return [each | {"controller": file.values["controller"]} for each in purposes]


class _Reader:
    def __init__(self, file: Toml, languages: list[str]) -> None:
        self.file, self.languages = file, languages

    def check(self) -> None:
        for name in self.file.unknown(("controller", "purpose")):
            self.file.wrong(f"Unknown part {name!r}; there are controller and [[purpose]].", name)
        if not isinstance(self.file.at("controller", "name"), str):
            what = "A [controller] with a name is missing: who answers for these purposes?"
            self.file.wrong(what, "controller", "name")
        purposes = self.file.at("purpose")
        if not isinstance(purposes, list) or not purposes or not all(isinstance(each, dict) for each in purposes):
            self.file.wrong("There is no [[purpose]].", "purpose")
            return
        keys = [each.get("key") for each in purposes]
        for number, purpose in enumerate(purposes, 1):
            self._purpose(number, purpose)
            if "key" in purpose and purpose["key"] in keys[: number - 1]:
                self._fault(number, "key", f"The key {purpose['key']!r} is used twice.")

    def _purpose(self, number: int, purpose: dict[str, Any]) -> None:
        found_so_far = len(self.file.faults)
        missing = [name for name in _REQUIRED if name not in purpose]
        for name in missing:
            self._fault(number, name, f"This purpose has no {name!r}.")
        for name in self.file.unknown((*_REQUIRED, *_OPTIONAL), "purpose", str(number)):
            self._fault(number, name, f"Unknown setting {name!r}.")
        if missing:
            return
        if not isinstance(purpose["key"], str) or not re.fullmatch(r"[a-z][a-z0-9-]{1,38}", purpose["key"]):
            self._fault(number, "key", "A key has 2 to 39 small letters, digits and hyphens.")
        for name, known in (("kind", KINDS), ("basis", BASES), ("default", DEFAULTS)):
            if purpose[name] not in known:
                self._fault(number, name, f"{purpose[name]!r} is none of: {', '.join(known)}.")
        for name in _TEXTS:
            self._texts(number, name, purpose[name])
        for name in _LISTS:
            self._list(number, name, purpose[name])
        self._topics(number, purpose.get("topics", []))
        self._optional(number, purpose)
        if len(self.file.faults) == found_so_far:
            self._law(number, purpose)

    def _texts(self, number: int, name: str, texts: Any) -> None:
        if not isinstance(texts, dict) or not all(isinstance(each, str) and each.strip() for each in texts.values()):
            self._fault(number, name, f'{name} is a text per language, for example {{ en = "…", ro = "…" }}.')
            return
        if self.languages[0] not in texts:
            self._fault(number, name, f"{name} is missing in {self.languages[0]!r}, the first language.")
        for language, text in texts.items():
            if name == "value" and len(text) > VALUE_LENGTH:
                self._fault(
                    number,
                    name,
                    f"What people get for it has {len(text)} characters in {language!r}; at most {VALUE_LENGTH}, one fact.",
                )

    def _list(self, number: int, name: str, entries: Any) -> None:
        if name == "channels":
            if not isinstance(entries, list) or not entries or not all(each in CHANNELS for each in entries):
                self._fault(number, name, f"channels is a list of: {', '.join(CHANNELS)}.")
        elif name == "recipients":
            if not isinstance(entries, list) or not all(isinstance(each, str) for each in entries):
                self._fault(number, name, "recipients is a list of names, perhaps empty.")
        elif not isinstance(entries, dict) or not all(
            isinstance(each, list) and each and all(isinstance(text, str) for text in each) for each in entries.values()
        ):
            self._fault(number, name, f"{name} is a list of texts per language.")
        elif self.languages[0] not in entries:
            self._fault(number, name, f"{name} is missing in {self.languages[0]!r}, the first language.")

    def _topics(self, number: int, topics: Any) -> None:
        keys = [each.get("key") for each in topics if isinstance(each, dict)] if isinstance(topics, list) else []
        if not isinstance(topics, list) or len(keys) != len(topics) or len(set(keys)) != len(keys):
            self._fault(number, "topics", "topics is a list of { key, title }, each key once.")
            return
        for topic in topics:
            key = topic.get("key")
            if not isinstance(key, str) or not re.fullmatch(r"[a-z][a-z0-9-]{0,38}", key):
                self._fault(number, "topics", f"The topic key {key!r} has other than small letters, digits, hyphens.")
            self._texts(number, "topics", topic.get("title"))

    def _optional(self, number: int, purpose: dict[str, Any]) -> None:
        months = purpose.get("lifetime_months", 1)
        if not isinstance(months, int) or isinstance(months, bool) or not 1 <= months <= 120:
            self._fault(number, "lifetime_months", "lifetime_months is a whole number from 1 to 120.")
        if not isinstance(purpose.get("double_opt_in", False), bool):
            self._fault(number, "double_opt_in", "double_opt_in is true or false.")
        for name in ("family", "law"):
            if name in purpose:
                self._texts(number, name, purpose[name])

    def _law(self, number: int, purpose: dict[str, Any]) -> None:
        """Rule 2: what may not be tuned away."""
        kind, basis, default = purpose["kind"], purpose["basis"], purpose["default"]
        if default == "fixed" and (basis not in FIXED_BASES or kind != "service"):
            self._fault(number, "default", "A fixed purpose needs kind service and basis contract or legal obligation.")
        if basis in FIXED_BASES and kind != "service":
            self._fault(number, "basis", f"Basis {basis} is for services; {kind} needs another basis.")
        if basis == "consent" and default != "off":
            self._fault(number, "default", "Basis consent requires default off: silence is not a yes.")
        if basis == "existing customer" and (default != "off" or kind != "marketing" or "family" not in purpose):
            self._fault(
                number,
                "basis",
                "Basis existing customer requires kind marketing, default off, and a family of similar products.",
            )
        needs = sorted(NEEDS_A_YES & set(purpose["channels"]))
        if kind in ("marketing", "ads") and default == "on" and needs:
            self._fault(number, "default", f"Advertising is never on by itself on {', '.join(needs)}.")
        if basis == "legitimate interest" and kind != "service" and not purpose.get("right_to_object"):
            self._fault(
                number, "basis", "Legitimate interest in advertising needs right_to_object = true (told at first contact)."
            )
        if basis in ("consent", "existing customer") and "lifetime_months" not in purpose:
            self._fault(number, "lifetime_months", "A yes runs out: this purpose has no 'lifetime_months'.")
        if purpose.get("double_opt_in") and basis != "consent":
            self._fault(number, "double_opt_in", "Only consent is confirmed by a second step.")

    def _fault(self, number: int, name: str, sentence: str) -> None:
        self.file.wrong(sentence, "purpose", str(number), name)
