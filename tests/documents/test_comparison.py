"""What changed between two editions, for eyes and for ears."""

from portal import documents
from portal.documents.comparison import blocks, compare_html
from portal.paper import in_language
from tests.conftest import House

OLD = """# Promises

We answer within 30 days.

- We never sell your data.
- We write once a week.

## Calls

We may call you.
"""
NEW = """# Promises

We answer within 20 days.

- We never sell your data.
- We write once a month.

## Post

A leaflet each spring, if you like.
"""


async def test_each_changed_word_is_marked_and_spoken(house: House) -> None:
    older = await documents.publish("statement", {"en": OLD}, kind="statement", by="officer:olga")
    newer = await documents.publish("statement", {"en": NEW}, kind="statement", by="officer:olga")
    html = documents.compare(older, newer)
    assert '<del><span class="visually-hidden">removed: </span>30</del>' in html
    assert '<ins><span class="visually-hidden">added: </span>20</ins> days.' in html
    assert "<li>We never sell your data.</li>" in html
    assert "We may call you.</del>" in html and "A leaflet each spring, if you like.</ins>" in html
    changes = documents.changes_between(older, newer)
    assert [str(change) for change in changes] == [
        "Was: We answer within 30 days. Now: We answer within 20 days.",
        "Was: We write once a week. Now: We write once a month.",
        "Removed: Calls",
        "Removed: We may call you.",
        "Added: Post",
        "Added: A leaflet each spring, if you like.",
    ]
    assert [change.under for change in changes] == ["Promises", "Promises", "Calls", "Calls", "Post", "Post"]


def test_equal_texts_have_no_marks() -> None:
    html = compare_html(b"<h1>A</h1><p>one &amp; two</p>", b"<h1>A</h1><p>one &amp; two</p>")
    assert html == "<h1>A</h1>\n<p>one &amp; two</p>\n"


def test_a_table_row_is_compared_as_one_line() -> None:
    row = b"<table><tbody><tr><th>Invoices</th><td>%s</td></tr></tbody></table>"
    assert [block.text for block in blocks(row % b"5 years")] == ["Invoices · 5 years"]
    assert '<p class="row">Invoices · ' in compare_html(row % b"10 years", row % b"5 years")


def test_a_difference_cannot_smuggle_markup_in() -> None:
    html = compare_html(b"<p>a</p>", b"<p>a &lt;script&gt;x&lt;/script&gt;</p>")
    assert "<script>" not in html and "&lt;script&gt;" in html


def test_marks_are_spoken_in_the_readers_language() -> None:
    with in_language("en"):
        assert "added:" in compare_html(b"<p>a b c</p>", b"<p>a b c d</p>")
