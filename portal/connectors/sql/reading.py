"""Typed reading of one section of a map, so that each wrong value is refused with its line."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from portal.connectors.contract import Value
from portal.connectors.toml_file import Misconfigured, TomlFile
from portal.paper import _

T = TypeVar("T", bound=str)


class Section:
    """The keys of one section; `path` is its header."""

    def __init__(self, file: TomlFile, path: tuple[str, ...], data: object) -> None:
        self.file = file
        self.path = path
        if not isinstance(data, dict):
            raise self.error(_("%s must be a section of keys and values.") % ".".join(path), *path[-1:])
        self.data: dict[str, Any] = data

    def error(self, what: str, *words: str) -> Misconfigured:
        return self.file.error(what, self.path, *words)

    def only(self, *known: str) -> None:
        self.file.only(known, *self.path)

    def text(self, key: str) -> str | None:
        value = self.data.get(key)
        if value is not None and (not isinstance(value, str) or not value):
            raise self.error(_("%s must be a text in quotes.") % key, key)
        return value

    def needed(self, key: str) -> str:
        value = self.text(key)
        if value is None:
            raise self.error(_("%s is missing here.") % key)
        return value

    def one_of(self, key: str, choices: Sequence[T]) -> T:
        value = self.needed(key)
        for choice in choices:
            if value == choice:
                return choice
        what = _("%(key)s must be one of %(choices)s, not %(value)s.")
        raise self.error(what % {"key": key, "choices": ", ".join(choices), "value": value}, key)

    def flag(self, key: str, *, default: bool) -> bool:
        value = self.data.get(key, default)
        if not isinstance(value, bool):
            raise self.error(_("%s must be true or false.") % key, key)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """One text or a list of them."""
        value = self.data.get(key, [])
        found = [value] if isinstance(value, str) else value
        if not isinstance(found, list) or not all(isinstance(text, str) and text for text in found):
            raise self.error(_("%s must be a text or a list of texts.") % key, key)
        return tuple(found)

    def table(self, key: str) -> Mapping[str, Any]:
        value = self.data.get(key, {})
        if not isinstance(value, dict):
            raise self.error(_("%s must be a section of keys and values.") % key, key)
        return value

    def text_table(self, key: str) -> dict[str, str]:
        value = self.table(key)
        for name, text in value.items():
            if not isinstance(text, str) or not text:
                raise self.error(_("%s must be a text in quotes.") % name, key, name)
        return dict(value)

    def values(self, key: str) -> dict[str, Value]:
        value = self.table(key)
        for name, each in value.items():
            if not isinstance(each, str | int | float):
                raise self.error(_("%s must be a text, a number, true or false.") % name, key, name)
        return dict(value)
