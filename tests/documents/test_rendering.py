"""The same source gives the same bytes, and nothing in them can run or load."""

import pytest

from portal.documents import Faulty
from portal.documents.rendering import render, split, title_of

HOSTILE = """# Hello <script>alert(1)</script>

![pixel](https://tracker.example.com/p.gif) [run](javascript:alert(1)) [plain](http://example.com)
<img src=x onerror=alert(1)><iframe src="https://example.com"></iframe><p style="position:fixed" onclick="x()">Text</p>
[write](mailto:olga@example.com) [rights](/requests)
"""


def test_the_same_source_gives_the_same_bytes() -> None:
    source = "+++\ntitle = 'A'\n+++\n\n# Țară\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    assert render(source) == render(source)
    assert render(source).startswith("<h1>Țară</h1>\n<table>".encode())


def test_nothing_in_a_published_text_can_run_or_load_from_elsewhere() -> None:
    html = render(HOSTILE).decode()
    for forbidden in ("<script", "<img", "<iframe", 'href="javascript', "onerror", "onclick", "style", "http://"):
        assert forbidden not in html
    assert '<a href="mailto:olga@example.com">write</a>' in html and '<a href="/requests">rights</a>' in html


def test_ready_html_is_cleaned_and_kept() -> None:
    html = '<section class="purpose" lang="ro"><h3>Scrisori</h3><p>Cărți noi.</p></section>'
    assert render(html) == html.encode() + b"\n"
    assert title_of(html, render(html), "newsletter") == "Scrisori"


def test_the_title_comes_from_the_front_matter_or_the_first_heading() -> None:
    assert title_of("+++\ntitle = 'Short'\n+++\n# Long & *wide*\n", b"<h1>Long</h1>", "key") == "Short"
    assert title_of("# x", b"<h1>Long &amp; <em>wide</em></h1>", "key") == "Long & wide"
    assert title_of("x", b"<p>x</p>", "key") == "key"


def test_malformed_front_matter_is_told_with_file_and_line() -> None:
    with pytest.raises(Faulty) as problem:
        split("+++\ntitle = 'A'\nmaterial = yes\n+++\ntext\n", "policies/notices/x/en.md")
    assert [(fault.file, fault.line) for fault in problem.value.faults] == [("policies/notices/x/en.md", 3)]
    with pytest.raises(Faulty, match=r"policies/notices/x/en\.md:1: .*second"):
        split("+++\ntitle = 'A'\n\ntext\n", "policies/notices/x/en.md")


def test_the_body_knows_on_which_line_of_the_file_it_starts() -> None:
    text = split("+++\ntitle = 'A'\n+++\n\n\n# Here\n")
    assert (text.first_line, text.body, text.front) == (6, "# Here\n", {"title": "A"})
