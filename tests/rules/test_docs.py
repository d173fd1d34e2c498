"""The operator's docs cannot drift from the code."""

import re
from dataclasses import fields

from portal.settings import HOME, Settings

OPERATE = (HOME / "docs" / "operate.md").read_text()
MAP = (HOME / "docs" / "map.md").read_text()


def test_every_setting_is_documented_with_its_line_of_help() -> None:
    rows = dict(re.findall(r"(?m)^\| `(PORTAL_\w+)`[^|]*\|[^|]*\| (.*) \|$", OPERATE))
    assert rows == {f"PORTAL_{each.name.upper()}": each.metadata["help"] for each in fields(Settings)}


def test_the_map_names_every_room_and_nothing_that_is_gone() -> None:
    there = {path.name for path in (HOME / "portal").iterdir() if (path / "__init__.py").exists()}
    drawn = set(re.findall(r"`portal/(\w+)/`", MAP)) - {"templates", "static", "locale"}
    assert drawn == there
