"""What every paper of a case begins with: who writes, in which language, and the company's colour beside paper.css."""

from typing import Any

from markupsafe import Markup

from portal import documents
from portal.cases import plain_words
from portal.paper import _, language


def letterhead() -> dict[str, Any]:
    """The inputs of pdf/_letterhead.html, in the language of the moment."""
    company = documents.company()
    page = f"@page {{ @bottom-right {{ content: {_page_count()} }} }}"
    # The accent was checked to be a colour when the file was read; the rest is ours.
    style = Markup(f"<style>:root {{ --accent: {company.brand.accent} }} {page}</style>")  # noqa: S704  # see above
    return {"company": company, "language": language(), "style": style, "words": plain_words}


def _page_count() -> str:
    """`Page 1 of 3` as a value for CSS: the printer counts."""
    text = _("Page %(page)s of %(pages)s") % {"page": "\0", "pages": "\1"}
    safe = "".join(each for each in text if each not in '"\\<>\n')
    return '"' + safe.replace("\0", '" counter(page) "').replace("\1", '" counter(pages) "') + '"'
