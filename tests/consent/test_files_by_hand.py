"""Whatever file of the rules somebody wrote: what cannot be read at all is told with its line, by all readers alike."""

from collections.abc import Callable
from pathlib import Path

import pytest

from portal.consent import collection_points_file, precedence, purposes_file
from portal.consent.vendors import read_map
from portal.handwritten import Faulty

READERS: list[Callable[[Path], object]] = [
    lambda path: purposes_file.read(path, ["en"]),
    lambda path: collection_points_file.read(path, ["en"]),
    precedence.read,
    read_map,
]


@pytest.mark.parametrize("reader", READERS, ids=["purposes", "points", "precedence", "map"])
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"# a\r\n# caf\xe9\r\n", "file.toml:2: This is not UTF-8 text"),
        (b"# a\na = \n", "file.toml:2: This is not valid TOML: "),
        (b"# a\n\na = [\n1,\n\n", "file.toml:4: This is not valid TOML: "),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(
    tmp_path: Path, reader: Callable[[Path], object], content: bytes, told: str
) -> None:
    (tmp_path / "file.toml").write_bytes(content)
    with pytest.raises(Faulty) as refused:
        reader(tmp_path / "file.toml")
    assert refused.value.sentence.startswith(told)


@pytest.mark.parametrize("reader", [READERS[0], READERS[3]], ids=["purposes", "map"])
def test_a_file_that_is_needed_and_missing_is_named(tmp_path: Path, reader: Callable[[Path], object]) -> None:
    with pytest.raises(Faulty, match="^file.toml:1: This file cannot be read: No such file"):
        reader(tmp_path / "file.toml")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[purpose]]\n[[purpose]]\n", {(1, "This purpose has no 'key'."), (2, "This purpose has no 'key'.")}),
        ("\npurpose = [1]\n", {(2, "There is no [[purpose]].")}),
        ("[controller]\nname = 1\n[other]\n", {(2, "A [controller] with a name is missing"), (3, "Unknown part 'other'")}),
    ],
)
def test_a_list_of_purposes_of_another_shape_is_told_with_its_lines(
    tmp_path: Path, text: str, told: set[tuple[int, str]]
) -> None:
    (tmp_path / "purposes.toml").write_text(text)
    with pytest.raises(Faulty) as refused:
        purposes_file.read(tmp_path / "purposes.toml", ["en"])
    assert all(any((each.line == line) and sentence in each.sentence for each in refused.value.faults) for line, sentence in told)


def test_a_text_of_a_collection_point_is_told_with_its_own_line(tmp_path: Path) -> None:
    path = tmp_path / "collection-points.toml"
    path.write_text('[order]\n# texts: newsletter/de\ntexts = [\n  "newsletter/en",\n  "newsletter/de",\n]\n')
    with pytest.raises(Faulty) as refused:
        collection_points_file.read(path, ["en"])
    assert [each.line for each in refused.value.faults] == [5]
