"""Every regular expression that the portal wrote itself, found in its source, and what would make a bad one slow."""

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from portal.settings import HOME

METHODS = ("match", "fullmatch", "search", "findall", "finditer", "sub", "subn", "split")
SOURCES = {file: file.read_text() for file in sorted((HOME / "portal").rglob("*.py"))}


@dataclass(frozen=True)
class Pattern:
    """One expression, and how it is used."""

    where: str
    pattern: str | bytes
    flags: int
    method: str

    def run(self, text: str) -> None:
        """As the portal does, on a text."""
        compiled: Any = re.compile(self.pattern, self.flags)
        given = text if isinstance(self.pattern, str) else text.encode("latin-1", "replace")
        if self.method in ("sub", "subn"):
            getattr(compiled, self.method)(given[:0], given)
        elif self.method == "finditer":
            for _each in compiled.finditer(given):
                pass
        else:
            getattr(compiled, self.method)(given)


def patterns() -> tuple[list[Pattern], list[str]]:
    """All of them, and where one stands that is put together only while it is used."""
    found, unknown = [], []
    for file, source in SOURCES.items():
        for call in ast.walk(ast.parse(source)) if re.search(r"\bre\.", source) else ():
            if not isinstance(call, ast.Call) or not (method := _method(call)):
                continue
            where = f"{file.relative_to(HOME)}:{call.lineno}"
            try:
                pattern, flags = _evaluated(file, call.args[0]), _flags(file, call, method)
            except NameError:
                names = sorted({each.id for each in ast.walk(call.args[0]) if isinstance(each, ast.Name)} - {"re"})
                unknown.append(" ".join([str(file.relative_to(HOME)), *names]))
                continue
            for each in _uses(file, call) if method == "compile" else [method]:
                found.append(Pattern(where, pattern, flags, each))
    return found, unknown


def slow_texts(pattern: Pattern, length: int) -> Iterator[str]:
    """Of the letters that the expression itself knows: each repeated, each two in turn, and after a beginning that fits."""
    letters, beginnings = _letters(pattern)
    for beginning, ending in product(beginnings, ("", "\0")):
        for one in letters:
            yield beginning + one * length + ending
        for one, other in product(letters[:7], letters[:7]):
            if one != other:
                yield beginning + (one + other) * (length // 2) + ending
    for whole in beginnings:
        if len(whole) > 1:
            yield whole * (length // len(whole))
            yield whole * (length // len(whole)) + "\0"


def _method(call: ast.Call) -> str | None:
    """The part of `re` that is called here."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in (*METHODS, "compile"):
        return None
    return call.func.attr if isinstance(call.func.value, ast.Name) and call.func.value.id == "re" else None


def _evaluated(file: Path, node: ast.expr) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    name = ".".join(file.relative_to(HOME).with_suffix("").parts).removesuffix(".__init__")
    return eval(compile(ast.Expression(node), str(file), "eval"), vars(importlib.import_module(name)))


def _flags(file: Path, call: ast.Call, method: str) -> int:
    named = [each.value for each in call.keywords if each.arg == "flags"]
    at = {"compile": 1, "sub": 4, "subn": 4, "split": 3}.get(method, 2)
    given = named or call.args[at : at + 1]
    return int(_evaluated(file, given[0])) if given else 0


def _uses(file: Path, call: ast.Call) -> list[str]:
    """How a compiled expression is used, anywhere."""
    line = SOURCES[file].splitlines()[call.lineno - 1]
    name = line.partition("=")[0].strip()
    holding = [text for text in SOURCES.values() if f"{name}." in text]
    used = {method for text in holding for method in re.findall(rf"\b{re.escape(name)}\.(\w+)\(", text)}
    return sorted(used & set(METHODS)) or ["search", "fullmatch"]


def _letters(pattern: Pattern) -> tuple[list[str], list[str]]:
    parser: Any = importlib.import_module("re._parser")
    letters: dict[str, None] = {}
    beginnings = {"": None, _fitting(parser.parse(pattern.pattern, pattern.flags), letters): None}
    fitting = list(beginnings)[-1]
    for cut in (1, 2, 3, len(fitting) // 2, len(fitting) - 1):
        beginnings[fitting[: max(0, cut)]] = None
    return [*list(letters)[:12], " "], list(beginnings)[:6]


def _fitting(parsed: Any, letters: dict[str, None]) -> str:
    """A text that fits (nearly), and on the way every letter that is named."""
    text = ""
    for kind, value in parsed:
        name = str(kind).lower()
        if name in ("literal", "not_literal"):
            letter = chr(value) if name == "literal" else "a"
            letters[letter] = None
            text += letter
        elif name == "in":
            some = [each for part in value for each in _of_class(part)] or ["a"]
            letters.update(dict.fromkeys(some))
            text += some[0]
        elif name == "any":
            letters.update({"a": None, "\n": None})
            text += "a"
        elif name == "branch":
            text += [_fitting(each, letters) for each in value[1]][0]  # noqa: RUF015  # each is looked at
        elif name == "subpattern":
            text += _fitting(value[-1], letters)
        elif name in ("max_repeat", "min_repeat", "possessive_repeat"):
            text += _fitting(value[2], letters) * max(1, min(value[0], 20))
        elif name in ("assert", "assert_not"):
            _fitting(value[1], letters)
        elif name == "atomic_group":
            text += _fitting(value, letters)
    return text


def _of_class(part: Any) -> list[str]:
    kind, value = str(part[0]).lower(), part[1]
    if kind == "literal":
        return [chr(value)]
    if kind == "range":
        return [chr(value[0]), chr(value[1])]
    named = {"digit": "7", "space": " ", "word": "w"}
    return [letter for name, letter in named.items() if kind == "category" and str(value).lower().endswith(f"_{name}")]
