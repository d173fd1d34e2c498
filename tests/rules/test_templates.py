"""What every template keeps: it compiles, says what it needs, has one root where it is an answer, and no script of its own."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import nodes

from portal.paper.templates import _environment
from portal.settings import HOME

FOLDER = HOME / "portal" / "templates"
TEMPLATES = sorted(FOLDER.rglob("*.html"))
STATIC = HOME / "portal" / "static"
# Mail programs read no style sheets, so mails alone may carry their style with them.
STYLED = ("mail/",)
# Kept as a file and opened from disk: its script and style stand in it, admitted by their hashes.
SELF_CONTAINED = "public/verify.html"
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr", "path"}
HTMX_USED = {"hx-get", "hx-post", "hx-put", "hx-delete", "hx-target", "hx-swap", "hx-trigger"}
CSS_CAPS = {"tokens.css": 4_000, "page.css": 10_000, "controls.css": 8_000, "tables.css": 8_000}
CAP_OF_OTHERS, CAP_OF_ALL = 6_000, 36_000


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: str(file.relative_to(FOLDER)))
def test_a_template_compiles_and_says_first_what_it_needs(file: Path) -> None:
    _environment().get_template(str(file.relative_to(FOLDER)))
    assert file.read_text().startswith("{#"), "Its first line is a comment that names its inputs."


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: str(file.relative_to(FOLDER)))
def test_a_template_brings_no_script_and_no_style_of_its_own(file: Path) -> None:
    text = _without_comments(file.read_text())
    assert re.findall(r"(?i)\shx-on|\bjs:|javascript:|<iframe|<object|<embed|<base\b", text) == []
    assert re.findall(r"(?i)<[^>]*\son[a-z]+\s*=", text) == []
    assert set(re.findall(r"\bhx-[a-z-]+", text)) <= HTMX_USED
    name = str(file.relative_to(FOLDER))
    if name == SELF_CONTAINED:
        text = text.replace("<style>{{ style | safe }}</style>", "", 1).replace("<script>{{ script | safe }}</script>", "", 1)
    # The second is the script for websites, in its preview.
    ours = ('src="{{ static(', 'src="{{ script.path }}" integrity="{{ script.integrity }}"')
    assert [each for each in re.findall(r"(?is)<script\b.*?>", text) if not any(one in each for one in ours)] == []
    if not name.startswith(STYLED):
        assert re.findall(r"(?i)<style\b|\sstyle\s*=", text) == []


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: str(file.relative_to(FOLDER)))
def test_nothing_is_marked_as_safe_but_what_we_stored_and_cleaned(file: Path) -> None:
    found = re.findall(r"\{\{[^}]*\|\s*safe[^}]*\}\}|\bMarkup\b|autoescape\s+false", file.read_text())
    # An edition's HTML was cleaned when it was published; a comparison escapes every word it is made of.
    allowed = {"public/text.html": ["{{ text | safe }}"], "public/changes.html": ["{{ compared | safe }}"]}
    allowed[SELF_CONTAINED] = ["{{ style | safe }}", "{{ script | safe }}"]
    assert found == allowed.get(str(file.relative_to(FOLDER)), [])


def test_an_answer_to_htmx_has_one_root_with_an_id() -> None:
    answers = [
        file for door in ("public", "admin") for file in (FOLDER / door).glob("_*.html") if "{% macro" not in file.read_text()
    ]
    assert answers
    for file in answers:
        roots = _Roots(_html_of(_environment().parse(file.read_text()))).found
        assert len(roots) == 1 and "id" in roots[0], f"{file.name}: {roots}"


def test_both_layouts_load_the_htmx_that_we_vendored() -> None:
    digest = base64.b64encode(hashlib.sha384((STATIC / "js" / "htmx.min.js").read_bytes()).digest()).decode()
    end = (FOLDER / "parts" / "head-end.html").read_text()
    assert f'htmx.min.js\') }}}}" integrity="sha384-{digest}"' in end
    assert '"includeIndicatorCSS":false' in (FOLDER / "parts" / "head.html").read_text()
    for layout in ("public/layout.html", "admin/layout.html"):
        text = (FOLDER / layout).read_text()
        assert '{% include "parts/head.html" %}' in text and '{% include "parts/head-end.html" %}' in text


def test_the_style_sheets_stay_small() -> None:
    sizes = {file.name: file.stat().st_size for file in (STATIC / "css").glob("*.css")}
    assert {name: size for name, size in sizes.items() if size > CSS_CAPS.get(name, CAP_OF_OTHERS)} == {}
    assert sum(sizes.values()) <= CAP_OF_ALL


def test_our_own_files_load_nothing_from_elsewhere() -> None:
    scripts = [file for file in (STATIC / "js").glob("*.js") if file.name != "htmx.min.js"]
    for file in [*(STATIC / "css").glob("*.css"), *scripts, *(STATIC / "icons").glob("*")]:
        assert re.findall(r"(?i)@import|url\(\s*['\"]?(?:https?:)?//|\beval\(|innerHTML\s*=|new Function", file.read_text()) == []


def _without_comments(text: str) -> str:
    return re.sub(r"(?s)\{#.*?#\}", "", text)


def _html_of(node: nodes.Node) -> str:
    """The HTML of a template alone: of a choice the first way, of a loop one turn."""
    if isinstance(node, nodes.TemplateData):
        return node.data
    if isinstance(node, nodes.Output):
        return "".join(_html_of(each) if isinstance(each, nodes.TemplateData) else "x" for each in node.nodes)
    return "".join(_html_of(each) for each in getattr(node, "body", []))


class _Roots(HTMLParser):
    """The elements at the top, each with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []
        self.depth = 0
        self.feed(text)
        assert self.depth == 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.depth == 0:
            self.found.append(dict(attrs))
        self.depth += tag not in VOID

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag not in VOID
