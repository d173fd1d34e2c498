"""Jinja templates of pages, mails and PDFs: autoescaped, and a name that is missing is an error, never a blank."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from portal.paper.languages import _, ngettext
from portal.paper.numbers import date_text, moment_text, month_text, weekday_names
from portal.settings import get

HERE = Path(__file__).resolve().parent.parent
STATIC = HERE / "static"


def render(name: str, /, **context: Any) -> str:
    """A template with its context, in the language of the moment."""
    return _environment().get_template(name).render(**context)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(default=True, disabled_extensions=("txt",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_callables(_, ngettext, newstyle=True)  # type: ignore[attr-defined]  # added by the extension
    environment.globals.update(static=static, address=address, weekday_names=weekday_names)
    environment.filters.update(date=date_text, moment=moment_text, month=month_text, json=_json)
    return environment


def static(path: str) -> str:
    """The address of a file under static/, with its hash, so that browsers may keep it for ever."""
    return f"/static/{_fingerprint(path)}/{path}"


def address(path: str) -> str:
    """A full address for mails and papers, built from PORTAL_BASE_URL alone."""
    return get().base_url.rstrip("/") + path


@cache
def _fingerprint(path: str) -> str:
    return hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:10]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)
