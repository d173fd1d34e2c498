"""Where something stands in a file that a person wrote, and that every mistake in it is told at once."""

from pathlib import Path

import pytest

from portal.handwritten import Fault, Faulty, Toml, content_of, read, text_of

SHOP = """# on_erase = "a comment is no key"
title = "Shop"
address.town = "Cluj"

[tables."Order Line"] # the rows of an order
label = "label, title and key"
keys = [
  "id", # not "line"
  "line",
  "line",
]
key = 1
text = '''
[purpose]
key = "not a key"
'''

[[purpose]]
key = "newsletter"

[[purpose]]
key = "offers"
title = { en = "Offers", ro = "Oferte" }
[purpose.retention]
en = "A year"
[[purpose.topic]]
key = "books"
[[purpose.topic]]
key = "films"

[[purpose]]
"key" = "post"
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("title", 2),
        ("address town", 3),
        ("tables", 5),
        ("tables Order_Line key", 12),
        ("tables Order_Line text", 13),
        ("tables Order_Line on_erase", 5),
        ("purpose", 18),
        ("purpose 1 key", 19),
        ("purpose 1 title", 18),
        ("purpose 2 title en", 23),
        ("purpose 2 retention", 24),
        ("purpose 2 retention en", 25),
        ("purpose 2 topic 2 key", 29),
        ("purpose 3 key", 32),
        ("purpose 3 retention", 31),
        ("on_erase", 1),
    ],
)
def test_a_path_leads_to_the_line_where_it_stands_or_to_the_part_that_lacks_it(path: str, line: int) -> None:
    assert Toml("shop.toml", SHOP).line(*(name.replace("_L", " L") for name in path.split())) == line


def test_a_word_is_found_as_a_key_or_where_it_is_written_and_not_in_a_comment() -> None:
    file = Toml("shop.toml", SHOP)
    assert file.line_of("key", "tables", "Order Line") == 12
    assert [file.line_of("line", "tables", "Order Line", "keys", nth=nth) for nth in range(3)] == [9, 10, 7]
    assert file.line_of("Oferte", "purpose", "2") == 23
    assert file.line_of("Oferte", "purpose", "1") == 18


def test_a_value_is_asked_for_by_its_path() -> None:
    file = Toml("shop.toml", SHOP)
    assert file.at("purpose", "2", "topic", "1", "key") == "books"
    assert [file.at(*path) for path in (("purpose", "4"), ("purpose", "0"), ("title", "en"), ("nothing",))] == [None] * 4


@pytest.mark.parametrize(
    ("text", "line"),
    [("a = 1\nb = \nc = 3\n", 2), ("a = 1\n\nb = [\n1,\n\n\n", 4), ("[a]\n\n[a]\n", 3), ('a = """\n', 1)],
)
def test_what_is_not_toml_is_told_with_its_line(text: str, line: int) -> None:
    with pytest.raises(Faulty, match="^shop.toml:") as refused:
        Toml("shop.toml", text)
    [fault] = refused.value.faults
    assert fault.line == line and fault.sentence.startswith("This is not valid TOML: ") and "(at " not in fault.sentence


def test_a_file_is_text_whatever_editor_saved_it(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_bytes(b"\xef\xbb\xbfa = 1\r\n[b]\r\nc = 2\r\n")
    assert read(tmp_path / "shop.toml").line("b", "c") == 3


def test_bytes_that_are_no_text_and_a_file_that_is_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(Faulty, match=r"^shop.toml:3: This is not UTF-8 text\.$"):
        text_of(b"a = 1\r\n\r\nb = '\xe9'\n", "shop.toml")
    with pytest.raises(Faulty, match="^gone.toml:1: This file cannot be read: No such file"):
        content_of(tmp_path / "gone.toml", "gone.toml")


def test_all_that_is_missing_misspelt_or_of_another_kind_is_told_at_once_in_the_order_of_the_lines() -> None:
    file = Toml("shop.toml", 'b = true\na = -1\nf = "yes"\nl = ["x", 1]\n[s]\nc = 1\n[t]\n')
    kinds = {"a": int, "b": int, "f": bool, "l": list, "s": str, "t": dict, "gone": str, "may": str}
    assert file.part(kinds, optional=["may"]) == {"t": {}}
    assert file.part({"known": str}, "s", optional=["known"]) == {}
    assert file.part({"known": str}, "a") == {} and file.part({"known": str}, "gone") == {}
    with pytest.raises(Faulty) as refused:
        file.done()
    assert refused.value.sentence.splitlines() == [
        "shop.toml:1: 'gone' is missing here.",
        "shop.toml:1: b must be a whole number, 0 or more.",
        "shop.toml:2: a must be a section of keys and values.",
        "shop.toml:2: a must be a whole number, 0 or more.",
        "shop.toml:3: f must be true or false.",
        "shop.toml:4: l must be a list of texts in quotes.",
        "shop.toml:5: s must be a text in quotes.",
        "shop.toml:6: c is not known here. Known: known.",
    ]


def test_a_file_with_nothing_wrong_is_done() -> None:
    file = Toml("shop.toml", "a = 0\n")
    assert file.part({"a": int}) == {"a": 0}
    file.done()
    assert Fault("shop.toml", 3, "No.").place == "shop.toml, line 3"
